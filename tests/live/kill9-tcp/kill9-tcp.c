/* SPDX-License-Identifier: MIT
 * Kills the engine at random moments while it dumps a task whose TCP connections talk all the time,
 * and looks whether they go on.
 * kill9-tcp STASIS IMAGES_DIR KILLS: prints TAP; runs in a network namespace of its own.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT       7900
#define NR_PEERS   4
#define PATIENCE_S 20 /* a packet that was dropped is sent again, later and later */

static struct shared {
	volatile uint64_t rounds[NR_PEERS];
	volatile int failed;
	char why[128];
} * shared;

static const char *stasis, *images;

static void complain(const char *who, ssize_t n)
{
	if (!__sync_lock_test_and_set(&shared->failed, 1))
		snprintf(shared->why, sizeof(shared->why), "%s: %zd: %s", who, n, strerror(errno));
}

static void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&t, NULL);
}

static void echo(int fd)
{
	uint64_t word;
	for (;;) {
		ssize_t n = recv(fd, &word, sizeof(word), MSG_WAITALL);
		if (n != sizeof(word))
			complain("the task reads", n);
		n = send(fd, &word, sizeof(word), MSG_NOSIGNAL);
		if (n != sizeof(word))
			complain("the task writes", n);
		if (shared->failed)
			pause();
	}
}

/* The tree: one process for each connection. */
static void target(int listening)
{
	setsid();
	prctl(PR_SET_PDEATHSIG, 0);
	for (int i = 0; i < NR_PEERS; i++) {
		int fd = accept(listening, NULL, NULL);
		if (fd < 0)
			_exit(1);
		if (i == NR_PEERS - 1 || fork() == 0) {
			close(listening);
			echo(fd);
		}
		close(fd);
	}
}

static void peer(int i)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		_exit(1);
	for (uint64_t word = 1;; word++) {
		uint64_t back = 0;
		if (send(fd, &word, sizeof(word), MSG_NOSIGNAL) != sizeof(word) ||
		    recv(fd, &back, sizeof(back), MSG_WAITALL) != sizeof(back))
			complain("the peer", -1);
		if (back != word)
			complain("the peer reads something else", (ssize_t)back);
		if (shared->failed)
			pause();
		shared->rounds[i]++;
		sleep_ms(1);
	}
}

static const char *go_on(void)
{
	uint64_t before[NR_PEERS];
	for (int i = 0; i < NR_PEERS; i++)
		before[i] = shared->rounds[i];
	time_t end = time(NULL) + PATIENCE_S;
	for (int i = 0; i < NR_PEERS; i++)
		while (shared->rounds[i] < before[i] + 3) {
			if (shared->failed)
				return shared->why;
			if (time(NULL) > end)
				return "a connection stands still";
			sleep_ms(2);
		}
	return NULL;
}

/* The warden may need a moment after the engine. */
static const char *no_rules(void)
{
	static const char look[] = "(nft list ruleset; iptables-save) 2>/dev/null | "
				   "grep -qiE 'table inet (criu|stasis)|0xc114'";
	for (int i = 0; i < 50; i++) {
		if (system(look) != 0)
			return NULL;
		sleep_ms(20);
	}
	return "rules of a lock are left";
}

static int run(char *const argv[], long kill_after_us, bool *killed)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	if (kill_after_us >= 0) {
		struct timespec t = { kill_after_us / 1000000, kill_after_us % 1000000 * 1000 };
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
	}
	waitpid(pid, &status, 0);
	*killed = WIFSIGNALED(status);
	return *killed ? 0 : WEXITSTATUS(status);
}

static int dump(pid_t pid, const char *method, bool stay, long kill_after_us, bool *killed)
{
	char tree[16];
	snprintf(tree, sizeof(tree), "%d", pid);
	char *argv[] = { (char *)stasis,
			 "dump",
			 "-t",
			 tree,
			 "-D",
			 (char *)images,
			 "-o",
			 "dump.log",
			 "--tcp-established",
			 "--network-lock",
			 (char *)method,
			 stay ? "-R" : NULL,
			 NULL };
	return run(argv, kill_after_us, killed);
}

