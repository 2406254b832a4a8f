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
 * type, and the values unpacking would change silently: a string with a NUL byte inside, a
 * number wider than its field.
 * @return 0 when there is none; -EBADMSG naming message and field
 */
int wire_check(const ProtobufCMessageDescriptor *desc, const uint8_t *bytes, size_t len,
	       struct error *err);

/**
 * Refuse messages nested so deep that unpacking them would overflow the stack: protobuf-c recurses
 * without a limit, and a cgroup directory may hold cgroup directories. Call before unpacking.
 * @return 0; -EBADMSG
 */
int wire_check_nesting(const ProtobufCMessageDescriptor *desc, const uint8_t *bytes, size_t len,
		       struct error *err);
