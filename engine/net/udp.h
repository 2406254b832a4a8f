/* SPDX-License-Identifier: MIT
 * Datagrams that wait in UDP sockets, and who sent them.
 */
#pragma once

#include "engine/context/restore.h"
#include "engine/net/queue.h"
#include "sockets.pb-c.h"

/** Arrive once more, in order; what cannot is dropped, with a warning. @param alone  no other
 *  socket has its port */
int udp_refill(struct restore *r, int fd, const InetSkEntry *sk, bool alone, struct error *err);
