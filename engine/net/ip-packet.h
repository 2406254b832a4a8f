/* SPDX-License-Identifier: MIT
 * Packets to sockets of this host as if they came from the other end: the only way to end the
 * stream a TCP socket receives, or to give a datagram its sender back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sockets.pb-c.h"

#define IP_PACKET_MARK 0xC114 /* SO_MARK of them: locks let it pass, CRIU's as well */

struct ip_packet {
	int family;
	uint8_t protocol;
	const uint32_t *from, *to; /* words in network order, one or four */
	unsigned link;             /* of addresses that belong to one interface; 0: none */
};

struct tcp_packet {
	uint32_t seq, ack;
	uint16_t window; /* as in the header: scaled */
};

/** From the destination of a socket to its source, an ACK without data. @param fin  and a FIN */
int tcp_packet_send(const InetSkEntry *sk, const struct tcp_packet *p, bool fin, struct error *err);

#define UDP_PACKET_MAX 65507 /* bytes of data, over IPv4 */

/** One datagram. p->protocol is IPPROTO_UDP or IPPROTO_UDPLITE. @param from_port, to_port host
 * order */
int udp_packet_send(const struct ip_packet *p, uint16_t from_port, uint16_t to_port,
		    const void *data, size_t len, struct error *err);
