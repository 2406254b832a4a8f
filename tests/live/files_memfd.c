/* SPDX-License-Identifier: MIT
 * memfds: contents with holes, offsets, ways of opening, seals, mode, names, and mappings that are
 * shared, private, older than a seal, in two processes.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

#define PAGE 4096ul

static int reopen(int fd, int flags)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags);
}

static void check_name(int fd, const char *name)
{
	char path[64], link[256] = "";
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	live_check(readlink(path, link, sizeof(link) - 1) > 0 && !strcmp(link, name),
		   "fd %d is %s, was %s", fd, link, name);
}

static char *map(int fd, size_t len, int prot, int how)
{
	char *at = mmap(NULL, len, prot, how, fd, 0);
	live_must(at != MAP_FAILED);
	return at;
}

int main(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	char buf[64];
	int plain = memfd_create("plain one", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int odd = memfd_create("\xce\xb1 (deleted)", 0), empty = memfd_create("", 0);
	int sealed = memfd_create("sealed", MFD_ALLOW_SEALING);
	int future = memfd_create("future", MFD_ALLOW_SEALING),
	    only_mapped = memfd_create("map", 0);

	live_must(ftruncate(plain, 20 * PAGE + 100) == 0 && pwrite(plain, "head", 4, 0) == 4 &&
		  pwrite(plain, "middle", 6, 7 * PAGE + 10) == 6 &&
		  pwrite(plain, "tail", 4, 20 * PAGE + 96) == 4);
	live_must(lseek(plain, 77, SEEK_SET) == 77);
	int reader = reopen(plain, O_RDONLY), appender = reopen(plain, O_WRONLY | O_APPEND);
	int copy = dup(reader);
	live_must(reader >= 0 && appender >= 0 && lseek(reader, 5, SEEK_SET) == 5);
	live_must(write(odd, "odd", 3) == 3 && fchmod(odd, 0640) == 0 && fchown(odd, 5, 6) == 0);
	live_must(write(sealed, "sealed", 6) == 6);
	live_must(fcntl(sealed, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
	char *sealed_map = map(reopen(sealed, O_RDONLY), PAGE, PROT_READ, MAP_SHARED);

	live_must(ftruncate(future, (off_t)PAGE) == 0);
	char *future_map = map(future, PAGE, rw, MAP_SHARED);
	int has_future = fcntl(future, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0;

	live_must(ftruncate(only_mapped, 8 * PAGE) == 0 && pwrite(only_mapped, "mine", 4, 0) == 4);
	volatile char *shared = map(only_mapped, 8 * PAGE, rw, MAP_SHARED);
	volatile char *private = map(only_mapped, 8 * PAGE, rw, MAP_PRIVATE);
	private[3 * PAGE] = 'p';
	close(only_mapped);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		live_wait();
		while (shared[2 * PAGE] != 'g')
			live_sleep_ms(1);
		live_check(lseek(plain, 0, SEEK_CUR) == 77, "offset in the child");
		shared[2 * PAGE] = 'c';
		_exit(0);
	}

	live_ready();

	check_name(plain, "/memfd:plain one (deleted)");
	check_name(odd, "/memfd:\xce\xb1 (deleted) (deleted)");
	check_name(empty, "/memfd: (deleted)");
	shared[2 * PAGE] = 'g';
	int status;
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "child: %#x", status);
	live_check(shared[2 * PAGE] == 'c' && shared[0] == 'm', "the shared mapping is %c%c",
		   shared[2 * PAGE], shared[0]);
	live_check(private[3 * PAGE] == 'p' && private[0] == 'm' && shared[3 * PAGE] == 0,
		   "the private mapping is wrong");
	private[0] = 'x';
	live_check(shared[0] == 'm', "the private mapping is shared");

	struct stat st;
	live_check(fstat(plain, &st) == 0 && st.st_size == (off_t)(20 * PAGE + 100), "size %ld",
		   (long)st.st_size);
	live_check(st.st_blocks <= 8 * 8, "holes are filled: %ld blocks", (long)st.st_blocks);
	live_check(lseek(plain, 0, SEEK_CUR) == 77 && lseek(copy, 0, SEEK_CUR) == 5, "offsets");
	live_check(pread(plain, buf, 6, 7 * PAGE + 10) == 6 && !memcmp(buf, "middle", 6), "middle");
	live_check(pread(plain, buf, 9, 20 * PAGE + 96) == 4 && !memcmp(buf, "tail", 4), "tail");
	live_check(write(reader, "x", 1) < 0 && write(appender, "end", 3) == 3, "access modes");
	live_check(fstat(reader, &st) == 0 && st.st_size == (off_t)(20 * PAGE + 103),
		   "they are different files now");
	live_check(fcntl(plain, F_GETFD) == FD_CLOEXEC, "close-on-exec is gone");
	live_check(fcntl(plain, F_ADD_SEALS, F_SEAL_GROW) == 0, "seal: %s", strerror(errno));
	live_check(fcntl(odd, F_ADD_SEALS, F_SEAL_GROW) < 0, "it was not to be sealed");
	live_check(fstat(odd, &st) == 0 && (st.st_mode & 07777) == 0640 && st.st_uid == 5 &&
		       st.st_gid == 6,
		   "owner and mode of it are %u:%u 0%o", st.st_uid, st.st_gid, st.st_mode);
	live_check(fcntl(sealed, F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
		   "seals are %#x", fcntl(sealed, F_GET_SEALS));
	live_check(write(sealed, "x", 1) < 0 && !memcmp(sealed_map, "sealed", 6), "it was sealed");
	future_map[1] = 'f';
	live_check(!has_future || (fcntl(future, F_GET_SEALS) == F_SEAL_FUTURE_WRITE &&
				   write(future, "x", 1) < 0),
		   "the sealed future is gone");
	live_pass();
}
