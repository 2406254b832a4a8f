/* SPDX-License-Identifier: MIT
 * Any protobuf message from JSON, walking its descriptor.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "base/strbuf.h"
#include "convert/codec/message.h"
#include "convert/codec/quoted.h"
#include "convert/json/base64.h"
#include "convert/json/value.h"
#include "images/fields.h"
#include "images/reader.h"

#define LIKELY     4   /* so many fields ahead are tried by name */
#define MAX_FIELDS 256 /* of one message; the schema's largest has 43 */

/* Where what is read goes. */
struct room {
	struct strbuf text; /* of one value */
	struct pool *pool;  /* for messages and what they point to; NULL: malloc(3) */
};

struct message_build {
	ProtobufCMessage *msg;
	uint8_t seen[MAX_FIELDS / 8]; /* a bit per field, by index in the descriptor */
	unsigned expected;            /* index of the field that usually comes next */
	struct room *room;
};

static void *room_zeroed(struct room *room, size_t size)
{
	return room->pool ? pool_alloc(room->pool, size) : calloc(1, size);
}

static void *room_copy(struct room *room, const void *data, size_t len)
{
	void *copy = room_zeroed(room, len ? len : 1);
	if (copy && len)
		memcpy(copy, data, len);
	return copy;
}

static void *room_grow(struct room *room, void *old, size_t nr, size_t grown_nr, size_t size)
{
	if (!room->pool)
		return reallocarray(old, grown_nr, size);
	size_t len;
	char *grown =
	    __builtin_mul_overflow(grown_nr, size, &len) ? NULL : pool_alloc(room->pool, len);
	if (grown && nr)
		memcpy(grown, old, nr * size);
	return grown;
}

static int object_read(struct json_in *in, const ProtobufCMessageDescriptor *desc,
		       const struct message_member *own, struct room *room, ProtobufCMessage **out,
		       struct error *err);

static int out_of_memory(struct json_in *in, struct error *err)
{
	return json_error(in, ENOMEM, err, "out of memory");
}

/* A field of a message. Most values are plain numbers: its hint is looked up only for text. */
struct place {
	const ProtobufCMessageDescriptor *message;
	const ProtobufCFieldDescriptor *field;
};

static const struct hint *place_hint(const struct place *p)
{
	return hint_find(p->message->name, p->field->name);
}

/* A number, or text in one of the forms of value.h. */
static int integer_read(struct json_in *in, const struct place *at, struct strbuf *text,
			struct json_number *out, struct error *err)
{
	if (json_plain_number(in, out))
		return 0;
	int kind = json_peek(in, err);
	if (kind < 0)
		return kind;
	if (kind != JSON_STRING)
		return json_number(in, out, err);
	int rc = json_string(in, text, err);
	if (rc < 0)
		return rc;
	rc = strlen(text->data) == text->len
		 ? value_from_text(text->data, place_hint(at), &out->magnitude, &out->negative)
		 : -EINVAL;
	return rc < 0 ? json_error(in, EBADMSG, err, "\"%.80s\" is not a value of this field",
				   text->data)
		      : 0;
}

/* Check the range and store. */
static int integer_store(struct json_in *in, const struct json_number *n, unsigned bits,
			 bool is_signed, void *at, struct error *err)
{
	uint64_t limit = bits == 64 ? UINT64_MAX : UINT32_MAX;
	if (is_signed)
		limit = (limit >> 1) + n->negative;
	if (n->magnitude > limit || (n->negative && !is_signed && n->magnitude))
		return json_error(in, EBADMSG, err, "%s%llu does not fit %s%u bits",
				  n->negative ? "-" : "", (unsigned long long)n->magnitude,
				  is_signed ? "signed " : "", bits);
	uint64_t value = n->negative ? -n->magnitude : n->magnitude;
	if (bits == 64)
		*(uint64_t *)at = value;
	else
		*(uint32_t *)at = (uint32_t)value;
	return 0;
}

