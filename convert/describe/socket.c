/* SPDX-License-Identifier: MIT
 * Sockets in plain words.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "convert/describe/describer.h"
#include "images/damage.h"

static const char *ip_protocol(uint32_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_UDPLITE:
		return "udplite";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmp6";
	default:
		return NULL;
	}
}

static void address_text(const uint32_t *words, size_t nr, uint32_t port, char *out, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	out[0] = '\0';
	if ((nr != 1 && nr != 4) ||
	    !inet_ntop(nr == 1 ? AF_INET : AF_INET6, words, text, sizeof(text)))
		return;
	snprintf(out, len, nr == 1 ? "%s:%" PRIu32 : "[%s]:%" PRIu32, text, port);
}

/* The queues of a connection are in an image of its own. */
static int stream_queues(struct file_describer *fd, const InetSkEntry *sk, struct queue_facts *out,
			 struct error *err)
{
	auto_image_reader r = NULL;
	auto_message ProtobufCMessage *msg = NULL;
	struct error why;
	struct source *src = checkpoint_source(fd->cp);
	int rc = image_open_typed(src, IMG_TCP_STREAM, sk->ino, &r, &why);
	if (rc == 0)
		rc = image_next(r, &msg, &why);
	if (rc < 0)
		rc = damage_pass(src, rc, &why, err);
	if (rc <= 0)
		return rc == -ENOENT ? 0 : rc;
	const TcpStreamEntry *stream = (const TcpStreamEntry *)msg;
	*out = (struct queue_facts){ true, stream->inq_len, stream->outq_len };
	return 0;
}

static int inet_describe(struct file_describer *fd, const InetSkEntry *sk, struct file_facts *out,
			 struct error *err)
{
	struct socket_facts *facts = &out->socket;
	facts->family = sk->family == AF_INET6 ? "inet6" : "inet";
	facts->type = field_word("inet_sk_entry", "type", sk->type);
	facts->protocol = ip_protocol(sk->proto);
	facts->state = field_word("inet_sk_entry", "state", sk->state);
	facts->inode = sk->ino;
	facts->backlog = sk->backlog;
	facts->net_ns = sk->has_ns_id ? sk->ns_id : 0;
	address_text(sk->src_addr, sk->n_src_addr, sk->src_port, facts->local,
		     sizeof(facts->local));
	if (sk->dst_port)
		address_text(sk->dst_addr, sk->n_dst_addr, sk->dst_port, facts->peer,
			     sizeof(facts->peer));
	out->kind = sk->type == 3 ? "raw" : facts->protocol ?: "inet";
	if (strbuf_printf(&out->target, "%s%s%s", facts->local, facts->peer[0] ? " → " : "",
			  facts->peer) < 0)
		return -ENOMEM;
	return sk->proto == IPPROTO_TCP ? stream_queues(fd, sk, &facts->queue, err) : 0;
}

/* An abstract name starts with a NUL, and may have more of them: shown as @. */
static void unix_name(const UnixSkEntry *sk, char *out, size_t size)
{
	size_t len = sk->name.len < size - 1 ? sk->name.len : size - 1;
	if (len && sk->name.data[0])
		len = strnlen((const char *)sk->name.data, len);
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(sk->name.data[i] ? sk->name.data[i] : '@');
	out[len] = '\0';
}

static const UnixSkEntry *unix_find(const struct file_describer *fd, uint32_t inode)
{
	size_t low =
	    array_lower_bound(fd->unix_sockets.nr, k, fd->unix_sockets.items[k].inode < inode);
	return low < fd->unix_sockets.nr && fd->unix_sockets.items[low].inode == inode
		   ? fd->unix_sockets.items[low].sk
		   : NULL;
}

static int unix_describe(struct file_describer *fd, const UnixSkEntry *sk, struct file_facts *out)
{
	struct socket_facts *facts = &out->socket;
	const UnixSkEntry *peer = sk->peer ? unix_find(fd, sk->peer) : NULL;
	out->kind = "unix";
	facts->family = "unix";
	facts->type = field_word("unix_sk_entry", "type", sk->type);
	facts->state = field_word("unix_sk_entry", "state", sk->state);
	facts->inode = sk->ino;
	facts->peer_inode = sk->peer;
	facts->backlog = sk->backlog;
	facts->net_ns = sk->has_ns_id ? sk->ns_id : 0;
	unix_name(sk, facts->local, sizeof(facts->local));
	if (peer)
		unix_name(peer, facts->peer, sizeof(facts->peer));
	facts->queue.known = true;
	facts->queue.received = amounts_find(&fd->packets, sk->id);
	facts->queue.sent = peer ? amounts_find(&fd->packets, peer->id) : 0;
	if (facts->local[0])
		return strbuf_str(&out->target, facts->local);
	if (facts->peer[0])
		return strbuf_printf(&out->target, "→ %s", facts->peer);
	return sk->peer ? strbuf_printf(&out->target, "socket:[%" PRIu32 "] → [%" PRIu32 "]",
					sk->ino, sk->peer)
			: strbuf_printf(&out->target, "socket:[%" PRIu32 "]", sk->ino);
}

static int packet_describe(struct file_describer *fd, const PacketSockEntry *sk,
			   struct file_facts *out)
{
	struct socket_facts *facts = &out->socket;
	out->kind = "packet";
	facts->family = "packet";
	facts->type = field_word("inet_sk_entry", "type", sk->type);
	facts->net_ns = sk->has_ns_id ? sk->ns_id : 0;
	facts->queue.known = true;
	facts->queue.received = amounts_find(&fd->packets, sk->id);
	snprintf(facts->local, sizeof(facts->local), "protocol %#x, interface %" PRIu32,
		 ntohs((uint16_t)sk->protocol), sk->ifindex);
	return strbuf_str(&out->target, facts->local);
}

static int netlink_describe(struct file_describer *fd, const NetlinkSkEntry *sk,
			    struct file_facts *out)
{
	struct socket_facts *facts = &out->socket;
	out->kind = "netlink";
	facts->family = "netlink";
	facts->inode = sk->ino;
	facts->net_ns = sk->has_ns_id ? sk->ns_id : 0;
	facts->queue.known = true;
	facts->queue.received = amounts_find(&fd->packets, sk->id);
	snprintf(facts->local, sizeof(facts->local), "protocol %" PRIu32 ", port %" PRIu32,
		 sk->protocol, sk->portid);
	return strbuf_str(&out->target, facts->local);
}

int socket_describe(struct file_describer *fd, const FileEntry *file, struct file_facts *out,
		    struct error *err)
{
	out->is_socket = true;
	if (file->isk)
		return inet_describe(fd, file->isk, out, err);
	if (file->usk)
		return unix_describe(fd, file->usk, out);
	if (file->psk)
		return packet_describe(fd, file->psk, out);
	if (file->nlsk)
		return netlink_describe(fd, file->nlsk, out);
	out->is_socket = false;
	return 0;
}
