/* SPDX-License-Identifier: MIT
 * One row for each option that a number or a short text can be read from and set again with.
 * Source: socket(7), ip(7), ipv6(7), tcp(7), udp(7), netlink(7), packet(7), and their headers.
 */
#include "engine/net/sock-more.h"

#include <linux/if_packet.h>
#include <linux/in6.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/set.h"
#include "engine/net/multicast.h"
#include "engine/net/sock-new.h"
#include "engine/net/tcp-md5.h"

#define VALUE_MAX 2048 /* of a row: a number, a name, or the options of IPv6 packets */
#define NR_MAX    4096
#ifndef TCP_MSS_DEFAULT
#define TCP_MSS_DEFAULT 536 /* until a connection is begun */
#endif

/* Newer than some headers. */
enum {
	OPT_SO_PREFER_BUSY_POLL = 69,
	OPT_SO_TXREHASH = 74,
	OPT_SO_RCVMARK = 75,
	OPT_SO_PASSPIDFD = 76,
	OPT_SO_PASSRIGHTS = 83,
	OPT_IP_RECVERR_RFC4884 = 26,
	OPT_IP_LOCAL_PORT_RANGE = 51,
	OPT_IPV6_RECVERR_RFC4884 = 31,
	OPT_TCP_TX_DELAY = 37,
	OPT_TCP_RTO_MAX_MS = 44,
	OPT_TCP_RTO_MIN_US = 45,
	OPT_TCP_DELACK_MAX_US = 46,
	OPT_UDP_SEGMENT = 103,
	OPT_UDP_GRO = 104,
	OPT_UDPLITE_SEND_CSCOV = 10,
	OPT_UDPLITE_RECV_CSCOV = 11,
};

/* Bits: whose option it is. */
enum kind {
	ANY = 1 << 0,
	UNIX = 1 << 1,
	IP = 1 << 2, /* of both versions: IPv6 sockets may speak IPv4 */
	IP6 = 1 << 3,
	TCP = 1 << 4,
	UDP = 1 << 5,
	LITE = 1 << 6,
	NETLINK = 1 << 7,
	PACKET = 1 << 8,
	DATAGRAM = 1 << 9, /* over IP: no option of a TCP socket */
	DATAGRAM6 = 1 << 10,
	TCP_IDLE = 1 << 11, /* no connection, and never was: then the kernel works these out */
	LAST = 1 << 12,     /* not before the others */
};

