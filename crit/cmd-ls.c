/* SPDX-License-Identifier: MIT
 * crit ls: the images of a directory or archive.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crit/checkpoint-arg.h"
#include "crit/commands.h"
#include "crit/image-count.h"
#include "crit/text.h"

struct ls_row {
	const char *type;
	char entries[24];
};

/* What is no image, or a broken one, is listed too: the row says so. */
static int row_fill(struct source *src, const struct source_member *member, struct ls_row *row,
		    struct error *err)
{
	struct error why = { 0 };
	auto_image_reader r = NULL;
	struct image_count count = { 0 };
	*row = (struct ls_row){ .type = "-", .entries = "-" };
	int rc = image_open(src, member->path, &r, &why);
	if (rc == -EBADMSG) {
		const struct image_type *type =
		    member->own ? image_type_by_filename(member->name) : NULL;
		if (type) {
			*row = (struct ls_row){ .type = type->name, .entries = "broken" };
			damage_noted(src, rc, &why);
		}
		return 0;
	}
	if (rc < 0) {
		*err = why;
		return rc;
	}
	row->type = image_reader_type(r)->name;
	if (image_reader_type(r)->entry) {
		rc = image_count(r, &count, &why);
		if (rc < 0 && damage_noted(src, rc, &why))
			snprintf(row->entries, sizeof(row->entries), "broken");
		else if (rc < 0)
			return error_set(err, rc, "%s", why.text);
		else
			snprintf(row->entries, sizeof(row->entries), "%" PRIu64, count.entries);
	}
	return 0;
}

static int width_of(const struct source_member *members, ssize_t nr)
{
	size_t width = strlen("IMAGE");
	for (ssize_t i = 0; i < nr; i++) {
		size_t len = strlen(members[i].name);
		if (len > width)
			width = len;
	}
	return width < 60 ? (int)width : 60;
}

static int ls_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	(void)opts;
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one SOURCE");
	auto_damage_list broken = { 0 };
	auto_source src = NULL;
	int rc = source_arg_stream(operands[0], &src, err);
	if (rc == 0)
		rc = sets_below_refuse(operands[0], err);
	if (rc < 0)
		return rc;
	const struct source_member *members;
	ssize_t nr = source_list(src, &members, err);
	if (nr < 0)
		return (int)nr;
	source_pass_damage(src, &broken);
	int width = width_of(members, nr);
	printf("%-*s  %-14s %10s %14s\n", width, "IMAGE", "TYPE", "ENTRIES", "BYTES");
	for (ssize_t i = 0; i < nr; i++) {
		struct ls_row row;
		rc = row_fill(src, &members[i], &row, err);
		if (rc < 0)
			return rc;
		text_print(members[i].name);
		int pad = width - (int)strlen(members[i].name);
		printf("%*s  %-14s %10s %14" PRIu64 "\n", pad > 0 ? pad : 0, "", row.type,
		       row.entries, members[i].size);
	}
	return damage_tell(&broken, "ls");
}

const struct command cmd_ls = {
	.name = "ls",
	.group = GROUP_LOOK,
	.args = "SOURCE",
	.summary = "list the images of a directory or archive",
	.detail =
	    "SOURCE is a directory or an archive (tar, tar.gz, tar.zst). Files that are no images\n"
	    "have - as their type; an image that cannot be read to its end is marked broken, and "
	    "named\n"
	    "with exit status 1.",
	.run = ls_run,
};
