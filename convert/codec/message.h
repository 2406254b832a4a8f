/* SPDX-License-Identifier: MIT
 * Any protobuf message to JSON and back, walking its descriptor.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/pool.h"
#include "convert/json/emit.h"
#include "convert/json/parse.h"

/*
 * Members come in field-number order under their schema names; absent optionals and empty lists
 * are left out. Fields the schema does not know follow as
 * "_unknown": [{"tag": N, "wire": TYPE, "data": base64 of what stood after the tag}].
 */

/** The members, without the braces: the caller opens the object and may add to it. */
void message_members_to_json(const ProtobufCMessage *msg, struct json_out *out);
/** The whole object. */
void message_to_json(const ProtobufCMessage *msg, struct json_out *out);

/**
 * The value of one field; null when it is not there.
 * @param index  of an element of a list; SIZE_MAX: the field as a whole
 */
void message_field_to_json(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field,
			   size_t index, struct json_out *out);
/**
 * The same below a field that covers what is in it by its hint (message_field_is_hex): integers
 * without a hint of their own are hexadecimal then.
 */
void message_field_to_json_hex(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field,
			       size_t index, struct json_out *out);
bool message_field_is_hex(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field);
/**
 * Read the value of one field into a message. What was there is not released: see message_clear()
 * of convert/edit.
 */
int message_field_from_json(struct json_in *in, ProtobufCMessage *msg,
			    const ProtobufCFieldDescriptor *field, struct error *err);

/* A message while it is being read. */
struct message_build;

/* The caller's own members of the outermost object ("extra"); the array ends with a NULL name. */
struct message_member {
	const char *name;
	/** Read the value at the parser. @param build  what was read so far */
	int (*read)(void *arg, struct json_in *in, const struct message_build *build,
		    struct error *err);
	void *arg;
};

const ProtobufCMessage *message_build_message(const struct message_build *build);
/** @return 0 when every required field was given; -EBADMSG naming the first that was not. */
int message_build_check(const struct message_build *build, struct json_in *in, struct error *err);

/**
 * Read one object. Integers may be numbers, any text of value.h, enums names or numbers.
 * @param own  NULL: none
 * @param pool  what it is made of, so that it goes with that; NULL: it is the caller's,
 *              protobuf_c_message_free_unpacked(msg, NULL)
 */
int message_from_json(struct json_in *in, const ProtobufCMessageDescriptor *desc,
		      const struct message_member *own, struct pool *pool, ProtobufCMessage **out,
		      struct error *err);
