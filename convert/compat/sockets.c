/* SPDX-License-Identifier: MIT
 * Addresses and ports of sockets that share the network of this machine.
 * Source: Documentation/networking/proc_net_tcp.rst.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "convert/compat/check.h"
#include "convert/describe/file.h"

enum { TCP_CONNECTED = 1, TCP_WAITING = 6, TCP_LISTENING = 10, STREAM = 1, DATAGRAM = 2 };

/* A socket of this machine. */
struct endpoint {
	bool tcp;
	uint32_t local[4], peer[4]; /* IPv4: the last word alone, others as v4-mapped */
	uint32_t local_port, peer_port, state;
};

/* An end of a connection in the set; in this order they are sorted. */
struct end {
	uint32_t ns, local[4], local_port, peer[4], peer_port;
};

struct sockets {
	struct compat *c;
	struct file_describer *describer;
	struct {
		struct end *items;
		size_t nr, cap;
	} ends;
	struct {
		struct endpoint *items;
		size_t nr, cap;
	} here;
	struct ifaddrs *addresses;
	struct strbuf unix_names;         /* /proc/net/unix */
	uint64_t free, addressed, inside; /* inside: connections to another socket of the set */
};

static void sockets_fini(struct sockets *s)
{
	file_describer_free(s->describer);
	free(s->here.items);
	free(s->ends.items);
	if (s->addresses)
		freeifaddrs(s->addresses);
	strbuf_fini(&s->unix_names);
}

/* One form for both families: v4-mapped; the address for all is zero in both. */
static void address_set(uint32_t out[4], const uint32_t *words, size_t nr)
{
	memset(out, 0, 4 * sizeof(*out));
	if (nr == 4)
		memcpy(out, words, 4 * sizeof(*out));
	if (nr == 1 && words[0]) {
		out[2] = htonl(0xffff);
		out[3] = words[0];
	}
}

static bool is_any(const uint32_t a[4])
{
	return !a[0] && !a[1] && !a[2] && !a[3];
}

static bool same_address(const uint32_t a[4], const uint32_t b[4])
{
	return !memcmp(a, b, 4 * sizeof(*a));
}

/* "0100007F:1F90": words as the kernel has them, printed as numbers. @return what follows */
static const char *endpoint_parse(const char *at, uint32_t address[4], uint32_t *port)
{
	uint32_t words[4];
	size_t nr = 0;
	while (nr < 4 && strspn(at, "0123456789ABCDEFabcdef") >= 8) {
		char word[9] = "";
		memcpy(word, at, 8);
		words[nr++] = (uint32_t)strtoul(word, NULL, 16);
		at += 8;
	}
	if (*at != ':' || (nr != 1 && nr != 4))
		return NULL;
	char *end;
	*port = (uint32_t)strtoul(at + 1, &end, 16);
	address_set(address, words, nr);
	return end;
}

/* "  12: LOCAL PEER STATE ..." */
static int line_parse(struct sockets *s, const char *line, bool tcp, struct error *err)
{
	struct endpoint e = { .tcp = tcp };
	const char *at = strchr(line, ':');
	at = at ? endpoint_parse(at + 1 + strspn(at + 1, " "), e.local, &e.local_port) : NULL;
	at = at ? endpoint_parse(at + strspn(at, " "), e.peer, &e.peer_port) : NULL;
	if (!at)
		return 0; /* the heading */
	e.state = (uint32_t)strtoul(at, NULL, 16);
	struct endpoint *slot = array_add(&s->here);
	if (!slot)
		return error_set(err, ENOMEM, "out of memory");
	*slot = e;
	return 0;
}

static int here_read(struct sockets *s, struct error *err)
{
	static const struct {
		const char *path;
		bool tcp;
	} tables[] = { { "/proc/net/tcp", true },
		       { "/proc/net/tcp6", true },
		       { "/proc/net/udp", false },
		       { "/proc/net/udp6", false } };
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		auto_strbuf text = { 0 };
		if (file_read_at(AT_FDCWD, tables[i].path, &text, NULL) < 0 || !text.data)
			continue; /* a kernel without IPv6 */
		for (char *line = text.data, *end; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			int rc = line_parse(s, line, tables[i].tcp, err);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static bool is_local(const struct sockets *s, const uint32_t address[4])
{
	for (const struct ifaddrs *i = s->addresses; i; i = i->ifa_next) {
		uint32_t words[4];
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET)
			address_set(words,
				    &((const struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr, 1);
		else if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET6)
			memcpy(words, &((const struct sockaddr_in6 *)i->ifa_addr)->sin6_addr,
			       sizeof(words));
		else
			continue;
		if (same_address(words, address))
			return true;
	}
	/* all of 127.0.0.0/8 is this machine's */
	return address[2] == htonl(0xffff) && (ntohl(address[3]) >> 24) == 127;
}

static bool collides(const struct endpoint *want, const struct endpoint *have, bool reuse)
{
	if (want->tcp != have->tcp || want->local_port != have->local_port)
		return false;
	bool meet =
	    same_address(want->local, have->local) || is_any(want->local) || is_any(have->local);
	if (want->tcp && want->state == TCP_CONNECTED)
		return have->state == TCP_CONNECTED && same_address(want->local, have->local) &&
		       same_address(want->peer, have->peer) && want->peer_port == have->peer_port;
	if (want->tcp)
		return have->state == TCP_LISTENING && meet && !reuse;
	return meet && !reuse;
}

static int end_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct end));
}

