/* SPDX-License-Identifier: MIT
 * Contents of tmpfs mounts: what the tar lists.
 */
#include <sys/stat.h>

#include "convert/raw/raw.h"
#include "convert/raw/tar-read.h"

static void text_member(struct json_out *out, const char *key, const char *text)
{
	json_key(out, key);
	json_str(out, text);
}

static void member_to_json(const struct tar_member *m, struct json_out *out)
{
	json_begin(out, '{');
	text_member(out, "name", m->path);
	text_member(out, "type", tar_member_kind(m));
	json_key(out, "mode");
	json_strf(out, "0%o", (unsigned)m->mode & 07777);
	json_key(out, "uid");
	json_i64(out, m->uid);
	json_key(out, "gid");
	json_i64(out, m->gid);
	json_key(out, "size");
	json_i64(out, (int64_t)m->size);
	if (m->link)
		text_member(out, "link", m->link);
	json_end(out, '}');
}

static ssize_t image_bytes(void *r, void *buf, size_t len, struct error *err)
{
	return image_read_raw(r, buf, len, err);
}

int tar_to_json(struct image_reader *r, struct json_out *out, struct error *err)
{
	auto_tar_reader tar = NULL;
	struct tar_member member;
	int rc = tar_reader_open(image_bytes, r, image_reader_name(r), &tar, err);
	json_key(out, "members");
	json_begin(out, '[');
	while (rc == 0 && !out->error && (rc = tar_next(tar, &member, err)) == 1) {
		member_to_json(&member, out);
		rc = 0;
	}
	json_end(out, ']');
	return rc;
}
