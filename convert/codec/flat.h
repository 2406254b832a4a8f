/* SPDX-License-Identifier: MIT
 * A JSON document as a list of leaves: looked up by path, or compared.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#include "base/error.h"

struct flat {
	struct flat_item {
		char *path;  /* "reg.name", "vmas[3].start" */
		char *value; /* text of the leaf; strings without quotes */
	} * items;           /* sorted by path, numbers in it by value */
	size_t nr, cap;
};

/** @param name  of the document, for messages. @return 0; -EBADMSG: no JSON */
int flat_from_json(const char *text, size_t len, const char *name, struct flat *out,
		   struct error *err);
/** The leaves of a message in the form people read. NULL has none. */
int flat_from_message(const ProtobufCMessage *msg, struct flat *out, struct error *err);
/** The leaves of one field; one that is not there is a leaf without a path, "null". */
int flat_from_field(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field,
		    struct flat *out, struct error *err);
/** The leaf at a path, NULL: none. Borrowed. */
const char *flat_find(const struct flat *flat, const char *path);
void flat_fini(struct flat *flat);
#define auto_flat __attribute__((cleanup(flat_fini))) struct flat

/** Call for every leaf that differs; a or b is NULL where only one side has it. */
typedef void flat_change_fn(void *arg, const char *path, const char *a, const char *b);
void flat_compare(const struct flat *a, const struct flat *b, flat_change_fn *change, void *arg);
