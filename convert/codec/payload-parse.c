/* SPDX-License-Identifier: MIT
 * Payloads from JSON: checked against the message they belong to, long ones never held whole.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "convert/codec/payload.h"
#include "convert/raw/blob.h"
#include "files.pb-c.h"
#include "images/payload.h"
#include "ipc.pb-c.h"

#define HELD_MAX (1024 * 1024) /* a longer payload is written while it is read */

struct payload_read {
	enum image_payload kind;
	struct image_writer *w;
	bool given;         /* "extra" was there */
	bool committed;     /* the message is written, and what was read of the payload too */
	struct strbuf held; /* as it stands in the image, without the last padding */
	struct strbuf outq; /* TCP: the second queue */
	struct strbuf raw;  /* the entry as it stood in the image */
	uint64_t len;       /* bytes of a blob, held or written */
	uint64_t count;     /* messages or semaphores */
};

int payload_read_new(enum image_payload kind, struct image_writer *w, struct payload_read **out,
		     struct error *err)
{
	struct payload_read *p = calloc(1, sizeof(*p));
	if (!p)
		return error_set(err, ENOMEM, "out of memory");
	p->kind = kind;
	p->w = w;
	*out = p;
	return 0;
}

void payload_read_reset(struct payload_read *p)
{
	const struct payload_read fresh = { .kind = p->kind, .w = p->w };
	strbuf_fini(&p->held);
	strbuf_fini(&p->outq);
	strbuf_fini(&p->raw);
	*p = fresh;
}

void payload_read_free(struct payload_read *p)
{
	if (p)
		payload_read_reset(p);
	free(p);
}

static int hold(void *arg, const uint8_t *bytes, size_t len, struct error *err)
{
	struct strbuf *sb = arg;
	if (sb->len + len > JSON_MAX_STRING)
		return error_set(err, EFBIG, "a payload of more than %d bytes", JSON_MAX_STRING);
	return strbuf_add(sb, bytes, len) < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
}

/* Whether two messages of one type pack to the same bytes. */
static bool same_message(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	size_t len = protobuf_c_message_get_packed_size(a);
	if (protobuf_c_message_get_packed_size(b) != len)
		return false;
	auto_free uint8_t *x = malloc(len + 1);
	auto_free uint8_t *y = malloc(len + 1);
	if (!x || !y)
		return false;
	protobuf_c_message_pack(a, x);
	protobuf_c_message_pack(b, y);
	return !memcmp(x, y, len);
}

/* The message, or the bytes it was unpacked from when nothing was edited since. */
static int write_message(struct payload_read *p, const ProtobufCMessage *msg, struct error *err)
{
	const void *raw = p->raw.data;
	if (raw) {
		auto_message ProtobufCMessage *was =
		    protobuf_c_message_unpack(msg->descriptor, NULL, p->raw.len, raw);
		if (was && same_message(was, msg))
			return image_write_packed(p->w, raw, p->raw.len, err);
	}
	return image_write(p->w, msg, err);
}

/* The one payload that may be long. */
struct blob_stream {
	struct payload_read *p;
	struct json_in *in;
	const struct message_build *build;
};

static int blob_commit(struct blob_stream *s, struct error *err)
{
	struct payload_read *p = s->p;
	int rc = message_build_check(s->build, s->in, err);
	if (rc == 0)
		rc = write_message(p, message_build_message(s->build), err);
	if (rc == 0)
		rc = image_write_bytes(p->w, p->held.data, p->held.len, err);
	p->committed = true;
	strbuf_fini(&p->held);
	return rc;
}

static int blob_add(void *arg, const uint8_t *bytes, size_t len, struct error *err)
{
	struct blob_stream *s = arg;
	s->p->len += len;
	if (!s->p->committed && s->p->held.len + len <= HELD_MAX)
		return hold(&s->p->held, bytes, len, err);
	int rc = s->p->committed ? 0 : blob_commit(s, err);
	return rc < 0 ? rc : image_write_bytes(s->p->w, bytes, len, err);
}

static int one_read(struct payload_read *p, struct json_in *in, const struct message_build *build,
		    struct error *err)
{
	struct blob_stream stream = { p, in, build };
	int rc = blob_from_json(in, &(struct blob_sink){ blob_add, &stream }, err);
	if (rc == 0 && p->committed && !json_at_close(in))
		return json_error(in, EBADMSG, err,
				  "has to be the last member when it is longer than %d bytes",
				  HELD_MAX);
	return rc;
}

static int tcp_read(struct payload_read *p, struct json_in *in, const struct message_build *build,
		    struct error *err)
{
	(void)build;
	int rc = json_enter(in, JSON_OBJECT, err);
	while (rc >= 0 && (rc = json_member(in, err)) > 0) {
		struct strbuf *queue = !strcmp(in->key, "inq")    ? &p->held
				       : !strcmp(in->key, "outq") ? &p->outq
								  : NULL;
		if (!queue || queue->len)
			return json_error(in, EBADMSG, err, "want inq and outq, once each");
		rc = blob_from_json(in, &(struct blob_sink){ hold, queue }, err);
	}
	return rc;
}

static int put_header(struct strbuf *sb, const ProtobufCMessage *msg)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	uint8_t le[4] = { len & 255, len >> 8 & 255, len >> 16 & 255, len >> 24 & 255 };
	if (strbuf_add(sb, le, sizeof(le)) < 0 || strbuf_reserve(sb, len) < 0)
		return -ENOMEM;
	sb->len += protobuf_c_message_pack(msg, (uint8_t *)sb->data + sb->len);
	return 0;
}

