/* SPDX-License-Identifier: MIT
 * Options of sockets: one row each.
 */
#include "engine/net/sock-opts.h"

#include <linux/filter.h>
#include <net/if.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/array.h"
#include "base/log.h"
#include "engine/files/table.h"
#include "engine/net/hold.h"
#include "engine/net/sock-more.h"
#include "engine/ns/user.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72 /* Linux 5.14 */
#endif
#define FILTER_MAX 4096 /* BPF_MAXINSNS */

struct opt_row {
	const char *name;
	int option;
	bool boolean;   /* protobuf_c_boolean in the entry, else uint32_t */
	bool rare;      /* stored only when it is not 0 */
	bool scm;       /* of sockets that carry credentials: unix and netlink */
	size_t has, at; /* offsets in the entry */
};

#define OPT(kind, rarely, of_scm, opt, field)                                                      \
	{                                                                                          \
#opt, opt, kind, rarely, of_scm, offsetof(SkOptsEntry, has_##field),               \
		    offsetof(SkOptsEntry, field)                                                   \
	}

static const struct opt_row rows[] = {
	OPT(true, false, false, SO_REUSEADDR, reuseaddr),
	OPT(false, false, false, SO_PRIORITY, so_priority),
	OPT(false, false, false, SO_RCVLOWAT, so_rcvlowat),
	OPT(false, true, false, SO_MARK, so_mark),
	OPT(true, false, true, SO_PASSCRED, so_passcred),
	OPT(true, false, true, SO_PASSSEC, so_passsec),
	OPT(true, false, false, SO_DONTROUTE, so_dontroute),
	OPT(true, false, false, SO_NO_CHECK, so_no_check),
	OPT(true, false, false, SO_REUSEPORT, so_reuseport),
	OPT(true, false, false, SO_BROADCAST, so_broadcast),
	OPT(true, false, false, SO_KEEPALIVE, so_keepalive),
	OPT(false, false, false, SO_OOBINLINE, so_oobinline),
};

static int get_int(int fd, int option, const char *what, const char *name, int *out,
		   struct error *err)
{
	socklen_t len = sizeof(*out);
	*out = 0;
	if (getsockopt(fd, SOL_SOCKET, option, out, &len) < 0)
		return error_sys(err, "%s: read %s", what, name);
	return 0;
}

static int row_dump(int fd, const char *what, const struct opt_row *row, SkOptsEntry *opts,
		    struct error *err)
{
	int value;
	int rc = get_int(fd, row->option, what, row->name, &value, err);
	if (rc < 0 || (row->rare && !value))
		return rc;
	*(protobuf_c_boolean *)((char *)opts + row->has) = true;
	if (row->boolean)
		*(protobuf_c_boolean *)((char *)opts + row->at) = value != 0;
	else
		*(uint32_t *)((char *)opts + row->at) = (uint32_t)value;
	return 0;
}

static int buffers_dump(int fd, const char *what, SkOptsEntry *opts, struct error *err)
{
	int send, receive, lock;
	int rc = get_int(fd, SO_SNDBUF, what, "SO_SNDBUF", &send, err);
	if (rc == 0)
		rc = get_int(fd, SO_RCVBUF, what, "SO_RCVBUF", &receive, err);
	if (rc < 0)
		return rc;
	opts->so_sndbuf = (uint32_t)send;
	opts->so_rcvbuf = (uint32_t)receive;
	if (get_int(fd, SO_BUF_LOCK, what, "SO_BUF_LOCK", &lock, NULL) == 0) {
		opts->has_so_buf_lock = true;
		opts->so_buf_lock = (uint32_t)lock;
	}
	return 0;
}

static int times_dump(int fd, const char *what, SkOptsEntry *opts, struct error *err)
{
	struct timeval send = { 0 }, receive = { 0 };
	socklen_t len = sizeof(send);
	if (getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send, &len) < 0)
		return error_sys(err, "%s: read SO_SNDTIMEO", what);
	len = sizeof(receive);
	if (getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &receive, &len) < 0)
		return error_sys(err, "%s: read SO_RCVTIMEO", what);
	opts->so_snd_tmo_sec = (uint64_t)send.tv_sec;
	opts->so_snd_tmo_usec = (uint64_t)send.tv_usec;
	opts->so_rcv_tmo_sec = (uint64_t)receive.tv_sec;
	opts->so_rcv_tmo_usec = (uint64_t)receive.tv_usec;
	return 0;
}

