/* SPDX-License-Identifier: MIT
 * Quoted-printable text (RFC 2045), in which names of unix sockets are written.
 */
#pragma once

#include <stddef.h>

#include "base/strbuf.h"

/** Append. Line ends stay as they are, so that every byte string comes back. @return 0, -ENOMEM. */
int quoted_encode(const void *bytes, size_t len, struct strbuf *out);
/** In place. @return the new length, or -EINVAL on '=' without two hex digits or a line end. */
long quoted_decode(char *text, size_t len);
