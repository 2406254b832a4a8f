/* SPDX-License-Identifier: MIT
 * crit compress and decompress: page images in seekable zstd frames, and back.
 */
#include "base/array.h"
#include "convert/store/compress.h"
#include "convert/store/ordered.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"
#include "crit/sink-arg.h"
#include "images/page-store.h"

enum { LEVEL = 3 };

struct compress_opts {
	struct sink_opts sink;
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

#define THREADS_ROW                                                                                \
	{                                                                                          \
		'T', "threads", "N", "work side by side; default: one for each processor",         \
		    ARG_CALLBACK, 0, 0, threads_parse                                              \
	}

static const struct arg_row compress_rows[] = {
	{ 'l', "level", "N", "of zstd, 1 (fast) to 22 (small); default: 3", ARG_COUNT,
	  offsetof(struct compress_opts, level), 0, NULL },
	THREADS_ROW,
	{ 0, "max-size", "BYTES", "refuse page images that are larger", ARG_COUNT,
	  offsetof(struct compress_opts, max_size), 0, NULL },
	SINK_ROWS(struct compress_opts, sink),
};
static const struct arg_row decompress_rows[] = {
	THREADS_ROW,
	{ 0, "max-size", "BYTES", "refuse page images that become larger", ARG_COUNT,
	  offsetof(struct compress_opts, max_size), 0, NULL },
	SINK_ROWS(struct compress_opts, sink),
};

typedef int set_form(const struct set_job *job, const struct compress_how *how, struct error *err);

static int run(struct compress_opts *o, const char *path, const char *what, set_form *change,
	       struct error *err)
{
	auto_source src = NULL;
	auto_sink sink = NULL;
	auto_progress progress = { 0 };
	o->sink.place_of_source = true;
	int rc = source_arg_open(path, &src, err);
	if (rc == 0)
		rc = sink_arg_open(&o->sink, src, path, &progress, &sink, err);
	if (rc < 0)
		return rc;
	progress_start(&progress, what, pages_stored_size(src));
	const struct set_job job = { .src = src, .sink = sink };
	const struct compress_how how = {
		.level = (int)(o->level ?: LEVEL),
		.nr_threads = ordered_threads(o->threads),
		.max_size = o->max_size,
		.progress = &progress,
	};
	rc = change(&job, &how, err);
	return rc < 0 ? rc : sink_arg_commit(&o->sink, path, src, sink, NULL, err);
}

static int compress_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	struct compress_opts *o = opts;
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one checkpoint");
	int rc = compress_level_check(o->level ?: LEVEL, err);
	if (rc < 0)
		return rc == -EINVAL ? -EUSAGE : rc;
	return run(o, operands[0], "compressing", set_compress, err);
}

static int decompress_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one checkpoint");
	return run(opts, operands[0], "decompressing", set_decompress, err);
}

const struct command cmd_compress = {
	.name = "compress",
	.group = GROUP_STORE,
	.args = "[-l N] [-T N] [--max-size BYTES] [-o OUT|--in-place] SRC",
	.summary = "compress page data; every command reads it as it is",
	.detail =
	    "pages-1.img becomes pages-1.img.zst: zstd frames of 256 KiB and their table. The\n"
	    "other images stay as they are. `crit decompress` gives the same bytes again.\n"
	    "Without -o the new set takes the place of SRC.",
	.rows = compress_rows,
	.nr_rows = ARRAY_SIZE(compress_rows),
	.opts_size = sizeof(struct compress_opts),
	.run = compress_run,
};

const struct command cmd_decompress = {
	.name = "decompress",
	.group = GROUP_STORE,
	.args = "[-T N] [--max-size BYTES] [-o OUT|--in-place] SRC",
	.summary = "page data as it was before crit compress",
	.rows = decompress_rows,
	.nr_rows = ARRAY_SIZE(decompress_rows),
	.opts_size = sizeof(struct compress_opts),
	.run = decompress_run,
};
