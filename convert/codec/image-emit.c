/* SPDX-License-Identifier: MIT
 * A whole image to JSON, an entry at a time.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/codec/image.h"
#include "convert/codec/message.h"
#include "convert/codec/payload.h"
#include "convert/json/base64.h"
#include "convert/raw/raw.h"

static const char *const head_names[] = {
	[HEAD_RAW] = "raw",
	[HEAD_MAGIC] = "magic",
	[HEAD_COMMON] = "common",
	[HEAD_SERVICE] = "service",
};

static const char *image_head_name(enum image_head head)
{
	return head_names[head];
}

int image_head_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(head_names); i++) {
		if (!strcmp(head_names[i], name))
			return (int)i;
	}
	return -EINVAL;
}

/* A message that packs differently (fields out of order, overlong numbers) keeps its bytes too. */
static void packed_to_json(struct image_reader *r, const ProtobufCMessage *msg,
			   struct json_out *out, struct strbuf *scratch)
{
	size_t len;
	const void *bytes = image_entry_bytes(r, &len);
	strbuf_reset(scratch);
	if (strbuf_reserve(scratch, len) < 0) {
		out->error = -ENOMEM;
		return;
	}
	if (protobuf_c_message_get_packed_size(msg) == len) {
		protobuf_c_message_pack(msg, (uint8_t *)scratch->data);
		if (!memcmp(scratch->data, bytes, len))
			return;
	}
	json_key(out, "_raw");
	json_base64(out, bytes, len);
}

static int entry_to_json(struct image_reader *r, const ProtobufCMessage *msg,
			 const struct image_json *how, struct json_out *out, struct strbuf *scratch,
			 struct error *err)
{
	json_begin(out, '{');
	message_members_to_json(msg, out);
	packed_to_json(r, msg, out, scratch);
	int rc = payload_to_json(r, msg, how->raw.no_payload, out, err);
	if (rc < 0)
		return rc;
	json_end(out, '}');
	return payload_chunks_to_json(r, msg, how->raw.no_payload, out, err);
}

static int entries_to_json(struct image_reader *r, const struct image_json *how,
			   struct json_out *out, struct error *err)
{
	auto_strbuf scratch = { 0 };
	int rc = 1;
	json_key(out, "entries");
	json_begin(out, '[');
	uint64_t nr = 0;
	for (; rc > 0 && !out->error; nr++) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, err);
		bool wanted = rc > 0 && image_entry_wanted(how->entries, how->nr_entries, nr);
		int bad = wanted ? entry_to_json(r, msg, how, out, &scratch, err) : 0;
		if (bad < 0)
			return bad;
	}
	json_end(out, ']');
	if (rc == 0 && !out->error)
		rc = image_entries_seen(r, how->entries, how->nr_entries, nr - 1, err);
	return rc < 0 ? rc : 0;
}

const char *image_magic_name(const struct image_type *type)
{
	return image_types[type->id == IMG_SHMEM_PAGEMAP ? IMG_PAGEMAP : type->id].name;
}

int image_to_json(struct image_reader *r, const struct image_json *how, struct json_out *out,
		  struct error *err)
{
	const struct image_type *type = image_reader_type(r);
	json_begin(out, '{');
	json_key(out, "magic");
	json_str(out, image_magic_name(type));
	if (image_reader_head(r) != type->head) {
		json_key(out, "head");
		json_str(out, image_head_name(image_reader_head(r)));
	}
	int rc =
	    type->entry ? entries_to_json(r, how, out, err) : raw_to_json(r, &how->raw, out, err);
	if (rc < 0)
		return rc;
	json_end(out, '}');
	return out->error ? json_out_flush(out, err) : 0;
}