/* One queued message: its header is in `msg`, its text comes next. */
static int message_text_read(struct payload_read *p, struct json_in *in, const IpcMsg *msg,
			     struct error *err)
{
	static const uint8_t zeroes[8];
	if (put_header(&p->held, &msg->base) < 0)
		return json_error(in, ENOMEM, err, "out of memory");
	size_t before = p->held.len;
	int rc = blob_from_json(in, &(struct blob_sink){ hold, &p->held }, err);
	if (rc < 0)
		return rc;
	size_t len = p->held.len - before;
	if (len != msg->msize)
		return json_error(in, EBADMSG, err, "%zu bytes, but msize says %" PRIu32, len,
				  msg->msize);
	p->count++;
	return hold(&p->held, zeroes, payload_padding(p->kind, len), err);
}

static int messages_read(struct payload_read *p, struct json_in *in,
			 const struct message_build *build, struct error *err)
{
	(void)build;
	int rc = json_enter(in, JSON_ARRAY, err);
	while (rc >= 0 && (rc = json_item(in, err)) > 0) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = message_from_json(in, &ipc_msg__descriptor, NULL, NULL, &msg, err);
		if (rc == 0)
			rc = json_item(in, err);
		if (rc == 0)
			return json_error(in, EBADMSG, err, "a message without its text");
		if (rc > 0)
			rc = message_text_read(p, in, (const IpcMsg *)msg, err);
	}
	return rc;
}

static int semaphores_read(struct payload_read *p, struct json_in *in,
			   const struct message_build *build, struct error *err)
{
	(void)build;
	int rc = json_enter(in, JSON_ARRAY, err);
	while (rc >= 0 && (rc = json_item(in, err)) > 0) {
		struct json_number n;
		rc = json_number(in, &n, err);
		if (rc < 0)
			return rc;
		if (n.negative || n.magnitude > UINT16_MAX)
			return json_error(in, EBADMSG, err, "does not fit 16 bits");
		uint8_t le[2] = { n.magnitude & 255, n.magnitude >> 8 };
		p->count++;
		rc = hold(&p->held, le, sizeof(le), err);
	}
	return rc;
}

static int (*const forms[])(struct payload_read *p, struct json_in *in,
			    const struct message_build *build, struct error *err) = {
	[PAYLOAD_PIPE] = one_read,         [PAYLOAD_SK_QUEUE] = one_read,
	[PAYLOAD_TCP] = tcp_read,          [PAYLOAD_IPC_SHM] = one_read,
	[PAYLOAD_IPC_MSG] = messages_read, [PAYLOAD_IPC_SEM] = semaphores_read,
	[PAYLOAD_GHOST] = one_read,        [PAYLOAD_BPFMAP] = one_read,
};

int payload_extra_read(void *payload_read, struct json_in *in, const struct message_build *build,
		       struct error *err)
{
	struct payload_read *p = payload_read;
	if (p->given)
		return json_error(in, EBADMSG, err, "given twice");
	if (p->kind == PAYLOAD_NONE)
		return json_error(in, EBADMSG, err, "%s has no payload",
				  message_build_message(build)->descriptor->name);
	p->given = true;
	return forms[p->kind](p, in, build, err);
}

static int length_check(const struct payload_plan *plan, uint64_t len, uint64_t want,
			struct json_in *in, struct error *err)
{
	if (want == PAYLOAD_TO_END || len == want)
		return 0;
	return json_error(in, EBADMSG, err, "extra: %" PRIu64 " %s, but the entry says %" PRIu64,
			  len, plan->header ? "messages" : "bytes", want);
}

/* A ghost chunk is its own entry here: the reader's plan covers only the first one. */
static void plan_of(const struct payload_read *p, const ProtobufCMessage *msg,
		    struct payload_plan *plan)
{
	if (msg->descriptor == &ghost_chunk_entry__descriptor)
		*plan = (struct payload_plan){ .nr_parts = 1,
					       .len = { ((const GhostChunkEntry *)msg)->len } };
	else
		payload_plan(p->kind, msg, plan);
}

static int plan_check(const struct payload_read *p, const struct payload_plan *plan,
		      struct json_in *in, struct error *err)
{
	if (p->kind == PAYLOAD_TCP) {
		int rc = length_check(plan, p->held.len, plan->len[0], in, err);
		return rc < 0 ? rc : length_check(plan, p->outq.len, plan->len[1], in, err);
	}
	if (p->kind == PAYLOAD_IPC_MSG)
		return length_check(plan, p->count, plan->nr_parts, in, err);
	if (p->kind == PAYLOAD_IPC_SEM)
		return length_check(plan, p->held.len, plan->len[0], in, err);
	return length_check(plan, p->len, plan->header ? 0 : plan->len[0], in, err);
}

int payload_raw_read(void *payload_read, struct json_in *in, const struct message_build *build,
		     struct error *err)
{
	struct payload_read *p = payload_read;
	(void)build;
	if (p->raw.data || p->given)
		return json_error(in, EBADMSG, err, "given twice, or after extra");
	return blob_from_json(in, &(struct blob_sink){ hold, &p->raw }, err);
}

int payload_write_entry(struct payload_read *p, const ProtobufCMessage *msg, struct json_in *in,
			struct error *err)
{
	struct payload_plan plan;
	plan_of(p, msg, &plan);
	int rc = plan_check(p, &plan, in, err);
	if (rc == 0 && !p->committed)
		rc = write_message(p, msg, err);
	if (rc == 0 && p->held.len)
		rc = image_write_bytes(p->w, p->held.data, p->held.len, err);
	if (rc == 0 && p->outq.len)
		rc = image_write_bytes(p->w, p->outq.data, p->outq.len, err);
	if (rc == 0 && plan.nr_parts && !plan.header)
		rc = image_write_padding(p->w, plan.len[0], err);
	return rc;
}
