/* SPDX-License-Identifier: MIT
 * Huge pages: private, shared with a child, of a memfd, read only, never touched.
 * live-skip: test "$(cat /proc/sys/vm/nr_hugepages)" -ge 12
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define HUGE (2ul << 20)

static char *map(size_t nr, int prot, int flags, int fd)
{
	char *at = mmap(NULL, nr * HUGE, prot, flags, fd, 0);
	live_must(at != MAP_FAILED);
	return at;
}

/* Huge pages behind the mapping at an address, and pages of it present. */
static long huge_kib(const void *at)
{
	char line[256];
	unsigned long start, end;
	long kib, value = -1;
	int here = 0;
	FILE *f = fopen("/proc/self/smaps", "r");
	live_check(f, "open smaps: %s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = (unsigned long)at >= start && (unsigned long)at < end;
		if (here && sscanf(line, "KernelPageSize: %ld", &kib) == 1)
			value = kib;
	}
	fclose(f);
	return value;
}

int main(void)
{
	const int rw = PROT_READ | PROT_WRITE, anon = MAP_ANONYMOUS | MAP_HUGETLB;
	volatile char *private = map(2, rw, MAP_PRIVATE | anon, -1);
	volatile char *shared = map(2, rw, MAP_SHARED | anon, -1);
	char *read_only = map(1, rw, MAP_PRIVATE | anon, -1);
	char *never = map(1, rw, MAP_PRIVATE | anon | MAP_NORESERVE, -1);
	int fd = memfd_create("huge", MFD_HUGETLB | MFD_ALLOW_SEALING);
	live_must(fd >= 0 && ftruncate(fd, 2 * HUGE) == 0);
	volatile char *file = map(2, rw, MAP_SHARED, fd);
	private[HUGE + 5] = 'p';
	shared[7] = 's';
	file[HUGE + 9] = 'f';
	read_only[11] = 'r';
	live_must(mprotect(read_only, HUGE, PROT_READ) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		munmap((char *)private, 2 * HUGE);
		live_wait();
		while (shared[0] != '1')
			live_sleep_ms(1);
		file[3] = 'c';
		_exit(shared[7] == 's' ? 0 : 1);
	}
	live_ready();
	live_check(huge_kib((char *)private) == 2048 && huge_kib((char *)shared) == 2048 &&
		       huge_kib(never) == 2048 && huge_kib((char *)file) == 2048,
		   "pages are of %ld, %ld, %ld, %ld KiB", huge_kib((char *)private),
		   huge_kib((char *)shared), huge_kib(never), huge_kib((char *)file));
	live_check(private[HUGE + 5] == 'p' && private[0] == 0, "private memory");
	live_check(read_only[11] == 'r', "read-only memory");
	live_check(shared[7] == 's' && file[HUGE + 9] == 'f', "shared memory");
	shared[0] = '1';
	int status;
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "child: %#x", status);
	live_check(file[3] == 'c', "the child's write to the file is not seen");
	char byte;
	live_check(pread(fd, &byte, 1, HUGE + 9) == 1 && byte == 'f',
		   "the file has other contents");
	live_check(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0, "seal: %s", strerror(errno));
	live_pass();
}
