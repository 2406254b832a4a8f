/* SPDX-License-Identifier: MIT
 * The rows of raw images, and their bytes in both directions.
 */
#include "convert/raw/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/raw/blob.h"

static const struct raw_form forms[] = {
	{ IMG_IFADDR, RAW_NETLINK, netlink_to_json, .headed = true },
	{ IMG_ROUTE, RAW_NETLINK, netlink_to_json, .headed = true },
	{ IMG_ROUTE6, RAW_NETLINK, netlink_to_json, .headed = true },
	{ IMG_RULE, RAW_NETLINK, netlink_to_json, .headed = true },
	{ IMG_NETNF_CT, RAW_NETLINK, netlink_to_json },
	{ IMG_NETNF_EXP, RAW_NETLINK, netlink_to_json },
	{ IMG_IPTABLES, RAW_FILTER, lines_to_json, filter_text_check, .whole = true },
	{ IMG_IP6TABLES, RAW_FILTER, lines_to_json, filter_text_check, .whole = true },
	{ IMG_NFTABLES, RAW_FILTER, lines_to_json, filter_text_check, .whole = true },
	{ IMG_TMPFS_IMG, RAW_TAR, tar_to_json },
	{ IMG_TMPFS_DEV, RAW_TAR, tar_to_json },
	{ IMG_PAGES, RAW_PAGES, pages_to_json, .summary = true },
	{ IMG_PAGES_OLD, RAW_PAGES, pages_to_json, .summary = true },
	{ IMG_SHM_PAGES_OLD, RAW_PAGES, pages_to_json, .summary = true },
};

static const struct raw_form *form_of(enum image_id id)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (forms[i].id == id)
			return &forms[i];
	}
	return NULL;
}

enum raw_kind raw_kind_of(enum image_id id)
{
	const struct raw_form *form = form_of(id);
	return form ? form->kind : RAW_NONE;
}

static int bytes_to_json(struct image_reader *r, struct json_out *out, struct error *err)
{
	json_key(out, "raw");
	return blob_to_json(r, image_read_raw, UINT64_MAX, out, err);
}

int raw_to_json(struct image_reader *r, const struct raw_json *how, struct json_out *out,
		struct error *err)
{
	const struct raw_form *form = form_of(image_reader_type(r)->id);
	if (!form || (form->summary && !out->pretty && !how->no_payload))
		return bytes_to_json(r, out, err);
	int rc = form->show(r, out, err);
	if (rc < 0 || form->whole || form->summary || how->no_payload || !how->reopen)
		return rc;
	auto_image_reader again = NULL;
	rc = how->reopen(how->arg, &again, err);
	return rc < 0 ? rc : bytes_to_json(again, out, err);
}

/* Shown to nobody. */
int raw_check(struct image_reader *r, struct error *err)
{
	const struct raw_form *form = form_of(image_reader_type(r)->id);
	if (form && form->check)
		return form->check(r, err);
	const struct raw_json how = { .no_payload = true };
	auto_fd null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	auto_json_out out = { 0 };
	int rc = json_out_init(&out, null, "/dev/null", true, err);
	if (rc < 0)
		return rc;
	json_begin(&out, '{');
	rc = raw_to_json(r, &how, &out, err);
	if (rc == 0 && form && form->headed && !image_payload_offset(r))
		rc = error_set(err, EBADMSG, "%s: is empty", image_reader_name(r));
	return rc < 0 ? rc : json_out_flush(&out, err);
}

enum raw_member raw_member_kind(const char *key)
{
	static const char *const shown[] = { "entries", "members", "pages", "bytes", "zero_pages" };
	if (!strcmp(key, "raw") || !strcmp(key, "lines"))
		return RAW_CONTENT;
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		if (!strcmp(shown[i], key))
			return RAW_SHOWN;
	}
	return RAW_UNKNOWN;
}

static int bytes_add(void *w, const uint8_t *bytes, size_t len, struct error *err)
{
	return image_write_bytes(w, bytes, len, err);
}

int raw_from_json(struct json_in *in, struct image_writer *w, struct error *err)
{
	return !strcmp(in->key, "raw")
		   ? blob_from_json(in, &(struct blob_sink){ bytes_add, w }, err)
		   : lines_from_json(in, w, err);
}
