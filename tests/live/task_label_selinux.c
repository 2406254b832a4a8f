/* SPDX-License-Identifier: MIT
 * Contexts of SELinux: of a task with several threads, of the sockets it has, and the one of those
 * it makes next. For the policy tests/vm/policy.cil.
 * live-skip: grep -q '^u:r:init_t:' /proc/self/attr/current
 */
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/xattr.h>

#include "tests/live/live.h"

#define LIVE  "u:r:live_t:s0"
#define THING "u:object_r:init_t:s0"
#define OTHER "u:object_r:other_t:s0"

static pthread_barrier_t done;

static void attr_set(const char *name, const char *label)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/thread-self/attr/%s", name);
	int fd = open(path, O_WRONLY);
	live_must(fd >= 0 && write(fd, label, strlen(label)) == (ssize_t)strlen(label));
	close(fd);
}

static void attr_is(const char *name, const char *want)
{
	char path[64], now[128] = "";
	snprintf(path, sizeof(path), "/proc/thread-self/attr/%s", name);
	int fd = open(path, O_RDONLY);
	live_must(fd >= 0 && read(fd, now, sizeof(now) - 1) >= 0 && close(fd) == 0);
	live_check(!strcmp(now, want), "%s is \"%s\", want \"%s\"", name, now, want);
}

static void socket_is(int fd, const char *want)
{
	char now[128] = "";
	live_must(fgetxattr(fd, "security.selinux", now, sizeof(now) - 1) > 0);
	live_check(!strcmp(now, want), "socket %d is \"%s\", want \"%s\"", fd, now, want);
}

static void *run(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&done);
	attr_is("current", LIVE);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	attr_set("current", LIVE);
	attr_set("sockcreate", THING);
	int thing = socket(AF_UNIX, SOCK_DGRAM, 0);
	attr_set("sockcreate", OTHER);
	int other = socket(AF_INET, SOCK_DGRAM, 0);
	live_must(thing >= 0 && other >= 0);
	socket_is(thing, THING);
	socket_is(other, OTHER);
	pthread_barrier_init(&done, NULL, 2);
	live_must(pthread_create(&thread, NULL, run, NULL) == 0);
	live_must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);

	live_ready();

	attr_is("current", LIVE);
	attr_is("sockcreate", OTHER);
	socket_is(thing, THING);
	socket_is(other, OTHER);
	socket_is(socket(AF_UNIX, SOCK_STREAM, 0), OTHER);
	pthread_barrier_wait(&done);
	pthread_join(thread, NULL);
	live_pass();
}