static const struct row {
	unsigned kinds;
	int level, option;
} rows[] = {
	{ ANY, SOL_SOCKET, SO_TIMESTAMP },
	{ ANY, SOL_SOCKET, SO_TIMESTAMPNS },
	{ ANY, SOL_SOCKET, SO_TIMESTAMPING },
	{ ANY, SOL_SOCKET, SO_RXQ_OVFL },
	{ ANY, SOL_SOCKET, SO_BUSY_POLL },
	{ ANY, SOL_SOCKET, SO_SELECT_ERR_QUEUE },
	{ ANY, SOL_SOCKET, SO_ZEROCOPY },
	{ ANY, SOL_SOCKET, SO_MAX_PACING_RATE },
	{ ANY, SOL_SOCKET, OPT_SO_PREFER_BUSY_POLL },
	{ ANY, SOL_SOCKET, SO_TXTIME },
	{ ANY, SOL_SOCKET, OPT_SO_TXREHASH },
	{ ANY, SOL_SOCKET, OPT_SO_RCVMARK },
	{ ANY | LAST, SOL_SOCKET, SO_LOCK_FILTER },
	{ UNIX, SOL_SOCKET, OPT_SO_PASSPIDFD },
	{ UNIX, SOL_SOCKET, OPT_SO_PASSRIGHTS },
	{ UNIX | UDP, SOL_SOCKET, SO_PEEK_OFF },
	{ IP, SOL_IP, IP_OPTIONS },
	{ IP, SOL_IP, IP_PASSSEC },
	{ IP, SOL_IP, IP_TRANSPARENT },
	{ IP, SOL_IP, IP_BIND_ADDRESS_NO_PORT },
	{ IP, SOL_IP, IP_MTU_DISCOVER },
	{ IP, SOL_IP, IP_RECVERR },
	{ IP, SOL_IP, OPT_IP_RECVERR_RFC4884 },
	{ IP, SOL_IP, IP_RECVTTL },
	{ IP, SOL_IP, IP_RECVTOS },
	{ IP, SOL_IP, IP_RECVOPTS },
	{ IP, SOL_IP, IP_RETOPTS },
	{ IP, SOL_IP, IP_RECVORIGDSTADDR },
	{ IP, SOL_IP, IP_RECVFRAGSIZE },
	{ IP, SOL_IP, IP_CHECKSUM },
	{ IP, SOL_IP, IP_MINTTL },
	{ IP, SOL_IP, IP_UNICAST_IF },
	{ IP, SOL_IP, OPT_IP_LOCAL_PORT_RANGE },
	{ DATAGRAM, SOL_IP, IP_MULTICAST_IF },
	{ DATAGRAM, SOL_IP, IP_MULTICAST_TTL },
	{ DATAGRAM, SOL_IP, IP_MULTICAST_LOOP },
	{ DATAGRAM, SOL_IP, IP_MULTICAST_ALL },
	{ IP6, SOL_IP, IP_TOS },
	{ IP6, SOL_IP, IP_TTL },
	{ IP6, SOL_IP, IP_PKTINFO },
	{ IP6, SOL_IPV6, IPV6_TRANSPARENT },
	{ IP6, SOL_IPV6, IPV6_UNICAST_HOPS },
	{ IP6, SOL_IPV6, IPV6_UNICAST_IF },
	{ IP6, SOL_IPV6, IPV6_TCLASS },
	{ IP6, SOL_IPV6, IPV6_MTU_DISCOVER },
	{ IP6, SOL_IPV6, IPV6_DONTFRAG },
	{ IP6, SOL_IPV6, IPV6_AUTOFLOWLABEL },
	{ IP6, SOL_IPV6, IPV6_MINHOPCOUNT },
	{ IP6, SOL_IPV6, IPV6_RECVERR },
	{ IP6, SOL_IPV6, OPT_IPV6_RECVERR_RFC4884 },
	{ IP6, SOL_IPV6, IPV6_RECVHOPLIMIT },
	{ IP6, SOL_IPV6, IPV6_RECVTCLASS },
	{ IP6, SOL_IPV6, IPV6_RECVPATHMTU },
	{ IP6, SOL_IPV6, IPV6_RECVORIGDSTADDR },
	{ IP6, SOL_IPV6, IPV6_RECVFRAGSIZE },
	{ IP6, SOL_IPV6, IPV6_ADDR_PREFERENCES },
	{ IP6, SOL_IPV6, IPV6_HOPOPTS },
	{ IP6, SOL_IPV6, IPV6_RTHDRDSTOPTS },
	{ IP6, SOL_IPV6, IPV6_RTHDR },
	{ IP6, SOL_IPV6, IPV6_DSTOPTS },
	{ IP6, SOL_IPV6, IPV6_RECVHOPOPTS },
	{ IP6, SOL_IPV6, IPV6_RECVRTHDR },
	{ IP6, SOL_IPV6, IPV6_RECVDSTOPTS },
	{ IP6, SOL_IPV6, IPV6_2292PKTINFO },
	{ IP6, SOL_IPV6, IPV6_2292HOPOPTS },
	{ IP6, SOL_IPV6, IPV6_2292DSTOPTS },
	{ IP6, SOL_IPV6, IPV6_2292RTHDR },
	{ IP6, SOL_IPV6, IPV6_2292HOPLIMIT },
	{ IP6, SOL_IPV6, IPV6_FLOWINFO },
	{ IP6, SOL_IPV6, IPV6_FLOWINFO_SEND },
	{ DATAGRAM6, SOL_IPV6, IPV6_CHECKSUM },
	{ DATAGRAM6, SOL_IPV6, IPV6_ROUTER_ALERT_ISOLATE },
	{ DATAGRAM6, SOL_IPV6, IPV6_MULTICAST_IF },
	{ DATAGRAM6, SOL_IPV6, IPV6_MULTICAST_HOPS },
	{ DATAGRAM6, SOL_IPV6, IPV6_MULTICAST_LOOP },
	{ DATAGRAM6, SOL_IPV6, IPV6_MULTICAST_ALL },
	{ TCP, SOL_TCP, TCP_CONGESTION },
	{ TCP, SOL_TCP, TCP_SYNCNT },
	{ TCP, SOL_TCP, TCP_WINDOW_CLAMP },
	{ TCP, SOL_TCP, TCP_LINGER2 },
	{ TCP, SOL_TCP, TCP_DEFER_ACCEPT },
	{ TCP, SOL_TCP, TCP_USER_TIMEOUT },
	{ TCP, SOL_TCP, TCP_NOTSENT_LOWAT },
	{ TCP, SOL_TCP, TCP_THIN_LINEAR_TIMEOUTS },
	{ TCP, SOL_TCP, TCP_SAVE_SYN },
	{ TCP, SOL_TCP, TCP_FASTOPEN },
	{ TCP, SOL_TCP, TCP_FASTOPEN_CONNECT },
	{ TCP, SOL_TCP, TCP_INQ },
	{ TCP, SOL_TCP, OPT_TCP_TX_DELAY },
	{ TCP, SOL_TCP, OPT_TCP_RTO_MAX_MS },
	{ TCP, SOL_TCP, OPT_TCP_RTO_MIN_US },
	{ TCP, SOL_TCP, OPT_TCP_DELACK_MAX_US },
	{ TCP_IDLE, SOL_TCP, TCP_MAXSEG },
	{ UDP, SOL_UDP, UDP_ENCAP },
	{ UDP, SOL_UDP, UDP_NO_CHECK6_TX },
	{ UDP, SOL_UDP, UDP_NO_CHECK6_RX },
	{ UDP, SOL_UDP, OPT_UDP_SEGMENT },
	{ UDP, SOL_UDP, OPT_UDP_GRO },
	{ LITE, IPPROTO_UDPLITE, OPT_UDPLITE_SEND_CSCOV },
	{ LITE, IPPROTO_UDPLITE, OPT_UDPLITE_RECV_CSCOV },
	{ NETLINK, SOL_NETLINK, NETLINK_PKTINFO },
	{ NETLINK, SOL_NETLINK, NETLINK_BROADCAST_ERROR },
	{ NETLINK, SOL_NETLINK, NETLINK_NO_ENOBUFS },
	{ NETLINK, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID },
	{ NETLINK, SOL_NETLINK, NETLINK_CAP_ACK },
	{ NETLINK, SOL_NETLINK, NETLINK_EXT_ACK },
	{ NETLINK, SOL_NETLINK, NETLINK_GET_STRICT_CHK },
	{ PACKET, SOL_PACKET, PACKET_QDISC_BYPASS },
	{ PACKET, SOL_PACKET, PACKET_IGNORE_OUTGOING },
	{ PACKET, SOL_PACKET, PACKET_TX_HAS_OFF },
};

