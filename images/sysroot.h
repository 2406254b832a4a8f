/* SPDX-License-Identifier: MIT
 * Files as the captured processes had them, looked up below a directory that stands for their root.
 */
#pragma once

#include "base/error.h"
#include "files.pb-c.h"

/** @return a descriptor for the functions below, or -errno with "open PATH: …" */
int sysroot_open(const char *path, struct error *err);

/**
 * Open a regular file for reading. No link and no ".." leads out of the sysroot.
 * @return descriptor; -errno without a message
 */
int sysroot_file(int sysroot, const char *path);

/** The same for whatever is there, and to look at it alone (O_PATH). A link is followed. */
int sysroot_path(int sysroot, const char *path);

/**
 * Open the file of a mapping, if it is still the one that was dumped: of the same size and, where
 * the image has one, the same build id.
 * @return descriptor; -ENOENT; -ESTALE for another one: err says what differs
 */
int sysroot_mapped(int sysroot, const RegFileEntry *reg, struct error *err);
/** The comparison alone, of a file from elsewhere. @return 0; -ESTALE */
int mapped_same(int fd, const RegFileEntry *reg, struct error *err);

/** The build id of an entry in hexadecimal; cut to `size`. @return out, "" when it has none */
char *mapped_build_id(const RegFileEntry *reg, char *out, size_t size);
