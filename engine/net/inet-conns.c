/* SPDX-License-Identifier: MIT
 * TCP connections of a dump and of a restore as a whole: held still while they are read, alive
 * again in one moment.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/net/hold.h"
#include "engine/net/inet-opts.h"
#include "engine/net/inet.h"
#include "engine/net/ns.h"
#include "engine/net/sock-opts.h"
#include "engine/net/tcp-md5.h"
#include "engine/net/udp.h"
#include "engine/net/unix.h"
#include "engine/ns/ns.h"
#include "images/reader.h"
#include "images/writer.h"

/* Dump. */

int inet_conn_add(struct inet_table *t, int fd, FileEntry *e, const char *holder, struct error *err)
{
	int *sockets =
	    array_grow_(t->sockets, &t->cap_sockets, t->conns.nr + 1, sizeof(*t->sockets));
	if (!sockets)
		return error_set(err, ENOMEM, "out of memory");
	t->sockets = sockets;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return error_sys(err, "%s: duplicate it", holder);
	struct inet_conn *conn = array_add(&t->conns);
	if (!conn) {
		close(copy);
		return error_set(err, ENOMEM, "out of memory");
	}
	sockets[t->conns.nr - 1] = copy;
	conn->entry = e;
	snprintf(conn->holder, sizeof(conn->holder), "%s", holder);
	return 1;
}

int inet_listener_add(struct inet_table *t, int fd, struct error *err)
{
	int *copy = array_add(&t->listeners);
	if (!copy)
		return error_set(err, ENOMEM, "out of memory");
	*copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return *copy < 0 ? error_sys(err, "duplicate a listening socket") : 0;
}

int inet_dump_listeners(struct dump *d, struct error *err)
{
	const struct inet_table *t = d->net->inet;
	if (!t->in_flight.code)
		return 0;
	int rc = d->hold ? 0 : hold_begin(t->listeners.items, t->listeners.nr, &d->hold, err);
	return rc < 0 ? error_wrap(err, rc, "keep new connections away from %s", t->in_flight.text)
		      : error_set(err, t->in_flight.code, "%s", t->in_flight.text);
}

static int prepare(struct dump *d, struct inet_table *t, struct error *err)
{
	size_t nr_locked = 0;
	t->lock_conns = calloc(t->conns.nr, sizeof(*t->lock_conns));
	t->pidfds = calloc(d->nr_tasks, sizeof(*t->pidfds));
	if (!t->lock_conns || !t->pidfds)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < t->conns.nr; i++) {
		const InetSkEntry *sk = t->conns.items[i].entry->isk;
		/* others, and all where that one is not the engine's, are locked as a whole */
		if (sk->ns_id == ns_own_id(NS_NET))
			lock_conn_set(&t->lock_conns[nr_locked++], (int)sk->family, sk->src_addr,
				      sk->src_port, sk->dst_addr, sk->dst_port);
	}
	for (size_t i = 0; i < d->nr_tasks; i++)
		t->pidfds[i] = d->tasks[i]->pidfd;
	t->lock = (struct lock){
		.method = nr_locked ? d->network_lock : NETWORK_LOCK_SKIP,
		.run_id = d->run_id,
		.conns = t->lock_conns,
		.nr = nr_locked,
	};
	const struct warden_charge charge = {
		.lock = &t->lock,
		.sockets = t->sockets,
		.nr_sockets = t->conns.nr,
		.tasks = t->pidfds,
		.nr_tasks = d->nr_tasks,
	};
	return warden_start(&charge, &t->warden, err);
}

static int write_stream(struct dump *d, uint32_t ino, const TcpStreamEntry *s, const char *bytes,
			struct error *err)
{
	auto_image_writer w = NULL;
	int rc = image_create(d->images_fd, IMG_TCP_STREAM, ino, &w, err);
	if (rc == 0)
		rc = image_write(w, &s->base, err);
	if (rc == 0)
		rc = image_write_bytes(w, bytes, (size_t)s->inq_len + s->outq_len, err);
	return rc < 0 ? rc : image_finish(w, err);
}

