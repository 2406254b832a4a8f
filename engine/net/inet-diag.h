/* SPDX-License-Identifier: MIT
 * What the kernel tells about the IPv4 and IPv6 sockets of this network namespace: sock_diag(7).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct inet_info {
	uint32_t ino;
	uint8_t state;               /* TCP_*, of every protocol */
	uint8_t shutdown;            /* bits: 1 receive, 2 send */
	uint16_t src_port, dst_port; /* host order */
	uint32_t src[4], dst[4];     /* network order; IPv4 uses the first word */
	uint32_t rqueue;             /* bytes to read; of a listening one: connections to accept */
	uint32_t wqueue;             /* bytes not acknowledged; of a listening one: its backlog */
	uint32_t ifindex;
	void *md5; /* its keys for signatures, as the kernel tells them; owned, NULL: none */
	size_t md5_len;
};

struct inet_list {   /* the sockets of one family and protocol */
	uint32_t ns; /* the network namespace, as images number it */
	int family, protocol;
	struct inet_info *items; /* sorted by ino */
	size_t nr, cap;
};

/**
 * Ask for all sockets that are bound or connected; the others are not known by any table.
 * @param out  its family and protocol are set; release with inet_list_fini()
 */
int inet_list_read(struct inet_list *out, struct error *err);
/** NULL: none. */
const struct inet_info *inet_list_find(const struct inet_list *list, uint32_t ino);
void inet_list_fini(struct inet_list *list);
