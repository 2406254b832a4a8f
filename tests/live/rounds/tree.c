/* SPDX-License-Identifier: MIT
 * See tree.h.
 */
#include "tests/live/rounds/tree.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 10000
#define CHECK_MS 15000

/* ---- the other end of TCP connections ---- */

static _Noreturn void answer(int fd)
{
	uint32_t round;
	while (read(fd, &round, sizeof(round)) == sizeof(round)) {
		uint8_t bytes[ANSWER_SIZE];
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = mixed_pattern(round, i);
		if (write(fd, bytes, sizeof(bytes)) != sizeof(bytes))
			break;
	}
	_exit(0);
}

/* A connection that was dumped and not restored never ends by itself: the peer's end does. */
static _Noreturn void serve(int fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int connection = accept(fd, NULL, NULL);
		if (connection >= 0 && fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			answer(connection);
		}
		close(connection);
	}
}

static void start_peer(struct tree *t)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(any);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bind(fd, (struct sockaddr *)&any, sizeof(any));
	listen(fd, 5);
	getsockname(fd, (struct sockaddr *)&any, &len);
	t->port = ntohs(any.sin_port);
	t->peer = fork();
	if (t->peer == 0)
		serve(fd);
	close(fd);
}

/* ---- starting and ending ---- */

static struct mixed *make_board(const char *dir)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", dir, MIXED_BOARD);
	unlink(path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(struct mixed)) < 0)
		return NULL;
	void *at = mmap(NULL, sizeof(struct mixed), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return at == MAP_FAILED ? NULL : at;
}

static _Noreturn void be_tree(const struct tree *t)
{
	char port[16];
	int null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	close(null);
	snprintf(port, sizeof(port), "%d", t->port);
	execl("/proc/self/exe", "mixed", "tree", t->dir, port, NULL);
	_exit(127);
}

static bool is_up(const struct tree *t)
{
	for (int i = 0; i < NR_MIXED; i++) {
		if (!t->mixed->pids[i])
			return false;
	}
	return true;
}

const char *tree_start(struct tree *t)
{
	if (!t->peer)
		start_peer(t);
	if (t->mixed)
		munmap(t->mixed, sizeof(*t->mixed));
	t->mixed = make_board(t->dir);
	if (!t->mixed)
		return "no file for the board";
	pid_t pid = fork();
	if (pid == 0)
		be_tree(t);
	for (int64_t end = now_ms() + START_MS; !is_up(t); sleep_us(2000)) {
		if (now_ms() > end || waitpid(pid, NULL, WNOHANG) == pid)
			return "the tree does not start";
	}
	return tree_check(t);
}

static void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
		;
}

bool tree_exists(const struct tree *t)
{
	reap();
	for (int i = 0; t->mixed && i < NR_MIXED; i++) {
		if (t->mixed->pids[i] && kill(t->mixed->pids[i], 0) == 0)
			return true;
	}
	return false;
}

bool tree_ends(const struct tree *t, int ms)
{
	int64_t end = now_ms() + ms;
	while (tree_exists(t) && now_ms() < end)
		sleep_us(1000);
	return !tree_exists(t);
}

void tree_kill(struct tree *t)
{
	for (int64_t end = now_ms() + START_MS; tree_exists(t) && now_ms() < end; sleep_us(1000)) {
		for (int i = 0; i < NR_MIXED; i++)
			kill(t->mixed->pids[i], SIGKILL);
	}
}

void tree_fini(struct tree *t)
{
	tree_kill(t);
	if (t->peer)
		kill(t->peer, SIGKILL);
}

const char *tree_check(struct tree *t)
{
	static struct board then;
	const char *why = NULL;
	memcpy(&then, &t->mixed->board, sizeof(then));
	t->mixed->asked++;
	int64_t end = now_ms() + CHECK_MS;
	do {
		sleep_us(1000);
		if (t->mixed->board.failed)
			return t->mixed->board.why;
		why = board_stuck(&t->mixed->board, &then);
		if (!why && t->mixed->answered != t->mixed->asked)
			why = "the holder does not answer";
	} while (why && now_ms() < end);
	return why;
}

/* ---- looking ---- */

struct look {
	char *text;
	size_t len;
	bool inodes;
};

__attribute__((format(printf, 2, 3))) static void look_add(struct look *l, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(l->text + l->len, LOOK_SIZE - l->len, fmt, ap);
	va_end(ap);
	if (n > 0 && l->len + (size_t)n < LOOK_SIZE)
		l->len += (size_t)n;
}

