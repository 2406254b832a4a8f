/* SPDX-License-Identifier: MIT
 * The rows of raw images, and their bytes in both directions.
 */
#include "convert/raw/raw.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/json/base64.h"

#define PIECE (BASE64_LINE_BYTES * 1024)

static const struct raw_form forms[] = {
	{ IMG_IFADDR, netlink_to_json },
	{ IMG_ROUTE, netlink_to_json },
	{ IMG_ROUTE6, netlink_to_json },
	{ IMG_RULE, netlink_to_json },
	{ IMG_NETNF_CT, netlink_to_json },
	{ IMG_NETNF_EXP, netlink_to_json },
	{ IMG_IPTABLES, lines_to_json, .whole = true },
	{ IMG_IP6TABLES, lines_to_json, .whole = true },
	{ IMG_NFTABLES, lines_to_json, .whole = true },
	{ IMG_TMPFS_IMG, tar_to_json },
	{ IMG_TMPFS_DEV, tar_to_json },
	{ IMG_PAGES, pages_to_json, .summary = true },
	{ IMG_PAGES_OLD, pages_to_json, .summary = true },
	{ IMG_SHM_PAGES_OLD, pages_to_json, .summary = true },
};

static const struct raw_form *form_of(enum image_id id)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (forms[i].id == id)
			return &forms[i];
	}
	return NULL;
}

static int bytes_to_json(struct image_reader *r, struct json_out *out, struct error *err)
{
	auto_free char *piece = malloc(PIECE);
	if (!piece)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	json_key(out, "raw");
	json_str_begin(out);
	ssize_t n;
	while ((n = image_read_raw(r, piece, PIECE, err)) > 0 && !out->error)
		base64_emit(out, piece, (size_t)n);
	json_str_end(out);
	return n < 0 ? (int)n : 0;
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

static int bytes_from_json(struct json_in *in, struct image_writer *w, struct error *err)
{
	auto_free char *bytes = malloc(BASE64_CARRY + PIECE);
	if (!bytes)
		return json_error(in, ENOMEM, err, "out of memory");
	char *text = bytes + BASE64_CARRY;
	struct base64_decoder decoder = { 0 };
	int rc = json_string_begin(in, err);
	ssize_t n = rc;
	while (rc == 0 && (n = json_string_read(in, text, PIECE, err)) > 0) {
		ssize_t len = base64_decode(&decoder, text, (size_t)n, (uint8_t *)bytes);
		if (len < 0)
			return json_error(in, EBADMSG, err, "not base64");
		rc = image_write_bytes(w, bytes, (size_t)len, err);
	}
	if (rc == 0 && n == 0 && base64_decode_end(&decoder) < 0)
		return json_error(in, EBADMSG, err, "base64 cut short");
	return rc < 0 ? rc : (int)n;
}

int raw_from_json(struct json_in *in, struct image_writer *w, struct error *err)
{
	return !strcmp(in->key, "raw") ? bytes_from_json(in, w, err) : lines_from_json(in, w, err);
}
