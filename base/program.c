/* SPDX-License-Identifier: MIT
 * What both programs do around their commands: help, version, dispatch, the one error line.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/cleanup.h"

static const struct command *command_find(const struct program *program, const char *name)
{
	for (size_t i = 0; program->commands[i]; i++) {
		if (!strcmp(program->commands[i]->name, name))
			return program->commands[i];
	}
	return NULL;
}

static void print_program_help(const struct program *program, FILE *to)
{
	const char *group = NULL;
	fprintf(to, "%s - %s\n\nUsage: %s COMMAND [OPTION…] [ARGUMENT…]\n", program->name,
		program->summary, program->name);
	for (size_t i = 0; program->commands[i]; i++) {
		const char *heading = program->commands[i]->group ?: "Commands";
		if (!group || strcmp(group, heading))
			fprintf(to, "\n%s:\n", heading);
		group = heading;
		fprintf(to, "  %-12s %s\n", program->commands[i]->name,
			program->commands[i]->summary);
	}
	fprintf(to,
		"\nHelp:\n"
		"  %-12s what a command does and its options\n"
		"  %-12s print the version\n\n"
		"`%s COMMAND --help` and the man page %s(1) tell more.\n",
		"help", "--version", program->name, program->name);
}

static void print_row(const struct arg_row *row, FILE *to)
{
	char left[64];
	int len = snprintf(left, sizeof(left), row->letter ? "-%c" : "  ", row->letter);
	if (row->name)
		len += snprintf(left + len, sizeof(left) - (size_t)len, "%s --%s",
				row->letter ? "," : " ", row->name);
	if (row->value && row->value[0] == '[')
		snprintf(left + len, sizeof(left) - (size_t)len, "[%s%.*s]", row->name ? "=" : "",
			 (int)strlen(row->value) - 2, row->value + 1);
	else if (row->value)
		snprintf(left + len, sizeof(left) - (size_t)len, " %s", row->value);
	fprintf(to, strlen(left) > 30 ? "  %s\n%34s%s\n" : "  %-30s%.0s  %s\n", left, "",
		row->help);
}

static void print_command_help(const struct program *program, const struct command *cmd, FILE *to)
{
	fprintf(to, "%s %s - %s\n\nUsage: %s %s%s%s\n", program->name, cmd->name, cmd->summary,
		program->name, cmd->name, cmd->args[0] ? " " : "", cmd->args);
	if (cmd->detail)
		fprintf(to, "\n%s\n", cmd->detail);
	bool any = false;
	for (size_t i = 0; i < cmd->nr_rows; i++) {
		const struct arg_row *row = &cmd->rows[i];
		if (row->commands && !(row->commands & cmd->mask))
			continue;
		if (!any)
			fprintf(to, "\nOptions:\n");
		any = true;
		print_row(row, to);
	}
}

/* Rows for the completion scripts and the man-page test: "command TAB option TAB value TAB help";
 * of the command itself, without an option, "value" is all it takes. */
static int print_rows(const struct program *program)
{
	for (size_t i = 0; program->commands[i]; i++) {
		const struct command *cmd = program->commands[i];
		printf("%s\t\t%s\t%s\n", cmd->name, cmd->args ? cmd->args : "", cmd->summary);
		for (size_t k = 0; k < cmd->nr_rows; k++) {
			const struct arg_row *row = &cmd->rows[k];
			if (row->commands && !(row->commands & cmd->mask))
				continue;
			if (row->name)
				printf("%s\t--%s\t%s\t%s\n", cmd->name, row->name,
				       row->value ? row->value : "", row->help);
			if (row->letter)
				printf("%s\t-%c\t%s\t%s\n", cmd->name, row->letter,
				       row->value ? row->value : "", row->help);
		}
	}
	return 0;
}

static int usage_error(const struct program *program, const char *cmd, const char *text)
{
	fprintf(stderr, "%s%s%s: %s (see `%s help%s%s`)\n", program->name, cmd ? " " : "",
		cmd ? cmd : "", text, program->name, cmd ? " " : "", cmd ? cmd : "");
	return program->usage_status;
}

static int no_such_command(const struct program *program, const char *name)
{
	char text[256];
	const struct command_refused *row = program->refused;
	while (row && row->name && strcmp(row->name, name))
		row++;
	snprintf(text, sizeof(text), "%s: %s", name,
		 row && row->name ? row->why : "no such command");
	return usage_error(program, NULL, text);
}

static int run_help(const struct program *program, int argc, char **argv)
{
	if (argc < 2 || !strcmp(argv[1], "help")) {
		print_program_help(program, stdout);
		return 0;
	}
	const struct command *cmd = command_find(program, argv[1]);
	if (!cmd)
		return no_such_command(program, argv[1]);
	print_command_help(program, cmd, stdout);
	return 0;
}

