/* SPDX-License-Identifier: MIT
 * Multicast groups a socket is a member of, both directions.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "sockets.pb-c.h"

/** Ask for every group anybody on this host has joined whether this socket did. */
int multicast_dump(int fd, int family, SkOptsEntry *opts, struct error *err);
bool multicast_is_one(const SkOptionEntry *e);
bool multicast_is_sane(const SkOptionEntry *e);
/** Join, with the sources wanted; what was joined already stays. */
int multicast_restore(int fd, const SkOptionEntry *e, struct error *err);
