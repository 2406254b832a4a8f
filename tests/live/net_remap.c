/* SPDX-License-Identifier: MIT
 * Between dump and restore, the images are given another address, port and process id: who listens
 * does so at the new address, and a connection between two of the tree goes on there. As
 * "net_remap server" or "net_remap client" it is one end alone, for remap.sh.
 *
 * live-dump: --tcp-established
 * live-restore: --tcp-established
 * live-modes: SS SC CS
 * live-net: ip addr add 10.55.0.2/32 dev lo; ip addr add 10.55.0.3/32 dev lo
 * live-between: set -e; net=10.66.0
 * live-between: crit remap --in-place --ip 10.55.0.0/24=$net.0/24 --port 7700=7799 .
 * live-between: new=$(((pid ^ 0x1000) | 0x200)); while [ -e /proc/$new ]; do new=$((new + 1)); done
 * live-between: crit remap --in-place --pid $pid=$new . && echo $new >../new-pid
 * live-between: iptables -F # what held the connection at its old address
 * live-between: ip addr flush dev lo scope global
 * live-between: ip addr add $net.2/32 dev lo; ip addr add $net.3/32 dev lo
 */
#include "tests/live/tcp.h"

#include <pthread.h>
#include <stdbool.h>

#define PORT     7700
#define NEW_PORT 7799

static void check_end(int fd, bool peer, const char *want, int port, const char *what)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	char text[64];
	int rc = peer ? getpeername(fd, (struct sockaddr *)&addr, &len)
		      : getsockname(fd, (struct sockaddr *)&addr, &len);
	live_check(rc == 0, "%s: %s", what, strerror(errno));
	inet_ntop(AF_INET, &addr.sin_addr, text, sizeof(text));
	live_check(!strcmp(text, want), "%s is at %s, want %s", what, text, want);
	live_check(!port || ntohs(addr.sin_port) == port, "%s has port %d, want %d", what,
		   ntohs(addr.sin_port), port);
}

static int connect_from(const char *from, const char *to, int port)
{
	union tcp_addr here, there;
	socklen_t len = tcp_addr(&here, from, 0);
	tcp_addr(&there, to, port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	live_must(fd >= 0);
	live_must(bind(fd, &here.any, len) == 0);
	live_must(connect(fd, &there.any, len) == 0);
	return fd;
}

/* @param port  of the server after it was moved */
static void client(int port)
{
	int fd = connect_from("10.55.0.3", "10.55.0.2", PORT);
	tcp_put(fd, "early bird", "client");
	live_say("client-ready", "yes\n");
	live_wait();
	check_end(fd, false, "10.66.0.3", 0, "the client");
	check_end(fd, true, "10.66.0.2", port, "the client's peer");
	tcp_put(fd, "question", "client");
	tcp_expect(fd, "answer", "client");
	int fresh = connect_from("10.66.0.3", "10.66.0.2", port);
	tcp_put(fresh, "new", "client");
	tcp_expect(fresh, "as well", "client");
	tcp_expect_end(fd, "client");
}

static void serve(int listening, int fd, int port)
{
	check_end(listening, false, "10.66.0.2", port, "who listens");
	check_end(fd, false, "10.66.0.2", port, "the server");
	check_end(fd, true, "10.66.0.3", 0, "the server's peer");
	tcp_expect(fd, "early bird", "server");
	tcp_expect(fd, "question", "server");
	tcp_put(fd, "answer", "server");
	int other = accept(listening, NULL, NULL);
	live_check(other >= 0, "accept: %s", strerror(errno));
	tcp_expect(other, "new", "server");
	tcp_put(other, "as well", "server");
	live_check(shutdown(fd, SHUT_WR) == 0, "shutdown: %s", strerror(errno));
}

/* A lock that the kernel releases when its holder ends: it is held by the thread's id. */
static pthread_mutex_t robust;

static void take_robust(void)
{
	pthread_mutexattr_t attr;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	live_must(pthread_mutex_init(&robust, &attr) == 0);
	live_must(pthread_mutex_lock(&robust) == 0);
}

static int new_pid(void)
{
	int pid = 0;
	FILE *f = fopen(live_path("new-pid"), "re");
	live_check(f && fscanf(f, "%d", &pid) == 1, "the new process id is not known");
	fclose(f);
	return pid;
}

/* The C library asks for its own note of a thread's id: pthread_kill(), of a mutex that checks. */
static void check_pid(void)
{
	int want = new_pid(), rc = pthread_mutex_unlock(&robust);
	live_check(rc == 0, "a lock held before is somebody else's: %s", strerror(rc));
	pthread_mutexattr_t attr;
	pthread_mutex_t mutex;
	live_check(getpid() == want, "process id is %d, want %d", getpid(), want);
	live_check(pthread_kill(pthread_self(), 0) == 0, "pthread_kill does not know the thread");
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&mutex, &attr);
	pthread_mutex_lock(&mutex);
	live_check(mutex.__data.__owner == want, "the C library says it is %d",
		   mutex.__data.__owner);
}

int main(int argc, char **argv)
{
	const char *role = argc > 1 ? argv[1] : "";
	if (!strcmp(role, "client")) {
		live_say("ready", "yes\n");
		client(PORT);
		live_pass();
	}
	int listening = tcp_listen("10.55.0.2", PORT);
	live_say("listens", "yes\n");
	pid_t child = *role ? 0 : fork();
	if (!*role && child == 0) {
		close(listening);
		client(NEW_PORT);
		_exit(0);
	}
	int fd = accept(listening, NULL, NULL);
	live_must(fd >= 0);
	tcp_readable(fd, "early bird");
	take_robust();
	live_ready();
	serve(listening, fd, *role ? PORT : NEW_PORT);
	if (!*role) {
		int status = -1;
		check_pid();
		live_check(waitpid(child, &status, 0) == child && status == 0,
			   "the client ended with %#x", status);
	}
	live_pass();
}
