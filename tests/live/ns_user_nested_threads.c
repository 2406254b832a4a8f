/* SPDX-License-Identifier: MIT
 * Threads in a user namespace inside of the tree's, with numbers as they were: one is another user
 * than the first, one another nice value; both namespaces go on to make threads and processes.
 * live-link: -pthread
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/namespaces.h"

#define THREADS 12

static atomic_int nr_ready, nr_done;

static void *thread(void *arg)
{
	long which = (long)arg;
	pid_t tid = (pid_t)syscall(SYS_gettid);
	uid_t r, e, s;
	if (which == 2) /* of the thread alone */
		live_must(syscall(SYS_setresuid, 7, 7, 0) == 0);
	if (which == 3)
		live_must(setpriority(PRIO_PROCESS, (id_t)tid, 5) == 0);
	nr_ready++;
	live_wait();
	live_check(syscall(SYS_gettid) == tid, "thread %d is %ld", tid, syscall(SYS_gettid));
	live_check(getresuid(&r, &e, &s) == 0 && r == (which == 2 ? 7 : 0) && e == r && s == 0,
		   "thread %ld is user %u", which, r);
	live_check(getpriority(PRIO_PROCESS, (id_t)tid) == (which == 3 ? 5 : 0), "its nice value");
	nr_done++;
	return NULL;
}

static void *nothing(void *arg)
{
	return arg;
}

static _Noreturn void inner(int up, int down)
{
	pthread_t threads[THREADS], more;
	char c;
	int status;
	live_must(unshare(CLONE_NEWUSER) == 0 && write(up, "u", 1) == 1 && read(down, &c, 1) == 1);
	live_must(setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0);
	for (long i = 0; i < THREADS; i++)
		live_must(pthread_create(&threads[i], NULL, thread, (void *)i) == 0);
	while (nr_ready < THREADS)
		live_sleep_ms(1);
	live_must(write(up, "r", 1) == 1);
	live_wait();
	for (int i = 0; i < THREADS; i++)
		live_check(pthread_join(threads[i], NULL) == 0, "join");
	live_check(nr_done == THREADS, "%d threads are done", nr_done);
	live_check(pthread_create(&more, NULL, nothing, NULL) == 0 && pthread_join(more, NULL) == 0,
		   "another thread");
	pid_t pid = fork();
	if (pid == 0)
		_exit(3);
	live_check(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3, "another process");
	_exit(0);
}

/* As /proc has it, which may be that of another pid namespace. */
static pid_t number_of_child(void)
{
	pid_t pid = 0;
	FILE *f = fopen("/proc/thread-self/children", "re");
	live_must(f && fscanf(f, "%d", &pid) == 1);
	fclose(f);
	return pid;
}

int main(void)
{
	int up[2], down[2], status;
	char c, path[48];
	live_must(pipe(up) == 0 && pipe(down) == 0);
	pid_t pid = fork();
	if (pid == 0)
		inner(up[1], down[0]);
	live_must(read(up[0], &c, 1) == 1);
	pid_t number = number_of_child();
	snprintf(path, sizeof(path), "/proc/%d/uid_map", number);
	ns_write(path, "0 0 1\n7 100 3\n");
	snprintf(path, sizeof(path), "/proc/%d/gid_map", number);
	ns_write(path, "0 0 10\n");
	live_must(write(down[1], "m", 1) == 1 && read(up[0], &c, 1) == 1);

	live_ready();

	live_check(waitpid(pid, &status, 0) == pid && status == 0, "it ended with %#x", status);
	live_pass();
}
