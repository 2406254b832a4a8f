/* SPDX-License-Identifier: MIT
 * Option and command rows: parsing, help and completion all read the same tables.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* What an option stores at `offset` of the options struct. */
enum arg_kind {
	ARG_FLAG,     /* bool: set to true */
	ARG_CLEAR,    /* bool: set to false (the --no-x form) */
	ARG_STRING,   /* const char *: borrowed from argv */
	ARG_PATH,     /* the same, of a file or folder: not empty */
	ARG_INT,      /* int, range checked */
	ARG_UINT64,   /* uint64_t: decimal, 0x hex, or with a K, M, G suffix (1024) */
	ARG_COUNT,    /* the same, but not 0, which says that it was not given */
	ARG_PID,      /* uint32_t: a process id; 0 when it was not given */
	ARG_LIST,     /* struct arg_list: every occurrence appended */
	ARG_PATHS,    /* the same, of files or folders: none empty */
	ARG_CALLBACK, /* row->parse decides */
	ARG_REFUSED,  /* nothing: it is known, and `help` says why not, and what to do instead */
};

struct arg_list {
	const char **items; /* borrowed from argv */
	size_t nr, cap;
};

struct arg_row {
	char letter;       /* 0: only the long form */
	const char *name;  /* long form, without dashes; NULL: only the letter */
	const char *value; /* metavariable; NULL: takes none; "[X]": optional, joined (-vX,
			      --name=X); "x|y": one of these words, which completion offers */
	const char *help;  /* one line, lower case, no period */
	enum arg_kind kind;
	size_t offset;     /* of the member in the options struct */
	uint32_t commands; /* bits of the commands it means something to; 0: all. The others take it
			      too, and help does not list it: scripts pass one set to all */
	int (*parse)(void *opts, const char *value, struct error *err); /* value NULL when absent */
};

/**
 * Parse argv[1…] (argv[0] is the command's name); operands are moved to the end, as getopt does.
 * @param opts     the struct that `offset`s refer to
 * @param operand  set to the index of the first operand
 * @return 0; -EINVAL with a message naming the option
 */
int args_parse(const struct arg_row *rows, size_t nr, void *opts, int argc, char **argv,
	       int *operand, struct error *err);

/** Is there a --no-NAME? Every flag can be turned off again, as a configuration file may have set
 * it. */
bool arg_row_negates(const struct arg_row *row);

/** Release what args_parse() put into ARG_LIST and ARG_PATHS members; also after it failed. */
void args_release(const struct arg_row *rows, size_t nr, void *opts);

/** Whole string to a number; @return 0 or -EINVAL. Accepts what ARG_UINT64 does. */
int parse_u64(const char *s, uint64_t *out);
int parse_int(const char *s, int *out);

struct command {
	const char *name;
	const char *group; /* heading in the program's help; rows of one group follow each other */
	const char *args;  /* "[-o OUT] IMAGE", for the usage line */
	const char *summary; /* one line, lower case, no period */
	const char *detail;  /* more lines for `help NAME`, or NULL */
	const struct arg_row *rows;
	size_t nr_rows;
	uint32_t mask;      /* this command's bit in arg_row.commands; 0 when rows are its own */
	size_t opts_size;   /* zeroed struct handed to run() */
	int failure_status; /* exit status when run() fails; 0: 1 */
	/**
	 * @param operands  what is left after the options
	 * @return exit status ≥ 0; -errno with err set: printed once, exit with failure_status,
	 *         or the program's usage_status for -EUSAGE
	 */
	int (*run)(void *opts, int nr_operands, char **operands, struct error *err);
};

/* A command that others like this program have. */
struct command_refused {
	const char *name, *why; /* and what to do instead */
};

/* A wrong command line, as opposed to a failed operation. */
#define EUSAGE 1000

struct program {
	const char *name;
	const char *summary;
	const char *version;                   /* what --version prints, with newlines */
	int usage_status;                      /* exit status of a wrong command line */
	const struct command *const *commands; /* NULL-terminated */
	const struct command_refused *refused; /* ends with a row without name; NULL: none */
	/** Words from elsewhere into a command line, before it is parsed; NULL: none. */
	int (*expand)(const struct command *cmd, int *argc, char ***argv, struct error *err);
};

/**
 * The main() of both programs: --version, help, --help, completion rows, dispatch.
 * @return exit status: 0, the command's, 1 on failure, usage_status on usage errors
 */
int program_main(const struct program *program, int argc, char **argv);
