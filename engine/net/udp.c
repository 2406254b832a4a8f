/* SPDX-License-Identifier: MIT
 * Datagrams arrive once more, through the loopback device, in the name of who sent them.
 */
#include "engine/net/udp.h"

#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/files/set.h"
#include "engine/net/inet-addr.h"
#include "engine/net/ip-packet.h"
#include "engine/net/unix.h"

#define ROOM        (1 << 30)
#define PATIENCE    200 /* times */
#define PATIENCE_US 500

static uint32_t memory_of(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);
	getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len);
	return info[SK_MEMINFO_RMEM_ALLOC];
}

/* The packets of one stay in order if each is waited for. */
static bool wait_arrival(int fd, uint32_t before)
{
	for (int i = 0; i < PATIENCE; i++) {
		if (memory_of(fd) > before)
			return true;
		usleep(PATIENCE_US);
	}
	return false;
}

static bool is_any(const uint32_t *words, size_t nr)
{
	uint32_t all = 0;
	for (size_t i = 0; i < nr; i++)
		all |= words[i];
	return !all;
}

struct ends { /* of a datagram, as its socket saw it */
	struct ip_packet packet;
	uint32_t from[4], to[4];
	uint16_t from_port;
};

/* An unbound socket, or one bound to all addresses, is reached at a loopback address. */
static bool find_ends(const InetSkEntry *sk, const struct strbuf *sender, struct ends *out)
{
	union inet_addr from = { 0 };
	if (sender->len > sizeof(from) || sender->len < sizeof(from.v4))
		return false;
	memcpy(&from, sender->data, sender->len);
	size_t words = sk->family == AF_INET6 ? 4 : 1;
	if (from.any.sa_family != sk->family || (words == 4 && sender->len != sizeof(from.v6)))
		return false;
	const void *addr = words == 4 ? (void *)&from.v6.sin6_addr : (void *)&from.v4.sin_addr;
	memcpy(out->from, addr, words * sizeof(uint32_t));
	memcpy(out->to, sk->src_addr, words * sizeof(uint32_t));
	out->from_port = ntohs(from.v4.sin_port);
	out->packet = (struct ip_packet){ .family = (int)sk->family,
					  .protocol = (uint8_t)sk->proto,
					  .from = out->from,
					  .to = out->to,
					  .link = inet_addr_link(sk) };
	bool any = is_any(out->to, words);
	if (words == 4 && inet_addr_is_mapped(out->from)) {
		out->packet.family = AF_INET;
		out->packet.from += 3;
		out->packet.to += 3;
		any |= is_any(out->packet.to, 1);
		words = 1;
	}
	uint32_t *to = out->to + (out->packet.to - out->to);
	if (any && words == 4)
		to[3] = htonl(1);
	else if (any)
		to[0] = htonl(INADDR_LOOPBACK);
	return !(words == 4 ? IN6_IS_ADDR_MULTICAST((struct in6_addr *)to)
			    : IN_MULTICAST(ntohl(to[0])));
}

static int refill_one(struct restore *r, int fd, const InetSkEntry *sk,
		      const struct queue_item *item, struct error *err)
{
	char user[64];
	struct ends ends;
	if (!find_ends(sk, &item->sender, &ends) || item->data.len > UDP_PACKET_MAX) {
		log_warn("%s: a datagram of %zu bytes cannot arrive again: dropped",
			 file_set_user(r, sk->id, user, sizeof(user)), item->data.len);
		return 0;
	}
	uint32_t before = memory_of(fd);
	int rc = udp_packet_send(&ends.packet, ends.from_port, (uint16_t)sk->src_port,
				 item->data.data, item->data.len, err);
	if (rc == 0 && !wait_arrival(fd, before))
		log_warn("%s: a datagram of %zu bytes did not arrive again",
			 file_set_user(r, sk->id, user, sizeof(user)), item->data.len);
	return rc;
}

int udp_refill(struct restore *r, int fd, const InetSkEntry *sk, bool alone, struct error *err)
{
	const struct queue_list *list = &r->net->queues;
	char user[64];
	int room = ROOM, rc = 0;
	if (!queue_waits(list, sk->id))
		return 0;
	if (!alone) {
		log_warn("%s: datagrams that waited are dropped, as others share the "
			 "address and port of the socket",
			 file_set_user(r, sk->id, user, sizeof(user)));
		return 0;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)); /* options set it back */
	setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0);
	for (size_t i = 0; rc == 0 && i < list->nr; i++)
		if (list->items[i].id == sk->id)
			rc = refill_one(r, fd, sk, &list->items[i], err);
	return rc;
}
