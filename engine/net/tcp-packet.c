/* SPDX-License-Identifier: MIT
 * Packets in the name of the other end: raw(7) with a header of our own, RFC 9293.
 */
#include "engine/net/tcp-packet.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "engine/net/inet-addr.h"

#define HOP_LIMIT 64

struct ends { /* words in network order, one or four */
	int family;
	size_t len; /* bytes of an address */
	const uint32_t *from, *to;
};

static struct ends ends_of(const InetSkEntry *sk)
{
	struct ends e = {
		.family = (int)sk->family, .len = 16, .from = sk->dst_addr, .to = sk->src_addr
	};
	if (e.family == AF_INET6 && inet_addr_is_mapped(sk->dst_addr)) {
		e.family = AF_INET;
		e.from += 3;
		e.to += 3;
	}
	if (e.family == AF_INET)
		e.len = 4;
	return e;
}

static uint32_t sum_words(const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	uint32_t sum = 0;
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(b[i] << 8 | b[i + 1]);
	return sum;
}

/* RFC 9293, 3.1: with addresses, protocol and length in front. */
static uint16_t checksum(const struct ends *e, const struct tcphdr *tcp)
{
	uint32_t sum = sum_words(e->from, e->len) + sum_words(e->to, e->len) + IPPROTO_TCP +
		       sizeof(*tcp) + sum_words(tcp, sizeof(*tcp));
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static size_t put_ip(const struct ends *e, uint8_t *out)
{
	if (e->family == AF_INET) {
		struct iphdr ip = { .version = 4,
				    .ihl = sizeof(ip) / 4,
				    .tot_len = htons(sizeof(ip) + sizeof(struct tcphdr)),
				    .ttl = HOP_LIMIT,
				    .protocol = IPPROTO_TCP };
		memcpy(&ip.saddr, e->from, 4); /* the kernel fills in its checksum */
		memcpy(&ip.daddr, e->to, 4);
		memcpy(out, &ip, sizeof(ip));
		return sizeof(ip);
	}
	struct ip6_hdr ip = { 0 };
	ip.ip6_vfc = 6 << 4;
	ip.ip6_plen = htons(sizeof(struct tcphdr));
	ip.ip6_nxt = IPPROTO_TCP;
	ip.ip6_hlim = HOP_LIMIT;
	memcpy(&ip.ip6_src, e->from, 16);
	memcpy(&ip.ip6_dst, e->to, 16);
	memcpy(out, &ip, sizeof(ip));
	return sizeof(ip);
}

int tcp_packet_send(const InetSkEntry *sk, const struct tcp_packet *p, bool fin, struct error *err)
{
	uint8_t packet[sizeof(struct ip6_hdr) + sizeof(struct tcphdr)];
	struct ends e = ends_of(sk);
	struct tcphdr tcp = { 0 };
	tcp.source = htons((uint16_t)sk->dst_port);
	tcp.dest = htons((uint16_t)sk->src_port);
	tcp.seq = htonl(p->seq);
	tcp.ack_seq = htonl(p->ack);
	tcp.doff = sizeof(tcp) / 4;
	tcp.ack = 1;
	tcp.fin = fin;
	tcp.window = htons(p->window);
	tcp.check = checksum(&e, &tcp);
	size_t len = put_ip(&e, packet);
	memcpy(packet + len, &tcp, sizeof(tcp));
	len += sizeof(tcp);

	union inet_addr to;
	int mark = TCP_PACKET_MARK;
	socklen_t to_len = inet_addr_set(&to, (uint32_t)e.family, e.to, 0, inet_addr_link(sk));
	auto_fd fd = socket(e.family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0)
		return error_sys(err, "make a raw socket (CAP_NET_RAW?)");
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return error_sys(err, "set SO_MARK");
	if (sendto(fd, packet, len, 0, &to.any, to_len) != (ssize_t)len)
		return error_sys(err, "send a packet in the name of the other end");
	return 0;
}
