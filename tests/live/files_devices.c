/* SPDX-License-Identifier: MIT
 * Character devices that hold nothing but a position; the kernel's log is read on from its end.
 * live-modes: SS RR 2S
 * live-skip: [ -r /dev/kmsg ]
 */
#include "tests/live/live.h"

static const struct {
	const char *path;
	int flags;
	off_t at;
} devices[] = {
	{ "/dev/full", O_RDWR, 0 },     { "/dev/random", O_RDONLY | O_NONBLOCK, 0 },
	{ "/dev/kmsg", O_WRONLY, 0 },   { "/dev/vcs", O_RDONLY, 7 },
	{ "/dev/hwrng", O_RDONLY, 0 },  { "/dev/kvm", O_RDWR, 0 },
	{ "/dev/autofs", O_RDONLY, 0 }, { "/dev/loop-control", O_RDWR, 0 },
	{ "/dev/mem", O_RDONLY, 4096 }, { "/dev/cpu/0/cpuid", O_RDONLY, 1 },
};
#define NR (sizeof(devices) / sizeof(devices[0]))

/* The number of the last message there is so far. */
static long last_message(int fd)
{
	char text[8192];
	long seq = -1;
	ssize_t n;
	while ((n = read(fd, text, sizeof(text) - 1)) > 0 || errno == EPIPE) {
		text[n > 0 ? n : 0] = 0;
		sscanf(text, "%*d,%ld", &seq);
	}
	return seq;
}

int main(void)
{
	int fds[NR], log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	struct stat st[NR], now;
	live_must(log >= 0);
	long seen = last_message(log);
	for (size_t i = 0; i < NR; i++) {
		fds[i] = open(devices[i].path, devices[i].flags);
		if (fds[i] < 0)
			continue;
		live_must(fstat(fds[i], &st[i]) == 0);
		if (devices[i].at)
			live_must(lseek(fds[i], devices[i].at, SEEK_SET) == devices[i].at);
	}

	live_ready();

	for (size_t i = 0; i < NR; i++) {
		if (fds[i] < 0)
			continue;
		live_check(fstat(fds[i], &now) == 0 && now.st_rdev == st[i].st_rdev,
			   "%s is another device", devices[i].path);
		int flags = fcntl(fds[i], F_GETFL) & ~O_LARGEFILE & ~0100000;
		live_check(flags == devices[i].flags, "%s: flags %#o", devices[i].path, flags);
		if (devices[i].at)
			live_check(lseek(fds[i], 0, SEEK_CUR) == devices[i].at, "%s: position %ld",
				   devices[i].path, lseek(fds[i], 0, SEEK_CUR));
	}
	char text[8192] = "";
	long seq = seen + 1;
	if (read(log, text, sizeof(text) - 1) > 0)
		sscanf(text, "%*d,%ld", &seq);
	live_check(seq > seen, "message %ld of the kernel comes again, %ld was the last", seq,
		   seen);
	live_pass();
}
