/* SPDX-License-Identifier: MIT
 * Packets in the name of the other end: raw(7) with headers of our own; RFC 9293, 768, 3828.
 */
#include "engine/net/ip-packet.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "engine/net/inet-addr.h"

#define HOP_LIMIT 64

static uint32_t sum_words(const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	uint32_t sum = 0;
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(b[i] << 8 | b[i + 1]);
	return len % 2 ? sum + (uint32_t)(b[len - 1] << 8) : sum;
}

/* With addresses, protocol and length in front. */
static uint16_t checksum(const struct ip_packet *p, const void *body, size_t len)
{
	size_t words = p->family == AF_INET6 ? 16 : 4;
	uint32_t sum = sum_words(p->from, words) + sum_words(p->to, words) + p->protocol +
		       (uint32_t)len + sum_words(body, len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static size_t put_ip(const struct ip_packet *p, size_t len, uint8_t *out)
{
	if (p->family == AF_INET) {
		struct iphdr ip = { .version = 4,
				    .ihl = sizeof(ip) / 4,
				    .tot_len = htons((uint16_t)(sizeof(ip) + len)),
				    .ttl = HOP_LIMIT,
				    .protocol = p->protocol };
		memcpy(&ip.saddr, p->from, 4); /* the kernel fills in its checksum */
		memcpy(&ip.daddr, p->to, 4);
		memcpy(out, &ip, sizeof(ip));
		return sizeof(ip);
	}
	struct ip6_hdr ip = { 0 };
	ip.ip6_vfc = 6 << 4;
	ip.ip6_plen = htons((uint16_t)len);
	ip.ip6_nxt = p->protocol;
	ip.ip6_hlim = HOP_LIMIT;
	memcpy(&ip.ip6_src, p->from, 16);
	memcpy(&ip.ip6_dst, p->to, 16);
	memcpy(out, &ip, sizeof(ip));
	return sizeof(ip);
}

static int ip_send(const struct ip_packet *p, const void *body, size_t len, struct error *err)
{
	union inet_addr to;
	int mark = IP_PACKET_MARK;
	socklen_t to_len = inet_addr_set(&to, (uint32_t)p->family, p->to, 0, p->link);
	auto_free uint8_t *packet = malloc(sizeof(struct ip6_hdr) + len);
	if (!packet)
		return error_set(err, ENOMEM, "out of memory");
	size_t head = put_ip(p, len, packet);
	memcpy(packet + head, body, len);
	auto_fd fd = socket(p->family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0)
		return error_sys(err, "make a raw socket (CAP_NET_RAW?)");
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return error_sys(err, "set SO_MARK");
	if (sendto(fd, packet, head + len, 0, &to.any, to_len) != (ssize_t)(head + len))
		return error_sys(err, "send a packet in the name of the other end");
	return 0;
}

int tcp_packet_send(const InetSkEntry *sk, const struct tcp_packet *t, bool fin, struct error *err)
{
	struct ip_packet p = { .family = (int)sk->family,
			       .protocol = IPPROTO_TCP,
			       .from = sk->dst_addr,
			       .to = sk->src_addr,
			       .link = inet_addr_link(sk) };
	if (p.family == AF_INET6 && inet_addr_is_mapped(sk->dst_addr)) {
		p.family = AF_INET;
		p.from += 3;
		p.to += 3;
	}
	struct tcphdr tcp = { 0 };
	tcp.source = htons((uint16_t)sk->dst_port);
	tcp.dest = htons((uint16_t)sk->src_port);
	tcp.seq = htonl(t->seq);
	tcp.ack_seq = htonl(t->ack);
	tcp.doff = sizeof(tcp) / 4;
	tcp.ack = 1;
	tcp.fin = fin;
	tcp.window = htons(t->window);
	tcp.check = checksum(&p, &tcp, sizeof(tcp));
	return ip_send(&p, &tcp, sizeof(tcp), err);
}

int udp_packet_send(const struct ip_packet *p, uint16_t from_port, uint16_t to_port,
		    const void *data, size_t len, struct error *err)
{
	struct udphdr udp = { 0 };
	auto_free uint8_t *body = malloc(sizeof(udp) + len);
	if (!body)
		return error_set(err, ENOMEM, "out of memory");
	udp.source = htons(from_port);
	udp.dest = htons(to_port);
	udp.len = htons((uint16_t)(sizeof(udp) + len)); /* of UDP-Lite: all is covered */
	memcpy(body, &udp, sizeof(udp));
	if (len)
		memcpy(body + sizeof(udp), data, len);
	udp.check = checksum(p, body, sizeof(udp) + len);
	udp.check = udp.check ? udp.check : 0xffff;
	memcpy(body, &udp, sizeof(udp));
	return ip_send(p, body, sizeof(udp) + len, err);
}
