/* SPDX-License-Identifier: MIT
 * POSIX message queues of an IPC namespace: messages in the order of their priorities, limits,
 * owners, and descriptors; a queue that nobody has open, and one somebody waits for.
 *
 * live-unshare: --pid --ipc
 */
#include <mqueue.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static mqd_t make(const char *name, mode_t mode, long maxmsg, long msgsize)
{
	const struct mq_attr attr = { .mq_maxmsg = maxmsg, .mq_msgsize = msgsize };
	mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, mode, &attr);
	live_must(queue >= 0);
	return queue;
}

static void expect(mqd_t queue, const char *text, unsigned priority)
{
	char buf[256] = "";
	unsigned got = 99;
	ssize_t len = mq_receive(queue, buf, sizeof(buf), &got);
	live_check(len == (ssize_t)strlen(text), "a message of %zd bytes, want \"%s\"", len, text);
	live_check(!strcmp(buf, text) && got == priority,
		   "\"%s\" of priority %u, want \"%s\" of %u", buf, got, text, priority);
}

int main(void)
{
	struct mq_attr attr;
	struct stat st;
	int status;
	mqd_t queue = make("/full", 0640, 3, 100), closed = make("/closed", 0666, 5, 256);
	mqd_t empty = make("/empty", 0600, 2, 256);
	live_must(fchown(queue, 12, 34) == 0);
	live_must(mq_send(queue, "second", 6, 1) == 0 && mq_send(queue, "third", 5, 1) == 0);
	live_must(mq_send(queue, "first", 5, 30) == 0);
	live_must(mq_send(closed, "", 0, 7) == 0 && mq_close(closed) == 0);
	mqd_t quick = mq_open("/full", O_WRONLY | O_NONBLOCK);
	pid_t pid = fork();
	if (pid == 0) {
		expect(empty, "after all", 3);
		_exit(0);
	}
	live_must(quick >= 0 && pid > 0);

	live_ready();

	live_check(mq_getattr(queue, &attr) == 0 && attr.mq_maxmsg == 3 && attr.mq_msgsize == 100 &&
		       attr.mq_curmsgs == 3 && attr.mq_flags == 0,
		   "the queue has other limits");
	live_check(fstat(queue, &st) == 0 && st.st_uid == 12 && st.st_gid == 34 &&
		       (st.st_mode & 0777) == 0640,
		   "the queue is of %u, %u, mode %o", st.st_uid, st.st_gid, st.st_mode);
	live_check(mq_send(quick, "no", 2, 0) < 0 && errno == EAGAIN, "there is room in it");
	char wide[100];
	live_check(mq_receive(quick, wide, sizeof(wide), NULL) < 0 && errno == EBADF,
		   "a descriptor for sending receives");
	live_check(mq_receive(queue, wide, sizeof(wide), NULL) == 5 && !memcmp(wide, "first", 5),
		   "the first is not the one of highest priority");
	for (int i = 0; i < 2; i++)
		live_check(mq_receive(queue, wide, sizeof(wide), NULL) == (i ? 5 : 6) &&
			       !memcmp(wide, i ? "third" : "second", 5),
			   "message %d is another", i + 2);
	closed = mq_open("/closed", O_RDONLY);
	live_check(closed >= 0, "/closed: %s", strerror(errno));
	expect(closed, "", 7);
	live_check(mq_send(empty, "after all", 9, 3) == 0, "send: %s", strerror(errno));
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "who waited ended with %#x",
		   status);
	live_pass();
}