static const char *restore(void)
{
	bool killed;
	char *argv[] = { (char *)stasis, "restore",           "-d", "-D", (char *)images, "-o",
			 "restore.log",  "--tcp-established", NULL };
	return run(argv, -1, &killed) == 0 ? NULL : "the restore fails";
}

static void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/*
 * What holds the connections becomes our child when the engine is gone. The list of children in
 * /proc skips some while others end, a walk over all processes does not.
 */
static bool has_warden(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool found = false;
	while (proc && !found && (entry = readdir(proc))) {
		char path[300];
		int parent;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		FILE *f = fopen(path, "r");
		found = f && fscanf(f, "%*d (stasis-warden) %*c %d", &parent) == 1 &&
			parent == getpid();
		if (f)
			fclose(f);
	}
	if (proc)
		closedir(proc);
	return found;
}

static bool is_alive(pid_t pid)
{
	for (int i = 0; i < 5000 && has_warden(); i++) {
		reap();
		sleep_ms(1);
	}
	reap();
	return kill(pid, 0) == 0;
}

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static const char *one(pid_t pid, const char *method, bool stay, long kill_after_us, bool *killed)
{
	char file[4096];
	snprintf(file, sizeof(file), "%s/inventory.img", images);
	if (dump(pid, method, stay, kill_after_us, killed) != 0)
		return "the dump fails";
	const char *why = NULL;
	if (!is_alive(pid)) {
		if (access(file, F_OK) < 0)
			return "the task is gone, and no set is there";
		why = restore();
	}
	if (!why)
		why = go_on();
	return why ? why : no_rules();
}

static int phase(int nr, pid_t pid, const char *method, bool stay, long kills)
{
	const char *why = NULL;
	bool killed = false;
	long longest = 1000, done = 0;
	for (int i = 0; i < 3 && !why; i++) {
		int64_t start = now_us();
		if (dump(pid, method, true, -1, &killed) != 0)
			why = "dump -R fails";
		longest = now_us() - start > longest ? (long)(now_us() - start) : longest;
	}
	if (!why)
		why = go_on();
	for (long i = 0; i < 4 * kills && done < kills && !why; i++) {
		long us = random() % (longest + 1000);
		why = one(pid, method, stay, us, &killed);
		done += killed;
		if (why)
			printf("# killed after %ld of at most %ld us\n", us, longest);
	}
	printf("%s %d kill9-tcp %s, %s: %ld dumps killed%s%s\n", why ? "not ok" : "ok", nr, method,
	       stay ? "the tree stays" : "the tree ends", done, why ? ": " : "", why ? why : "");
	fflush(stdout);
	return why != NULL;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	stasis = argv[1];
	images = argv[2];
	char command[4200];
	snprintf(command, sizeof(command), "mkdir -p '%s'", images);
	if (system(command) != 0)
		return 2;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int listening = socket(AF_INET, SOCK_STREAM, 0), null = 0;
	if (bind(listening, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(listening, 8) < 0)
		return 2;
	pid_t pid = fork();
	if (pid == 0) {
		for (int fd = 0; fd <= 2; fd++)
			close(fd);
		target(listening);
		_exit(null);
	}
	close(listening);
	pid_t peers[NR_PEERS];
	for (int i = 0; i < NR_PEERS; i++)
		if ((peers[i] = fork()) == 0)
			peer(i);
	sleep_ms(200);
	long kills = atol(argv[3]);
	srandom(7);
	printf("1..4\n");
	int failed = phase(1, pid, "iptables", true, kills);
	failed |= phase(2, pid, "nftables", true, failed ? 0 : kills);
	failed |= phase(3, pid, "nftables", false, failed ? 0 : kills);
	failed |= phase(4, pid, "iptables", false, failed ? 0 : kills);
	kill(-pid, SIGKILL);
	for (int i = 0; i < NR_PEERS; i++)
		kill(peers[i], SIGKILL);
	return failed;
}
