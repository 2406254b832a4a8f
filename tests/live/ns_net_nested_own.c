/* SPDX-License-Identifier: MIT
 * Several network namespaces, while the root is in that of who dumps it.
 *
 * live-net: true
 * live-dump: --tcp-established
 * live-restore: --tcp-established
 */
#include "tests/live/nested.h"

int main(void)
{
	nested_run("ifb");
}