static int dump_connection(struct dump *d, size_t index, struct error *err)
{
	struct inet_table *t = d->net->inet;
	struct inet_conn *conn = &t->conns.items[index];
	TcpStreamEntry stream;
	const void *bytes;
	uint32_t state;
	int rc = warden_read(t->warden, index, &stream, &state, &bytes, err);
	if (rc < 0)
		return error_wrap(err, rc, "%s", conn->holder);
	conn->entry->isk->state = state;
	/* what ends it on our side again would have to be signed, too */
	if (tcp_md5_signs(conn->entry->isk->opts) && state != TCP_ESTABLISHED &&
	    state != TCP_SYN_SENT)
		return error_set(err, ENOTSUP,
				 "%s is a TCP connection signed with MD5 (TCP_MD5SIG), one side of "
				 "which is closed: use --tcp-close to give it up",
				 conn->holder);
	log_debug("%s: TCP connection in state %u, %u bytes to read, %u to send", conn->holder,
		  state, stream.inq_len, stream.outq_len);
	rc = write_stream(d, conn->entry->isk->ino, &stream, bytes, err);
	return rc < 0 ? rc : file_table_write(d, conn->entry, err);
}

int inet_dump_connections(struct dump *d, struct error *err)
{
	struct inet_table *t = d->net->inet;
	if (!t->conns.nr)
		return 0;
	if (!d->opts->network_lock_given && !ns_is_apart(d, NS_NET))
		d->network_lock = lock_default();
	int rc = prepare(d, t, err);
	if (rc == 0)
		rc = warden_lock(t->warden, err);
	for (size_t i = 0; rc == 0 && i < t->conns.nr; i++)
		rc = dump_connection(d, i, err);
	if (rc == 0)
		log_info("%zu TCP connections are locked", t->conns.nr);
	return rc;
}

int inet_dump_keep(struct dump *d, struct error *err)
{
	struct inet_table *t = d->net->inet;
	return t->warden && !d->opts->leave_running ? warden_keep(t->warden, err) : 0;
}

int inet_dump_hold(struct dump *d, struct error *err)
{
	struct inet_table *t = d->net->inet;
	if (!t->warden || d->opts->leave_running)
		return 0;
	int rc = warden_hold(t->warden, !d->opts->leave_stopped, err);
	t->held = rc == 0;
	return rc;
}

void inet_dump_end(struct dump *d)
{
	struct inet_table *t = d->net->inet;
	warden_end(t->warden, !t->held);
	warden_free(take_ptr(t->warden));
}

void inet_table_free(struct inet_table *t)
{
	if (!t)
		return;
	warden_end(t->warden, !t->held);
	warden_free(t->warden);
	for (size_t i = 0; i < t->lists.nr; i++)
		inet_list_fini(&t->lists.items[i]);
	for (size_t i = 0; i < t->conns.nr; i++) {
		file_entry__free_unpacked(t->conns.items[i].entry, NULL);
		fd_close(t->sockets[i]);
	}
	for (size_t i = 0; i < t->listeners.nr; i++)
		fd_close(t->listeners.items[i]);
	free(t->listeners.items);
	free(t->lists.items);
	free(t->conns.items);
	free(t->sockets);
	free(t->lock_conns);
	free(t->pidfds);
	free(t);
}

/* Restore. */

bool inet_has_address(const uint32_t *words, const InetSkEntry *sk)
{
	uint32_t all = words[0];
	for (size_t i = 1; sk->family == AF_INET6 && i < 4; i++)
		all |= words[i];
	return all != 0;
}

/* Can what is sent to one of them get to the other? Either may stand for all addresses. */
static bool may_overlap(const InetSkEntry *a, const InetSkEntry *b)
{
	return a->family != b->family || !inet_has_address(a->src_addr, a) ||
	       !inet_has_address(b->src_addr, b) ||
	       !memcmp(a->src_addr, b->src_addr,
		       (a->family == AF_INET6 ? 4 : 1) * sizeof(uint32_t));
}