static int number(int fd, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);
	return getsockopt(fd, SOL_SOCKET, option, &value, &len) < 0 ? -1 : value;
}

static unsigned kinds_of(int family, int type, int protocol)
{
	bool stream = type == SOCK_STREAM;
	switch (family) {
	case AF_UNIX:
		return ANY | UNIX;
	case AF_NETLINK:
		return ANY | NETLINK;
	case AF_PACKET:
		return ANY | PACKET;
	case AF_INET:
	case AF_INET6:
		if (family == AF_INET6 && !stream)
			return kinds_of(AF_INET, type, protocol) | IP6 | DATAGRAM6;
		return ANY | IP | (family == AF_INET6 ? IP6 : 0u) | (stream ? TCP : DATAGRAM) |
		       (type == SOCK_DGRAM && protocol == IPPROTO_UDP ? UDP : 0u) |
		       (type == SOCK_DGRAM && protocol == IPPROTO_UDPLITE ? UDP | LITE : 0u);
	}
	return 0;
}

static bool is_idle(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	return getsockopt(fd, SOL_TCP, TCP_INFO, &info, &len) == 0 &&
	       (info.tcpi_state == TCP_LISTEN ||
		(info.tcpi_state == TCP_CLOSE && info.tcpi_snd_mss == TCP_MSS_DEFAULT));
}

int sock_more_add(SkOptsEntry *opts, int level, int option, const void *value, size_t len,
		  struct error *err)
{
	SkOptionEntry **list = realloc(opts->more, (opts->n_more + 1) * sizeof(*list));
	if (list)
		opts->more = list;
	SkOptionEntry *e = list ? malloc(sizeof(*e)) : NULL;
	if (!e)
		return error_set(err, ENOMEM, "out of memory");
	sk_option_entry__init(e);
	list[opts->n_more++] = e;
	e->level = (uint32_t)level;
	e->option = (uint32_t)option;
	e->value.data = malloc(len + 1);
	if (!e->value.data)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(e->value.data, value, len);
	e->value.len = len;
	return 0;
}

