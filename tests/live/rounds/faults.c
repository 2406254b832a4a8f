/* SPDX-License-Identifier: MIT
 * One of the engine's system calls fails, another one each time.
 *   rounds fault-dump STASIS DIR FIRST STEP ERRNO [LAST]    every STEP-th call
 *   rounds fault-restore STASIS DIR FIRST STEP ERRNO [LAST]
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/live/rounds/rounds.h"

#define TRY_EVERY 20 /* failed restores, then one that must succeed */

struct walk {
	long step, last;
	struct inject in;
};

static struct walk walk_of(int argc, char **argv)
{
	return (struct walk){
		.step = argc > 1 ? atol(argv[1]) : 1,
		.last = argc > 3 ? atol(argv[3]) : LONG_MAX,
		.in = { .n = argc > 0 ? atol(argv[0]) : 1, .error = argc > 2 ? atoi(argv[2]) : 5 },
	};
}

/* What no failure of the engine's own calls excuses. */
static const char *went_astray(const struct inject *in)
{
	static char text[64];
	if (in->late)
		return "it hangs";
	if (in->stray)
		return "it leaves a process behind";
	if (!WIFEXITED(in->status)) {
		snprintf(text, sizeof(text), "killed by signal %d", WTERMSIG(in->status));
		return text;
	}
	return NULL;
}

static const char *fault_dump_once(struct rounds *r, struct inject *in)
{
	rounds_note_tree(r);
	rounds_run(r, true, in);
	const char *why = went_astray(in);
	if (why)
		return why;
	if (!rounds_succeeded(in))
		return rounds_dump_left(r);
	if (!tree_ends(&r->tree, SETTLE_MS))
		return "it claims success, but the tree is still there";
	return rounds_must_restore(r);
}

static const char *fault_restore_once(struct rounds *r, struct inject *in)
{
	static long failed;
	rounds_note_around(r);
	rounds_run(r, false, in);
	const char *why = went_astray(in);
	if (why)
		return why;
	if (!rounds_succeeded(in)) {
		why = rounds_restore_left(r);
		bool lock_gone = why && !strcmp(why, CONNECTIONS_GONE);
		if (why ? !lock_gone : ++failed % TRY_EVERY)
			return why;
		why = rounds_must_restore(r);
	} else {
		why = tree_check(&r->tree);
	}
	return why ? why : rounds_must_dump(r);
}

/* One line for each call that was made to fail and did harm. */
static bool report(struct rounds *r, const struct inject *in, const char *why)
{
	char call[128];
	snprintf(call, sizeof(call), "call %ld, %s%s(%#lx)", in->n, in->child ? "child's " : "",
		 in->injected ? inject_call_name(in->nr) : "none", in->arg);
	if (getenv("ROUNDS_VERBOSE"))
		printf("# %s: %s\n", call, rounds_last_words(r));
	return !why || rounds_report(r, call, why);
}

int fault_dump(struct rounds *r, int argc, char **argv)
{
	long runs = 0;
	struct walk w = walk_of(argc, argv);
	const char *why = rounds_start(r);
	for (w.in.injected = true; w.in.injected && w.in.n <= w.last; w.in.n += w.step, runs++) {
		if (!why)
			why = fault_dump_once(r, &w.in);
		if (!report(r, &w.in, why))
			break;
		why = why ? rounds_start(r) : rounds_clear_images(r);
	}
	return rounds_summary(r, "fault-dump: %ld runs", runs);
}

int fault_restore(struct rounds *r, int argc, char **argv)
{
	long runs = 0;
	struct walk w = walk_of(argc, argv);
	const char *why = rounds_start_dumped(r);
	for (w.in.injected = true; w.in.injected && w.in.n <= w.last; w.in.n += w.step, runs++) {
		if (!why)
			why = fault_restore_once(r, &w.in);
		if (!report(r, &w.in, why))
			break;
		why = why ? rounds_start_dumped(r) : NULL;
	}
	return rounds_summary(r, "fault-restore: %ld runs", runs);
}
