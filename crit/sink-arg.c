/* SPDX-License-Identifier: MIT
 * -o OUT and --in-place.
 */
#include "crit/sink-arg.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "images/sink-archive.h"

int sink_arg_open(const struct sink_opts *opts, struct source *src, const char *path,
		  struct sink **out, struct error *err)
{
	if (!opts->out == !opts->in_place)
		return error_set(err, EUSAGE, "where to? Say -o OUT or --in-place");
	if (!opts->out)
		return sink_in_place(src, path, out, err);
	/* what is beside the images comes along */
	return source_is_archive(src) && sink_names_archive(opts->out)
		   ? sink_create_from(src, path, opts->out, out, err)
		   : sink_create(opts->out, out, err);
}

/* The parent of a set in a directory is another directory: the copy leads to the same. */
static int link_parent(struct source *src, struct sink *sink, struct error *err)
{
	char link[32], path[PATH_MAX];
	auto_source parent = NULL;
	int rc = source_is_archive(src) ? 0 : source_open_parent(src, &parent, err);
	if (rc < 0 || !parent)
		return rc;
	auto_fd fd = source_parent_fd(src, err);
	if (fd < 0)
		return fd;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return error_sys(err, "%s/parent", source_name(src));
	path[len] = 0;
	return sink_link(sink, "parent", path, err);
}

static int copy_rest(struct source *src, struct sink *sink, struct error *err)
{
	const struct source_member *members;
	int rc = link_parent(src, sink, err);
	ssize_t nr = rc < 0 ? rc : source_list(src, &members, err);
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		if (!sink_has(sink, members[i].name))
			rc = sink_copy(sink, src, members[i].name, err);
	}
	return nr < 0 ? (int)nr : rc;
}

int sink_arg_commit(struct source *src, struct sink *sink, struct error *err)
{
	int rc = sink_keeps_rest(sink) ? 0 : copy_rest(src, sink, err);
	return rc < 0 ? rc : sink_commit(sink, err);
}
