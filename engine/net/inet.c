/* SPDX-License-Identifier: MIT
 * IPv4 and IPv6 sockets: TCP, UDP, UDP-Lite, ICMP and raw ones. What is special about TCP
 * connections stands in inet-conns.c.
 */
#include "engine/net/inet.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/net/inet-addr.h"
#include "engine/net/inet-opts.h"
#include "engine/net/queue.h"
#include "engine/net/sock-more.h"
#include "engine/net/sock-new.h"
#include "engine/net/sock-opts.h"
#include "engine/net/tcp-md5.h"
#include "engine/net/unix.h"

#ifndef SO_PEERNAME
#define SO_PEERNAME 28
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78 /* Linux 4.15 */
#endif
#ifndef TCP_AO_INFO
#define TCP_AO_INFO 40 /* Linux 6.7 */
#endif
#define AO_INFO_LEN 56 /* struct tcp_ao_info_opt */
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

static int int_option(int fd, int level, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);
	return getsockopt(fd, level, option, &value, &len) < 0 ? -1 : value;
}

static bool inet_match(const struct open_file *f)
{
	if (!S_ISSOCK(f->st.st_mode) || (f->flags & O_PATH))
		return false;
	int family = int_option(f->fd, SOL_SOCKET, SO_DOMAIN);
	return family == AF_INET || family == AF_INET6;
}

static int table_of(struct dump *d, struct error *err)
{
	int rc = net_table_new(d, err);
	if (rc < 0 || d->net->inet)
		return rc;
	d->net->inet = calloc(1, sizeof(*d->net->inet));
	return d->net->inet ? 0 : error_set(err, ENOMEM, "out of memory");
}

/* What the kernel's tables say; NULL: it is neither bound nor connected, or of a kind without. */
static int find_info(struct dump *d, const InetSkEntry *sk, const struct inet_info **out,
		     struct error *err)
{
	struct inet_table *t = d->net->inet;
	struct inet_list *list = NULL;
	int protocol = sk->type == SOCK_RAW ? IPPROTO_RAW : (int)sk->proto;
	for (size_t i = 0; i < t->lists.nr; i++)
		if (t->lists.items[i].ns == sk->ns_id &&
		    t->lists.items[i].family == (int)sk->family &&
		    t->lists.items[i].protocol == protocol)
			list = &t->lists.items[i];
	if (!list) {
		list = array_add(&t->lists);
		if (!list)
			return error_set(err, ENOMEM, "out of memory");
		list->ns = sk->ns_id;
		list->family = (int)sk->family;
		list->protocol = protocol;
		int rc = inet_list_read(list, err);
		if (rc < 0)
			return rc;
	}
	*out = inet_list_find(list, sk->ino);
	return 0;
}

static int refuse_code(int code, const char *what, const InetSkEntry *sk, const char *is,
		       const char *remedy, struct error *err)
{
	char here[INET6_ADDRSTRLEN] = "?", there[INET6_ADDRSTRLEN] = "?";
	inet_ntop((int)sk->family, sk->src_addr, here, sizeof(here));
	inet_ntop((int)sk->family, sk->dst_addr, there, sizeof(there));
	if (sk->dst_port)
		return error_set(err, code, "%s is %s (%s port %u, with %s port %u): %s", what, is,
				 here, sk->src_port, there, sk->dst_port, remedy);
	return error_set(err, code, "%s is %s (%s port %u): %s", what, is, here, sk->src_port,
			 remedy);
}

static int refuse(const char *what, const InetSkEntry *sk, const char *is, const char *remedy,
		  struct error *err)
{
	return refuse_code(ENOTSUP, what, sk, is, remedy, err);
}

static bool is_stream(const InetSkEntry *sk)
{
	return sk->type == SOCK_STREAM && sk->proto == IPPROTO_TCP;
}

static bool is_udp(const InetSkEntry *sk)
{
	return sk->type == SOCK_DGRAM && (sk->proto == IPPROTO_UDP || sk->proto == IPPROTO_UDPLITE);
}

static bool is_ping(const InetSkEntry *sk)
{
	return sk->type == SOCK_DGRAM && (sk->proto == IPPROTO_ICMP || sk->proto == IPPROTO_ICMPV6);
}

static bool is_known(const InetSkEntry *sk)
{
	return is_stream(sk) || is_udp(sk) || is_ping(sk) || sk->type == SOCK_RAW;
}

bool inet_is_connection(const InetSkEntry *sk)
{
	return is_stream(sk) && sk->dst_port;
}

