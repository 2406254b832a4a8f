/* SPDX-License-Identifier: MIT
 * crit compress and decompress: page images in seekable zstd frames, and back.
 */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/store/compress.h"
#include "convert/store/ordered.h"
#include "crit/commands.h"
#include "crit/set-arg.h"
#include "images/image-type.h"
#include "images/seekable.h"

enum { LEVEL = 3 };

struct compress_opts {
	const char *out;
	uint64_t level; /* 0: LEVEL */
	uint64_t threads, max_size;
};

static int threads_parse(void *opts, const char *value, struct error *err)
{
	struct compress_opts *o = opts;
	if (parse_u64(value, &o->threads) < 0 || !o->threads || o->threads > 64)
		return error_set(err, EINVAL, "--threads %s: want 1 to 64", value);
	return 0;
}

#define OUT_ROW                                                                                    \
	{                                                                                          \
		'o', "out", "DIR", "the new set; default: in the place of SRC", ARG_STRING,        \
		    offsetof(struct compress_opts, out), 0, NULL                                   \
	}
#define THREADS_ROW                                                                                \
	{                                                                                          \
		'T', "threads", "N", "work side by side; default: one for each processor",         \
		    ARG_CALLBACK, 0, 0, threads_parse                                              \
	}

static const struct arg_row compress_rows[] = {
	{ 'l', "level", "N", "of zstd, 1 (fast) to 22 (small); default: 3", ARG_COUNT,
	  offsetof(struct compress_opts, level), 0, NULL },
	THREADS_ROW,
	OUT_ROW,
};
static const struct arg_row decompress_rows[] = {
	THREADS_ROW,
	{ 0, "max-size", "BYTES", "refuse page images that become larger", ARG_COUNT,
	  offsetof(struct compress_opts, max_size), 0, NULL },
	OUT_ROW,
};

static bool is_packed(const struct source_member *m)
{
	return strcmp(m->name, m->path) && seekable_name(m->path);
}

static int compress_member(void *ctx, struct set_rewrite *set, const struct source_member *m,
			   struct error *err)
{
	const struct image_type *type = image_type_by_filename(m->name);
	if (!type || type->id != IMG_PAGES || is_packed(m))
		return 0;
	char name[80];
	snprintf(name, sizeof(name), "%s" SEEKABLE_SUFFIX, m->name);
	auto_istream in = NULL;
	int rc = source_open_member(set->src, m->name, &in, err);
	if (rc < 0)
		return rc;
	auto_fd fd = set_create(set, name, err);
	if (fd < 0)
		return fd;
	rc = pages_compress(in, fd, name, ctx, err);
	return rc < 0 ? rc : 1;
}

static int decompress_member(void *ctx, struct set_rewrite *set, const struct source_member *m,
			     struct error *err)
{
	if (!is_packed(m))
		return 0;
	auto_istream in = NULL;
	int rc = source_open_member(set->src, m->path, &in, err);
	if (rc == 0 && !istream_seekable(in))
		rc = error_set(err, EINVAL, "%s: compressed twice: `crit unpack` it first",
			       source_name(set->src));
	if (rc < 0)
		return rc;
	auto_fd fd = set_create(set, m->name, err);
	if (fd < 0)
		return fd;
	rc = pages_decompress(in, fd, m->path, ctx, err);
	return rc < 0 ? rc : 1;
}

static int run(const struct compress_opts *o, const char *path, const char *what,
	       set_member_fn *each, struct error *err)
{
	auto_progress progress = { 0 };
	progress_start(&progress, what, set_arg_pages_size(path));
	struct compress_how how = {
		.level = (int)(o->level ?: LEVEL),
		.nr_threads = ordered_threads(o->threads),
		.max_size = o->max_size,
		.progress = &progress,
	};
	return set_arg_run(path, o->out, each, &how, err);
}

static int compress_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct compress_opts *o = opts;
	int rc = set_arg_check(nr_operands, err);
	if (rc == 0)
		rc = compress_level_check(o->level ?: LEVEL, err);
	if (rc == -EINVAL)
		rc = -EUSAGE;
	return rc < 0 ? rc : run(o, operands[0], "compressing", compress_member, err);
}

static int decompress_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	int rc = set_arg_check(nr_operands, err);
	return rc < 0 ? rc : run(opts, operands[0], "decompressing", decompress_member, err);
}

const struct command cmd_compress = {
	.name = "compress",
	.group = GROUP_STORE,
	.args = "[-l N] [-T N] [-o DIR] SRC",
	.summary = "compress page data; every command reads it as it is",
	.detail =
	    "pages-1.img becomes pages-1.img.zst: zstd frames of 256 KiB and their table. The\n"
	    "other images stay as they are. `crit decompress` gives the same bytes again.",
	.rows = compress_rows,
	.nr_rows = ARRAY_SIZE(compress_rows),
	.opts_size = sizeof(struct compress_opts),
	.run = compress_run,
};

const struct command cmd_decompress = {
	.name = "decompress",
	.group = GROUP_STORE,
	.args = "[-T N] [--max-size BYTES] [-o DIR] SRC",
	.summary = "page data as it was before crit compress",
	.rows = decompress_rows,
	.nr_rows = ARRAY_SIZE(decompress_rows),
	.opts_size = sizeof(struct compress_opts),
	.run = decompress_run,
};
