/* SPDX-License-Identifier: MIT
 * Touch as much memory as a pass of the benchmark will need and give it back: on a virtual machine
 * the first touch of a page may cost the host more than all that is measured, and whoever comes
 * second would find it done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
	size_t len = (argc > 1 ? strtoul(argv[1], NULL, 10) : 0) << 20;
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED) {
		perror("warm");
		return 1;
	}
	return 0;
}