static int refuse_protocol(const char *what, const InetSkEntry *sk, struct error *err)
{
	if (sk->proto == IPPROTO_MPTCP)
		return error_set(err, ENOTSUP,
				 "%s is an MPTCP socket, which the kernel cannot restore: make the "
				 "program use plain TCP (of Go: GODEBUG=multipathtcp=0)",
				 what);
	return error_set(err, ENOTSUP,
			 "%s is an %s socket of type %u, protocol %u: not supported yet; close it "
			 "before the dump",
			 what, sk->family == AF_INET6 ? "IPv6" : "IPv4", sk->type, sk->proto);
}

/* One end of a socket that is in no table. */
static void read_end(int fd, uint32_t family, bool peer, uint32_t *port, uint32_t *words)
{
	union inet_addr addr = { 0 };
	/* exactly: more room than it needs is an error of SO_PEERNAME */
	socklen_t len = family == AF_INET6 ? sizeof(addr.v6) : sizeof(addr.v4);
	int rc = peer ? getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &addr, &len)
		      : getsockname(fd, &addr.any, &len);
	if (rc < 0)
		return;                  /* it has none */
	*port = ntohs(addr.v4.sin_port); /* at the same place in both */
	if (addr.any.sa_family == AF_INET6)
		memcpy(words, &addr.v6.sin6_addr, sizeof(addr.v6.sin6_addr));
	else
		memcpy(words, &addr.v4.sin_addr, sizeof(addr.v4.sin_addr));
}

/* poll(2) tells of a socket without a connection whether it was shut down, though not how far. */
static int read_shutdown(int fd, InetSkEntry *sk)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP | POLLHUP };
	if (poll(&p, 1, 0) < 0)
		return -errno;
	if ((p.revents & POLLHUP) && (p.revents & POLLRDHUP)) {
		sk->has_shutdown = true;
		sk->shutdown = SK_SHUTDOWN__READ;
	}
	return 0;
}

static int fill_unknown(const char *what, int fd, InetSkEntry *sk, struct error *err)
{
	sk->state = TCP_CLOSE;
	read_end(fd, sk->family, false, &sk->src_port, sk->src_addr);
	read_end(fd, sk->family, true, &sk->dst_port, sk->dst_addr);
	if (!is_stream(sk))
		return 0;
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	if (getsockopt(fd, SOL_TCP, TCP_INFO, &info, &len) < 0)
		return error_sys(err, "%s: read TCP_INFO", what);
	if (info.tcpi_state != TCP_CLOSE)
		return error_set(err, ENOTSUP,
				 "%s is a TCP socket of another network namespace: run the dump "
				 "inside that one (nsenter -n)",
				 what);
	int rc = read_shutdown(fd, sk);
	return rc < 0 ? error_code(err, rc, "%s: poll", what) : 0;
}

static void fill_known(const struct inet_info *info, InetSkEntry *sk)
{
	sk->state = info->state;
	sk->src_port = info->src_port;
	sk->dst_port = info->dst_port;
	sk->backlog = info->wqueue;
	sk->has_shutdown = info->shutdown != 0;
	sk->shutdown = (SkShutdown)info->shutdown;
	memcpy(sk->src_addr, info->src, sk->n_src_addr * sizeof(uint32_t));
	memcpy(sk->dst_addr, info->dst, sk->n_dst_addr * sizeof(uint32_t));
}

static int make_addresses(InetSkEntry *sk, struct error *err)
{
	sk->src_addr = calloc(4, sizeof(uint32_t));
	sk->dst_addr = calloc(4, sizeof(uint32_t));
	if (!sk->src_addr || !sk->dst_addr)
		return error_set(err, ENOMEM, "out of memory");
	sk->n_src_addr = sk->n_dst_addr = sk->family == AF_INET6 ? 4 : 1;
	return 0;
}

