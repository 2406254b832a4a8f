/* SPDX-License-Identifier: MIT
 * -o OUT and --in-place.
 */
#include "crit/sink-arg.h"

#include <stdlib.h>

#include "base/cleanup.h"

int sink_arg_open(const struct sink_opts *opts, struct source *src, const char *path,
		  struct sink **out, struct error *err)
{
	if (!opts->out == !opts->in_place)
		return error_set(err, EUSAGE, "where to? Say -o OUT or --in-place");
	return opts->out ? sink_create(opts->out, out, err) : sink_in_place(src, path, out, err);
}

/* The parent of a set in a directory is another directory: the copy leads to the same. */
static int link_parent(struct source *src, const char *path, struct sink *sink, struct error *err)
{
	auto_source parent = NULL;
	auto_free char *link = NULL;
	int rc = source_is_archive(src) ? 0 : source_open_parent(src, &parent, err);
	if (rc < 0 || !parent)
		return rc;
	if (asprintf(&link, "%s/parent", path) < 0) {
		link = NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	auto_free char *real = realpath(link, NULL);
	return real ? sink_link(sink, "parent", real, err) : error_sys(err, "%s", link);
}

int sink_arg_commit(const struct sink_opts *opts, struct source *src, const char *path,
		    struct sink *sink, struct error *err)
{
	const struct source_member *members;
	ssize_t nr = opts->out ? source_list(src, &members, err) : 0;
	int rc = nr < 0 ? (int)nr : 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		if (!sink_has(sink, members[i].name))
			rc = sink_copy(sink, src, members[i].name, err);
	}
	if (rc == 0 && opts->out)
		rc = link_parent(src, path, sink, err);
	return rc < 0 ? rc : sink_commit(sink, err);
}