static int enum_read(struct json_in *in, const ProtobufCFieldDescriptor *field, struct strbuf *text,
		     void *at, struct error *err)
{
	struct json_number n;
	int kind = json_peek(in, err);
	if (kind < 0)
		return kind;
	if (kind != JSON_STRING) {
		int rc = json_number(in, &n, err);
		return rc < 0 ? rc : integer_store(in, &n, 32, true, at, err);
	}
	int rc = json_string(in, text, err);
	if (rc < 0)
		return rc;
	const ProtobufCEnumValue *named =
	    protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, text->data);
	if (named) {
		*(int *)at = named->value;
		return 0;
	}
	rc = value_from_text(text->data, NULL, &n.magnitude, &n.negative);
	if (rc < 0)
		return json_error(in, EBADMSG, err, "\"%.80s\" is not one of this field's names",
				  text->data);
	return integer_store(in, &n, 32, true, at, err);
}

static int bool_read(struct json_in *in, void *at, struct error *err)
{
	int kind = json_peek(in, err);
	if (kind < 0)
		return kind;
	bool value;
	struct json_number n;
	int rc = kind == JSON_NUMBER ? json_number(in, &n, err) : json_boolean(in, &value, err);
	if (rc < 0)
		return rc;
	if (kind == JSON_NUMBER && (n.negative || n.magnitude > 1))
		return json_error(in, EBADMSG, err, "want true or false");
	*(protobuf_c_boolean *)at = kind == JSON_NUMBER ? (int)n.magnitude : value;
	return 0;
}

static int string_read(struct json_in *in, struct room *room, void *at, struct error *err)
{
	struct strbuf *text = &room->text;
	int rc = json_string(in, text, err);
	if (rc < 0)
		return rc;
	if (strlen(text->data) != text->len)
		return json_error(in, EBADMSG, err, "a NUL inside a name");
	*(char **)at = room_copy(room, text->data, text->len + 1);
	return *(char **)at ? 0 : out_of_memory(in, err);
}

/* Base64 or quoted-printable text, decoded where it stands. @return its length. */
static ssize_t bytes_decode(struct strbuf *text, const struct hint *hint)
{
	if (hint && hint->kind == HINT_UNIX_NAME)
		return quoted_decode(text->data, text->len);
	struct base64_decoder decoder = { 0 };
	ssize_t len = base64_decode(&decoder, text->data, text->len, (uint8_t *)text->data);
	return len >= 0 && base64_decode_end(&decoder) < 0 ? -EINVAL : len;
}

static int bytes_read(struct json_in *in, const struct place *p, struct room *room,
		      ProtobufCBinaryData *at, struct error *err)
{
	struct strbuf *text = &room->text;
	int rc = json_string(in, text, err);
	if (rc < 0)
		return rc;
	const struct hint *hint = place_hint(p);
	ssize_t len = bytes_decode(text, hint);
	if (len < 0)
		return json_error(in, EBADMSG, err, "not %s",
				  hint ? "quoted-printable text" : "base64");
	at->data = room_copy(room, text->data, (size_t)len);
	at->len = at->data ? (size_t)len : 0;
	return at->data ? 0 : out_of_memory(in, err);
}

static int element_read(struct json_in *in, const struct place *p, struct room *room, void *at,
			struct error *err)
{
	const ProtobufCFieldDescriptor *field = p->field;
	struct json_number n;
	unsigned bits = 64;
	bool is_signed = false;
	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
		return bool_read(in, at, err);
	case PROTOBUF_C_TYPE_ENUM:
		return enum_read(in, field, &room->text, at, err);
	case PROTOBUF_C_TYPE_STRING:
		return string_read(in, room, at, err);
	case PROTOBUF_C_TYPE_BYTES:
		return bytes_read(in, p, room, at, err);
	case PROTOBUF_C_TYPE_MESSAGE:
		return object_read(in, field->descriptor, NULL, room, at, err);
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		bits = 32;
		is_signed = true;
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		bits = 32;
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		is_signed = true;
		break;
	default:
		break;
	}
	int rc = integer_read(in, p, &room->text, &n, err);
	return rc < 0 ? rc : integer_store(in, &n, bits, is_signed, at, err);
}

