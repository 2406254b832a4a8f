/* SPDX-License-Identifier: MIT
 * Configuration files into words of a command line.
 */
#include "engine/config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"

#define BLANKS " \t\r"

struct words {
	char **items;
	size_t nr, cap;
};

static int add_word(struct words *words, char *word, struct error *err)
{
	char **at = array_add(words);
	if (!at || !word)
		return error_set(err, ENOMEM, "out of memory");
	*at = word;
	return 0;
}

/* "no-x" turns a flag off. */
static bool is_known(const struct command *cmd, const char *name)
{
	for (size_t i = 0; i < cmd->nr_rows; i++) {
		const struct arg_row *row = &cmd->rows[i];
		if (!row->name)
			continue;
		if (!strcmp(name, row->name) || (arg_row_negates(row) && !strncmp(name, "no-", 3) &&
						 !strcmp(name + 3, row->name)))
			return true;
	}
	return false;
}

/* The value behind the name: up to the end or a comment, without blanks and quotes around it. */
static char *value_of(char *text)
{
	text += strspn(text, BLANKS "=");
	if (*text == '"') {
		char *end = strchr(text + 1, '"');
		if (end)
			*end = 0;
		return text + 1;
	}
	text[strcspn(text, "#")] = 0;
	size_t len = strlen(text);
	while (len && strchr(BLANKS, text[len - 1]))
		text[--len] = 0;
	return text;
}

static int add_line(const struct command *cmd, const char *path, unsigned number, char *line,
		    struct words *words, struct error *err)
{
	char *name = line + strspn(line, BLANKS);
	if (!*name || *name == '#')
		return 0;
	size_t len = strcspn(name, BLANKS "#=");
	char *value =
	    name[len] == '#' || !name[len] ? name + strlen(name) : value_of(name + len + 1);
	name[len] = 0;
	if (!is_known(cmd, name))
		return error_set(err, EINVAL, "%s:%u: unknown option %s", path, number, name);
	char *word = NULL;
	if (asprintf(&word, *value ? "--%s=%s" : "--%s", name, value) < 0)
		word = NULL;
	return add_word(words, word, err);
}

static int add_file(const struct command *cmd, const char *path, bool must_exist,
		    struct words *words, struct error *err)
{
	struct strbuf text = { 0 };
	struct error why = { 0 };
	int rc = file_read_at(AT_FDCWD, path, &text, &why);
	if (rc < 0) {
		/* HOME may be that of another user: su(1) and sudo(8) keep it */
		bool passed = !must_exist && (rc == -ENOENT || rc == -ENOTDIR || rc == -EACCES);
		strbuf_fini(&text);
		return passed ? 0 : error_set(err, rc, "%s", why.text);
	}
	unsigned number = 0;
	char *line, *rest = text.data;
	while (rc == 0 && rest && (line = strsep(&rest, "\n")) != NULL)
		rc = add_line(cmd, path, ++number, line, words, err);
	strbuf_fini(&text);
	return rc;
}

static int add_defaults(const struct command *cmd, struct words *words, struct error *err)
{
	int rc = add_file(cmd, "/etc/criu/default.conf", false, words, err);
	const char *home = getenv("HOME");
	auto_free char *path = NULL;
	if (rc < 0 || !home)
		return rc;
	if (asprintf(&path, "%s/.criu/default.conf", home) < 0)
		return error_set(err, ENOMEM, "out of memory");
	return add_file(cmd, path, false, words, err);
}

/* The value of --config, wherever it stands; its row only tells that it exists. */
static const char *config_of(int argc, char **argv, bool *defaults)
{
	const char *path = NULL;
	*defaults = true;
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--no-default-config"))
			*defaults = false;
		else if (!strncmp(argv[i], "--config=", 9))
			path = argv[i] + 9;
		else if (!strcmp(argv[i], "--config") && i + 1 < argc)
			path = argv[++i];
	}
	return path;
}

static int words_give(struct words *words, int rc, int *argc, char ***argv, struct error *err)
{
	size_t nr = words->nr;
	if (rc == 0 && !array_add(words)) /* the NULL behind the last */
		rc = error_set(err, ENOMEM, "out of memory");
	if (rc < 0) {
		free(words->items);
		return rc;
	}
	*argc = (int)nr;
	*argv = words->items;
	return 0;
}

int config_expand(const struct command *cmd, int *argc, char ***argv, struct error *err)
{
	struct words words = { 0 };
	bool defaults;
	const char *given = config_of(*argc, *argv, &defaults);
	const char *environment = getenv("CRIU_CONFIG_FILE");
	int rc = add_word(&words, (*argv)[0], err);
	if (rc == 0 && defaults)
		rc = add_defaults(cmd, &words, err);
	if (rc == 0 && environment && *environment)
		rc = add_file(cmd, environment, true, &words, err);
	if (rc == 0 && given)
		rc = add_file(cmd, given, true, &words, err);
	for (int i = 1; rc == 0 && i < *argc; i++)
		rc = add_word(&words, (*argv)[i], err);
	return words_give(&words, rc, argc, argv, err);
}

int config_read(const struct command *cmd, const char *path, int *argc, char ***argv,
		struct error *err)
{
	struct words words = { 0 };
	int rc = add_word(&words, (char *)cmd->name, err);
	if (rc == 0)
		rc = add_file(cmd, path, false, &words, err);
	return words_give(&words, rc, argc, argv, err);
}
