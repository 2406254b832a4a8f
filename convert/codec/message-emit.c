/* SPDX-License-Identifier: MIT
 * Any protobuf message to JSON, walking its descriptor.
 */
#include <string.h>

#include "base/strbuf.h"
#include "convert/codec/message.h"
#include "convert/codec/quoted.h"
#include "convert/json/base64.h"
#include "convert/json/value.h"
#include "images/fields.h"
#include "images/hints.h"

static const struct hint hex_hint = { .kind = HINT_HEX };

static void members_to_json(const ProtobufCMessage *msg, struct json_out *out,
			    const struct hint *inherited);

static void enum_to_json(const ProtobufCFieldDescriptor *field, int value, struct json_out *out)
{
	const ProtobufCEnumValue *named =
	    protobuf_c_enum_descriptor_get_value(field->descriptor, value);
	if (named)
		json_str(out, named->name);
	else
		json_i64(out, value);
}

static void bytes_to_json(const ProtobufCBinaryData *data, const struct hint *hint,
			  struct json_out *out)
{
	if (!hint || hint->kind != HINT_UNIX_NAME) {
		json_base64(out, data->data, data->len);
		return;
	}
	auto_strbuf text = { 0 };
	if (quoted_encode(data->data, data->len, &text) < 0)
		out->error = -ENOMEM;
	json_bytes(out, text.data ? text.data : "", text.len);
}

static void signed_to_json(int64_t value, const struct hint *hint, struct json_out *out)
{
	if (value < 0)
		json_i64(out, value);
	else
		value_to_json(out, (uint64_t)value, hint);
}

static void element_to_json(const ProtobufCFieldDescriptor *field, const void *at,
			    const struct hint *hint, struct json_out *out)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		signed_to_json(*(const int32_t *)at, hint, out);
		return;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		signed_to_json(*(const int64_t *)at, hint, out);
		return;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT: /* the format has no fractions; its bits keep it whole */
		value_to_json(out, *(const uint32_t *)at, hint);
		return;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		value_to_json(out, *(const uint64_t *)at, hint);
		return;
	case PROTOBUF_C_TYPE_BOOL:
		json_bool(out, *(const protobuf_c_boolean *)at);
		return;
	case PROTOBUF_C_TYPE_ENUM:
		enum_to_json(field, *(const int *)at, out);
		return;
	case PROTOBUF_C_TYPE_STRING:
		json_str(out, *(char *const *)at ? *(char *const *)at : "");
		return;
	case PROTOBUF_C_TYPE_BYTES:
		bytes_to_json(at, hint, out);
		return;
	case PROTOBUF_C_TYPE_MESSAGE:
		json_begin(out, '{');
		members_to_json(*(ProtobufCMessage *const *)at, out, hint);
		json_end(out, '}');
		return;
	}
}

static bool is_integer(ProtobufCType type)
{
	return type != PROTOBUF_C_TYPE_STRING && type != PROTOBUF_C_TYPE_BYTES &&
	       type != PROTOBUF_C_TYPE_MESSAGE && type != PROTOBUF_C_TYPE_BOOL &&
	       type != PROTOBUF_C_TYPE_ENUM;
}

/* Integers take hints only in the pretty form; names of sockets always. */
static const struct hint *field_hint(const ProtobufCMessage *msg,
				     const ProtobufCFieldDescriptor *field,
				     const struct hint *inherited, bool pretty)
{
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return hint_find(msg->descriptor->name, field->name);
	if (!pretty || (!is_integer(field->type) && field->type != PROTOBUF_C_TYPE_MESSAGE))
		return NULL;
	if (inherited)
		return inherited;
	return hint_find(msg->descriptor->name, field->name);
}

static void list_to_json(const ProtobufCFieldDescriptor *field, const void *items, size_t nr,
			 const struct hint *hint, struct json_out *out)
{
	if (hint && hint->kind == HINT_ADDRESS && field_element_size(field) == 4) {
		address_to_json(out, items, nr);
		return;
	}
	size_t size = field_element_size(field);
	json_begin(out, '[');
	for (size_t i = 0; i < nr; i++)
		element_to_json(field, (const char *)items + i * size, hint, out);
	json_end(out, ']');
}

static void unknown_to_json(const ProtobufCMessage *msg, struct json_out *out)
{
	json_key(out, "_unknown");
	json_begin(out, '[');
	for (unsigned i = 0; i < msg->n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *field = &msg->unknown_fields[i];
		json_begin(out, '{');
		json_key(out, "tag");
		json_u64(out, field->tag);
		json_key(out, "wire");
		json_u64(out, (uint64_t)field->wire_type);
		json_key(out, "data");
		json_base64(out, field->data, field->len);
		json_end(out, '}');
	}
	json_end(out, ']');
}

/* @param index  of one element of a list; SIZE_MAX: the field as a whole */
static void field_to_json(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field,
			  size_t nr, size_t index, const struct hint *inherited,
			  struct json_out *out)
{
	const struct hint *hint = field_hint(msg, field, inherited, out->pretty);
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		hint = hint && hint->kind == HINT_HEX ? &hex_hint : NULL;
	const char *at = (const char *)msg + field->offset;
	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		element_to_json(field, at, hint, out);
	else if (index == SIZE_MAX)
		list_to_json(field, *(void *const *)at, nr, hint, out);
	else
		element_to_json(field, *(const char *const *)at + index * field_element_size(field),
				hint, out);
}

void message_field_to_json(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field,
			   size_t index, struct json_out *out)
{
	size_t nr = field_count(msg, field);
	if (!nr || (index != SIZE_MAX && index >= nr))
		json_null(out);
	else
		field_to_json(msg, field, nr, index, NULL, out);
}

void message_field_to_json_hex(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field,
			       size_t index, struct json_out *out)
{
	size_t nr = field_count(msg, field);
	if (!nr || (index != SIZE_MAX && index >= nr))
		json_null(out);
	else
		field_to_json(msg, field, nr, index, &hex_hint, out);
}

bool message_field_is_hex(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field)
{
	const struct hint *hint = hint_find(msg->descriptor->name, field->name);
	return hint && hint->kind == HINT_HEX;
}

static void members_to_json(const ProtobufCMessage *msg, struct json_out *out,
			    const struct hint *inherited)
{
	const ProtobufCMessageDescriptor *desc = msg->descriptor;
	for (unsigned i = 0; i < desc->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &desc->fields[i];
		size_t nr = field_count(msg, field);
		if (!nr)
			continue;
		json_key(out, field->name);
		field_to_json(msg, field, nr, SIZE_MAX, inherited, out);
	}
	if (msg->n_unknown_fields)
		unknown_to_json(msg, out);
}

void message_members_to_json(const ProtobufCMessage *msg, struct json_out *out)
{
	members_to_json(msg, out, NULL);
}

void message_to_json(const ProtobufCMessage *msg, struct json_out *out)
{
	json_begin(out, '{');
	members_to_json(msg, out, NULL);
	json_end(out, '}');
}
