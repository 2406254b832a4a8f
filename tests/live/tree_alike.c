/* SPDX-License-Identifier: MIT
 * Children that are much like their parent, and each different in one thing: a restore may bear
 * them from what the parent has become.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define PAGE  4096ul
#define PAGES 32

static unsigned char *area, *hidden, *file_area, *gone, *common;
static pid_t parent;
static volatile int handled;

static void on_signal(int signo)
{
	handled = signo;
}

static void nothing(void)
{
}

static void untouched_check(void)
{
	for (int i = 0; i < PAGES; i++)
		live_check(area[i * PAGE] == (i == 3 || i == 13 ? 0 : i + 1),
			   "page %d has %d, as the parent once had something else", i,
			   area[i * PAGE]);
}

static void pages_setup(void)
{
	area[5 * PAGE + 7] = 'c';
	area[6 * PAGE + 7] = 'd';
	area[13 * PAGE] = 'n'; /* nobody had it */
	live_must(madvise(area + 9 * PAGE, 2 * PAGE, MADV_DONTNEED) == 0);
	file_area[PAGE] = 'f';
}

static void pages_check(void)
{
	live_check(area[5 * PAGE + 7] == 'c' && area[6 * PAGE + 7] == 'd' && area[13 * PAGE] == 'n',
		   "changed pages are lost");
	live_check(!area[9 * PAGE] && !area[10 * PAGE], "dropped pages are there");
	live_check(area[11 * PAGE] == 12 && area[8 * PAGE] == 9, "their neighbours are lost");
	live_check(file_area[PAGE] == 'f' && file_area[0] == 'F', "file pages are lost");
}

/* What nobody may write to now. */
static void hidden_setup(void)
{
	live_must(mprotect(hidden, PAGE, PROT_READ | PROT_WRITE) == 0);
	hidden[1] = 'h';
	live_must(mprotect(hidden, PAGE, PROT_NONE) == 0);
}

static void hidden_check(void)
{
	live_must(mprotect(hidden, PAGE, PROT_READ) == 0);
	live_check(hidden[1] == 'h', "a page that was hidden has %d", hidden[1]);
}

static unsigned char *fresh, *fresh_file, *fresh_shared;

static void mappings_setup(void)
{
	int fd = open(live_path("file"), O_RDONLY);
	live_must(fd >= 0);
	fresh = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fresh_file = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, (off_t)PAGE);
	fresh_shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	live_must(fresh != MAP_FAILED && fresh_file != MAP_FAILED && fresh_shared != MAP_FAILED);
	close(fd);
	live_must(munmap(gone, PAGE) == 0);
	fresh[PAGE] = 'a';
	fresh_shared[9] = 's';
}

static void mappings_check(void)
{
	unsigned char vec;
	live_check(fresh[PAGE] == 'a' && !fresh[0], "memory of its own is lost");
	live_check(fresh_file[1] == 'G', "a file of its own has %d", fresh_file[1]);
	live_check(fresh_shared[9] == 's', "shared memory of its own is lost");
	live_check(mincore(gone, PAGE, &vec) < 0 && errno == ENOMEM,
		   "what it had unmapped is there again");
}

