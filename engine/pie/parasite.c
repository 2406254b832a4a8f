/* SPDX-License-Identifier: MIT
 * The parasite: runs inside a frozen task and tells what cannot be read from outside.
 */
__attribute__((section(".text.entry"), used)) void pie_entry(void);
void pie_entry(void)
{
}
