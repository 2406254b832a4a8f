/* SPDX-License-Identifier: MIT
 * Which network namespace a socket is in.
 */
#pragma once

#include "engine/dump.h"

/**
 * The number of its network namespace in images.
 * @param what  the socket, for messages
 * @return 0; -ENOTSUP: no task of the tree is in that one
 */
int sock_ns_id(const struct dump *d, int fd, const char *what, uint32_t *out, struct error *err);
