/* SPDX-License-Identifier: MIT
 * SRC on the command line: a checkpoint in a directory or an archive; and --format of what is
 * said about it.
 */
#pragma once

#include "base/args.h"
#include "convert/doc/doc.h"
#include "images/checkpoint.h"
#include "images/damage.h"

struct checkpoint_arg {
	struct source *src;
	struct checkpoint *cp;
	struct damage_list passed; /* checkpoint_arg_open_passing() */
	bool several; /* it is not the only one: what was passed over is told with its name */
};

/** Open it, and say on standard error which set that is when there was a choice. */
int source_arg_open(const char *path, struct source **out, struct error *err);
/** The same of one that is only read: an archive may come through a pipe, - is standard input. */
int source_arg_stream(const char *path, struct source **out, struct error *err);
/** A directory that is no set, but has sets in it. @return 0: it is none; -ENOENT naming these */
int sets_below_refuse(const char *path, struct error *err);
/** Is that a set, or an archive? @return 0; -ENOENT, also naming those below the directory */
int set_want(const char *path, struct source *src, struct error *err);
/** @return 0 or -errno, of a directory of sets with their names; close it in either case. */
int checkpoint_arg_open(const char *path, struct checkpoint_arg *out, struct error *err);
/**
 * As checkpoint_arg_open(), for who shows what can be read: the rest is passed over.
 * @param out  stays where it is until it is closed
 */
int checkpoint_arg_open_passing(const char *path, struct checkpoint_arg *out, struct error *err);
/** Say on standard error what was passed over, a line each. @return whether there was any */
bool damage_tell(const struct damage_list *passed, const char *command);
/**
 * The same of this one at the end of a command; what it fails for is left to who prints that.
 * @param rc   what it has come to; @param err  why, when that is negative
 * @return rc; its failure status when something was passed over
 */
int checkpoint_arg_end(const struct checkpoint_arg *arg, const struct command *command, int rc,
		       const struct error *err);
void checkpoint_arg_close(struct checkpoint_arg *arg);
#define auto_checkpoint_arg __attribute__((cleanup(checkpoint_arg_close))) struct checkpoint_arg

/* The row of --format; `type` has a `const char *format`. */
#define FORMAT_ROW(type)                                                                           \
	{                                                                                          \
		0, "format", "text|json", "how to print it; default: text", ARG_STRING,            \
		    offsetof(type, format), 0, NULL                                                \
	}

/** A document on standard output. @param format  of the option, NULL: text. @return -EUSAGE. */
int doc_arg_open(const char *format, struct doc **out, struct error *err);