/* A zeroed element at the end of a repeated field, whose storage doubles from 4. */
static void *list_add(struct room *room, ProtobufCMessage *msg,
		      const ProtobufCFieldDescriptor *field)
{
	size_t *nr = (size_t *)((char *)msg + field->quantifier_offset);
	char **items = (char **)((char *)msg + field->offset);
	size_t size = field_element_size(field);
	if (*nr == 0 || (*nr >= 4 && (*nr & (*nr - 1)) == 0)) {
		char *grown = room_grow(room, *items, *nr, *nr ? *nr * 2 : 4, size);
		if (!grown)
			return NULL;
		*items = grown;
	}
	char *at = *items + *nr * size;
	memset(at, 0, size);
	return at;
}

static void list_commit(ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field)
{
	(*(size_t *)((char *)msg + field->quantifier_offset))++;
}

/* A text address stands for one or four words. */
static int address_read(struct json_in *in, ProtobufCMessage *msg,
			const ProtobufCFieldDescriptor *field, struct room *room, struct error *err)
{
	const struct strbuf *text = &room->text;
	uint32_t words[4];
	int nr = json_string(in, &room->text, err);
	if (nr < 0)
		return nr;
	nr = address_from_text(text->data, words);
	if (nr < 0)
		return json_error(in, EBADMSG, err, "\"%.80s\" is not an address", text->data);
	for (int i = 0; i < nr; i++) {
		uint32_t *at = list_add(room, msg, field);
		if (!at)
			return out_of_memory(in, err);
		*at = words[i];
		list_commit(msg, field);
	}
	return 0;
}

static int item_read(struct json_in *in, ProtobufCMessage *msg, const struct place *p,
		     bool is_address, struct room *room, struct error *err)
{
	if (is_address) {
		int kind = json_peek(in, err);
		if (kind < 0 || kind == JSON_STRING)
			return kind < 0 ? kind : address_read(in, msg, p->field, room, err);
	}
	void *at = list_add(room, msg, p->field);
	if (!at)
		return out_of_memory(in, err);
	int rc = element_read(in, p, room, at, err);
	if (rc == 0)
		list_commit(msg, p->field);
	return rc;
}

