/* SPDX-License-Identifier: MIT
 * What the benchmark dumps: load KIND, one of minimal, anon, threads, procs, vmas, fds.
 * After a restore it checks what it can check quickly and says so, as a live test does.
 * live-link: static
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define ANON_BYTES (1UL << 30)
#define NR_THREADS 512
#define NR_PROCS   200
#define NR_VMAS    10000
#define NR_FDS     5000

static unsigned char *memory;
static int first_fd = -1;

/* Every page different, so that nobody gains from zero or equal pages. */
static void anon_setup(void)
{
	memory = mmap(NULL, ANON_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	live_must(memory != MAP_FAILED);
	madvise(memory, ANON_BYTES, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < ANON_BYTES; at += 4096)
		memset(memory + at, 1 + (int)(at >> 12) % 251, 4096);
}

static void anon_check(void)
{
	for (size_t at = 0; at < ANON_BYTES; at += 4096)
		live_check(memory[at] == 1 + (at >> 12) % 251, "byte %zu is %u", at, memory[at]);
}

static void *sleeper(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void threads_setup(void)
{
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 1; i < NR_THREADS; i++) {
		pthread_t thread;
		live_must((errno = pthread_create(&thread, &attr, sleeper, NULL)) == 0);
	}
}

static void procs_setup(void)
{
	for (int i = 1; i < NR_PROCS; i++) {
		pid_t pid = fork();
		live_must(pid >= 0);
		if (pid == 0)
			sleeper(NULL);
	}
}

static void procs_check(void)
{
	live_check(waitpid(-1, NULL, WNOHANG) == 0, "a child has ended or is not ours");
}

/* Alternating protections keep neighbours from merging. */
static void vmas_setup(void)
{
	for (int i = 0; i < NR_VMAS; i++) {
		int prot = i % 2 ? PROT_READ : PROT_READ | PROT_WRITE;
		char *at = mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		live_must(at != MAP_FAILED);
		if (prot & PROT_WRITE)
			*at = 1;
	}
}

static void fds_setup(void)
{
	struct rlimit limit = { NR_FDS + 100, NR_FDS + 100 };
	live_must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (int i = 0; i < NR_FDS; i++) {
		char name[32];
		snprintf(name, sizeof(name), "file-%d", i);
		int fd = open(live_path(name), O_RDWR | O_CREAT, 0644);
		live_must(fd >= 0);
		if (first_fd < 0)
			first_fd = fd;
	}
}

static void fds_check(void)
{
	for (int i = 0; i < NR_FDS; i++)
		live_check(fcntl(first_fd + i, F_GETFD) >= 0, "descriptor %d is gone",
			   first_fd + i);
}

static const struct load {
	const char *name;
	void (*setup)(void);
	void (*check)(void);
} loads[] = {
	{ "minimal", NULL, NULL },          { "anon", anon_setup, anon_check },
	{ "threads", threads_setup, NULL }, { "procs", procs_setup, procs_check },
	{ "vmas", vmas_setup, NULL },       { "fds", fds_setup, fds_check },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		if (argc != 2 || strcmp(argv[1], loads[i].name) != 0)
			continue;
		if (loads[i].setup)
			loads[i].setup();
		live_ready();
		if (loads[i].check)
			loads[i].check();
		live_pass();
	}
	fprintf(stderr, "load: which one?\n");
	return 2;
}