/* Only an address of one link, and only where it is bound to, needs its name. */
static int dump_v6(int fd, const char *what, InetSkEntry *sk, struct error *err)
{
	int only = int_option(fd, SOL_IPV6, IPV6_V6ONLY);
	if (only < 0)
		return error_sys(err, "%s: read IPV6_V6ONLY", what);
	sk->has_v6only = true;
	sk->v6only = only != 0;
	if (!sk->src_port || !inet_addr_needs_link(sk->src_addr))
		return 0;
	if (!sk->opts->so_bound_dev)
		return refuse(what, sk, "a socket bound to an address of one link",
			      "its interface is not known; bind it with SO_BINDTODEVICE", err);
	sk->ifname = strdup(sk->opts->so_bound_dev);
	return sk->ifname ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int check_peek_offset(int fd, const char *what, const InetSkEntry *sk, struct error *err)
{
	if (sk->type == SOCK_DGRAM || int_option(fd, SOL_SOCKET, SO_PEEK_OFF) < 0)
		return 0;
	return refuse(what, sk, "a socket with a peek offset (SO_PEEK_OFF)",
		      "images cannot carry it; set it to -1 before the dump", err);
}

/* Whether it is in the way is said when all that listen are known: net_dump_check(). */
static int check_listening(struct dump *d, int fd, const char *what, const InetSkEntry *sk,
			   const struct inet_info *info, struct error *err)
{
	struct inet_table *t = d->net->inet;
	int rc = inet_listener_add(t, fd, err);
	if (rc < 0 || !info->rqueue)
		return rc;
	if (d->opts->skip_in_flight) {
		log_info("%s: %u connections that wait to be accepted are dropped", what,
			 info->rqueue);
		return 0;
	}
	if (!t->in_flight.code)
		refuse_code(EBUSY, what, sk,
			    "a listening TCP socket with connections that wait to be accepted",
			    "use --skip-in-flight to drop them, or dump after accept",
			    &t->in_flight);
	return 0;
}

/* What a connection can have that nobody is able to read or set again. */
static int check_connection(struct dump *d, int fd, const char *what, const InetSkEntry *sk,
			    struct error *err)
{
	if (sk->state != TCP_CLOSE && !d->opts->tcp_established && !d->opts->tcp_close)
		return refuse(what, sk, "a TCP connection",
			      "use --tcp-established to keep it, or --tcp-close to give it up",
			      err);
	if (d->opts->tcp_close)
		return 0;
	char ulp[16] = "", byte;
	socklen_t len = sizeof(ulp);
	if (getsockopt(fd, SOL_TCP, TCP_ULP, ulp, &len) == 0 && len && ulp[0])
		return refuse(what, sk,
			      "a TCP connection with a protocol of the kernel on it (TCP_ULP)",
			      "use --tcp-close to give it up", err);
	if (recv(fd, &byte, 1, MSG_OOB | MSG_PEEK | MSG_DONTWAIT) == 1)
		return refuse_code(EBUSY, what, sk,
				   "a TCP connection with an urgent byte that waits (MSG_OOB)",
				   "dump after the program has read it, or use --tcp-close", err);
	return 0;
}

/* It says that there is none to whoever has none. */
static bool has_ao(int fd)
{
	char info[AO_INFO_LEN] = "";
	socklen_t len = sizeof(info);
	return getsockopt(fd, SOL_TCP, TCP_AO_INFO, info, &len) == 0;
}

static int check_state(struct dump *d, int fd, const char *what, const InetSkEntry *sk,
		       const struct inet_info *info, struct error *err)
{
	if (is_stream(sk) && has_ao(fd))
		return refuse(what, sk, "a TCP socket that signs its segments with TCP-AO",
			      "images cannot carry its keys; close it before the dump", err);
	if (is_stream(sk) && sk->state == TCP_LISTEN)
		return check_listening(d, fd, what, sk, info, err);
	if (inet_is_connection(sk))
		return check_connection(d, fd, what, sk, err);
	if (is_udp(sk) && int_option(fd, SOL_UDP, UDP_CORK) > 0)
		return refuse_code(EBUSY, what, sk, "a UDP socket that is corked (UDP_CORK)",
				   "dump after the program has sent the datagram", err);
	if (!is_udp(sk) || !info || !info->rqueue)
		return 0;
	const struct queue_source queue = { .fd = fd, .id = sk->id, .what = what, .senders = true };
	return queue_dump(d, &queue, &d->net->queues, err);
}

static int fill_entry(struct dump *d, const struct open_file *f, const char *what, InetSkEntry *sk,
		      struct error *err)
{
	const struct inet_info *info = NULL;
	sk->has_ns_id = true;
	sk->ns_id = f->net_ns;
	int rc = make_addresses(sk, err);
	if (rc == 0)
		rc = find_info(d, sk, &info, err);
	if (rc < 0)
		return error_wrap(err, rc, "%s", what);
	if (info)
		fill_known(info, sk);
	else
		rc = fill_unknown(what, f->fd, sk, err);
	if (rc == 0) /* first, as looking at a queue takes an error that waits */
		rc = sock_opts_dump(d, f, &sk->opts, err);
	if (rc == 0)
		rc = check_state(d, f->fd, what, sk, info, err);
	if (rc == 0)
		rc = check_peek_offset(f->fd, what, sk, err);
	if (rc == 0)
		rc = owner_dump(d, f, &sk->fown, err);
	if (rc == 0 && info && info->md5)
		rc = tcp_md5_dump((int)sk->family, info->md5, info->md5_len, sk->opts, err);
	if (rc == 0)
		rc = inet_opts_dump(f->fd, what, sk, err);
	return rc == 0 && sk->family == AF_INET6 ? dump_v6(f->fd, what, sk, err) : rc;
}

static int inet_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	char what[96];
	file_holder(f, what, sizeof(what));
	int rc = table_of(d, err);
	InetSkEntry *sk = rc < 0 ? NULL : malloc(sizeof(*sk));
	if (!sk)
		return error_set(err, ENOMEM, "out of memory");
	inet_sk_entry__init(sk);
	e->isk = sk;
	sk->id = e->id;
	sk->ino = (uint32_t)f->st.st_ino;
	sk->flags = f->flags;
	sk->family = (uint32_t)int_option(f->fd, SOL_SOCKET, SO_DOMAIN);
	sk->type = (uint32_t)int_option(f->fd, SOL_SOCKET, SO_TYPE);
	sk->proto = (uint32_t)int_option(f->fd, SOL_SOCKET, SO_PROTOCOL);
	if (!is_known(sk))
		return refuse_protocol(what, sk, err);
	rc = fill_entry(d, f, what, sk, err);
	if (rc < 0 || !inet_is_connection(sk) || d->opts->tcp_close)
		return rc;
	return inet_conn_add(d->net->inet, f->fd, e, what, err);
}

