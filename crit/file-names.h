/* SPDX-License-Identifier: MIT
 * What the descriptors of a checkpoint refer to, by the id of their file.
 */
#pragma once

#include "files.pb-c.h"
#include "images/source.h"

struct file_names;

/** Read files.img, or the images that came before it. A set without any has no names. */
int file_names_read(struct source *src, struct file_names **out, struct error *err);
void file_names_free(struct file_names *names);

/** The path of a regular file, or "unknown path". Borrowed. */
const char *file_path(const struct file_names *names, uint32_t id);
/** Any file, as `crit x … fds` prints it, without a line end. */
void file_print(const struct file_names *names, FdTypes type, uint32_t id);

static inline void file_names_cleanup_(struct file_names **names)
{
	file_names_free(*names);
}
#define auto_file_names __attribute__((cleanup(file_names_cleanup_))) struct file_names *
