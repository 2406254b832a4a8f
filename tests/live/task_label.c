/* SPDX-License-Identifier: MIT
 * Labels of a security module: threads with different profiles of AppArmor, one without any, and
 * one that may not change it any more (no_new_privs).
 * live-skip: grep -q '^stasis-live ' /sys/kernel/security/apparmor/profiles
 */
#include <pthread.h>
#include <stdbool.h>
#include <sys/prctl.h>

#include "tests/live/live.h"

#ifndef RESTORED_AS
#define RESTORED_AS NULL
#endif

static const char *const labels[] = { "stasis-live", "stasis-other", "unconfined" };
#define NR (int)(sizeof(labels) / sizeof(*labels))

static pthread_barrier_t ready, done;

static const char *label_now(char buf[128])
{
	int fd = open("/proc/thread-self/attr/current", O_RDONLY);
	ssize_t n = read(fd, buf, 127);
	live_must(fd >= 0 && n > 0 && close(fd) == 0);
	buf[n] = 0;
	buf[strcspn(buf, " \n")] = 0;
	return buf;
}

static void label_set(const char *label)
{
	char text[64];
	int fd = open("/proc/thread-self/attr/current", O_WRONLY);
	snprintf(text, sizeof(text), "changeprofile %s", label);
	live_must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void check(int i)
{
	char now[128];
	const char *want = i < NR - 1 && RESTORED_AS ? RESTORED_AS : labels[i];
	live_check(!strcmp(label_now(now), want), "thread %d is \"%s\", want \"%s\"", i, now, want);
	int fd = open("/etc/hostname", O_RDONLY);
	bool may = strcmp(want, labels[0]) != 0;
	live_check(may == (fd >= 0), "thread %d, %s: /etc/hostname: %s", i, want, strerror(errno));
	close(fd);
}

static void *run(void *arg)
{
	int i = (int)(long)arg;
	if (i < NR - 1)
		label_set(labels[i]);
	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&done);
	check(i);
	return NULL;
}

int main(void)
{
	pthread_t threads[NR];
	pthread_barrier_init(&ready, NULL, NR);
	pthread_barrier_init(&done, NULL, NR);
	for (int i = 1; i < NR; i++)
		live_must(pthread_create(&threads[i], NULL, run, (void *)(long)i) == 0);
	label_set(labels[0]);
	live_must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	pthread_barrier_wait(&ready);

	live_ready();

	pthread_barrier_wait(&done);
	check(0);
	live_check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "no_new_privs");
	for (int i = 1; i < NR; i++)
		pthread_join(threads[i], NULL);
	live_pass();
}