/* Restore. */

static int inet_check(const FileEntry *e, struct error *err)
{
	const InetSkEntry *sk = e->isk;
	if (!sk)
		return error_set(err, EBADMSG, "IPv4 or IPv6 socket without its fields");
	if (sk->id != e->id)
		return error_set(err, EBADMSG, "id %u inside says %u", e->id, sk->id);
	if (sk->family != AF_INET && sk->family != AF_INET6)
		return error_set(err, EBADMSG, "socket of family %u, want IPv4 or IPv6",
				 sk->family);
	if (!is_known(sk))
		return error_set(err, EBADMSG, "socket of type %u, protocol %u", sk->type,
				 sk->proto);
	size_t words = sk->family == AF_INET6 ? 4 : 1;
	if (sk->n_src_addr < words || sk->n_dst_addr < words)
		return error_set(err, EBADMSG, "addresses of %zu and %zu words, want %zu",
				 sk->n_src_addr, sk->n_dst_addr, words);
	if (sk->src_port > UINT16_MAX || sk->dst_port > UINT16_MAX)
		return error_set(err, EBADMSG, "ports %u and %u", sk->src_port, sk->dst_port);
	if (sk->state < TCP_ESTABLISHED || sk->state > TCP_CLOSING ||
	    (is_stream(sk) && (sk->state == TCP_SYN_RECV || sk->state == TCP_TIME_WAIT)))
		return error_set(err, EBADMSG, "socket in state %u", sk->state);
	if (sk->state == TCP_LISTEN && !is_stream(sk))
		return error_set(err, EBADMSG, "socket of protocol %u that listens", sk->proto);
	if (is_stream(sk) && sk->state != TCP_LISTEN && sk->state != TCP_CLOSE && !sk->dst_port)
		return error_set(err, EBADMSG, "TCP connection without its other end");
	int rc = owner_check(sk->fown, err);
	if (rc == 0)
		rc = sock_opts_check(sk->opts, err);
	return rc < 0 ? rc : inet_opts_check(sk, err);
}

static int set_on(int fd, int level, int option, const char *name, bool on, struct error *err)
{
	int value = on;
	if (on && setsockopt(fd, level, option, &value, sizeof(value)) < 0)
		return error_sys(err, "set %s", name);
	return 0;
}

/* What decides whether an address can be had; SO_REUSEADDR gets its own value later on. */
static int prepare_bind(struct restore *r, int fd, const InetSkEntry *sk, struct error *err)
{
	const SkOptsEntry *o = sk->opts;
	bool freebind = sk->ip_opts && sk->ip_opts->has_freebind && sk->ip_opts->freebind;
	int rc = set_on(fd, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR", true, err);
	/* of one that shares its port it may have been on while they were bound */
	if (rc == 0)
		rc = set_on(
		    fd, SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT",
		    (o->has_so_reuseport && o->so_reuseport) || inet_shares_port(r, sk, true), err);
	if (rc == 0 && sk->family == AF_INET6)
		rc = set_on(fd, SOL_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY", sk->v6only, err);
	/* an address of IPv6 that was just added is not to be had otherwise for a while */
	if (rc == 0 && sk->family == AF_INET6)
		rc = set_on(fd, SOL_IPV6, IPV6_FREEBIND, "IPV6_FREEBIND", true, err);
	else if (rc == 0)
		rc = set_on(fd, SOL_IP, IP_FREEBIND, "IP_FREEBIND", freebind, err);
	if (rc == 0)
		rc = sock_more_begin(r, sk->id, fd, o, err);
	if (rc < 0 || !o->so_bound_dev)
		return rc;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->so_bound_dev,
		       (socklen_t)strlen(o->so_bound_dev) + 1) < 0)
		return error_sys(err, "bind it to device %s", o->so_bound_dev);
	return 0;
}

