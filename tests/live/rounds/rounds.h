/* SPDX-License-Identifier: MIT
 * What the modes of the program `rounds` share: one tree, where its images are, and looking for
 * what a failed engine may have left.
 */
#pragma once

#include <limits.h>

#include "tests/live/rounds/inject.h"
#include "tests/live/rounds/tree.h"

#define AROUND_SIZE (1 << 16) /* bytes, of all mounts of a machine with containers */
#define SETTLE_MS   3000      /* how long healing may take on a loaded machine */

#define FILE_LEFT        "a file is left beside the tree's"
#define CONNECTIONS_GONE "the lock of the connections is gone, and the tree is not there"

struct rounds {
	struct tree tree;
	const char *stasis;
	char images[PATH_MAX], work[PATH_MAX], files[PATH_MAX], output[PATH_MAX];
	char pid_text[16];
	char *dump_argv[24], *restore_argv[16];
	char before[LOOK_SIZE], after[LOOK_SIZE];
	char around[AROUND_SIZE], sockets[AROUND_SIZE],
	    rules[AROUND_SIZE]; /* by rounds_note_around() */
	int nr_images, nr_files;
	long bad; /* findings so far */
};

/* Functions that return text: NULL, or what is wrong. */

/** A fresh tree and no images. */
const char *rounds_start(struct rounds *r);
/** The same, dumped. */
const char *rounds_start_dumped(struct rounds *r);
const char *rounds_clear_images(const struct rounds *r);

/** Run the engine; `in` says what is to fail. */
void rounds_run(struct rounds *r, bool dump, struct inject *in);
bool rounds_succeeded(const struct inject *in);
const char *rounds_must_dump(struct rounds *r);
const char *rounds_must_restore(struct rounds *r);

/** Before a dump that may fail. */
void rounds_note_tree(struct rounds *r);
/** After it failed: the tree noticed nothing, there is no file and no rule. */
const char *rounds_dump_left(struct rounds *r);

/** Before a restore that may fail. */
void rounds_note_around(struct rounds *r);
/** After it: no file, mount, rule or socket but those there were. */
const char *rounds_around_differs(struct rounds *r);
/** The same, and no task of the tree. */
const char *rounds_restore_left(struct rounds *r);

/** The last line the engine printed. */
const char *rounds_last_words(const struct rounds *r);
/** "not ok". @return false when there were too many by now */
bool rounds_report(struct rounds *r, const char *what, const char *why);
/** The plan; "ok" when there was no finding. @return exit status */
int rounds_summary(const struct rounds *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The modes; argv: what stands behind their name. */
int fault_dump(struct rounds *r, int argc, char **argv);
int fault_restore(struct rounds *r, int argc, char **argv);
int kill_restore(struct rounds *r, int argc, char **argv);
int kill_restore_end(struct rounds *r, int argc, char **argv);
int disk_full(struct rounds *r, int argc, char **argv);
int soak(struct rounds *r, int argc, char **argv);