/* Lines of a file that begin with one of the words; all without words. */
static void look_lines(struct look *l, const char *path, const char *const *words)
{
	FILE *f = fopen(path, "re");
	char line[1024];
	while (f && fgets(line, sizeof(line), f)) {
		bool want = !words;
		for (size_t i = 0; words && words[i]; i++)
			want |= !strncmp(line, words[i], strlen(words[i]));
		if (want)
			look_add(l, "%s %s", path, line);
	}
	if (!f)
		look_add(l, "%s: no such file\n", path);
	if (f)
		fclose(f);
}

static void look_maps(struct look *l, const char *path)
{
	FILE *f = fopen(path, "re");
	char line[1024];
	while (f && fgets(line, sizeof(line), f)) {
		char range[64], perms[8], offset[32], dev[16], inode[32], name[512] = "";
		if (sscanf(line, "%63s %7s %31s %15s %31s %511[^\n]", range, perms, offset, dev,
			   inode, name) >= 5)
			look_add(l, "%s %s %s %s %s\n", path, range, perms, offset, name);
	}
	if (f)
		fclose(f);
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	return atoi((*a)->d_name) - atoi((*b)->d_name);
}

static void look_fds(struct look *l, pid_t pid)
{
	static const char *const words[] = { "pos:", "flags:", NULL };
	char path[64];
	struct dirent **names;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	int nr = scandir(path, &names, NULL, by_number);
	for (int i = 0; i < nr; i++) {
		char file[400], target[512] = "";
		snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
		if (isdigit(names[i]->d_name[0]) &&
		    readlink(file, target, sizeof(target) - 1) > 0) {
			target[l->inodes ? strlen(target) : strcspn(target, "[")] = '\0';
			look_add(l, "%s %s\n", file, target);
			snprintf(file, sizeof(file), "/proc/%d/fdinfo/%s", pid, names[i]->d_name);
			look_lines(l, file, words);
		}
		free(names[i]);
	}
	if (nr >= 0)
		free(names);
}

static void look_threads(struct look *l, pid_t pid)
{
	static const char *const words[] = { "Name:",   "Tgid:",   "PPid:",    "TracerPid:",
					     "Uid:",    "Gid:",    "Threads:", "SigBlk:",
					     "SigIgn:", "SigCgt:", "CapEff:",  "Seccomp:",
					     "NSpgid:", "NSsid:",  NULL };
	char path[64];
	struct dirent **names;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	int nr = scandir(path, &names, NULL, by_number);
	for (int i = 0; i < nr; i++) {
		char file[400];
		snprintf(file, sizeof(file), "%s/%s/status", path, names[i]->d_name);
		if (isdigit(names[i]->d_name[0]))
			look_lines(l, file, words);
		free(names[i]);
	}
	if (nr >= 0)
		free(names);
}

void tree_look(const struct tree *t, bool inodes, char *buf)
{
	struct look l = { .text = buf, .inodes = inodes };
	buf[0] = '\0';
	for (int i = 0; i < NR_MIXED; i++) {
		pid_t pid = t->mixed->pids[i];
		char path[64];
		snprintf(path, sizeof(path), "/proc/%d/maps", pid);
		look_maps(&l, path);
		look_fds(&l, pid);
		look_threads(&l, pid);
		snprintf(path, sizeof(path), "/proc/%d/timers", pid);
		look_lines(&l, path, NULL);
		snprintf(path, sizeof(path), "/proc/%d/limits", pid);
		look_lines(&l, path, NULL);
	}
}

const char *look_differs(const char *before, const char *after)
{
	static char text[600];
	while (*before && *before == *after) {
		const char *a = strchr(before, '\n'), *b = strchr(after, '\n');
		if (!a || !b || a - before != b - after ||
		    strncmp(before, after, (size_t)(a - before)))
			break;
		before = a + 1;
		after = b + 1;
	}
	if (!strcmp(before, after))
		return NULL;
	snprintf(text, sizeof(text), "-%.*s +%.*s", (int)strcspn(before, "\n"), before,
		 (int)strcspn(after, "\n"), after);
	return text;
}

long tree_rss_kib(const struct tree *t)
{
	long sum = 0;
	for (int i = 0; i < NR_MIXED; i++) {
		char path[64], line[256];
		long kib;
		snprintf(path, sizeof(path), "/proc/%d/status", t->mixed->pids[i]);
		FILE *f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f)) {
			if (sscanf(line, "VmRSS: %ld", &kib) == 1)
				sum += kib;
		}
		if (f)
			fclose(f);
	}
	return sum;
}
