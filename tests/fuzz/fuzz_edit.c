/* SPDX-License-Identifier: MIT
 * A change and a message: kind, "PATH=VALUE", a NUL, a packed core_entry, files entry or mm_entry.
 * Whatever the path and the value, the message stays whole: it packs, and unpacks to the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "convert/edit/edit.h"
#include "convert/edit/field.h"
#include "files.pb-c.h"
#include "images/wire.h"
#include "memory.pb-c.h"
#include "task.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct change {
	unsigned kind;
	const char *value;
	unsigned left; /* a path may lead to many places: enough is enough */
};

static int apply(void *arg, const struct field_ref *found, struct error *err)
{
	struct change *change = arg;
	struct field_ref ref = *found;
	auto_strbuf text = { 0 };
	if (!change->left--)
		return error_set(err, E2BIG, "enough");
	int rc = field_text(&ref, &text, err);
	if (rc < 0)
		return rc;
	switch (change->kind % 3) {
	case 0:
		return field_set(&ref, change->value, err);
	case 1:
		return field_append(&ref, change->value, err);
	default:
		return field_delete(&ref, err);
	}
}

static void check(const ProtobufCMessage *msg)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	uint8_t *bytes = malloc(len + 1);
	if (protobuf_c_message_pack(msg, bytes) != len)
		abort();
	ProtobufCMessage *again = protobuf_c_message_unpack(msg->descriptor, NULL, len, bytes);
	if (!again)
		abort();
	protobuf_c_message_free_unpacked(again, NULL);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const ProtobufCMessageDescriptor *const kinds[] = { &core_entry__descriptor,
								   &file_entry__descriptor,
								   &mm_entry__descriptor };
	const uint8_t *end = size > 1 ? memchr(data + 1, 0, size - 1) : NULL;
	if (!end)
		return 0;
	const char *text = (const char *)data + 1, *equals = path_end(text);
	const ProtobufCMessageDescriptor *desc = kinds[data[0] / 3 % 3];
	size_t len = size - (size_t)(end + 1 - data), found = 0;
	struct error err;
	struct path path;
	if (!equals || wire_check(desc, end + 1, len, &err) < 0 ||
	    path_parse(text, (size_t)(equals - text), &path, &err) < 0)
		return 0;
	struct change change = { data[0], equals + 1, 64 };
	ProtobufCMessage *msg = protobuf_c_message_unpack(desc, NULL, len, end + 1);
	if (msg && path.nr > 1) {
		field_walk(msg, path.parts + 1, path.nr - 1, &found, apply, &change, &err);
		check(msg);
	}
	if (msg)
		protobuf_c_message_free_unpacked(msg, NULL);
	path_fini(&path);
	return 0;
}
