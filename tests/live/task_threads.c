/* SPDX-License-Identifier: MIT
 * What each thread has for itself: TLS, name, signal mask, robust list, rseq, and a clean end.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

#define NR 6

static __thread int own = -1;
static __thread char own_array[100];
static pthread_barrier_t barrier;
static pthread_mutex_t robust, plain = PTHREAD_MUTEX_INITIALIZER;
static pid_t tids[NR];

static void *robust_list(void)
{
	void *head = NULL;
	size_t len = 0;
	live_must(syscall(SYS_get_robust_list, 0, &head, &len) == 0);
	live_check(len == 24, "robust list head of %zu bytes", len);
	return head;
}

/* Registered exactly when registering again says so: EBUSY for the same, EINVAL for another. */
static int rseq_errno(void)
{
	static char area[64] __attribute__((aligned(64)));
#ifdef SYS_rseq
	long rc = syscall(SYS_rseq, area, 32, 0, 0x53053053);
	if (rc == 0)
		syscall(SYS_rseq, area, 32, 1, 0x53053053);
	return rc == 0 ? 0 : errno;
#else
	return (void)area, ENOSYS;
#endif
}

static void *thread(void *arg)
{
	int i = (int)(intptr_t)arg;
	char name[17];
	sigset_t mask, now;
	own = i;
	memset(own_array, i, sizeof(own_array));
	snprintf(name, sizeof(name), "%d \\n\t\\\n)", i);
	prctl(PR_SET_NAME, name, 0, 0, 0);
	sigemptyset(&mask);
	sigaddset(&mask, 34 + i);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	tids[i] = (pid_t)syscall(SYS_gettid);
	void *list = robust_list();
	int rseq = rseq_errno();
	pthread_t self = pthread_self();
	if (i == 1)
		pthread_mutex_lock(&robust);
	pthread_barrier_wait(&barrier);
	live_wait();

	char is[17] = "";
	prctl(PR_GET_NAME, is, 0, 0, 0);
	live_check(!strcmp(is, name), "thread %d is called %s", i, is);
	live_check(own == i && own_array[99] == i, "thread %d has TLS of %d", i, own);
	live_check(pthread_self() == self, "thread %d is another", i);
	live_check(tids[i] == (pid_t)syscall(SYS_gettid), "thread %d has tid %ld, had %d", i,
		   syscall(SYS_gettid), tids[i]);
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	for (int s = 1; s < 64; s++)
		live_check(sigismember(&now, s) == sigismember(&mask, s),
			   "thread %d: signal %d in its mask", i, s);
	live_check(robust_list() == list, "thread %d: robust list moved", i);
	live_check(rseq_errno() == rseq, "thread %d: rseq says %d, said %d", i, rseq_errno(), rseq);
	pthread_mutex_lock(&plain);
	pthread_mutex_unlock(&plain);
	return (void *)(intptr_t)(i * 10); /* thread 1 dies with the robust mutex */
}

/* Mappings of files without a name, which debuggers list too (core.sh). */
static void map_nameless(void)
{
	int fd = memfd_create("nameless", MFD_CLOEXEC);
	live_must(fd >= 0 && ftruncate(fd, 4096) == 0);
	live_must(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	live_must(mmap(NULL, 8192, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	close(fd);
}

int main(void)
{
	pthread_t threads[NR];
	pthread_mutexattr_t attr;
	map_nameless();
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &attr);
	pthread_barrier_init(&barrier, NULL, NR + 1);
	for (int i = 0; i < NR; i++)
		live_must(pthread_create(&threads[i], NULL, thread, (void *)(intptr_t)i) == 0);
	pthread_barrier_wait(&barrier);
	pthread_mutex_lock(&plain);
	own = 99;

	live_ready();

	live_check(own == 99, "TLS of the leader is %d", own);
	pthread_mutex_unlock(&plain);
	for (int i = 0; i < NR; i++) {
		void *result;
		live_check(pthread_join(threads[i], &result) == 0, "join thread %d", i);
		live_check((intptr_t)result == i * 10, "thread %d returned %ld", i,
			   (long)(intptr_t)result);
	}
	live_check(pthread_mutex_lock(&robust) == EOWNERDEAD, "the robust list was lost");
	live_pass();
}
