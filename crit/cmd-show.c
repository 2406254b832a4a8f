/* SPDX-License-Identifier: MIT
 * crit show: an image for people.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/progress.h"
#include "base/spool.h"
#include "convert/raw/bytes.h"
#include "crit/commands.h"
#include "crit/decode.h"
#include "crit/image-arg.h"

struct show_opts {
	bool no_payload, hexdump;
	struct arg_list entries;
};

static const struct arg_row show_rows[] = {
	{ 0, "nopl", NULL, "print only the size of payloads", ARG_FLAG,
	  offsetof(struct show_opts, no_payload) },
	{ 'e', "entry", "N", "only entry N, counted from 0; may be given again", ARG_LIST,
	  offsetof(struct show_opts, entries) },
	{ 'x', "hexdump", NULL,
	  "the bytes behind entries, of a raw image, or of a page map's pages", ARG_FLAG,
	  offsetof(struct show_opts, hexdump) },
};

struct bytes_of {
	const char *image;
	const uint64_t *entries; /* NULL: all */
	size_t nr;
};

static int hexdump(const struct bytes_of *o, FILE *to, const char *to_name, struct error *err)
{
	auto_image_arg arg = { .text = o->image };
	auto_image_reader r = NULL;
	auto_progress progress = { 0 };
	struct hexdump h = { .to = to, .progress = isatty(STDOUT_FILENO) ? NULL : &progress };
	const char *name;
	int rc = image_arg_open(&arg, &r, err);
	if (rc < 0)
		return rc;
	const struct image_type *type = image_reader_type(r);
	bool pages = type->id == IMG_PAGEMAP || type->id == IMG_SHMEM_PAGEMAP;
	if (o->entries && (pages || !type->entry))
		return error_set(
		    err, EUSAGE,
		    "%s: -x prints all of it: -e is for images with bytes behind their "
		    "entries",
		    o->image);
	progress_start(&progress, "printing", 0);
	if (pages) {
		rc = image_arg_set(&arg, &name, err);
		if (rc == 0)
			rc = pages_hexdump(arg.src, name, &h, err);
	} else {
		rc = image_hexdump(r, o->entries, o->nr, &h, err);
	}
	if (rc == 0 && fflush(to) != 0)
		rc = error_sys(err, "%s", to_name);
	return rc;
}

static int hexdump_to(void *o, int fd, const char *name, struct error *err)
{
	auto_fd copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *to = copy < 0 ? NULL : fdopen(copy, "w");
	if (!to)
		return error_sys(err, "%s", name);
	take_fd(copy);
	int rc = hexdump(o, to, name, err);
	fclose(to);
	return rc;
}

/* Which entries there are is known when all have been read. */
static int hexdump_run(struct bytes_of *o, struct error *err)
{
	return o->entries ? spool_whole(hexdump_to, o, STDOUT_FILENO, "standard output", err)
			  : hexdump(o, stdout, "standard output", err);
}

static int show_run(void *opts_, int nr_operands, char **operands, struct error *err)
{
	const struct show_opts *opts = opts_;
	size_t nr = opts->entries.nr;
	auto_free uint64_t *entries = nr ? calloc(nr, sizeof(*entries)) : NULL;
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one IMAGE");
	if (opts->hexdump && opts->no_payload)
		return error_set(err, EUSAGE, "-x prints what --nopl leaves out");
	if (nr && !entries)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < nr; i++) {
		if (parse_u64(opts->entries.items[i], &entries[i]) < 0)
			return error_set(err, EUSAGE, "--entry %s: want a number",
					 opts->entries.items[i]);
	}
	if (opts->hexdump)
		return hexdump_run(&(struct bytes_of){ operands[0], entries, nr }, err);
	struct decode_request request = {
		.image = operands[0],
		.pretty = true,
		.no_payload = opts->no_payload,
		.entries = entries,
		.nr_entries = nr,
	};
	return decode_run(&request, err);
}

const struct command cmd_show = {
	.name = "show",
	.group = GROUP_LOOK,
	.args = "[--nopl|-x] [-e N] IMAGE",
	.summary = "print an image as indented JSON, numbers as people read them",
	.detail = "IMAGE is a file, ARCHIVE:MEMBER, or - for standard input. Raw images show what\n"
		  "they hold: addresses, routes, rules, rule sets, tar listings, page counts.",
	.rows = show_rows,
	.nr_rows = ARRAY_SIZE(show_rows),
	.opts_size = sizeof(struct show_opts),
	.run = show_run,
};
