/* SPDX-License-Identifier: MIT
 * -o OUT and --in-place.
 */
#include "crit/sink-arg.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "crit/checkpoint-arg.h"
#include "images/source-kind.h"
#include "images/sink-archive.h"

/* A directory called x.zip is not what was meant. */
static int check_name(const char *out, struct error *err)
{
	return out && archive_form_is_foreign(out)
		   ? error_set(err, EUSAGE,
			       "%s: archives of this kind are not written: want " ARCHIVE_NAMES
			       ", or that of a directory",
			       out)
		   : 0;
}

/* What is beside the images comes along. */
static int open_new(const char *out, struct source *src, const char *path, struct sink **sink,
		    struct error *err)
{
	if (source_is_archive(src) && archive_form_of(out))
		return sink_create_from(src, path, out, sink, err);
	int rc = source_lacks_nothing(src, false, err);
	if (rc == 0)
		rc = sink_create(out, sink, err);
	return rc < 0 ? rc : sink_take_layout(*sink, src, err);
}

int sink_arg_open(const struct sink_opts *opts, struct source *src, const char *path,
		  struct progress *progress, struct sink **out, struct error *err)
{
	bool in_place = opts->in_place || (opts->place_of_source && !opts->out);
	if (!opts->out == !in_place)
		return error_set(err, EUSAGE, "%s",
				 in_place ? "-o OUT is a new set, --in-place the old one: say one "
					    "of them"
					  : "where to? Say -o OUT or --in-place");
	int rc = check_name(opts->out, err);
	if (rc == 0 && !(opts->one_image && in_place))
		rc = set_want(path, src, err);
	if (rc == 0)
		rc = in_place ? sink_in_place(src, path, out, err)
			      : open_new(opts->out, src, path, out, err);
	if (rc == 0)
		sink_watch(*out, progress);
	return rc;
}

/* Does "../1" lead from a new set to the directory it led to from the old one? */
static bool leads_there(const char *text, const char *out, const struct stat *there)
{
	auto_free char *copy = strdup(out);
	auto_free char *path = NULL;
	struct stat st;
	if (!copy || strncmp(text, "../", 3) ||
	    asprintf(&path, "%s/%s", dirname(copy), text + 3) < 0) {
		path = NULL;
		return false;
	}
	return stat(path, &st) == 0 && st.st_dev == there->st_dev && st.st_ino == there->st_ino;
}

/* A copy in another folder leads to the same set. */
static int link_parent(const char *set, struct source *src, const char *out, struct sink *sink,
		       struct error *err)
{
	char text[PATH_MAX], link[32];
	struct stat there;
	auto_fd fd = source_parent_fd(src, err);
	if (fd < 0)
		return fd;
	if (fstat(fd, &there) < 0)
		return error_sys(err, "%s/parent", set);
	auto_free char *where = source_dup_path(src, "parent");
	bool inside = !where || strchr(where, '/'); /* it lies in a folder: "checkpoint/" */
	if (inside || source_parent_text(src, text, sizeof(text)) < 0 ||
	    !leads_there(text, out, &there)) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		ssize_t len = readlink(link, text, sizeof(text) - 1);
		if (len < 0)
			return error_sys(err, "%s/parent", set);
		text[len] = '\0';
	}
	return sink_link(sink, "parent", text, err);
}

/* The set before this one stays where it is: have the new one lead there. */
static int keep_parent(const char *out, const char *path, struct source *src, struct sink *sink,
		       struct error *err)
{
	auto_source parent = NULL;
	int rc = sink_has(sink, "parent") ? 0 : source_open_parent(src, &parent, err);
	if (rc < 0 || !parent)
		return rc;
	if (source_is_archive(src))
		return error_set(err, EINVAL,
				 "%s: its parent sets are in the archive too: `crit unpack` it "
				 "first",
				 path);
	if (archive_form_of(out))
		return error_set(err, EINVAL,
				 "%s: its parent sets would not be in the archive: name a "
				 "directory with -o, then `crit pack` it",
				 path);
	return link_parent(path, src, out, sink, err);
}

int sink_arg_new(const char *out, const char *path, struct progress *progress, struct source **src,
		 struct sink **sink, struct error *err)
{
	progress_start(progress, "copying", 0);
	int rc = check_name(out, err);
	if (rc == 0)
		rc = source_arg_open(path, src, err);
	if (rc == 0)
		rc = sets_below_refuse(path, err);
	if (rc == 0)
		rc = sink_create(out, sink, err);
	if (rc < 0)
		return rc;
	sink_watch(*sink, progress);
	return keep_parent(out, path, *src, *sink, err);
}

static int copy_rest(const char *out, const char *path, struct source *src, struct sink *sink,
		     struct error *err)
{
	const struct source_member *members;
	int rc = keep_parent(out, path, src, sink, err);
	ssize_t nr = rc < 0 ? rc : source_list(src, &members, err);
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		auto_free char *file = dup_member_file(&members[i]);
		if (!file)
			return error_set(err, ENOMEM, "out of memory");
		if (!sink_has(sink, file))
			rc = sink_copy(sink, src, &members[i], err);
	}
	if (nr < 0)
		return (int)nr;
	return rc < 0 ? rc : sink_copy_folders(sink, src, err);
}

int sink_arg_commit(const struct sink_opts *opts, const char *path, struct source *src,
		    struct sink *sink, const struct strbuf *said, struct error *err)
{
	int rc = sink_keeps_rest(sink) ? 0 : copy_rest(opts->out, path, src, sink, err);
	if (rc == 0)
		rc = sink_commit(sink, err);
	if (rc == 0 && said && said->len)
		fputs(said->data, stdout);
	return rc;
}