static int list_read(struct json_in *in, ProtobufCMessage *msg, const struct place *p,
		     struct room *room, struct error *err)
{
	const struct hint *hint = place_hint(p);
	bool is_address = hint && hint->kind == HINT_ADDRESS && field_element_size(p->field) == 4;
	int rc = json_enter(in, JSON_ARRAY, err);
	if (rc < 0)
		return rc;
	while ((rc = json_item(in, err)) > 0) {
		rc = item_read(in, msg, p, is_address, room, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int field_read(struct json_in *in, struct message_build *build,
		      const ProtobufCFieldDescriptor *field, struct error *err)
{
	ProtobufCMessage *msg = build->msg;
	const struct place p = { msg->descriptor, field };
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return list_read(in, msg, &p, build->room, err);
	bool pointer =
	    field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
	int rc = element_read(in, &p, build->room, (char *)msg + field->offset, err);
	if (rc == 0 && field->label == PROTOBUF_C_LABEL_OPTIONAL && !pointer)
		*(protobuf_c_boolean *)((char *)msg + field->quantifier_offset) = 1;
	return rc;
}

/* The members of one "_unknown" item. */
struct unknown_read {
	struct json_number tag, wire;
	ssize_t len; /* of the data left in scratch; -1: none */
};

static int unknown_members(struct json_in *in, struct strbuf *scratch, struct unknown_read *u,
			   struct error *err)
{
	int rc;
	while ((rc = json_member(in, err)) > 0) {
		if (!strcmp(in->key, "tag")) {
			rc = json_number(in, &u->tag, err);
		} else if (!strcmp(in->key, "wire")) {
			rc = json_number(in, &u->wire, err);
		} else if (!strcmp(in->key, "data")) {
			rc = json_string(in, scratch, err);
			if (rc == 0)
				u->len = bytes_decode(scratch, NULL);
			if (rc == 0 && u->len < 0)
				rc = json_error(in, EBADMSG, err, "not base64");
		} else {
			rc = json_error(in, EBADMSG, err, "want tag, wire and data");
		}
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* Length of the varint at the start of data; 0: none. */
static size_t varint_read(const uint8_t *data, size_t len, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < len && i < 10; i++) {
		*value |= (uint64_t)(data[i] & 0x7f) << (7 * i);
		if (!(data[i] & 0x80))
			return i + 1;
	}
	return 0;
}

/* Whether data is exactly what stands after a tag of this wire type. */
static bool unknown_is_whole(unsigned wire, const uint8_t *data, size_t len)
{
	uint64_t value;
	size_t head;
	switch (wire) {
	case PROTOBUF_C_WIRE_TYPE_VARINT:
		return len && varint_read(data, len, &value) == len;
	case PROTOBUF_C_WIRE_TYPE_64BIT:
		return len == 8;
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		return len == 4;
	case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
		head = varint_read(data, len, &value);
		return head && value == len - head;
	default:
		return false;
	}
}

static int unknown_item_read(struct json_in *in, struct message_build *build, struct error *err)
{
	ProtobufCMessage *msg = build->msg;
	struct unknown_read u = { .len = -1 };
	struct strbuf *text = &build->room->text;
	int rc = json_enter(in, JSON_OBJECT, err);
	if (rc == 0)
		rc = unknown_members(in, text, &u, err);
	if (rc < 0)
		return rc;
	if (u.len < 0 || u.tag.negative || !u.tag.magnitude || u.tag.magnitude > UINT32_MAX ||
	    u.wire.negative || u.wire.magnitude > 5 ||
	    protobuf_c_message_descriptor_get_field(msg->descriptor, (unsigned)u.tag.magnitude) ||
	    !unknown_is_whole((unsigned)u.wire.magnitude, (uint8_t *)text->data, (size_t)u.len))
		return json_error(in, EBADMSG, err, "not an unknown field of %s",
				  msg->descriptor->name);
	ProtobufCMessageUnknownField *grown =
	    room_grow(build->room, msg->unknown_fields, msg->n_unknown_fields,
		      msg->n_unknown_fields + 1, sizeof(*msg->unknown_fields));
	if (!grown)
		return out_of_memory(in, err);
	msg->unknown_fields = grown;
	uint8_t *copy = room_copy(build->room, text->data, (size_t)u.len);
	if (!copy)
		return out_of_memory(in, err);
	msg->unknown_fields[msg->n_unknown_fields++] = (ProtobufCMessageUnknownField){
		.tag = (uint32_t)u.tag.magnitude,
		.wire_type = (ProtobufCWireType)u.wire.magnitude,
		.len = (size_t)u.len,
		.data = copy,
	};
	return 0;
}

static int unknown_read(struct json_in *in, struct message_build *build, struct error *err)
{
	int rc = json_enter(in, JSON_ARRAY, err);
	if (rc < 0)
		return rc;
	while ((rc = json_item(in, err)) > 0) {
		rc = unknown_item_read(in, build, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* Fields nearly always come in the order of the schema, and few are left out in a row. */
static int next_field(struct json_in *in, struct message_build *build,
		      const ProtobufCFieldDescriptor **out, struct error *err)
{
	const ProtobufCMessageDescriptor *desc = build->msg->descriptor;
	*out = NULL;
	int rc = json_member_begin(in, err);
	if (rc <= 0)
		return rc;
	for (unsigned i = build->expected; i < desc->n_fields && i < build->expected + LIKELY;
	     i++) {
		if (json_member_is(in, desc->fields[i].name)) {
			*out = &desc->fields[i];
			break;
		}
	}
	if (!*out) {
		rc = json_member_name(in, err);
		if (rc > 0)
			*out = protobuf_c_message_descriptor_get_field_by_name(desc, in->key);
	}
	if (*out)
		build->expected = (unsigned)(*out - desc->fields) + 1;
	return rc;
}

static int member_read(struct json_in *in, struct message_build *build,
		       const ProtobufCFieldDescriptor *field, const struct message_member *own,
		       struct error *err)
{
	const ProtobufCMessageDescriptor *desc = build->msg->descriptor;
	for (; !field && own && own->name; own++) {
		if (!strcmp(in->key, own->name))
			return own->read(own->arg, in, build, err);
	}
	if (!field && !strcmp(in->key, "_unknown"))
		return unknown_read(in, build, err);
	if (!field)
		return json_error(in, EBADMSG, err, "%s has no such field", desc->name);
	unsigned index = (unsigned)(field - desc->fields);
	if (build->seen[index / 8] & 1u << index % 8)
		return json_error(in, EBADMSG, err, "given twice");
	build->seen[index / 8] |= (uint8_t)(1u << index % 8);
	return field_read(in, build, field, err);
}

const ProtobufCMessage *message_build_message(const struct message_build *build)
{
	return build->msg;
}

int message_build_check(const struct message_build *build, struct json_in *in, struct error *err)
{
	const ProtobufCMessageDescriptor *desc = build->msg->descriptor;
	for (unsigned i = 0; i < desc->n_fields; i++) {
		if (desc->fields[i].label == PROTOBUF_C_LABEL_REQUIRED &&
		    !(build->seen[i / 8] & 1u << i % 8))
			return json_error(in, EBADMSG, err, "%s is missing its %s", desc->name,
					  desc->fields[i].name);
	}
	return 0;
}

static int object_read(struct json_in *in, const ProtobufCMessageDescriptor *desc,
		       const struct message_member *own, struct room *room, ProtobufCMessage **out,
		       struct error *err)
{
	if (desc->n_fields > MAX_FIELDS)
		return json_error(in, E2BIG, err, "%s has too many fields", desc->name);
	ProtobufCMessage *msg = room_zeroed(room, desc->sizeof_message);
	if (!msg)
		return out_of_memory(in, err);
	protobuf_c_message_init(desc, msg);
	struct message_build build = { .msg = msg, .room = room };

	int rc = json_enter(in, JSON_OBJECT, err);
	const ProtobufCFieldDescriptor *field;
	while (rc >= 0 && (rc = next_field(in, &build, &field, err)) > 0)
		rc = member_read(in, &build, field, own, err);
	if (rc == 0)
		rc = message_build_check(&build, in, err);
	if (rc == 0)
		*out = msg;
	else if (!room->pool)
		protobuf_c_message_free_unpacked(msg, NULL);
	return rc;
}

int message_from_json(struct json_in *in, const ProtobufCMessageDescriptor *desc,
		      const struct message_member *own, struct pool *pool, ProtobufCMessage **out,
		      struct error *err)
{
	struct room room = { .pool = pool };
	int rc = object_read(in, desc, own, &room, out, err);
	strbuf_fini(&room.text);
	return rc;
}

int message_field_from_json(struct json_in *in, ProtobufCMessage *msg,
			    const ProtobufCFieldDescriptor *field, struct error *err)
{
	struct room room = { 0 };
	struct message_build build = { .msg = msg, .room = &room };
	int rc = field_read(in, &build, field, err);
	strbuf_fini(&room.text);
	return rc;
}
