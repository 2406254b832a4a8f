/* SPDX-License-Identifier: MIT
 * Addresses of inet_sk_entry, words in network order, as the kernel takes them.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#include "base/error.h"
#include "sockets.pb-c.h"

union inet_addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/** @param ifindex  for addresses that mean something on one link only; 0: none. @return its length
 */
socklen_t inet_addr_set(union inet_addr *out, uint32_t family, const uint32_t *words, uint32_t port,
			unsigned ifindex);
/** IPv4 inside IPv6. */
bool inet_addr_is_mapped(const uint32_t *words);
/** Of IPv6: it needs to be told its link. */
bool inet_addr_needs_link(const uint32_t *words);
/** The interface an address of a socket belongs to; 0: it needs none, or that is gone. */
unsigned inet_addr_link(const InetSkEntry *sk);
/** What to say when a socket could not be bound to where it was. @param code errno @return -code */
int inet_addr_refused(const InetSkEntry *sk, int code, struct error *err);