static int device_dump(int fd, const char *what, SkOptsEntry *opts, struct error *err)
{
	char name[IFNAMSIZ] = "";
	socklen_t len = sizeof(name);
	if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len) < 0)
		return error_sys(err, "%s: read SO_BINDTODEVICE", what);
	if (!name[0])
		return 0;
	opts->so_bound_dev = strndup(name, sizeof(name));
	return opts->so_bound_dev ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int linger_dump(int fd, const char *what, SkOptsEntry *opts, struct error *err)
{
	struct linger linger = { 0 };
	socklen_t len = sizeof(linger);
	if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len) < 0)
		return error_sys(err, "%s: read SO_LINGER", what);
	opts->has_so_linger = linger.l_onoff != 0;
	opts->so_linger = linger.l_onoff ? (uint32_t)linger.l_linger : 0;
	return 0;
}

/* An instruction as one number, whatever the byte order: code, jt, jf, k from its top down. */
static uint64_t filter_encode(const struct sock_filter *f)
{
	return (uint64_t)f->code << 48 | (uint64_t)f->jt << 40 | (uint64_t)f->jf << 32 | f->k;
}

static struct sock_filter filter_decode(uint64_t number)
{
	return (struct sock_filter){ .code = (uint16_t)(number >> 48),
				     .jt = (uint8_t)(number >> 40),
				     .jf = (uint8_t)(number >> 32),
				     .k = (uint32_t)number };
}

/* The kernel counts instructions, not bytes. */
static int filter_dump(int fd, const char *what, SkOptsEntry *opts, struct error *err)
{
	struct sock_filter code[FILTER_MAX];
	socklen_t nr = 0;
	int rc = getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &nr);
	if (rc < 0 && errno == EACCES)
		return error_set(
		    err, ENOTSUP,
		    "%s is a socket with an eBPF program as its filter (SO_ATTACH_BPF), "
		    "which nobody can read: detach it before the dump",
		    what);
	if (rc < 0)
		return error_sys(err, "%s: read SO_ATTACH_FILTER", what);
	if (!nr)
		return 0;
	opts->so_filter = calloc(nr, sizeof(uint64_t));
	if (!opts->so_filter)
		return error_set(err, ENOMEM, "out of memory");
	nr = nr < FILTER_MAX ? nr : FILTER_MAX;
	if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, code, &nr) < 0)
		return error_sys(err, "%s: read SO_ATTACH_FILTER", what);
	for (size_t i = 0; i < nr; i++)
		opts->so_filter[i] = filter_encode(&code[i]);
	opts->n_so_filter = nr;
	return 0;
}

static void dump_owner(const struct dump *d, const struct open_file *f, SkOptsEntry *opts)
{
	opts->uid = id_inside(d->users, ID_USER, f->st.st_uid);
	opts->gid = id_inside(d->users, ID_GROUP, f->st.st_gid);
	/* who is nobody there has no name that a restore could give it back by */
	opts->has_uid = id_outside(d->users, ID_USER, opts->uid) == f->st.st_uid;
	opts->has_gid = id_outside(d->users, ID_GROUP, opts->gid) == f->st.st_gid;
}

/* To read it would take it from the task. */
static void warn_of_error(int fd, const char *what)
{
	struct pollfd p = { .fd = fd };
	if (poll(&p, 1, 0) == 1 && (p.revents & POLLERR))
		log_warn("%s is a socket with an error that waits (SO_ERROR, or a message in its "
			 "error queue), which images cannot carry: it is gone after the restore",
			 what);
}

int sock_opts_dump(const struct dump *d, const struct open_file *f, SkOptsEntry **out,
		   struct error *err)
{
	char what[96];
	int family, fd = f->fd;
	file_holder(f, what, sizeof(what));
	int rc = get_int(fd, SO_DOMAIN, what, "SO_DOMAIN", &family, err);
	if (rc < 0)
		return rc;
	warn_of_error(fd, what);
	bool scm = family == AF_UNIX || family == AF_NETLINK;
	SkOptsEntry *opts = malloc(sizeof(*opts));
	if (!opts)
		return error_set(err, ENOMEM, "out of memory");
	sk_opts_entry__init(opts);
	*out = opts; /* the entry owns it from here on */
	dump_owner(d, f, opts);
	rc = buffers_dump(fd, what, opts, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(rows); i++)
		rc = rows[i].scm && !scm ? 0 : row_dump(fd, what, &rows[i], opts, err);
	if (rc == 0)
		rc = times_dump(fd, what, opts, err);
	if (rc == 0)
		rc = device_dump(fd, what, opts, err);
	if (rc == 0)
		rc = linger_dump(fd, what, opts, err);
	if (rc == 0)
		rc = hold_has(d->hold, f->st.st_ino) ? 0 : filter_dump(fd, what, opts, err);
	return rc < 0 ? rc : sock_more_dump(fd, family, what, opts, err);
}

