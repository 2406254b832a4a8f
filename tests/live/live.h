/* SPDX-License-Identifier: MIT
 * What a live test program says to the harness (tests/live/run): ready to be dumped, and a verdict.
 *
 * A program sets its state up, calls live_ready() (which returns after the dump and restore),
 * checks its state with live_check() and ends with live_pass(). The two sides meet in files of the
 * directory LIVE_DIR, looked at by path, so the program holds no descriptor for the harness.
 *
 * Directives, one a line in the comment on top of the program, tell the harness more:
 *   live-link: static              link statically
 *   live-user: nobody              run as this user; mapped: as root of a user namespace
 *   live-dump: --shell-job         more options for dump; DIR is the folder of the test
 *   live-restore: --shell-job      the same for restore
 *   live-modes: SS RR              only these modes
 *   live-refuse: TEXT              the dump must fail, name TEXT and leave the program running
 *   live-skip: COMMAND             skip when this shell command fails
 *   live-between: COMMAND          done to the images in the current folder before they are
 *                                  restored; $pid is the root of the tree. Several lines
 *                                  are one script
 *   live-unshare: --pid --uts      start it in namespaces of its own: options of unshare(1)
 *   live-net: COMMAND              program, dump and restore run in a network namespace of their
 *                                  own, with lo up, that this shell command prepares; in the end
 *                                  no packet filter rule of a lock may be left in it. With
 *                                  live-unshare: --net that is the outside, and LIVE_OUTSIDE a pid
 *                                  in it
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static inline const char *live_path(const char *name)
{
	static __thread char path[4096]; /* threads ask whether to go on */
	/* a program with a root of its own may have it elsewhere */
	const char *dir = getenv("LIVE_INSIDE");
	if (!dir)
		dir = getenv("LIVE_DIR");
	snprintf(path, sizeof(path), "%s/%s", dir ? dir : ".", name);
	return path;
}

/* The file appears with its contents in it, and the first writer wins. */
static inline void live_say(const char *name, const char *text)
{
	char part[64], from[4096];
	snprintf(part, sizeof(part), "%s.%d", name, getpid());
	snprintf(from, sizeof(from), "%s", live_path(part));
	int fd = open(from, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) < 0)
		fprintf(stderr, "%s: %s\n", from, strerror(errno));
	if (link(from, live_path(name)) < 0 && errno != EEXIST)
		fprintf(stderr, "%s: %s\n", name, strerror(errno));
	unlink(from);
}

static inline void live_sleep_ms(long ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/** True once the harness said go on: for programs that want to do things meanwhile. */
static inline int live_go(void)
{
	struct stat st;
	return stat(live_path("go"), &st) == 0;
}

/** Tell that the state is set up; does not wait. */
static inline void live_announce(void)
{
	char text[32];
	snprintf(text, sizeof(text), "%d\n", getpid());
	live_say("ready", text);
}

/** Tell that the state is set up and return when it is time to check it. */
static inline void live_ready(void)
{
	live_announce();
	while (!live_go())
		live_sleep_ms(5);
}

/** In a process that is not the root of the tree: wait for the same moment. */
static inline void live_wait(void)
{
	while (!live_go())
		live_sleep_ms(5);
}

__attribute__((format(printf, 1, 2), noreturn)) static inline void live_fail(const char *fmt, ...)
{
	char text[1024] = "fail ";
	va_list args;
	va_start(args, fmt);
	vsnprintf(text + 5, sizeof(text) - 6, fmt, args);
	va_end(args);
	live_say("verdict", strcat(text, "\n"));
	_exit(1);
}

/** Like assert(): the first failure of any process of the test is its verdict. */
#define live_check(cond, ...)                                                                      \
	do {                                                                                       \
		if (!(cond))                                                                       \
			live_fail(__VA_ARGS__);                                                    \
	} while (0)

/** As live_check(), for setting up: adds the text of errno. */
#define live_must(cond)                                                                            \
	do {                                                                                       \
		if (!(cond))                                                                       \
			live_fail("%s:%d: %s: %s", __FILE__, __LINE__, #cond, strerror(errno));    \
	} while (0)

/** Everything is as it was: the verdict, unless something failed before. */
__attribute__((noreturn)) static inline void live_pass(void)
{
	live_say("verdict", "pass\n");
	_exit(0);
}