bool inet_shares_port(const struct restore *r, const InetSkEntry *sk, bool reused)
{
	const struct inet_set *set = r->net->inet;
	for (size_t i = 0; sk->src_port && i < set->nr; i++) {
		const InetSkEntry *other = set->items[i].entry->isk;
		if (other != sk && other->src_port == sk->src_port && other->proto == sk->proto &&
		    other->ns_id == sk->ns_id && (!reused || other->opts->so_reuseport) &&
		    may_overlap(sk, other))
			return true;
	}
	return false;
}

static int compare_id(const void *left, const void *right)
{
	const struct inet_item *a = left, *b = right;
	return a->entry->id < b->entry->id ? -1 : a->entry->id > b->entry->id;
}

struct inet_item *inet_item_find(const struct net_set *net, uint32_t id)
{
	const FileEntry entry = { .id = id };
	const struct inet_item key = { .entry = &entry };
	const struct inet_set *set = net ? net->inet : NULL;
	return set && set->nr ? bsearch(&key, set->items, set->nr, sizeof(key), compare_id) : NULL;
}

static int load_stream(struct restore *r, uint32_t ino, struct tcp_image *t, struct error *err)
{
	auto_image_reader reader = NULL;
	ProtobufCMessage *msg = NULL;
	int rc = image_open_typed(r->images, IMG_TCP_STREAM, ino, &reader, err);
	if (rc == 0)
		rc = image_next(reader, &msg, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return error_set(err, EBADMSG, "tcp-stream-%x.img is empty", ino);
	t->stream = (TcpStreamEntry *)msg;
	rc = image_payload_take(reader, &t->in, err);
	if (rc == 0)
		rc = image_payload_take(reader, &t->out, err);
	return rc < 0 ? rc : tcp_image_check(t, ino, err);
}

static int load_item(struct restore *r, const FileEntry *e, struct error *err)
{
	struct inet_item *item = array_add(r->net->inet);
	if (!item)
		return error_set(err, ENOMEM, "out of memory");
	item->entry = e;
	if (!inet_is_connection(e->isk) || r->opts->tcp_close)
		return 0;
	/* one that is over is kept as any other socket */
	if (!r->opts->tcp_established && e->isk->state != TCP_CLOSE)
		return error_set(err, EINVAL,
				 "file id %u is a TCP connection (port %u with port %u): use "
				 "--tcp-established to keep it, or --tcp-close to give it up",
				 e->id, e->isk->src_port, e->isk->dst_port);
	return load_stream(r, e->isk->ino, &item->tcp, err);
}

static int load_lock(struct restore *r, struct error *err)
{
	struct inet_set *set = r->net->inet;
	set->lock_conns = calloc(set->nr + 1, sizeof(*set->lock_conns));
	if (!set->lock_conns)
		return error_set(err, ENOMEM, "out of memory");
	set->lock = (struct lock){ .method = r->network_lock,
				   .run_id = r->run_id,
				   .conns = set->lock_conns };
	if (!r->run_id[0]) /* before CRIU 4.1 tables were named after the root */
		snprintf(r->run_id, sizeof(r->run_id), "%d", r->tasks[0]->pid);
	for (size_t i = 0; i < set->nr; i++) {
		const InetSkEntry *sk = set->items[i].entry->isk;
		if (set->items[i].tcp.stream && !netns_is_nested(r, sk->ns_id))
			lock_conn_set(&set->lock_conns[set->lock.nr++], (int)sk->family,
				      sk->src_addr, sk->src_port, sk->dst_addr, sk->dst_port);
	}
	/* a namespace that is joined may be locked as a whole, by the same name */
	bool made = netns_has_root(r);
	set->lock.whole = ns_restores(r, NS_NET) && !made;
	set->lock.set = (set->lock.nr > 0 || set->lock.whole) && !made;
	return 0;
}

int inet_load(struct restore *r, struct error *err)
{
	int rc = 0;
	r->net->inet = calloc(1, sizeof(*r->net->inet));
	if (!r->net->inet)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < r->files->nr_items; i++) {
		const FileEntry *e = r->files->items[i].entry; /* sorted */
		if (e->type == FD_TYPES__INETSK && e->isk)
			rc = load_item(r, e, err);
	}
	return rc < 0 ? rc : load_lock(r, err);
}

