/* SPDX-License-Identifier: MIT
 * Several network namespaces, that of the root one of the tree's own, with a pair of
 * devices between it and another.
 *
 * live-unshare: --pid --net
 * live-dump: --tcp-established
 * live-restore: --tcp-established
 */
#include "tests/live/nested.h"

int main(void)
{
	nested_run("veth peer name c0 netns /proc/self/fd/$HOME_NS");
}
