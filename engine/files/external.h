/* SPDX-License-Identifier: MIT
 * Resources that stay outside of the images: --external names them at the dump, --inherit-fd gives
 * their places to open descriptors of the caller at the restore.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/context/options.h"

/** Was this resource named with --external? @param name  "tty[8800:19]" */
bool external_has(const struct options *opts, const char *name);
/** Was a unix socket, with --external unix[INODE] or --ext-unix-sk=INODE? */
bool external_has_socket(const struct options *opts, uint32_t ino);
/** What --external KIND[KEY]:VALUE says. @return VALUE, borrowed; NULL: nothing */
const char *external_value(const struct options *opts, const char *kind, const char *key);
/** The caller's descriptor for a resource, from --inherit-fd fd[N]:NAME. @return N; -1: none */
int inherit_find(const struct options *opts, const char *name);
/** Is every --inherit-fd of the form fd[N]:NAME, and N open? @return 0; -EINVAL naming it */
int inherit_check(const struct options *opts, struct error *err);
