/* SPDX-License-Identifier: MIT
 * A walk over the wire format beside the message descriptor.
 */
#include "images/wire.h"

#include <inttypes.h>
#include <string.h>

#define DEPTH_MAX  64
#define FIELDS_MAX 512 /* the largest message of the schema has a few dozen */

struct wire {
	const uint8_t *at, *end;
};

/* One field as it stands in the bytes. */
struct wire_field {
	uint32_t id;
	unsigned type; /* ProtobufCWireType */
	uint64_t value;
	struct wire bytes; /* of a length-prefixed one */
};

static struct wire wire_of(const uint8_t *bytes, size_t len)
{
	return (struct wire){ bytes,
			      len ? bytes + len : bytes }; /* of nothing, there is no address */
}

static bool wire_varint(struct wire *w, uint64_t *out)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 70; shift += 7) {
		if (w->at == w->end)
			return false;
		uint8_t byte = *w->at++;
		v |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
		if (!(byte & 0x80)) {
			*out = v;
			return true;
		}
	}
	return false;
}

static bool wire_bytes(struct wire *w, uint64_t len, struct wire *out)
{
	if (len > (uint64_t)(w->end - w->at))
		return false;
	*out = (struct wire){ w->at, w->at + len };
	w->at += len;
	return true;
}

static bool wire_next(struct wire *w, struct wire_field *f)
{
	uint64_t tag;
	if (!wire_varint(w, &tag) || tag >> 32 || tag >> 3 == 0)
		return false;
	f->id = (uint32_t)(tag >> 3);
	f->type = tag & 7;
	f->value = 0;
	switch (f->type) {
	case PROTOBUF_C_WIRE_TYPE_VARINT:
		return wire_varint(w, &f->value);
	case PROTOBUF_C_WIRE_TYPE_64BIT:
		return wire_bytes(w, 8, &f->bytes);
	case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
		return wire_varint(w, &f->value) && wire_bytes(w, f->value, &f->bytes);
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		return wire_bytes(w, 4, &f->bytes);
	default:
		return false;
	}
}

static unsigned wire_type_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return PROTOBUF_C_WIRE_TYPE_64BIT;
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return PROTOBUF_C_WIRE_TYPE_32BIT;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	default:
		return PROTOBUF_C_WIRE_TYPE_VARINT;
	}
}

static bool number_fits(ProtobufCType type, uint64_t v)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM:
		return v <= UINT32_MAX || (int64_t)v == (int32_t)v;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_SINT32:
		return v <= UINT32_MAX;
	default:
		return true;
	}
}

static int check_field(const ProtobufCMessageDescriptor *desc, const ProtobufCFieldDescriptor *fd,
		       const struct wire_field *f, struct error *err)
{
	unsigned want = wire_type_of(fd->type);
	bool packed = fd->label == PROTOBUF_C_LABEL_REPEATED &&
		      f->type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	if (f->type != want && !packed)
		return error_set(err, EBADMSG, "%s.%s: wanted wire type %u, found %u", desc->name,
				 fd->name, want, f->type);
	if (fd->type == PROTOBUF_C_TYPE_STRING &&
	    memchr(f->bytes.at, '\0', (size_t)(f->bytes.end - f->bytes.at)))
		return error_set(err, EBADMSG, "%s.%s: a NUL byte inside a string", desc->name,
				 fd->name);
	if (f->type == PROTOBUF_C_WIRE_TYPE_VARINT && !number_fits(fd->type, f->value))
		return error_set(err, EBADMSG, "%s.%s: %" PRIu64 " does not fit the field",
				 desc->name, fd->name, f->value);
	if (packed && want == PROTOBUF_C_WIRE_TYPE_VARINT) {
		struct wire w = f->bytes;
		uint64_t v;
		while (w.at < w.end) {
			if (!wire_varint(&w, &v))
				return error_set(err, EBADMSG, "%s.%s: cut short inside a number",
						 desc->name, fd->name);
			if (!number_fits(fd->type, v))
				return error_set(err, EBADMSG,
						 "%s.%s: %" PRIu64 " does not fit the field",
						 desc->name, fd->name, v);
		}
	}
	return 0;
}

static int check_message(const ProtobufCMessageDescriptor *desc, struct wire w, unsigned depth,
			 struct error *err)
{
	const uint8_t *begin = w.at;
	unsigned nr_seen = desc->n_fields < FIELDS_MAX ? desc->n_fields : FIELDS_MAX;
	bool seen[FIELDS_MAX];
	memset(seen, 0, nr_seen * sizeof(*seen));
	if (depth > DEPTH_MAX)
		return error_set(err, EBADMSG, "%s: nested deeper than %d messages", desc->name,
				 DEPTH_MAX);
	while (w.at < w.end) {
		struct wire_field f;
		size_t offset = (size_t)(w.at - begin);
		if (!wire_next(&w, &f))
			return error_set(err, EBADMSG, "%s: no whole field at byte %zu of %zu",
					 desc->name, offset, (size_t)(w.end - begin));
		const ProtobufCFieldDescriptor *fd =
		    protobuf_c_message_descriptor_get_field(desc, f.id);
		if (!fd)
			continue;
		size_t index = (size_t)(fd - desc->fields);
		if (index < nr_seen)
			seen[index] = true;
		int rc = check_field(desc, fd, &f, err);
		if (rc == 0 && fd->type == PROTOBUF_C_TYPE_MESSAGE)
			rc = check_message(fd->descriptor, f.bytes, depth + 1, err);
		if (rc < 0)
			return rc;
	}
	for (unsigned i = 0; i < nr_seen; i++) {
		if (desc->fields[i].label == PROTOBUF_C_LABEL_REQUIRED && !seen[i])
			return error_set(err, EBADMSG, "%s.%s: required, but missing", desc->name,
					 desc->fields[i].name);
	}
	return 0;
}

int wire_check(const ProtobufCMessageDescriptor *desc, const uint8_t *bytes, size_t len,
	       struct error *err)
{
	return check_message(desc, wire_of(bytes, len), 0, err);
}

int wire_field(const uint8_t **at, const uint8_t *end, uint32_t *id, const uint8_t **value,
	       size_t *len)
{
	struct wire w = { *at, end };
	struct wire_field f;
	if (w.at == w.end)
		return 0;
	if (!wire_next(&w, &f))
		return -EBADMSG;
	bool prefixed = f.type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	*at = w.at;
	*id = f.id;
	*value = prefixed ? f.bytes.at : NULL;
	*len = prefixed ? (size_t)(f.bytes.end - f.bytes.at) : 0;
	return 1;
}
