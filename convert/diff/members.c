/* SPDX-License-Identifier: MIT
 * What differs in the members of an archive that are no images: what container engines put there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "convert/diff/change.h"
#include "convert/diff/streams.h"
#include "convert/diff/tars.h"

enum { MEMBER_TEXT_MAX = 8 * 1024 * 1024 };

static ssize_t read_member(void *in, void *buf, size_t len, struct error *err)
{
	return istream_read(in, buf, len, err);
}

static uint64_t hole_of_member(void *in)
{
	uint64_t at = istream_offset(in), size = (uint64_t)istream_size(in), hole = size - at;
	return istream_size(in) > 0 && at < size && istream_hole(in, at, &hole) ? hole : 0;
}

static void pass_in_member(void *in, uint64_t len)
{
	istream_skip(in, len, NULL); /* what is wrong with it, the next read tells */
}

static const struct stream_kind member_kind = {
	.read = read_member,
	.hole = hole_of_member,
	.pass = pass_in_member,
};

/* JSON is compared by its fields. */
static int other_flat(struct source *src, const char *name, struct flat *out, struct error *err)
{
	auto_istream in = NULL;
	int rc = source_open_member(src, name, &in, err);
	int64_t size = rc < 0 ? 0 : istream_size(in);
	if (rc < 0 || size < 0 || size > MEMBER_TEXT_MAX)
		return rc < 0 ? rc : -EFBIG;
	auto_free char *text = malloc((size_t)size + 1);
	if (!text)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	ssize_t n = stream_read_full(read_member, in, text, (size_t)size, err);
	return n < 0 ? (int)n : flat_from_json(text, (size_t)n, name, out, err);
}

int diff_member_bytes(struct diff *d, enum diff_section section, const char *const names[2],
		      struct error *err)
{
	auto_istream in_a = NULL;
	auto_istream in_b = NULL;
	uint64_t offset = 0;
	int rc = source_open_member(checkpoint_source(d->cp[0]), names[0], &in_a, err);
	if (rc == 0)
		rc = source_open_member(checkpoint_source(d->cp[1]), names[1], &in_b, err);
	if (rc == 0)
		rc = streams_compare(&member_kind, in_a, in_b, &offset, err);
	return diff_bytes(d, section, names[0], NULL, rc, offset);
}

static int other_compare(struct diff *d, const char *name, struct error *err)
{
	const char *const names[2] = { name, name };
	if (is_tar_name(name))
		return diff_tars(d, DIFF_METADATA, names, err);
	auto_flat a = { 0 };
	auto_flat b = { 0 };
	int rc = other_flat(checkpoint_source(d->cp[0]), name, &a, NULL);
	if (rc == 0)
		rc = other_flat(checkpoint_source(d->cp[1]), name, &b, NULL);
	if (rc == 0)
		diff_flats(d, DIFF_METADATA, name, &a, &b);
	return rc == 0 ? 0 : diff_member_bytes(d, DIFF_METADATA, names, err);
}

static bool is_other(const char *name)
{
	size_t len = strlen(name);
	bool log = len > 4 && !strcmp(name + len - 4, ".log"); /* of the run, not of the state */
	return !image_type_by_filename(name) && !log && strcmp(name, "parent");
}

static bool has_member(const struct source_member *members, ssize_t nr, const char *name)
{
	for (ssize_t i = 0; i < nr; i++) {
		if (!strcmp(members[i].name, name))
			return true;
	}
	return false;
}

int diff_members(struct diff *d, struct error *err)
{
	const struct source_member *a, *b;
	ssize_t nr_a = source_list(checkpoint_source(d->cp[0]), &a, err);
	ssize_t nr_b = nr_a < 0 ? nr_a : source_list(checkpoint_source(d->cp[1]), &b, err);
	if (nr_b < 0)
		return (int)nr_b;
	for (ssize_t i = 0; i < nr_a; i++) {
		if (!is_other(a[i].name))
			continue;
		int rc = 0;
		if (has_member(b, nr_b, a[i].name))
			rc = other_compare(d, a[i].name, err);
		else
			diff_presence(d, DIFF_METADATA, a[i].name, NULL, true, false);
		if (rc < 0)
			return rc;
	}
	for (ssize_t i = 0; i < nr_b; i++) {
		if (is_other(b[i].name) && !has_member(a, nr_a, b[i].name))
			diff_presence(d, DIFF_METADATA, b[i].name, NULL, false, true);
	}
	return 0;
}
