/* SPDX-License-Identifier: MIT
 * Calls that end with EINTR for any stop, as they or their socket have a timeout, go on.
 * live-modes: SS RR 2S
 */
#include <linux/aio_abi.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "tests/live/live.h"

#define NR 6

static int pairs[4][2], listener;
static volatile int done[NR];
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static socklen_t address_len;

static long receive(char *c)
{
	return recv(pairs[0][0], c, 1, 0);
}
static long receive_message(char *c)
{
	struct iovec part = { c, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	return recvmsg(pairs[1][0], &message, 0);
}
static long read_one(char *c)
{
	return read(pairs[2][0], c, 1);
}
static long read_parts(char *c)
{
	struct iovec part = { c, 1 };
	return readv(pairs[3][0], &part, 1);
}
static long accept_one(char *c)
{
	int fd = accept(listener, NULL, NULL);
	*c = 'x';
	return fd < 0 ? -1 : 1;
}
static long get_events(char *c)
{
	struct timespec timeout = { 600, 0 };
	struct io_event event;
	aio_context_t context = 0;
	*c = 'x';
	live_must(syscall(SYS_io_setup, 1, &context) == 0);
	return syscall(SYS_io_getevents, context, 1, 1, &event, &timeout);
}

static const struct {
	const char *name;
	long (*wait)(char *c);
} waits[NR] = {
	{ "recv", receive },     { "recvmsg", receive_message }, { "read", read_one },
	{ "readv", read_parts }, { "accept", accept_one },       { "io_getevents", get_events },
};

static void *thread(void *arg)
{
	size_t i = (size_t)arg;
	char c = 0;
	long n = waits[i].wait(&c);
	live_check(n == 1 && c == 'x', "%s: %ld %s", waits[i].name, n, strerror(errno));
	done[i] = 1;
	return NULL;
}

static void limit_time(int fd)
{
	const struct timeval timeout = { 600, 0 };
	live_must(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0);
	live_must(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) == 0);
}

static void make_sockets(void)
{
	for (int i = 0; i < 4; i++) {
		live_must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]) == 0);
		limit_time(pairs[i][0]);
	}
	address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				  (size_t)sprintf(address.sun_path + 1, "timeouts-%d", getpid()));
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	live_must(listener >= 0 && bind(listener, (struct sockaddr *)&address, address_len) == 0 &&
		  listen(listener, 1) == 0);
	limit_time(listener);
}

static void wake_all(void)
{
	for (int i = 0; i < 4; i++)
		live_must(write(pairs[i][1], "x", 1) == 1);
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	live_must(connect(client, (struct sockaddr *)&address, address_len) == 0);
}

int main(void)
{
	pthread_t t;
	make_sockets();
	for (size_t i = 0; i < NR; i++)
		live_must(pthread_create(&t, NULL, thread, (void *)i) == 0);
	live_sleep_ms(50);

	live_ready();

	live_sleep_ms(50);
	for (int i = 0; i < NR; i++)
		live_check(!done[i], "%s ended by itself", waits[i].name);
	wake_all();
	for (int i = 0; i < NR - 1; i++) {
		for (int n = 0; n < 8000 && !done[i]; n++)
			live_sleep_ms(1);
		live_check(done[i], "%s never ended", waits[i].name);
	}
	live_check(!done[NR - 1], "%s ended by itself", waits[NR - 1].name);
	live_pass();
}