int sock_opts_check(const SkOptsEntry *opts, struct error *err)
{
	if (!opts)
		return error_set(err, EBADMSG, "socket without options");
	if (opts->so_sndbuf > INT32_MAX || opts->so_rcvbuf > INT32_MAX)
		return error_set(err, EBADMSG, "socket buffers of %u and %u bytes", opts->so_sndbuf,
				 opts->so_rcvbuf);
	if (opts->n_so_filter > FILTER_MAX)
		return error_set(err, EBADMSG, "socket filter of %zu instructions",
				 opts->n_so_filter);
	if (opts->so_bound_dev && strlen(opts->so_bound_dev) >= IFNAMSIZ)
		return error_set(err, EBADMSG, "socket bound to device %s: the name is too long",
				 opts->so_bound_dev);
	return sock_more_check(opts, err);
}

static int set(int fd, int option, const char *name, const void *value, size_t len,
	       struct error *err)
{
	if (setsockopt(fd, SOL_SOCKET, option, value, (socklen_t)len) < 0)
		return error_sys(err, "set %s", name);
	return 0;
}

/* The kernel doubles what it is told. */
static int buffer_restore(int fd, int force, int plain, const char *name, uint32_t stored,
			  struct error *err)
{
	int want = (int)(stored / 2), now = 0;
	socklen_t len = sizeof(now);
	if (getsockopt(fd, SOL_SOCKET, plain, &now, &len) == 0 && (uint32_t)now == stored)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, force, &want, sizeof(want)) == 0)
		return 0;
	return set(fd, plain, name, &want, sizeof(want), err);
}

static int row_restore(int fd, const struct opt_row *row, const SkOptsEntry *opts,
		       struct error *err)
{
	int now = 0;
	socklen_t len = sizeof(now);
	if (!*(const protobuf_c_boolean *)((const char *)opts + row->has))
		return 0;
	const void *at = (const char *)opts + row->at;
	int value = row->boolean ? *(const protobuf_c_boolean *)at : (int)*(const uint32_t *)at;
	if (getsockopt(fd, SOL_SOCKET, row->option, &now, &len) == 0 && now == value)
		return 0;
	return set(fd, row->option, row->name, &value, sizeof(value), err);
}

static int filter_restore(int fd, const SkOptsEntry *opts, struct error *err)
{
	struct sock_filter code[FILTER_MAX];
	struct sock_fprog filter = { (unsigned short)opts->n_so_filter, code };
	for (size_t i = 0; i < opts->n_so_filter; i++)
		code[i] = filter_decode(opts->so_filter[i]);
	return set(fd, SO_ATTACH_FILTER, "SO_ATTACH_FILTER", &filter, sizeof(filter), err);
}

static int rest_restore(int fd, const SkOptsEntry *opts, struct error *err)
{
	struct timeval send = { (time_t)opts->so_snd_tmo_sec, (suseconds_t)opts->so_snd_tmo_usec };
	struct timeval receive = { (time_t)opts->so_rcv_tmo_sec,
				   (suseconds_t)opts->so_rcv_tmo_usec };
	int rc = set(fd, SO_SNDTIMEO, "SO_SNDTIMEO", &send, sizeof(send), err);
	if (rc == 0)
		rc = set(fd, SO_RCVTIMEO, "SO_RCVTIMEO", &receive, sizeof(receive), err);
	if (rc == 0 && opts->so_bound_dev)
		rc = set(fd, SO_BINDTODEVICE, "SO_BINDTODEVICE", opts->so_bound_dev,
			 strlen(opts->so_bound_dev) + 1, err);
	if (rc == 0 && opts->has_so_linger) {
		struct linger linger = { 1, (int)opts->so_linger };
		rc = set(fd, SO_LINGER, "SO_LINGER", &linger, sizeof(linger), err);
	}
	return rc == 0 && opts->n_so_filter ? filter_restore(fd, opts, err) : rc;
}

int sock_opts_restore(struct restore *r, uint32_t id, int fd, const SkOptsEntry *opts,
		      struct error *err)
{
	int rc = buffer_restore(fd, SO_SNDBUFFORCE, SO_SNDBUF, "SO_SNDBUF", opts->so_sndbuf, err);
	if (rc == 0)
		rc = buffer_restore(fd, SO_RCVBUFFORCE, SO_RCVBUF, "SO_RCVBUF", opts->so_rcvbuf,
				    err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(rows); i++)
		rc = row_restore(fd, &rows[i], opts, err);
	if (rc == 0)
		rc = rest_restore(fd, opts, err);
	if (rc == 0 && opts->has_so_buf_lock) {
		int lock = (int)opts->so_buf_lock, now = 0;
		socklen_t len = sizeof(now);
		if (getsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &now, &len) == 0 && now != lock)
			rc = set(fd, SO_BUF_LOCK, "SO_BUF_LOCK", &lock, sizeof(lock), err);
	}
	return rc < 0 ? rc : sock_more_restore(r, id, fd, opts, err);
}