/* An option this kernel does not have is nobody's; one of a new socket needs no word. */
static int row_dump(int fd, int fresh, const struct row *row, SkOptsEntry *opts, struct error *err)
{
	char value[VALUE_MAX] = "", plain[VALUE_MAX] = "";
	socklen_t len = sizeof(value), plain_len = sizeof(plain);
	if (getsockopt(fd, row->level, row->option, value, &len) < 0 ||
	    getsockopt(fresh, row->level, row->option, plain, &plain_len) < 0)
		return 0;
	if (len == plain_len && !memcmp(value, plain, len))
		return 0;
	return sock_more_add(opts, row->level, row->option, value, len, err);
}

int sock_more_dump(int fd, int family, const char *what, SkOptsEntry *opts, struct error *err)
{
	int type = number(fd, SO_TYPE), protocol = number(fd, SO_PROTOCOL), rc = 0;
	unsigned kinds = kinds_of(family, type, protocol);
	if ((kinds & TCP) && is_idle(fd))
		kinds |= TCP_IDLE;
	auto_fd fresh = sock_new(family, type, protocol);
	if (fresh < 0)
		return error_sys(err, "%s: make another socket of its kind", what);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(rows); i++)
		if (rows[i].kinds & kinds)
			rc = row_dump(fd, fresh, &rows[i], opts, err);
	if (rc == 0 && (kinds & DATAGRAM))
		rc = multicast_dump(fd, family, opts, err);
	return rc < 0 ? error_wrap(err, rc, "%s", what) : 0;
}

static const struct row *row_of(const SkOptionEntry *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if ((uint32_t)rows[i].level == e->level && (uint32_t)rows[i].option == e->option)
			return &rows[i];
	return NULL;
}

static bool is_sane(const SkOptionEntry *e)
{
	if (multicast_is_one(e))
		return multicast_is_sane(e);
	if (tcp_md5_is_one(e))
		return tcp_md5_is_sane(e);
	return row_of(e) && e->value.len <= VALUE_MAX;
}

int sock_more_check(const SkOptsEntry *opts, struct error *err)
{
	if (opts->n_more > NR_MAX)
		return error_set(err, EBADMSG, "socket with %zu more options", opts->n_more);
	for (size_t i = 0; i < opts->n_more; i++) {
		const SkOptionEntry *e = opts->more[i];
		if (!is_sane(e))
			return error_set(err, EBADMSG,
					 "socket with option %u of level %u, %zu bytes", e->option,
					 e->level, e->value.len);
	}
	return 0;
}

static int restore_one(struct restore *r, uint32_t id, int fd, const SkOptionEntry *e,
		       struct error *err)
{
	char user[64];
	char now[VALUE_MAX];
	socklen_t len = sizeof(now);
	if (multicast_is_one(e))
		return multicast_restore(fd, e, err);
	if (tcp_md5_is_one(e))
		return 0; /* since its birth */
	if (getsockopt(fd, (int)e->level, (int)e->option, now, &len) == 0 && len == e->value.len &&
	    !memcmp(now, e->value.data, len))
		return 0;
	/* the socket works without, as it would after CRIU */
	if (setsockopt(fd, (int)e->level, (int)e->option, e->value.data, (socklen_t)e->value.len) <
	    0) {
		int code = errno;
		log_warn("%s: the socket goes on without option %u of level %u: %s",
			 file_set_user(r, id, user, sizeof(user)), e->option, e->level,
			 strerror(code));
	}
	return 0;
}

static int restore_some(struct restore *r, uint32_t id, int fd, const SkOptsEntry *opts, bool last,
			struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < opts->n_more; i++) {
		const struct row *row = row_of(opts->more[i]);
		if ((row && (row->kinds & LAST)) == last)
			rc = restore_one(r, id, fd, opts->more[i], err);
	}
	return rc;
}

int sock_more_begin(struct restore *r, uint32_t id, int fd, const SkOptsEntry *opts,
		    struct error *err)
{
	return restore_some(r, id, fd, opts, false, err);
}

int sock_more_restore(struct restore *r, uint32_t id, int fd, const SkOptsEntry *opts,
		      struct error *err)
{
	int rc = sock_more_begin(r, id, fd, opts, err);
	return rc < 0 ? rc : restore_some(r, id, fd, opts, true, err);
}
