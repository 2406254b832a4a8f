/* SPDX-License-Identifier: MIT
 * ELF notes.
 */
#include "convert/core/notes.h"

#include <string.h>

void note_bytes(struct notes *n, const void *bytes, size_t len)
{
	if (len && strbuf_add(&n->buf, bytes, len) < 0)
		n->failed = true;
}

void note_zero(struct notes *n, size_t len)
{
	static const char zeros[256];
	for (; len; len -= len < sizeof(zeros) ? len : sizeof(zeros))
		note_bytes(n, zeros, len < sizeof(zeros) ? len : sizeof(zeros));
}

static void encode(const struct notes *n, uint64_t value, unsigned size, unsigned char *out)
{
	for (unsigned i = 0; i < size; i++)
		out[n->big ? size - 1 - i : i] = (unsigned char)(value >> (8 * i));
}

void note_number(struct notes *n, uint64_t value, unsigned size)
{
	unsigned char bytes[8];
	encode(n, value, size, bytes);
	note_bytes(n, bytes, size);
}

void note_word(struct notes *n, uint64_t value)
{
	note_number(n, value, n->is64 ? 8 : 4);
}

void note_u32s(struct notes *n, const uint32_t *values, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		note_number(n, values[i], 4);
}

void note_u64s(struct notes *n, const uint64_t *values, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		note_number(n, values[i], 8);
}

/* namesz, descsz, type, name; names are padded to four bytes, and so are contents. */
static size_t head_len(const struct notes *n)
{
	const char *owner = n->buf.data + n->open + 12;
	return 12 + ((strlen(owner) + 4) & ~(size_t)3);
}

void note_begin(struct notes *n, const char *owner, uint32_t type)
{
	size_t len = strlen(owner) + 1;
	n->open = n->buf.len;
	note_number(n, len, 4);
	note_number(n, 0, 4);
	note_number(n, type, 4);
	note_bytes(n, owner, len);
	note_zero(n, -len & 3);
}

size_t note_len(const struct notes *n)
{
	return n->failed ? 0 : n->buf.len - n->open - head_len(n);
}

void note_fit(struct notes *n, size_t len)
{
	size_t now = note_len(n);
	if (len > now)
		note_zero(n, len - now);
	else if (!n->failed)
		n->buf.len -= now - len;
}

void note_end(struct notes *n)
{
	if (n->failed)
		return;
	size_t len = note_len(n);
	encode(n, len, 4, (unsigned char *)n->buf.data + n->open + 4);
	note_zero(n, -len & 3);
}

static void put_field(struct notes *n, const ProtobufCFieldDescriptor *field, const void *at)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT64:
		note_number(n, *(const uint64_t *)at, 8);
		break;
	case PROTOBUF_C_TYPE_UINT32:
		note_number(n, *(const uint32_t *)at, 4);
		break;
	default:
		break; /* registers are these two */
	}
}

void note_fields(struct notes *n, const ProtobufCMessage *msg, uint32_t first, uint32_t last)
{
	const ProtobufCMessageDescriptor *desc = msg->descriptor;
	for (unsigned i = 0; i < desc->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &desc->fields[i];
		const char *at = (const char *)msg + field->offset;
		if (field->id < first || field->id > last)
			continue;
		if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			put_field(n, field, at);
			continue;
		}
		size_t nr = *(const size_t *)((const char *)msg + field->quantifier_offset);
		size_t size = field->type == PROTOBUF_C_TYPE_UINT64 ? 8 : 4;
		for (size_t k = 0; k < nr; k++)
			put_field(n, field, *(const char *const *)at + k * size);
	}
}
