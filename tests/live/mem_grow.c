/* SPDX-License-Identifier: MIT
 * Heap and stack go on growing where they are.
 */
#include <sys/mman.h>

#include "tests/live/live.h"

static int deep(int n)
{
	volatile char block[4096];
	memset((char *)block, n, sizeof(block));
	return n ? deep(n - 1) + (block[7] != (char)n) : 0;
}

int main(void)
{
	char *heap = sbrk(3 * 4096 + 123);
	live_must(heap != (void *)-1);
	memset(heap, 'h', 3 * 4096 + 123);
	char *end = sbrk(0);
	char *area = mmap((void *)0x10010000000, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0);
	live_must(area != MAP_FAILED);
	area[0] = 'd';
	live_ready();
	live_check(sbrk(0) == end, "the break moved from %p to %p", end, sbrk(0));
	live_check(heap[0] == 'h' && end[-1] == 'h', "the heap is lost");
	live_check(sbrk(100000) == end, "the heap does not go on at its end");
	memset(end, 'i', 100000);
	live_check(deep(1000) == 0, "the stack is broken");
	live_check(area[0] == 'd', "the growing mapping is lost");
	for (int i = 1; i < 20; i++)
		area[-i * 4096] = i;
	live_pass();
}
