/* SPDX-License-Identifier: MIT
 * Pid namespaces inside of one that is made for the tree: see nested_pids.h.
 *
 * live-unshare: --pid
 */
#include "tests/live/nested_pids.h"

int main(void)
{
	nested_run();
}
