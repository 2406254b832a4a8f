/* SPDX-License-Identifier: MIT
 * Memory shared with a child and with a file stays shared; private file pages keep their changes.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define PAGE 4096ul

int main(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	char page[PAGE];
	char name[4096];
	snprintf(name, sizeof(name), "%s", live_path("data"));
	int fd = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	live_must(fd >= 0);
	for (int i = 0; i < 8; i++) {
		memset(page, 'a' + i, PAGE);
		live_must(write(fd, page, PAGE) == (ssize_t)PAGE);
	}
	volatile char *file = mmap(NULL, 8 * PAGE, rw, MAP_SHARED, fd, 0);
	volatile char *copy = mmap(NULL, 4 * PAGE, rw, MAP_PRIVATE, fd, 2 * PAGE);
	volatile char *anon = mmap(NULL, 16 * PAGE, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	live_must(file != MAP_FAILED && copy != MAP_FAILED && anon != MAP_FAILED);
	close(fd);
	copy[PAGE] = 'X';
	anon[3 * PAGE] = 's';
	live_must(mprotect((char *)anon + 8 * PAGE, PAGE, PROT_READ) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		/* a hole the parent maps, and half of it by another address */
		live_must(munmap((char *)anon + 12 * PAGE, PAGE) == 0);
		live_wait();
		while (anon[0] != '1')
			live_sleep_ms(1);
		live_check(anon[3 * PAGE] == 's', "shared page is %d in the child", anon[3 * PAGE]);
		anon[PAGE] = '2';
		file[5 * PAGE] = 'C';
		_exit(0);
	}
	anon[15 * PAGE] = 'e';
	live_ready();
	live_check(anon[3 * PAGE] == 's' && anon[15 * PAGE] == 'e', "a shared page is lost");
	live_check(anon[4 * PAGE] == 0, "an empty page is %d", anon[4 * PAGE]);
	anon[0] = '1';
	int status;
	live_must(waitpid(pid, &status, 0) == pid);
	live_check(status == 0, "child ends with %#x", status);
	live_check(anon[PAGE] == '2', "what the child wrote is not seen");
	live_check(file[5 * PAGE] == 'C', "what the child wrote to the file is not seen");
	live_check(copy[PAGE] == 'X' && copy[PAGE + 1] == 'd' && copy[0] == 'c',
		   "the private copy is %c%c%c", copy[PAGE], copy[PAGE + 1], copy[0]);
	fd = open(name, O_RDONLY);
	live_must(pread(fd, page, 1, 5 * PAGE) == 1);
	live_check(page[0] == 'C', "the file is no longer behind its mapping");
	close(fd);
	live_pass();
}
