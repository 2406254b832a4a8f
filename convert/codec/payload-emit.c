/* SPDX-License-Identifier: MIT
 * Payloads to JSON: one row per kind.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/codec/payload.h"
#include "convert/raw/blob.h"
#include "images/payload.h"
#include "ipc.pb-c.h"

static int one_to_json(struct image_reader *r, struct json_out *out, struct error *err)
{
	struct payload_part part;
	int rc = image_payload_next(r, &part, err);
	if (rc > 0)
		return blob_to_json(r, image_payload_read, part.len, out, err);
	if (rc == 0)
		json_str(out, "");
	return rc;
}

static int tcp_to_json(struct image_reader *r, struct json_out *out, struct error *err)
{
	static const char *const names[] = { "inq", "outq" };
	json_begin(out, '{');
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		json_key(out, names[i]);
		int rc = one_to_json(r, out, err);
		if (rc < 0)
			return rc;
	}
	json_end(out, '}');
	return 0;
}

static int messages_to_json(struct image_reader *r, struct json_out *out, struct error *err)
{
	struct payload_part part;
	int rc;
	json_begin(out, '[');
	while ((rc = image_payload_next(r, &part, err)) > 0 && !out->error) {
		message_to_json(part.msg, out);
		rc = blob_to_json(r, image_payload_read, part.len, out, err);
		if (rc < 0)
			return rc;
	}
	json_end(out, ']');
	return rc < 0 ? rc : 0;
}

static int semaphores_to_json(struct image_reader *r, struct json_out *out, struct error *err)
{
	uint8_t values[4096];
	struct payload_part part;
	ssize_t n = image_payload_next(r, &part, err);
	json_begin(out, '[');
	while (n > 0 && (n = image_payload_read(r, values, sizeof(values), err)) > 0) {
		for (ssize_t i = 0; i + 1 < n; i += 2)
			json_u64(out, values[i] | (unsigned)values[i + 1] << 8);
	}
	json_end(out, ']');
	return n < 0 ? (int)n : 0;
}

static int (*const forms[])(struct image_reader *r, struct json_out *out, struct error *err) = {
	[PAYLOAD_PIPE] = one_to_json,         [PAYLOAD_SK_QUEUE] = one_to_json,
	[PAYLOAD_TCP] = tcp_to_json,          [PAYLOAD_IPC_SHM] = one_to_json,
	[PAYLOAD_IPC_MSG] = messages_to_json, [PAYLOAD_IPC_SEM] = semaphores_to_json,
	[PAYLOAD_GHOST] = one_to_json,        [PAYLOAD_BPFMAP] = one_to_json,
};

/* "... <112B>", "... <8.7KB>". */
static void size_to_json(struct json_out *out, uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	double value = (double)bytes;
	size_t unit = 0;
	for (; value >= 1024 && unit < sizeof(units) - 2; unit++)
		value /= 1024;
	char suffix[3] = { units[unit], unit ? 'B' : '\0' };
	if (value == (double)(uint64_t)value)
		json_strf(out, "... <%" PRIu64 "%s>", (uint64_t)value, suffix);
	else
		json_strf(out, "... <%.1f%s>", value, suffix);
}

/* What the payload holds, its messages included and padding not. */
static int payload_size(struct image_reader *r, const ProtobufCMessage *entry,
			const struct payload_plan *plan, uint64_t *size, struct error *err)
{
	*size = plan->len[0] + plan->len[1];
	/* a segment in page maps: its size, though nothing of it is here */
	if (entry->descriptor == &ipc_shm_entry__descriptor)
		*size = ((const IpcShmEntry *)entry)->size;
	if (!plan->header)
		return 0;
	struct payload_part part;
	int rc;
	while ((rc = image_payload_next(r, &part, err)) > 0)
		*size += protobuf_c_message_get_packed_size(part.msg) + part.len;
	return rc;
}

int payload_to_json(struct image_reader *r, const ProtobufCMessage *entry, bool no_payload,
		    struct json_out *out, struct error *err)
{
	enum image_payload kind = image_reader_type(r)->payload;
	struct payload_plan plan;
	payload_plan(kind, entry, &plan);
	bool ghost = kind == PAYLOAD_GHOST;
	if (kind == PAYLOAD_NONE || (ghost && (no_payload || plan.header)))
		return 0;
	json_key(out, "extra");
	if (!no_payload)
		return forms[kind](r, out, err);
	uint64_t size;
	int rc = payload_size(r, entry, &plan, &size, err);
	if (rc == 0)
		size_to_json(out, size);
	return rc;
}

int payload_chunks_to_json(struct image_reader *r, const ProtobufCMessage *entry, bool no_payload,
			   struct json_out *out, struct error *err)
{
	struct payload_plan plan;
	payload_plan(image_reader_type(r)->payload, entry, &plan);
	if (image_reader_type(r)->payload != PAYLOAD_GHOST || !plan.header)
		return 0;
	struct payload_part part;
	int rc;
	while ((rc = image_payload_next(r, &part, err)) > 0 && !out->error) {
		json_begin(out, '{');
		message_members_to_json(part.msg, out);
		if (!no_payload) {
			json_key(out, "extra");
			rc = blob_to_json(r, image_payload_read, part.len, out, err);
		}
		json_end(out, '}');
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : 0;
}