static int undo_freebind(int fd, const InetSkEntry *sk, struct error *err)
{
	int off = 0;
	if (sk->family != AF_INET6 ||
	    (sk->ip_opts && sk->ip_opts->has_freebind && sk->ip_opts->freebind))
		return 0;
	return setsockopt(fd, SOL_IPV6, IPV6_FREEBIND, &off, sizeof(off)) < 0
		   ? error_sys(err, "set IPV6_FREEBIND")
		   : 0;
}

static int bind_to(int fd, const InetSkEntry *sk, struct error *err)
{
	union inet_addr addr;
	uint32_t port = sk->type == SOCK_RAW ? 0 : sk->src_port;
	if (!port && !inet_has_address(sk->src_addr, sk))
		return undo_freebind(fd, sk, err);
	socklen_t len = inet_addr_set(&addr, sk->family, sk->src_addr, port, inet_addr_link(sk));
	if (bind(fd, &addr.any, len) == 0)
		return undo_freebind(fd, sk, err);
	return inet_addr_refused(sk, errno, err);
}

static int connect_to(int fd, const InetSkEntry *sk, struct error *err)
{
	char text[INET6_ADDRSTRLEN] = "?";
	union inet_addr addr;
	if (!sk->dst_port && (is_stream(sk) || !inet_has_address(sk->dst_addr, sk)))
		return 0;
	socklen_t len =
	    inet_addr_set(&addr, sk->family, sk->dst_addr, sk->dst_port, inet_addr_link(sk));
	if (connect(fd, &addr.any, len) == 0)
		return 0;
	int code = errno;
	inet_ntop((int)sk->family, sk->dst_addr, text, sizeof(text));
	return error_code(err, code, "connect it to %s port %u", text, sk->dst_port);
}

static int make_plain(int fd, const InetSkEntry *sk, struct error *err)
{
	int rc = bind_to(fd, sk, err);
	if (rc == 0 && sk->state == TCP_LISTEN && listen(fd, (int)sk->backlog) < 0)
		rc = error_sys(err, "listen");
	return rc < 0 ? rc : connect_to(fd, sk, err);
}

static int make(struct restore *r, struct inet_item *item, struct error *err)
{
	const InetSkEntry *sk = item->entry->isk;
	struct sock_owner before;
	sock_owner_begin(r, sk->opts, &before);
	auto_fd fd = sock_new((int)sk->family, (int)sk->type | SOCK_NONBLOCK, (int)sk->proto);
	sock_owner_end(&before);
	if (fd < 0)
		return error_sys(err, "make a socket of family %u, type %u, protocol %u",
				 sk->family, sk->type, sk->proto);
	int rc = tcp_md5_restore(fd, sk->opts, err);
	if (rc < 0)
		return rc;
	if (item->tcp.stream) {
		rc = tcp_make(fd, sk, &item->tcp, err);
	} else if (inet_is_connection(sk)) {
		shutdown(fd, SHUT_RDWR); /* --tcp-close: says ENOTCONN, and yet it is done */
		rc = 0;
	} else {
		rc = prepare_bind(r, fd, sk, err);
		if (rc == 0)
			rc = make_plain(fd, sk, err);
	}
	return rc < 0 ? rc : take_fd(fd);
}

static int inet_open(struct restore *r, const FileEntry *e, struct error *err)
{
	struct inet_item *item = inet_item_find(r->net, e->id);
	if (!item || item->entry != e)
		return error_set(err, EBADMSG, "file id %u is not a known socket", e->id);
	int fd = make(r, item, err);
	if (fd < 0)
		return error_wrap(err, fd, "socket %u", e->isk->ino);
	item->made = true;
	return fd;
}

static const FownEntry *inet_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->isk->flags;
	return e->isk->fown;
}

const struct file_type file_inet = {
	.name = "IPv4 or IPv6 socket",
	.type = FD_TYPES__INETSK,
	.in_net = true,
	.match = inet_match,
	.dump = inet_dump,
	.check = inet_check,
	.open = inet_open,
	.owner = inet_owner,
};