static int end_add(struct sockets *s, const InetSkEntry *sk, struct error *err)
{
	if (sk->type != STREAM || !sk->dst_port)
		return 0;
	struct end *end = array_add(&s->ends);
	if (!end)
		return error_set(err, ENOMEM, "out of memory");
	*end = (struct end){ .ns = sk->has_ns_id ? sk->ns_id : 0,
			     .local_port = sk->src_port,
			     .peer_port = sk->dst_port };
	address_set(end->local, sk->src_addr, sk->n_src_addr);
	address_set(end->peer, sk->dst_addr, sk->n_dst_addr);
	return 0;
}

/* Is the other end of a connection in the set, and comes back with it? */
static bool is_inside(const struct sockets *s, const InetSkEntry *sk, const struct endpoint *e)
{
	struct end other = { .ns = sk->has_ns_id ? sk->ns_id : 0,
			     .local_port = e->peer_port,
			     .peer_port = e->local_port };
	memcpy(other.local, e->peer, sizeof(other.local));
	memcpy(other.peer, e->local, sizeof(other.peer));
	return s->ends.nr && bsearch(&other, s->ends.items, s->ends.nr, sizeof(other), end_compare);
}

static int inet_check(struct sockets *s, const InetSkEntry *sk, struct error *err)
{
	auto_file_facts facts = { 0 };
	struct endpoint want = { .tcp = sk->type == STREAM,
				 .local_port = sk->src_port,
				 .peer_port = sk->dst_port,
				 .state = sk->state };
	if (!sk->src_port || (sk->type != STREAM && sk->type != DATAGRAM))
		return 0;
	int rc = file_describe(s->describer, FD_TYPES__INETSK, sk->id, &facts, err);
	if (rc < 0)
		return rc;
	address_set(want.local, sk->src_addr, sk->n_src_addr);
	address_set(want.peer, sk->dst_addr, sk->n_dst_addr);
	const char *name = facts.socket.local;
	if (is_any(want.local) || is_local(s, want.local))
		s->addressed++;
	else
		compat_say(s->c, CHECK_ADDRESS, ANSWER_NO, name, "is no address of this machine");
	bool reuse = sk->opts && sk->opts->has_so_reuseport && sk->opts->so_reuseport;
	bool busy = false;
	for (size_t i = 0; !busy && i < s->here.nr; i++)
		busy = collides(&want, &s->here.items[i], reuse);
	if (busy)
		compat_say(s->c, CHECK_PORT, ANSWER_NO, name, "%s port is in use here", facts.kind);
	else
		s->free++;
	if (want.tcp && sk->state == TCP_CONNECTED && sk->dst_port && is_inside(s, sk, &want))
		s->inside++;
	else if (want.tcp && sk->state == TCP_CONNECTED && sk->dst_port)
		compat_say(s->c, CHECK_PORT, ANSWER_UNKNOWN, name,
			   "a connection to %s: the other side may have given it up",
			   facts.socket.peer);
	return 0;
}

/* Abstract names stand behind "@", with "@" for each NUL. */
static int unix_check(struct sockets *s, const UnixSkEntry *sk, struct error *err)
{
	auto_file_facts facts = { 0 };
	char line[128];
	if (!sk->name.len || sk->name.data[0])
		return 0;
	int rc = file_describe(s->describer, FD_TYPES__UNIXSK, sk->id, &facts, err);
	if (rc < 0)
		return rc;
	snprintf(line, sizeof(line), " %s\n", facts.socket.local);
	if (s->unix_names.data && strstr(s->unix_names.data, line))
		compat_say(s->c, CHECK_PORT, ANSWER_NO, facts.socket.local,
			   "the name is in use here");
	else
		s->free++;
	return 0;
}

int compat_sockets(struct compat *c, struct error *err)
{
	__attribute__((cleanup(sockets_fini))) struct sockets s = { .c = c };
	FileEntry *const *files;
	ssize_t nr = checkpoint_files(c->cp, &files, err);
	if (nr < 0)
		return (int)nr;
	enum answer own = own_namespace(c, CLONE_NEWNET);
	if (own != ANSWER_NO) {
		compat_say(c, CHECK_PORT, own, NULL,
			   own == ANSWER_YES
			       ? "a network namespace of its own: all are free"
			       : "whether the network namespace is its own is not known");
		return 0;
	}
	bool inet = false, local = false;
	int rc = 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		inet |= files[i]->isk != NULL;
		local |= files[i]->usk != NULL;
		rc = files[i]->isk ? end_add(&s, files[i]->isk, err) : 0;
	}
	if (s.ends.nr)
		qsort(s.ends.items, s.ends.nr, sizeof(*s.ends.items), end_compare);
	if (rc == 0)
		rc = file_describer_new(c->cp, &s.describer, err);
	if (rc == 0 && inet)
		rc = here_read(&s, err); /* milliseconds, where the kernel's tables are large */
	if (rc == 0 && inet && getifaddrs(&s.addresses) < 0)
		rc = error_sys(err, "list the addresses of this machine");
	if (rc == 0 && local)
		file_read_at(AT_FDCWD, "/proc/net/unix", &s.unix_names, NULL);
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		if (!compat_wants_file(c, files[i]->id))
			continue;
		if (files[i]->isk)
			rc = inet_check(&s, files[i]->isk, err);
		else if (files[i]->usk)
			rc = unix_check(&s, files[i]->usk, err);
	}
	if (rc == 0 && s.addressed)
		compat_say(c, CHECK_ADDRESS, ANSWER_YES, NULL, "here: %" PRIu64, s.addressed);
	if (rc == 0 && s.inside)
		compat_say(c, CHECK_PORT, ANSWER_YES, NULL,
			   "connections whose other side is in the set: %" PRIu64, s.inside);
	if (rc == 0 && s.free)
		compat_say(c, CHECK_PORT, ANSWER_YES, NULL, "free: %" PRIu64, s.free);
	return rc;
}