static int run_parsed(const struct program *program, const struct command *cmd, void *opts,
		      int argc, char **argv)
{
	struct error err = { 0 };
	int operand, rc = 0;
	if (program->expand)
		rc = program->expand(cmd, &argc, &argv, &err);
	if (rc == 0)
		rc = args_parse(cmd->rows, cmd->nr_rows, opts, argc, argv, &operand, &err);
	if (rc < 0)
		return usage_error(program, cmd->name, err.text);
	rc = cmd->run(opts, argc - operand, argv + operand, &err);
	if (rc == -EUSAGE)
		return usage_error(program, cmd->name, err.text);
	if (rc >= 0 && (fflush(stdout) != 0 || ferror(stdout)))
		rc = error_sys(&err, "write standard output");
	if (rc < 0) {
		fprintf(stderr, "%s %s: %s\n", program->name, cmd->name, err.text);
		return cmd->failure_status ?: 1;
	}
	return rc;
}

static int run_command(const struct program *program, const struct command *cmd, int argc,
		       char **argv)
{
	auto_free void *opts = calloc(1, cmd->opts_size ? cmd->opts_size : 1);
	if (!opts) {
		fprintf(stderr, "%s: out of memory\n", program->name);
		return 1;
	}
	int status = run_parsed(program, cmd, opts, argc, argv);
	args_release(cmd->rows, cmd->nr_rows, opts);
	return status;
}

/* Is this word an option of the command whose value is the next word? */
static bool takes_next_word(const struct command *cmd, const char *word)
{
	if (word[0] != '-' || !word[1])
		return false;
	bool is_long = word[1] == '-';
	for (size_t k = 0; k < cmd->nr_rows; k++) {
		const struct arg_row *row = &cmd->rows[k];
		bool same = is_long ? row->name && !strcmp(row->name, word + 2)
				    : row->letter == word[1] && !word[2];
		if (same && row->value && row->value[0] != '[')
			return true;
	}
	return false;
}

/* The same where the command is not known yet: of any. */
static bool any_takes_next_word(const struct program *program, const char *word)
{
	for (size_t i = 0; program->commands[i]; i++)
		if (takes_next_word(program->commands[i], word))
			return true;
	return false;
}

static bool has_letter(const struct command *cmd, char letter)
{
	for (size_t i = 0; cmd && i < cmd->nr_rows; i++) {
		if (cmd->rows[i].letter == letter)
			return true;
	}
	return false;
}

/* 'h' or 'V' when the line asks for help or the version, wherever; else 0. */
static char asks_for(const struct program *program, const struct command *cmd, int argc,
		     char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (cmd ? takes_next_word(cmd, argv[i - 1])
			: any_takes_next_word(program, argv[i - 1]))
			continue;
		if (!strcmp(argv[i], "--help") || (!strcmp(argv[i], "-h") && !has_letter(cmd, 'h')))
			return 'h';
		if (!strcmp(argv[i], "--version") ||
		    (!strcmp(argv[i], "-V") && !has_letter(cmd, 'V')))
			return 'V';
	}
	return 0;
}

/* Options may stand before the command: `stasis -v4 dump`. Then the command moves to the front. */
static void move_command_first(const struct program *program, int argc, char **argv)
{
	int at = 1;
	while (at < argc && argv[at][0] == '-')
		at += any_takes_next_word(program, argv[at]) ? 2 : 1;
	if (at <= 1 || at >= argc || !command_find(program, argv[at]))
		return;
	char *name = argv[at];
	memmove(&argv[2], &argv[1], (size_t)(at - 1) * sizeof(*argv));
	argv[1] = name;
}

int program_main(const struct program *program, int argc, char **argv)
{
	/* ignored by who started us, it stays so, and no child could be waited for */
	signal(SIGCHLD, SIG_DFL);
	/* a limit of the size of files is an error of the write, as a full disk is */
	signal(SIGXFSZ, SIG_IGN);
	if (argc < 2) {
		print_program_help(program, stderr);
		return program->usage_status;
	}
	move_command_first(program, argc, argv);
	const char *name = argv[1];
	if (!strcmp(name, "help"))
		return run_help(program, argc - 1, argv + 1);
	if (!strcmp(name, "--rows"))
		return print_rows(program);

	const struct command *cmd = command_find(program, name);
	if (!cmd && name[0] != '-')
		return no_such_command(program, name);
	char asked = asks_for(program, cmd, argc, argv);
	if (asked == 'V')
		fputs(program->version, stdout);
	else if (asked == 'h' && cmd)
		print_command_help(program, cmd, stdout);
	else if (asked == 'h')
		print_program_help(program, stdout);
	if (asked)
		return 0;
	return cmd ? run_command(program, cmd, argc - 1, argv + 1) : no_such_command(program, name);
}
