/* SPDX-License-Identifier: MIT
 * Building messages on the heap, such that protobuf_c_message_free_unpacked() releases them.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>

/** A message with its defaults; NULL when memory is short. */
static inline void *message_new(const ProtobufCMessageDescriptor *desc)
{
	void *msg = malloc(desc->sizeof_message);
	if (msg)
		protobuf_c_message_init(desc, msg);
	return msg;
}

/**
 * The storage of a repeated message field: `nr` messages with their defaults.
 * @param n  the field's counter, kept at what exists, so that a failure leaks nothing
 * @return the array; NULL when memory is short or nr is 0
 */
static inline void *message_array(const ProtobufCMessageDescriptor *desc, size_t nr, size_t *n)
{
	*n = 0;
	void **items = nr ? calloc(nr, sizeof(*items)) : NULL;
	if (!items)
		return NULL;
	for (; *n < nr; (*n)++) {
		items[*n] = message_new(desc);
		if (!items[*n])
			break;
	}
	if (*n == nr)
		return items;
	while (*n)
		free(items[--*n]);
	free(items);
	return NULL;
}