void inet_set_free(struct inet_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->nr; i++)
		tcp_image_fini(&set->items[i].tcp);
	lock_fini(&set->lock);
	free(set->items);
	free(set->lock_conns);
	free(set);
}

static int finish_shutdown(int fd, const struct inet_item *item, struct error *err)
{
	const InetSkEntry *sk = item->entry->isk;
	static const int hows[] = { [SK_SHUTDOWN__READ] = SHUT_RD,
				    [SK_SHUTDOWN__WRITE] = SHUT_WR,
				    [SK_SHUTDOWN__BOTH] = SHUT_RDWR };
	if (!sk->has_shutdown || sk->shutdown < SK_SHUTDOWN__READ ||
	    sk->shutdown > SK_SHUTDOWN__BOTH)
		return 0;
	int how = hows[sk->shutdown];
	if (item->tcp.stream) { /* what it sends was ended with its state */
		if (how == SHUT_WR)
			return 0;
		how = SHUT_RD;
	}
	/* without a connection it is done, and yet an error */
	return shutdown(fd, how) < 0 && errno != ENOTCONN ? error_sys(err, "shut it down") : 0;
}

static int finish_item(struct restore *r, struct inet_item *item, struct error *err)
{
	const InetSkEntry *sk = item->entry->isk;
	int fd = files_get(r, item->entry->id, err);
	int rc = fd < 0 ? fd : finish_shutdown(fd, item, err);
	if (rc == 0)
		rc = sock_opts_restore(r, sk->id, fd, sk->opts, err);
	if (rc == 0)
		rc = inet_opts_restore(fd, sk, err);
	return rc < 0 ? rc : file_set_flags(fd, sk->flags, sk->fown, err);
}

static int fill_item(struct restore *r, struct inet_item *item, struct error *err)
{
	const InetSkEntry *sk = item->entry->isk;
	int fd = files_get(r, item->entry->id, err);
	if (fd < 0)
		return fd;
	if (item->tcp.stream)
		return tcp_fill(fd, sk, &item->tcp, err);
	bool udp =
	    sk->type == SOCK_DGRAM && (sk->proto == IPPROTO_UDP || sk->proto == IPPROTO_UDPLITE);
	return udp ? udp_refill(r, fd, sk, !inet_shares_port(r, sk, false), err) : 0;
}

static int release_item(struct restore *r, struct inet_item *item, struct error *err)
{
	int fd = item->tcp.stream ? files_get(r, item->entry->id, err) : 0;
	return fd < 0 || !item->tcp.stream ? fd : tcp_release(fd, item->entry->isk, err);
}

static int hold_item(struct restore *r, struct inet_item *item, struct error *err)
{
	int fd = item->tcp.stream ? files_get(r, item->entry->id, err) : -1;
	if (fd >= 0)
		tcp_hold(fd, err);
	return 0;
}

static int for_each(struct restore *r,
		    int (*step)(struct restore *r, struct inet_item *item, struct error *err),
		    struct error *err)
{
	struct inet_set *set = r->net->inet;
	char user[64];
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < set->nr; i++) {
		struct ns_visit visit;
		if (!set->items[i].made)
			continue;
		rc = netns_enter(r, set->items[i].entry->isk->ns_id, &visit, err);
		if (rc < 0)
			return rc;
		rc = step(r, &set->items[i], err);
		int back = netns_leave(&visit, rc < 0 ? NULL : err);
		rc = rc < 0 ? rc : back;
		if (rc < 0)
			error_wrap(err, rc, "%s: socket",
				   file_set_user(r, set->items[i].entry->id, user, sizeof(user)));
	}
	return rc;
}

int inet_finish(struct restore *r, struct error *err)
{
	int rc = for_each(r, fill_item, err);
	return rc < 0 ? rc : for_each(r, finish_item, err);
}

int inet_release(struct restore *r, struct error *err)
{
	int rc = lock_drop(&r->net->inet->lock, err);
	if (rc == 0)
		rc = for_each(r, release_item, err);
	if (rc < 0)
		for_each(r, hold_item, NULL); /* the other ends hear nothing of it */
	return rc;
}
