/* SPDX-License-Identifier: MIT
 * SRC and --format on the command line.
 */
#include "crit/checkpoint-arg.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "images/source-kind.h"

/* One path, or one stream, may hold several sets. */
static void tell_choice(const char *path, struct source *src)
{
	const char *choice = source_choice(src);
	if (choice)
		fprintf(stderr,
			"crit: %s holds several sets: this is %s (`crit unpack` makes a directory "
			"of each)\n",
			path, choice);
}

int source_arg_open(const char *path, struct source **out, struct error *err)
{
	auto_progress progress = { 0 };
	int rc = source_open_watched(path, &progress, out, err);
	if (rc == 0)
		tell_choice(path, *out);
	return rc;
}

static int stream_open(int fd, const char *name, struct source **out, struct error *err)
{
	auto_progress progress = { 0 };
	int rc = source_open_stream(fd, name, &progress, out, err);
	if (rc == 0)
		tell_choice(name, *out);
	return rc;
}

int source_arg_stream(const char *path, struct source **out, struct error *err)
{
	struct stat st;
	if (!strcmp(path, "-"))
		return stream_open(STDIN_FILENO, "standard input", out, err);
	if (stat(path, &st) < 0 || !S_ISFIFO(st.st_mode))
		return source_arg_open(path, out, err);
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? error_sys(err, "open %s", path) : stream_open(fd, path, out, err);
}

/* Or may be: who opens it says why nobody knows. */
static bool is_set(int dir)
{
	return folder_has_set(dir, "", NULL) != 0 || folder_has_set(dir, "checkpoint", NULL) != 0;
}

int sets_below_refuse(const char *path, struct error *err)
{
	auto_strbuf names = { 0 };
	struct dirent **found = NULL;
	auto_fd dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int nr = dir < 0 || is_set(dir) ? 0 : scandirat(dir, ".", &found, NULL, alphasort);
	int rc = 0;
	for (int i = 0; i < nr; i++) {
		const char *name = found[i]->d_name;
		if (rc == 0 && *name != '.' && strcmp(name, "parent") &&
		    folder_has_set(dir, name, NULL) == 1)
			rc = strbuf_printf(&names, "%s%s", names.len ? ", " : "", name);
		free(found[i]);
	}
	free(found);
	if (rc < 0)
		return error_set(err, ENOMEM, "%s: out of memory", path);
	return names.len ? error_set(err, ENOENT, "%s is no checkpoint, but holds some: %s", path,
				     names.data)
			 : 0;
}

int set_want(const char *path, struct source *src, struct error *err)
{
	int rc = sets_below_refuse(path, err);
	return rc < 0 || source_is_archive(src) ? rc : source_want_set(src, err);
}

/* No checkpoint: what else is there? */
static int set_missing(const char *path, int rc, struct error *err)
{
	if (rc != -ENOENT)
		return rc;
	int refused = sets_below_refuse(path, err);
	return refused < 0 ? refused : rc;
}

int checkpoint_arg_open(const char *path, struct checkpoint_arg *out, struct error *err)
{
	*out = (struct checkpoint_arg){ 0 };
	int rc = source_arg_stream(path, &out->src, err);
	return rc < 0 ? rc : set_missing(path, checkpoint_open(out->src, &out->cp, err), err);
}

int checkpoint_arg_open_passing(const char *path, struct checkpoint_arg *out, struct error *err)
{
	*out = (struct checkpoint_arg){ 0 };
	int rc = source_arg_stream(path, &out->src, err);
	if (rc < 0)
		return rc;
	source_pass_damage(out->src, &out->passed);
	return set_missing(path, checkpoint_open(out->src, &out->cp, err), err);
}

/* @param set  which one; NULL: there is one alone. @param but  what another says */
static bool tell(const struct damage_list *passed, const char *command, const char *set,
		 const char *but)
{
	const char *colon = set ? ": " : "";
	for (size_t i = 0; i < passed->nr; i++) {
		if (!strstr(but, passed->items[i]))
			fprintf(stderr, "crit %s: %s%s%s\n", command, set ?: "", colon,
				passed->items[i]);
	}
	if (passed->more)
		fprintf(stderr, "crit %s: %s%smore is broken than these %zu\n", command, set ?: "",
			colon, passed->nr);
	return passed->nr != 0;
}

bool damage_tell(const struct damage_list *passed, const char *command)
{
	return tell(passed, command, NULL, "");
}

static const char *set_of(const struct checkpoint_arg *arg)
{
	return arg->several && arg->src ? source_name(arg->src) : NULL;
}

int checkpoint_arg_end(const struct checkpoint_arg *arg, const struct command *command, int rc,
		       const struct error *err)
{
	bool damaged = tell(&arg->passed, command->name, set_of(arg), rc < 0 ? err->text : "");
	return rc < 0 || !damaged ? rc : command->failure_status ?: 1;
}

void checkpoint_arg_close(struct checkpoint_arg *arg)
{
	checkpoint_close(arg->cp);
	source_close(arg->src);
	damage_list_fini(&arg->passed);
	*arg = (struct checkpoint_arg){ 0 };
}

int doc_arg_open(const char *format, struct doc **out, struct error *err)
{
	enum doc_format how = DOC_TEXT;
	if (format && doc_format_parse(format, &how, err) < 0)
		return -EUSAGE;
	return doc_open(STDOUT_FILENO, "standard output", how, out, err);
}