static void state_setup(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t set;
	struct itimerval timer = { .it_value.tv_sec = 1000 };
	struct rlimit limit = { 77, 88 };
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	live_must(sigaction(SIGUSR2, &action, NULL) == 0);
	live_must(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && raise(SIGUSR2) == 0);
	live_must(setitimer(ITIMER_REAL, &timer, NULL) == 0);
	live_must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	live_must(prctl(PR_SET_NAME, "other") == 0 && prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
}

static void state_check(void)
{
	struct itimerval timer;
	struct rlimit limit;
	char name[16] = "";
	int signo = 0;
	sigset_t set;
	live_must(sigprocmask(SIG_BLOCK, NULL, &set) == 0);
	live_check(sigismember(&set, SIGUSR2), "a blocked signal is not");
	sigemptyset(&set);
	live_check(!handled && sigprocmask(SIG_SETMASK, &set, NULL) == 0 && handled == SIGUSR2,
		   "a pending signal is lost");
	live_check(getitimer(ITIMER_REAL, &timer) == 0 && timer.it_value.tv_sec > 900,
		   "its timer is lost");
	live_check(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 77 &&
		       limit.rlim_max == 88,
		   "its limit is %lu", (unsigned long)limit.rlim_cur);
	live_check(prctl(PR_GET_NAME, name) == 0 && !strcmp(name, "other"), "its name is %s", name);
	live_check(prctl(PR_GET_PDEATHSIG, &signo) == 0 && signo == SIGUSR1,
		   "its death signal is %d", signo);
}

static void plain_state_check(void)
{
	struct sigaction action;
	int signo = -1;
	live_check(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == on_signal,
		   "the action it has from its parent is lost");
	live_check(sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler == SIG_DFL,
		   "it has an action that is its sibling's");
	live_check(prctl(PR_GET_PDEATHSIG, &signo) == 0 && signo == 0, "its death signal is %d",
		   signo);
}

static pthread_barrier_t barrier;
static pthread_t thread;
static int from_thread;

static void *thread_main(void *arg)
{
	from_thread = 1;
	pthread_barrier_wait(&barrier);
	live_wait();
	from_thread = 2;
	return arg;
}

static void thread_setup(void)
{
	live_must(pthread_barrier_init(&barrier, NULL, 2) == 0);
	live_must(pthread_create(&thread, NULL, thread_main, NULL) == 0);
	pthread_barrier_wait(&barrier);
}

static void thread_check(void)
{
	live_check(pthread_join(thread, NULL) == 0 && from_thread == 2, "its thread is lost");
}

static int own_fd = -1;

static void file_setup(void)
{
	own_fd = open(live_path("file"), O_RDONLY);
	live_must(own_fd >= 0 && lseek(own_fd, 17, SEEK_SET) == 17);
}

static void file_check(void)
{
	live_check(lseek(own_fd, 0, SEEK_CUR) == 17, "its descriptor is lost");
}

static pid_t grandchild;

static void family_setup(void)
{
	grandchild = fork();
	live_must(grandchild >= 0);
	if (!grandchild) {
		area[PAGE] = 'g';
		live_wait();
		_exit(area[PAGE] == 'g' && area[2 * PAGE] == 3 ? 17 : 1);
	}
}

static void family_check(void)
{
	int status = 0;
	live_check(waitpid(grandchild, &status, 0) == grandchild && WEXITSTATUS(status) == 17,
		   "its own child ends with %#x", status);
}

static void session_setup(void)
{
	live_must(setpgid(0, 0) == 0 && chdir("/") == 0);
	umask(017);
}

static void session_check(void)
{
	char dir[8] = "";
	live_check(getpgid(0) == getpid(), "its group is %d", getpgid(0));
	live_check(getcwd(dir, sizeof(dir)) && !strcmp(dir, "/"), "its directory is %s", dir);
	live_check(umask(0) == 017, "its umask is another");
}

static const struct child {
	void (*setup)(void), (*check)(void);
} children[] = {
	{ nothing, untouched_check },   { pages_setup, pages_check },
	{ hidden_setup, hidden_check }, { mappings_setup, mappings_check },
	{ state_setup, state_check },   { nothing, plain_state_check },
	{ thread_setup, thread_check }, { file_setup, file_check },
	{ family_setup, family_check }, { session_setup, session_check },
};
#define NR (sizeof(children) / sizeof(children[0]))

static void child_main(const struct child *c, size_t i)
{
	c->setup();
	common[i] = 1;
	live_wait();
	live_check(getppid() == parent && getsid(0) == getsid(parent), "its parent is %d",
		   getppid());
	c->check();
	_exit(0);
}

static void *map(size_t pages, int prot, int flags)
{
	void *at = mmap(NULL, pages * PAGE, prot, flags | MAP_ANONYMOUS, -1, 0);
	live_must(at != MAP_FAILED);
	return at;
}

static void setup(void)
{
	char bytes[2 * PAGE];
	int fd = open(live_path("file"), O_RDWR | O_CREAT, 0644);
	memset(bytes, 'F', PAGE);
	memset(bytes + PAGE, 'G', PAGE);
	live_must(fd >= 0 && write(fd, bytes, sizeof(bytes)) == sizeof(bytes));
	file_area = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	live_must(file_area != MAP_FAILED && close(fd) == 0);
	area = map(PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	hidden = map(1, PROT_NONE, MAP_PRIVATE);
	gone = map(1, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	common = map(1, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (int i = 0; i < PAGES; i++)
		if (i != 3 && i != 13)
			area[i * PAGE] = (unsigned char)(i + 1);
	gone[0] = 'g';
	live_must(signal(SIGUSR1, on_signal) != SIG_ERR);
	parent = getpid();
}

int main(void)
{
	pid_t pids[NR];
	setup();
	for (size_t i = 0; i < NR; i++) {
		pids[i] = fork();
		live_must(pids[i] >= 0);
		if (!pids[i])
			child_main(&children[i], i);
		while (!common[i])
			live_sleep_ms(1);
	}
	/* what the children never saw */
	area[3 * PAGE] = 'p';
	area[4 * PAGE + 1] = 'q';
	live_must(madvise(area + 20 * PAGE, PAGE, MADV_DONTNEED) == 0);
	live_ready();
	for (size_t i = 0; i < NR; i++) {
		int status = 0;
		live_check(waitpid(pids[i], &status, 0) == pids[i] && status == 0,
			   "child %zu ends with %#x", i, status);
	}
	live_check(area[3 * PAGE] == 'p' && area[4 * PAGE + 1] == 'q' && !area[20 * PAGE] &&
		       area[9 * PAGE] == 10 && area[13 * PAGE] == 0 && gone[0] == 'g',
		   "the parent's own memory is another");
	live_pass();
}
