/* SPDX-License-Identifier: MIT
 * The restorer: the last code that runs in a restored task before its own.
 */
__attribute__((section(".text.entry"), used)) void pie_entry(void);
void pie_entry(void)
{
}
