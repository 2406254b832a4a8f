/* SPDX-License-Identifier: MIT
 * A full queue that somebody outside of the tree waits to send to: looking at it would give that
 * one the first place, and a message could not be put back.
 *
 * live-unshare: --ipc
 * live-refuse: is full, and pid
 */
#include <mqueue.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define NAME "/outside"

static pid_t fork_outside(void)
{
	int ends[2];
	pid_t outside = 0;
	live_must(pipe(ends) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		if (fork() > 0)
			_exit(0); /* and the other one is nobody's of us any more */
		outside = (pid_t)syscall(SYS_getpid);
		live_must(write(ends[1], &outside, sizeof(outside)) == sizeof(outside));
		mqd_t queue = mq_open(NAME, O_WRONLY);
		mq_send(queue, "third", 5, 1);
		_exit(0);
	}
	live_must(waitpid(pid, NULL, 0) == pid);
	live_must(read(ends[0], &outside, sizeof(outside)) == sizeof(outside));
	close(ends[0]);
	close(ends[1]);
	return outside;
}

static bool is_sending(pid_t pid)
{
	char path[32];
	long call = -1;
	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	FILE *f = fopen(path, "r");
	bool known = f && fscanf(f, "%ld", &call) == 1;
	if (f)
		fclose(f);
	return known && call == SYS_mq_timedsend;
}

int main(void)
{
	static const char *const want[] = { "first", "second", "third" };
	const struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 16 };
	mqd_t queue = mq_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	live_must(queue >= 0);
	live_must(mq_send(queue, "first", 5, 1) == 0 && mq_send(queue, "second", 6, 1) == 0);
	pid_t outside = fork_outside();
	while (!is_sending(outside))
		live_sleep_ms(1);
	live_ready();
	for (int i = 0; i < 3; i++) {
		char bytes[16] = "";
		live_check(mq_receive(queue, bytes, sizeof(bytes), NULL) > 0 &&
			       !strcmp(bytes, want[i]),
			   "message %d is '%s', want '%s'", i, bytes, want[i]);
	}
	live_pass();
}
