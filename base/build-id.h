/* SPDX-License-Identifier: MIT
 * Build id of an ELF file.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BUILD_ID_MAX 512

/**
 * The GNU note of type 3 in a PT_NOTE segment.
 * @return bytes, 0 when it has none; never fails: what cannot be read has none
 */
size_t build_id_read(int fd, uint8_t out[BUILD_ID_MAX]);
