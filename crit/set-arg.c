/* SPDX-License-Identifier: MIT
 * What the commands that make a set of images from another one have in common.
 */
#include "crit/set-arg.h"

#include "images/image-type.h"

int set_arg_check(int nr_operands, struct error *err)
{
	return nr_operands == 1 ? 0 : error_set(err, EUSAGE, "want one checkpoint");
}

int set_arg_run(const char *path, const char *out, set_member_fn *each, void *ctx,
		struct error *err)
{
	auto_set_rewrite set;
	int rc = set_rewrite_open(path, out, &set, err);
	if (rc == 0)
		rc = set_rewrite_members(&set, each, ctx, err);
	return rc < 0 ? rc : set_rewrite_commit(&set, err);
}

uint64_t set_arg_pages_size(const char *path)
{
	auto_source src = NULL;
	const struct source_member *members;
	ssize_t nr = source_open(path, &src, NULL) < 0 ? 0 : source_list(src, &members, NULL);
	uint64_t size = 0;
	for (ssize_t i = 0; i < nr; i++) {
		const struct image_type *type = image_type_by_filename(members[i].name);
		size += type && type->id == IMG_PAGES ? members[i].size : 0;
	}
	return size;
}
