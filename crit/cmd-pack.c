/* SPDX-License-Identifier: MIT
 * crit pack and unpack: a directory of images as one archive, and back.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/new-dir.h"
#include "base/replace.h"
#include "convert/store/pack.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"
#include "images/page-store.h"
#include "images/source.h"

struct pack_opts {
	const char *out;
	uint64_t level;
};

static const struct arg_row pack_rows[] = {
	{ 'o', "out", "FILE", "the archive: .tar, .tar.gz or .tar.zst", ARG_PATH,
	  offsetof(struct pack_opts, out), 0, NULL },
	{ 'l', "level", "N", "of compression; default: the usual one of its kind", ARG_COUNT,
	  offsetof(struct pack_opts, level), 0, NULL },
};

static int pack_check(const struct pack_opts *o, int nr_operands, struct error *err)
{
	const struct archive_form *form = o->out ? archive_form_of(o->out) : NULL;
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one checkpoint");
	if (!o->out)
		return error_set(err, EUSAGE, "want the name of the archive: -o FILE");
	if (!form)
		return error_set(err, EUSAGE, "%s: want " ARCHIVE_NAMES, o->out);
	if (o->level && !form->levels)
		return error_set(err, EUSAGE, "--level: a %s is not compressed", form->suffix);
	if (o->level > form->levels)
		return error_set(err, EUSAGE, "--level %" PRIu64 ": a %s has 1 to %u", o->level,
				 form->suffix, form->levels);
	return 0;
}

static int pack_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct pack_opts *o = opts;
	auto_source src = NULL;
	auto_replace file = { .fd = -1 };
	auto_progress progress = { 0 };
	int rc = pack_check(o, nr_operands, err);
	if (rc == 0)
		rc = source_arg_open(operands[0], &src, err);
	if (rc == 0)
		rc = set_want(operands[0], src, err);
	if (rc < 0)
		return rc;
	if (source_is_archive(src))
		return error_set(err, EINVAL, "%s is an archive already", operands[0]);
	progress_start(&progress, "packing", pages_stored_size(src));
	rc = replace_open(o->out, &file, err);
	if (rc == 0)
		rc = pack_set(src, file.fd, o->out, archive_form_of(o->out), (unsigned)o->level,
			      &progress, err);
	return rc < 0 ? rc : replace_commit(&file, err);
}

const struct command cmd_pack = {
	.name = "pack",
	.group = GROUP_STORE,
	.args = "-o FILE [-l N] DIR",
	.summary = "put a checkpoint into one archive",
	.detail = "The sets before it, as `parent` leads to them, go into folders of the archive.\n"
		  "Every command reads archives as they are.",
	.rows = pack_rows,
	.nr_rows = ARRAY_SIZE(pack_rows),
	.opts_size = sizeof(struct pack_opts),
	.run = pack_run,
};

struct unpack_opts {
	const char *dir;
	uint64_t max_size;
};

static const struct arg_row unpack_rows[] = {
	{ 'C', "directory", "DIR", "the directory to make; it may be there when it is empty",
	  ARG_PATH, offsetof(struct unpack_opts, dir), 0, NULL },
	{ 0, "max-size", "BYTES", "write no more; default: 16G or 64 times the archive", ARG_COUNT,
	  offsetof(struct unpack_opts, max_size), 0, NULL },
};

enum { EXPECTED_RATIO = 64 };
#define ALWAYS_ALLOWED (UINT64_C(16) << 30)

static uint64_t default_max(uint64_t archive_size)
{
	uint64_t max;
	if (__builtin_mul_overflow(archive_size, (uint64_t)EXPECTED_RATIO, &max))
		max = UINT64_MAX;
	return max > ALWAYS_ALLOWED ? max : ALWAYS_ALLOWED;
}

static int unpack_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct unpack_opts *o = opts;
	if (nr_operands != 1 || !o->dir)
		return error_set(err, EUSAGE, "want an archive and -C DIR");
	bool is_stdin = !strcmp(operands[0], "-");
	const char *name = is_stdin ? "standard input" : operands[0];
	auto_fd fd =
	    is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "open %s", name);
	auto_new_dir dir = { .fd = -1 };
	auto_progress progress = { 0 };
	progress_start(&progress, "unpacking", 0);
	int rc = new_dir_open(o->dir, false, &dir, err);
	if (rc == 0)
		rc = unpack_archive(fd, name, dir.fd,
				    o->max_size ? o->max_size : default_max((uint64_t)st.st_size),
				    &progress, err);
	return rc < 0 ? rc : new_dir_commit(&dir, err);
}

const struct command cmd_unpack = {
	.name = "unpack",
	.group = GROUP_STORE,
	.args = "[--max-size BYTES] -C DIR ARCHIVE",
	.summary = "take a checkpoint out of an archive",
	.detail =
	    "ARCHIVE may be - for standard input.\n"
	    "Nothing is written outside DIR. Names that lead out of it, links (but a set's parent\n"
	    "inside the archive) and devices are refused, and then DIR is not made at all.",
	.rows = unpack_rows,
	.nr_rows = ARRAY_SIZE(unpack_rows),
	.opts_size = sizeof(struct unpack_opts),
	.run = unpack_run,
};
