/* SPDX-License-Identifier: MIT
 * ELF notes in the byte order and word size of the machine they are about.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

struct notes {
	struct strbuf buf;
	bool big, is64, failed; /* failed: memory was short, told once at the end */
	size_t open;            /* where the note at hand begins */
};

/** @param owner  "CORE" or "LINUX" */
void note_begin(struct notes *n, const char *owner, uint32_t type);
void note_end(struct notes *n);
size_t note_len(const struct notes *n); /* bytes of contents so far */

void note_bytes(struct notes *n, const void *bytes, size_t len);
void note_zero(struct notes *n, size_t len);
/** Make the contents exactly `len` bytes: with zeros, or by cutting what an image has too much. */
void note_fit(struct notes *n, size_t len);
/** @param size  1, 2, 4 or 8 */
void note_number(struct notes *n, uint64_t value, unsigned size);
/** A word of the machine. */
void note_word(struct notes *n, uint64_t value);
void note_u32s(struct notes *n, const uint32_t *values, size_t nr);
void note_u64s(struct notes *n, const uint64_t *values, size_t nr);
/**
 * The numbers of a message in the order of its fields, each as wide as its type. Where a register
 * set is laid out like the kernel's, this is all there is to it.
 * @param first, last  field numbers
 */
void note_fields(struct notes *n, const ProtobufCMessage *msg, uint32_t first, uint32_t last);
