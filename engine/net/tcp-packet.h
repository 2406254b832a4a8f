/* SPDX-License-Identifier: MIT
 * A packet to a TCP socket of this host as if it came from the other end: the only way to end the
 * stream a socket receives.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "sockets.pb-c.h"

#define TCP_PACKET_MARK 0xC114 /* SO_MARK of them: locks let it pass, CRIU's as well */

struct tcp_packet {
	uint32_t seq, ack;
	uint16_t window; /* as in the header: scaled */
};

/** From the destination of a socket to its source, an ACK without data. @param fin  and a FIN */
int tcp_packet_send(const InetSkEntry *sk, const struct tcp_packet *p, bool fin, struct error *err);
