/* SPDX-License-Identifier: MIT
 * SIGKILL of the engine in a restore: either the tree runs, whole, or nothing of it is there, and
 * the same images still restore. A deleted file may be left that had its name for a moment.
 *
 * - rounds kill-restore STASIS DIR KILLS: at random moments
 * - rounds kill-restore-end STASIS DIR CALLS STEP: before every STEP-th of the last system calls
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/live/rounds/rounds.h"

#define TRY_EVERY 10 /* kills, then a restore that must succeed */
#define MAX_TRIES 10 /* for each kill: those that had ended before do not count */

/* @return true: killed before its end; ms it ran in `ms` */
static bool restore_killed(struct rounds *r, long after_us, long *ms)
{
	int64_t start = now_ms();
	pid_t pid = fork();
	if (pid == 0) {
		int out = open(r->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		dup2(out, 1);
		dup2(out, 2);
		execv(r->restore_argv[0], r->restore_argv);
		_exit(127);
	}
	if (after_us >= 0) {
		sleep_us(after_us);
		kill(pid, SIGKILL);
	}
	int status;
	waitpid(pid, &status, 0);
	*ms = (long)(now_ms() - start);
	return WIFSIGNALED(status);
}

/* Everybody the engine leaves becomes a child of ours: there is the peer, and the tree's root. */
static int count_children(void)
{
	char path[64], text[4096] = "";
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	FILE *f = fopen(path, "re");
	int nr = 0;
	if (f && fgets(text, sizeof(text), f)) {
		for (const char *p = text; (p = strchr(p, ' ')); p++)
			nr++;
	}
	if (f)
		fclose(f);
	return nr;
}

/* @return true when it settled: every thread of the tree runs, or there is nobody but the peer */
static bool settle(const struct rounds *r)
{
	static struct board then;
	int64_t end = now_ms() + SETTLE_MS;
	memcpy(&then, &r->tree.mixed->board, sizeof(then));
	do {
		sleep_us(1000);
		bool tree = tree_exists(&r->tree);
		if (count_children() == 1 + tree &&
		    (!tree || !board_stuck(&r->tree.mixed->board, &then)))
			return true;
	} while (now_ms() < end);
	return false;
}

static const char *after_kill(struct rounds *r, long nr)
{
	if (!settle(r))
		return "a process is left, and does not run";
	if (tree_exists(&r->tree)) {
		const char *why = tree_check(&r->tree);
		return why ? why : rounds_must_dump(r);
	}
	const char *why = rounds_around_differs(r);
	bool file_left = why && !strcmp(why, FILE_LEFT); /* a ghost, while it had a name */
	if (why ? !file_left : nr % TRY_EVERY)
		return why;
	why = rounds_must_restore(r);
	return why ? why : rounds_must_dump(r);
}

static long longest_restore(struct rounds *r, const char **why)
{
	long longest = 1, ms;
	for (int i = 0; i < 3 && !*why; i++) {
		if (restore_killed(r, -1, &ms))
			*why = "a restore fails";
		longest = ms > longest ? ms : longest;
		if (!*why)
			*why = tree_check(&r->tree);
		if (!*why)
			*why = rounds_must_dump(r);
	}
	return longest;
}

int kill_restore(struct rounds *r, int argc, char **argv)
{
	long kills = argc > 0 ? atol(argv[0]) : 100, killed = 0, tries = 0, ms;
	const char *why = rounds_start_dumped(r);
	long longest = why ? 1 : longest_restore(r, &why);
	srandom(1);
	for (; !why && killed < kills && tries < MAX_TRIES * kills; tries++) {
		long us = random() % (longest * 1000);
		rounds_note_around(r);
		killed += restore_killed(r, us, &ms);
		why = after_kill(r, killed);
		if (why)
			printf("# try %ld, kill after %ld us of at most %ld ms\n", tries, us,
			       longest);
		if (!why || !rounds_report(r, "kill-restore", why))
			continue;
		why = rounds_start_dumped(r);
	}
	if (why)
		rounds_report(r, "kill-restore", why);
	else if (killed < kills)
		rounds_report(r, "kill-restore", "too few were killed in time");
	return rounds_summary(r, "kill-restore: %ld of %ld restores killed", killed, tries);
}

/* @return how many calls it makes, roughly: how often it waits differs */
static long count_calls(struct rounds *r, const char **why)
{
	struct inject in = { .kill = true };
	rounds_run(r, false, &in);
	if (!rounds_succeeded(&in))
		*why = "a restore fails";
	if (!*why)
		*why = tree_check(&r->tree);
	if (!*why)
		*why = rounds_must_dump(r);
	return in.seen;
}

int kill_restore_end(struct rounds *r, int argc, char **argv)
{
	long calls = argc > 0 ? atol(argv[0]) : 100, step = argc > 1 ? atol(argv[1]) : 1;
	long started = 0, killed = 0;
	const char *why = rounds_start_dumped(r);
	long all = why ? 0 : count_calls(r, &why);
	struct inject in = { .n = all > calls ? all - calls : 1, .kill = true, .injected = true };
	for (; !why && in.injected; in.n += step) {
		rounds_note_around(r);
		rounds_run(r, false, &in);
		killed += in.injected;
		started += tree_exists(&r->tree);
		why = after_kill(r, killed);
		if (why)
			printf("# call %ld of %ld, %s\n", in.n, all, inject_call_name(in.nr));
		if (why && rounds_report(r, "kill-restore-end", why))
			why = rounds_start_dumped(r);
	}
	if (why)
		rounds_report(r, "kill-restore-end", why);
	return rounds_summary(r, "kill-restore-end: %ld restores killed, %ld trees run", killed,
			      started);
}
