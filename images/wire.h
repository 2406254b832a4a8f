/* SPDX-License-Identifier: MIT
 * Packed messages looked at byte by byte: says what protobuf-c only says no to, or loses.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>

#include "base/error.h"

/**
 * Find the first fault of a packed message: cut short, a missing required field, a wrong wire
 * type, a nesting so deep that unpacking would overflow the stack (protobuf-c recurses without a
 * limit, and a cgroup directory may hold cgroup directories), and the values unpacking would change
 * silently: a string with a NUL byte inside, a number wider than its field.
 * @return 0 when there is none; -EBADMSG naming message and field
 */
int wire_check(const ProtobufCMessageDescriptor *desc, const uint8_t *bytes, size_t len,
	       struct error *err);

/**
 * Go over the fields of a packed message.
 * @param at     moved behind the field
 * @param value  of a length-prefixed field, else NULL
 * @return 1; 0 at the end; -EBADMSG: it is cut short
 */
int wire_field(const uint8_t **at, const uint8_t *end, uint32_t *id, const uint8_t **value,
	       size_t *len);
