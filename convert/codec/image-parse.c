/* SPDX-License-Identifier: MIT
 * A whole image from JSON, an entry at a time.
 */
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "convert/codec/image.h"
#include "convert/codec/payload.h"
#include "convert/raw/raw.h"
#include "files.pb-c.h"
#include "images/writer.h"

struct image_parse {
	struct json_in *in;
	int fd;
	const char *name;
	const struct image_type *type; /* NULL until "magic" was read */
	int head;                      /* enum image_head; -1: not given, the type's own */
	bool ahead;                    /* these two were looked for in all of the text */
	struct image_writer *w;        /* opened by the first member that needs it */
	struct payload_read *payload;
	struct pool pool; /* the entry being read */
	bool filled;      /* entries, or the bytes of a raw image, were there */
	bool chunks;      /* a ghost file whose further entries are its chunks */
};

static int writer_open(struct image_parse *ip, struct error *err)
{
	enum image_head head = ip->head < 0 ? ip->type->head : (enum image_head)ip->head;
	if (ip->w)
		return json_error(ip->in, EBADMSG, err, "the contents are given twice");
	ip->filled = true;
	return image_writer_open_fd(ip->fd, ip->name, ip->type, head, &ip->w, err);
}

static int magic_read(struct image_parse *ip, struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = json_string(ip->in, &text, err);
	if (rc < 0)
		return rc;
	if (ip->type)
		return json_error(ip->in, EBADMSG, err, "given twice");
	ip->type = image_type_by_name(text.data);
	if (!ip->type)
		return json_error(ip->in, EBADMSG, err, "%.60s is no image type", text.data);
	return 0;
}

static int head_read(struct image_parse *ip, struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = json_string(ip->in, &text, err);
	if (rc < 0)
		return rc;
	if (ip->head >= 0)
		return json_error(ip->in, EBADMSG, err, "given twice");
	ip->head = image_head_by_name(text.data);
	if (ip->head < 0)
		return json_error(ip->in, EBADMSG, err,
				  "%.60s is no kind of head: want raw, magic, common or service",
				  text.data);
	return 0;
}

/* What has to be known before the contents; @return 1: it is none of that */
static int head_member_read(struct image_parse *ip, struct error *err)
{
	if (!strcmp(ip->in->key, "magic"))
		return magic_read(ip, err);
	return strcmp(ip->in->key, "head") ? 1 : head_read(ip, err);
}

/* The contents come before it, as where members are sorted: find it, and begin again. */
static int look_ahead(struct image_parse *ip, struct error *err)
{
	int rc = json_rewind(ip->in, err);
	if (rc == 0)
		rc = json_enter(ip->in, JSON_OBJECT, err);
	ip->head = -1;
	while (rc >= 0 && (rc = json_member(ip->in, err)) > 0) {
		rc = head_member_read(ip, err);
		if (rc > 0)
			rc = json_skip(ip->in, err);
	}
	if (rc == 0 && !ip->type)
		return json_error(ip->in, EBADMSG, err, "\"magic\" is missing");
	if (rc == 0)
		rc = json_rewind(ip->in, err);
	ip->ahead = true;
	return rc < 0 ? rc : json_enter(ip->in, JSON_OBJECT, err);
}

static const ProtobufCMessageDescriptor *entry_descriptor(const struct image_parse *ip,
							  uint64_t index)
{
	if (index == 0 && ip->type->first)
		return ip->type->first;
	return index > 0 && ip->chunks ? &ghost_chunk_entry__descriptor : ip->type->entry;
}

static int entry_read(struct image_parse *ip, uint64_t index, struct error *err)
{
	payload_read_reset(ip->payload);
	pool_reset(&ip->pool);
	const struct message_member own[] = {
		{ "extra", payload_extra_read, ip->payload },
		{ "_raw", payload_raw_read, ip->payload },
		{ NULL },
	};
	if (index > 0 && ip->type->payload == PAYLOAD_GHOST && !ip->chunks)
		return json_error(ip->in, EBADMSG, err,
				  "a second entry, but the first does not say chunks");
	ProtobufCMessage *msg = NULL;
	int rc = message_from_json(ip->in, entry_descriptor(ip, index), own, &ip->pool, &msg, err);
	if (rc < 0)
		return rc;
	if (msg->descriptor == &ghost_file_entry__descriptor)
		ip->chunks = ((const GhostFileEntry *)msg)->chunks;
	return payload_write_entry(ip->payload, msg, ip->in, err);
}

static int entries_read(struct image_parse *ip, struct error *err)
{
	int rc = writer_open(ip, err);
	if (rc == 0)
		rc = payload_read_new(ip->type->payload, ip->w, &ip->payload, err);
	if (rc == 0)
		rc = json_enter(ip->in, JSON_ARRAY, err);
	for (uint64_t index = 0; rc >= 0; index++) {
		rc = json_item(ip->in, err);
		if (rc <= 0)
			return rc;
		rc = entry_read(ip, index, err);
	}
	return rc;
}

static int member_read(struct image_parse *ip, struct error *err)
{
	const char *key = ip->in->key;
	bool of_head = !strcmp(key, "magic") || !strcmp(key, "head");
	if (of_head && ip->ahead)
		return json_skip(ip->in, err);
	if (of_head && ip->w)
		return json_error(ip->in, EBADMSG, err, "has to come before the contents");
	if (of_head)
		return head_member_read(ip, err);
	if (!ip->type)
		return look_ahead(ip, err);
	if (!ip->type->entry) {
		int rc = raw_member_kind(key);
		if (rc == RAW_SHOWN)
			return json_skip(ip->in, err);
		if (rc == RAW_CONTENT) {
			rc = writer_open(ip, err);
			return rc < 0 ? rc : raw_from_json(ip->in, ip->w, err);
		}
	} else if (!strcmp(key, "entries")) {
		return entries_read(ip, err);
	}
	return json_error(ip->in, EBADMSG, err, "an image has no such member");
}

static int document_read(struct image_parse *ip, struct error *err)
{
	int rc = json_enter(ip->in, JSON_OBJECT, err);
	while (rc >= 0 && (rc = json_member(ip->in, err)) > 0)
		rc = member_read(ip, err);
	if (rc == 0)
		rc = json_finish(ip->in, err);
	if (rc < 0)
		return rc;
	if (!ip->type)
		return json_error(ip->in, EBADMSG, err, "\"magic\" is missing");
	if (!ip->filled)
		return json_error(ip->in, EBADMSG, err, "%s is missing: %s",
				  ip->type->entry ? "\"entries\"" : "\"raw\" or \"lines\"",
				  ip->type->entry ? "not an image" : "use decode, not a summary");
	return image_finish(ip->w, err);
}

int image_from_json(struct json_in *in, int fd, const char *name, struct error *err)
{
	struct image_parse ip = { .in = in, .fd = fd, .name = name, .head = -1 };
	int rc = document_read(&ip, err);
	payload_read_free(ip.payload);
	pool_fini(&ip.pool);
	image_writer_close(ip.w);
	return rc;
}
