/* SPDX-License-Identifier: MIT
 * What mappings have to know of io_uring rings.
 */
#pragma once

#include "engine/files/file.h"

/** Is it a mapping of a ring? */
bool io_uring_is_mapped(const struct vma *v);
/** The file id of the ring that is mapped. @return 0; -ENOENT: no descriptor leads to it;
 *  -ENOTUNIQ: several do, before Linux 5.12 */
int io_uring_mapped_id(const struct dump *d, dev_t dev, ino_t ino, uint32_t *id);
