/* SPDX-License-Identifier: MIT
 * Huge pages of MAP_HUGETLB are refused by name, and the program lives on.
 * live-refuse: huge pages
 * live-skip: test "$(cat /proc/sys/vm/nr_hugepages)" -gt 0
 */
#include <sys/mman.h>

#include "tests/live/live.h"

int main(void)
{
	live_must(mmap(NULL, 2 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1,
		       0) != MAP_FAILED);
	live_ready();
	live_pass();
}
