/* SPDX-License-Identifier: MIT
 * Where protobuf-c keeps the values of a field inside an unpacked message.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes of one value; an element of a list is as large. */
size_t field_element_size(const ProtobufCFieldDescriptor *field);

/** How many values there are: 0 or 1, or of a list any number. An absent string is its default. */
size_t field_count(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field);

/** A value that is an integer; signed ones keep their sign. Of others 0. */
uint64_t field_integer(const ProtobufCFieldDescriptor *field, const void *at);

static inline bool field_is_list(const ProtobufCFieldDescriptor *field)
{
	return field->label == PROTOBUF_C_LABEL_REPEATED;
}

/** The value of a field that is no list; of a list, the pointer to its elements. */
static inline void *field_at(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field)
{
	return (char *)msg + field->offset;
}

/** The number of elements of a list. */
static inline size_t *field_list_count(const ProtobufCMessage *msg,
				       const ProtobufCFieldDescriptor *field)
{
	return (size_t *)((char *)msg + field->quantifier_offset);
}

/** Value i of field_count() many. */
static inline void *field_value(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field,
				size_t i)
{
	void *at = field_at(msg, field);
	return field_is_list(field) ? *(char **)at + i * field_element_size(field) : at;
}
