/* SPDX-License-Identifier: MIT
 * Shared anonymous memory that is open as a file, too: one object afterwards as before.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define PAGE 4096ul

int main(void)
{
	char path[96], byte;
	volatile char *at =
	    mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	live_must(at != MAP_FAILED);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)at,
		 (unsigned long)at + 4 * PAGE);
	int fd = open(path, O_RDWR);
	live_must(fd >= 0);
	at[PAGE] = 'a';
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		live_wait();
		while (at[2 * PAGE] != 'g')
			live_sleep_ms(1);
		at[3 * PAGE] = 'c';
		_exit(0);
	}
	live_ready();
	live_check(pread(fd, &byte, 1, PAGE) == 1 && byte == 'a', "the file has %d", byte);
	live_check(pwrite(fd, "g", 1, 2 * PAGE) == 1 && at[2 * PAGE] == 'g',
		   "the mapping has not what is written to the file");
	int status;
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "child: %#x", status);
	live_check(pread(fd, &byte, 1, 3 * PAGE) == 1 && byte == 'c', "the child's is another");
	live_pass();
}
