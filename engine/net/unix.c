/* SPDX-License-Identifier: MIT
 * Unix sockets: pairs, bound and listening ones, connections that wait to be accepted. All
 * are made in one process before the tasks are born, so both ends are at hand.
 */
#include "engine/net/unix.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/external.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/net/net.h"
#include "engine/net/ns.h"
#include "engine/net/sock-new.h"
#include "engine/net/sock-opts.h"
#include "engine/net/unix-cred.h"
#include "engine/net/unix-path.h"
#include "engine/ns/user.h"

/* unix_sk_entry.uflags */
#define UFLAG_EXTERNAL 1u /* outside of the tree; only its name is known */

static bool unix_match(const struct open_file *f)
{
	int family = 0;
	socklen_t len = sizeof(family);
	return S_ISSOCK(f->st.st_mode) && !(f->flags & O_PATH) &&
	       getsockopt(f->fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 && family == AF_UNIX;
}

/* Asked once in each namespace, when the first socket is met; the tree is frozen. */
static int table_of(struct dump *d, struct net_table **out, struct error *err)
{
	int rc = net_table_ask(d, NET_LIST_UNIX, err);
	if (rc > 0)
		rc = unix_list_read(&d->net->unix_list, err);
	*out = d->net;
	return rc;
}

/* @param holder  NULL: it is outside of the tree */
static int seen_add(struct net_table *t, uint32_t ino, const char *holder, struct error *err)
{
	struct unix_seen *seen = array_add(&t->seen);
	if (!seen)
		return error_set(err, ENOMEM, "out of memory");
	seen->ino = ino;
	seen->external = !holder;
	snprintf(seen->holder, sizeof(seen->holder), "%s", holder ? holder : "");
	return 0;
}

static const struct unix_seen *seen_find(const struct net_table *t, uint32_t ino)
{
	for (size_t i = 0; i < t->seen.nr; i++)
		if (t->seen.items[i].ino == ino)
			return &t->seen.items[i];
	return NULL;
}

/* The other end is the one over which the tree asks us for its dump. */
static bool leads_to_us(const struct dump *d, const struct unix_info *info)
{
	return d->opts->self_dump && info->peer == d->opts->self_dump->socket_ino;
}

static int dump_name(const struct dump *d, const struct open_file *f, const struct unix_info *info,
		     UnixSkEntry *sk, const char *what, struct error *err)
{
	sk->name.data = malloc(info->name_len + 1);
	if (!sk->name.data)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(sk->name.data, info->name, info->name_len);
	sk->name.len = info->name_len;
	if (!info->has_file)
		return 0;
	struct unix_path path;
	int rc = unix_path_find(d, f, info, &path, err);
	if (rc < 0)
		return error_wrap(err, rc, "%s", what);
	sk->renamed = path.renamed;
	if (path.dir[0]) {
		sk->name_dir = strdup(path.dir);
		if (!sk->name_dir)
			return error_set(err, ENOMEM, "out of memory");
	}
	sk->has_deleted = sk->deleted = path.deleted;
	sk->mnt_id = path.mnt_id;
	sk->has_mnt_id = path.mnt_id >= 0;
	sk->file_perms = malloc(sizeof(*sk->file_perms));
	if (!sk->file_perms)
		return error_set(err, ENOMEM, "out of memory");
	file_perms_entry__init(sk->file_perms);
	sk->file_perms->mode = path.st.st_mode;
	sk->file_perms->uid = id_inside(d->users, ID_USER, path.st.st_uid);
	sk->file_perms->gid = id_inside(d->users, ID_GROUP, path.st.st_gid);
	return 0;
}

/* Who waits to be accepted is stored as a peer of the socket that listens. */
static int dump_peer(const struct net_table *t, const struct unix_info *info, UnixSkEntry *sk,
		     const char *what, struct error *err)
{
	sk->peer = info->peer;
	if (info->peer || info->state != TCP_ESTABLISHED || info->type == SOCK_DGRAM)
		return 0;
	const struct unix_info *listener = unix_list_listener(&t->unix_list, info->ino);
	if (!listener)
		return 0;
	if (info->wqueue)
		return error_set(err, EBUSY,
				 "%s is a unix socket that sent data before its connection was "
				 "accepted, which nobody can read yet: dump after the server has "
				 "called accept",
				 what);
	sk->peer = listener->ino;
	return 0;
}

static int dump_entry(struct dump *d, const struct open_file *f, const struct unix_info *info,
		      FileEntry *e, struct error *err)
{
	char what[96];
	file_holder(f, what, sizeof(what));
	UnixSkEntry *sk = malloc(sizeof(*sk));
	if (!sk)
		return error_set(err, ENOMEM, "out of memory");
	unix_sk_entry__init(sk);
	e->usk = sk;
	sk->id = e->id;
	sk->ino = info->ino;
	sk->type = info->type;
	sk->state = info->state;
	sk->flags = f->flags;
	sk->backlog = info->wqueue;
	sk->has_shutdown = info->shutdown != 0;
	sk->shutdown = (SkShutdown)info->shutdown;
	sk->has_ns_id = true;
	sk->ns_id = f->net_ns;
	int rc = dump_peer(d->net, info, sk, what, err);
	if (rc == 0)
		rc = dump_name(d, f, info, sk, what, err);
	if (rc == 0)
		rc = owner_dump(d, f, &sk->fown, err);
	if (rc == 0)
		rc = sock_opts_dump(d, f, &sk->opts, err);
	if (rc == 0)
		rc = unix_cred_peer(d, f->fd, &sk->peer_cred, err);
	if (rc == 0 && sk->peer && !info->peer) /* it waits to be accepted */
		rc = unix_cred_task(f, &sk->own_cred, err);
	bool has_queue = info->type == SOCK_DGRAM || info->state == TCP_ESTABLISHED;
	/* a stream without its peer, or shut down, reads as 0 bytes for ever */
	const struct queue_source queue = {
		.fd = f->fd,
		.id = e->id,
		.what = what,
		.stream = info->type == SOCK_STREAM,
		.senders = info->type == SOCK_DGRAM,
		.ends = info->type == SOCK_STREAM ||
			(info->type == SOCK_SEQPACKET && (!info->peer || (info->shutdown & 1))),
	};
	if (rc == 0 && has_queue)
		rc = queue_dump(d, &queue, &d->net->queues, err);
	if (rc == 0 && leads_to_us(d, info)) {
		/* restored, it reads that it was, and that we are gone */
		sk->peer = 0;
		rc = queue_dump_message(d, &queue, d->opts->self_dump->answer,
					d->opts->self_dump->answer_len, &d->net->queues, err);
	}
	return rc;
}

/*
 * Readers that go through files.img once find the peer of a socket that its peer does not know (one
 * that listens, or that many send to) only if it stands in front.
 */
static bool comes_late(const struct net_table *t, const UnixSkEntry *sk)
{
	const struct unix_info *peer = unix_list_find(&t->unix_list, sk->peer);
	return peer && sk->peer != sk->ino && peer->peer != sk->ino && !seen_find(t, sk->peer);
}

static int keep_late(struct net_table *t, FileEntry *e, struct error *err)
{
	FileEntry **late = array_add(&t->late);
	if (!late)
		return error_set(err, ENOMEM, "out of memory");
	*late = e;
	return 1;
}

/* The peer first, if that is late too. */
static int write_late(struct dump *d, FileEntry **late, struct error *err)
{
	struct net_table *t = d->net;
	FileEntry *e = take_ptr(*late);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < t->late.nr; i++)
		if (t->late.items[i] && t->late.items[i]->usk->ino == e->usk->peer)
			rc = write_late(d, &t->late.items[i], err);
	if (rc == 0)
		rc = file_table_write(d, e, err);
	file_entry__free_unpacked(e, NULL);
	return rc;
}

static int unix_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	char what[96];
	struct net_table *t;
	file_holder(f, what, sizeof(what));
	int rc = table_of(d, &t, err);
	if (rc < 0)
		return error_wrap(err, rc, "%s", what);
	const struct unix_info *info = unix_list_find(&t->unix_list, (uint32_t)f->st.st_ino);
	if (!info)
		return error_set(
		    err, ENOTSUP,
		    "%s is a unix socket the kernel does not tell of, of another network "
		    "namespace: run the dump inside that one (nsenter -n)",
		    what);
	rc = seen_add(t, info->ino, what, err);
	if (rc == 0)
		rc = dump_entry(d, f, info, e, err);
	return rc < 0 || !comes_late(t, e->usk) ? rc : keep_late(t, e, err);
}

static void print_name(const struct unix_info *info, char *out, size_t len)
{
	size_t n = info->name_len < len - 1 ? info->name_len : len - 1;
	memcpy(out, info->name, n);
	out[n] = 0;
	if (n && !out[0])
		out[0] = '@';
	if (!n)
		snprintf(out, len, "no name");
}

/* A datagram socket elsewhere is found again by its name, if the user says that will do. */
static int dump_external(struct dump *d, const struct unix_info *peer, struct error *err)
{
	FileEntry e = FILE_ENTRY__INIT;
	UnixSkEntry sk = UNIX_SK_ENTRY__INIT;
	SkOptsEntry opts = SK_OPTS_ENTRY__INIT;
	FownEntry owner = FOWN_ENTRY__INIT;
	e.type = FD_TYPES__UNIXSK;
	e.id = sk.id = d->files->next_id++;
	e.usk = &sk;
	sk.ino = peer->ino;
	sk.type = peer->type;
	sk.state = TCP_LISTEN;
	sk.uflags = UFLAG_EXTERNAL;
	sk.name.data = (uint8_t *)peer->name;
	sk.name.len = peer->name_len;
	sk.opts = &opts;
	sk.fown = &owner;
	int rc = seen_add(d->net, peer->ino, NULL, err);
	return rc < 0 ? rc : file_table_write(d, &e, err);
}

static int check_peer(struct dump *d, const struct unix_info *info, const char *holder,
		      struct error *err)
{
	const struct net_table *t = d->net;
	const struct unix_info *peer = unix_list_find(&t->unix_list, info->peer);
	if (!info->peer || seen_find(t, info->peer) || leads_to_us(d, info))
		return 0;
	char name[128] = "no name";
	if (peer)
		print_name(peer, name, sizeof(name));
	bool by_name = peer && info->type == SOCK_DGRAM && peer->name_len;
	if (by_name && d->opts->ext_unix.nr)
		return dump_external(d, peer, err);
	if (external_has_socket(d->opts, info->ino))
		return peer ? dump_external(d, peer, err) : 0;
	/* of an accepted one, whose name is that of a listening one, the end may be near */
	bool accepted = info->type != SOCK_DGRAM && info->name_len;
	return error_set(
	    err, accepted ? EBUSY : ENOTSUP,
	    "%s is a unix socket connected to one outside the tree (inode %u, %s): %s, "
	    "or leave it out with --external unix[%u]",
	    holder, info->peer, name,
	    by_name ? "use --ext-unix-sk to connect it to that name again"
		    : "dump the program at the other end too, close it",
	    info->ino);
}

static int check_pending(const struct net_table *t, const struct unix_info *info,
			 const char *holder, struct error *err)
{
	for (size_t i = 0; i < info->nr_pending; i++) {
		if (!info->pending[i])
			return error_set(err, EBUSY,
					 "%s is a listening unix socket with a connection whose "
					 "client has gone before it was accepted, which images "
					 "cannot carry: dump after the server has called accept",
					 holder);
		if (!seen_find(t, info->pending[i]))
			return error_set(err, EBUSY,
					 "%s is a listening unix socket with a connection from "
					 "outside the tree (inode %u) that waits to be accepted: "
					 "dump after it has been",
					 holder, info->pending[i]);
	}
	return 0;
}

int unix_dump_check(struct dump *d, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && d->net && i < d->net->seen.nr; i++) {
		const struct unix_seen seen = d->net->seen.items[i]; /* the list may grow */
		const struct unix_info *info = unix_list_find(&d->net->unix_list, seen.ino);
		if (!info || seen.external)
			continue;
		rc = check_peer(d, info, seen.holder, err);
		if (rc == 0)
			rc = check_pending(d->net, info, seen.holder, err);
	}
	for (size_t i = 0; rc == 0 && d->net && i < d->net->late.nr; i++)
		if (d->net->late.items[i])
			rc = write_late(d, &d->net->late.items[i], err);
	return rc;
}

/* Restore. */

static int unix_check(const FileEntry *e, struct error *err)
{
	const UnixSkEntry *sk = e->usk;
	if (!sk)
		return error_set(err, EBADMSG, "unix socket without its fields");
	if (sk->id != e->id)
		return error_set(err, EBADMSG, "id %u inside says %u", e->id, sk->id);
	if (sk->type != SOCK_STREAM && sk->type != SOCK_DGRAM && sk->type != SOCK_SEQPACKET)
		return error_set(err, EBADMSG, "unix socket of type %u", sk->type);
	if (sk->name.len > sizeof(((struct sockaddr_un *)0)->sun_path))
		return error_set(err, EBADMSG, "unix socket with a name of %zu bytes",
				 sk->name.len);
	int rc = unix_cred_check(sk->peer_cred, err);
	if (rc == 0)
		rc = unix_cred_check(sk->own_cred, err);
	if (rc == 0)
		rc = owner_check(sk->fown, err);
	return rc < 0 ? rc : sock_opts_check(sk->opts, err);
}

static bool is_mutual(const struct unix_item *a, const struct unix_item *b)
{
	return b && b != a && b->entry->peer == a->entry->ino && b->entry->type == a->entry->type &&
	       b->entry->state != TCP_LISTEN;
}

static bool same_name(const UnixSkEntry *a, const UnixSkEntry *b)
{
	return a->name.len == b->name.len && !memcmp(a->name.data, b->name.data, a->name.len) &&
	       !strcmp(a->name_dir ? a->name_dir : "", b->name_dir ? b->name_dir : "");
}

/* In the network namespace it was in: who looks for an abstract name finds those of its own. */
static int new_socket(struct restore *r, const UnixSkEntry *sk, struct error *err)
{
	struct ns_visit visit;
	struct sock_owner before;
	int rc = netns_enter(r, sk->ns_id, &visit, err);
	if (rc < 0)
		return rc;
	sock_owner_begin(r, sk->opts, &before);
	auto_fd fd = sock_new(AF_UNIX, (int)sk->type | SOCK_NONBLOCK, 0);
	sock_owner_end(&before);
	rc = fd < 0 ? error_sys(err, "make a unix socket") : 0;
	int back = netns_leave(&visit, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back < 0 ? back : take_fd(fd);
}

/* What the kernel notes the doer of. */
struct deed {
	struct restore *r;
	const UnixSkEntry *sk; /* of a pair */
	int fd, to, backlog;
	int pair[2];
};

static int do_pair(void *arg, struct error *err)
{
	struct deed *deed = arg;
	struct sock_owner before;
	int type = (int)deed->sk->type | SOCK_CLOEXEC | SOCK_NONBLOCK;
	sock_owner_begin(deed->r, deed->sk->opts, &before);
	int rc = socketpair(AF_UNIX, type, 0, deed->pair);
	sock_owner_end(&before);
	return rc < 0 ? error_sys(err, "make a pair of unix sockets") : 0;
}

static int do_listen(void *arg, struct error *err)
{
	const struct deed *deed = arg;
	return listen(deed->fd, deed->backlog) < 0 ? error_sys(err, "listen") : 0;
}

static int do_connect(void *arg, struct error *err)
{
	const struct deed *deed = arg;
	return unix_path_connect(deed->fd, deed->to, err);
}

static int new_pair(struct restore *r, const UnixSkEntry *sk, int fds[2], struct error *err)
{
	struct deed deed = { .r = r, .sk = sk, .pair = { -1, -1 } };
	struct ns_visit visit;
	int rc = netns_enter(r, sk->ns_id, &visit, err);
	if (rc < 0)
		return rc;
	rc = unix_cred_act(r, sk->peer_cred, do_pair, &deed, err);
	int back = netns_leave(&visit, rc < 0 ? NULL : err);
	memcpy(fds, deed.pair, sizeof(deed.pair));
	if (rc == 0 && back < 0) {
		close(fds[0]);
		close(fds[1]);
	}
	return rc < 0 ? rc : back;
}

static int connect_as(struct restore *r, const UnixCredEntry *who, int fd, int to,
		      struct error *err)
{
	struct deed deed = { .fd = fd, .to = to };
	return unix_cred_act(r, who, do_connect, &deed, err);
}

static int item_fd(struct restore *r, struct unix_item *item, struct error *err)
{
	return item->fd >= 0 ? item->fd : files_get(r, item->id, err);
}

static int item_make(struct restore *r, struct unix_item *item, struct error *err);

/* @param who  listens */
static int make_listener(struct restore *r, const UnixSkEntry *sk, int backlog,
			 const UnixCredEntry *who, struct error *err)
{
	auto_fd fd = new_socket(r, sk, err);
	if (fd < 0)
		return fd;
	int rc = unix_path_bind(r, fd, sk, err);
	if (rc < 0)
		return rc;
	struct deed deed = { .fd = fd, .backlog = backlog };
	rc = unix_cred_act(r, who, do_listen, &deed, err);
	return rc < 0 ? rc : take_fd(fd);
}

/* A name that is no file is one of its network namespace alone. */
static bool may_meet(const UnixSkEntry *a, const UnixSkEntry *b)
{
	return (a->name.len && a->name.data[0]) || a->ns_id == b->ns_id;
}

/* An accepted socket has the name of the one that listened, which only accept(2) gives. */
static struct unix_item *find_listener(struct net_set *set, const UnixSkEntry *sk)
{
	for (size_t i = 0; i < set->nr; i++) {
		const UnixSkEntry *other = set->items[i].entry;
		if (other->state == TCP_LISTEN && other->type == sk->type && same_name(other, sk) &&
		    may_meet(other, sk))
			return &set->items[i];
	}
	return NULL;
}

static int accept_at(struct restore *r, int listener, struct unix_item *server,
		     struct unix_item *client, struct error *err)
{
	auto_fd from = new_socket(r, client->entry, err);
	if (from < 0)
		return from;
	int rc = client->entry->name.len ? unix_path_bind(r, from, client->entry, err) : 0;
	if (rc == 0)
		rc = connect_as(r, server->entry->peer_cred, from, listener, err);
	if (rc < 0)
		return rc;
	struct sock_owner before;
	sock_owner_begin(r, server->entry->opts, &before);
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	sock_owner_end(&before);
	if (fd < 0)
		return error_sys(err, "accept");
	server->fd = fd;
	client->fd = take_fd(from);
	return 0;
}

static int make_accepted(struct restore *r, struct unix_item *server, struct unix_item *client,
			 struct error *err)
{
	struct unix_item *item = find_listener(r->net, server->entry);
	if (item) {
		int rc = item_make(r, item, err);
		int fd = rc < 0 ? rc : item_fd(r, item, err);
		return fd < 0 ? fd : accept_at(r, fd, server, client, err);
	}
	/* it listens no more: one that does for a moment takes its place */
	auto_fd fd = make_listener(r, server->entry, 1, client->entry->peer_cred, err);
	return fd < 0 ? fd : accept_at(r, fd, server, client, err);
}

static int make_pair(struct restore *r, struct unix_item *a, struct unix_item *b, struct error *err)
{
	a->made = b->made = true;
	if (a->entry->type != SOCK_DGRAM && (a->entry->name.len || b->entry->name.len)) {
		/* both may have a name: then the one that somebody listens at was accepted */
		bool b_accepted =
		    !a->entry->name.len || (b->entry->name.len && !find_listener(r->net, a->entry));
		return b_accepted ? make_accepted(r, b, a, err) : make_accepted(r, a, b, err);
	}
	int fds[2];
	int rc = new_pair(r, a->entry, fds, err);
	if (rc < 0)
		return rc;
	a->fd = fds[0];
	b->fd = fds[1];
	rc = a->entry->name.len ? unix_path_bind(r, a->fd, a->entry, err) : 0;
	if (rc == 0 && b->entry->name.len)
		rc = unix_path_bind(r, b->fd, b->entry, err);
	return rc;
}

/* The other end is closed, maybe with something left to read. */
static int make_widow(struct restore *r, struct unix_item *item, struct error *err)
{
	if (item->entry->name.len) {
		UnixSkEntry gone = *item->entry;
		gone.name = (ProtobufCBinaryData){ 0 };
		struct unix_item peer = { .entry = &gone, .fd = -1, .temp = -1 };
		int rc = make_accepted(r, item, &peer, err);
		item->temp = peer.fd;
		return rc;
	}
	int fds[2];
	int rc = new_pair(r, item->entry, fds, err);
	if (rc < 0)
		return rc;
	item->fd = fds[0];
	item->temp = fds[1];
	return 0;
}

static int make_single(struct restore *r, struct unix_item *item, struct error *err)
{
	const UnixSkEntry *sk = item->entry;
	if (sk->state == TCP_LISTEN)
		item->fd = make_listener(r, sk, (int)sk->backlog, sk->peer_cred, err);
	else
		item->fd = new_socket(r, sk, err);
	if (item->fd < 0)
		return item->fd;
	return sk->state != TCP_LISTEN && sk->name.len ? unix_path_bind(r, item->fd, sk, err) : 0;
}

static int item_make(struct restore *r, struct unix_item *item, struct error *err)
{
	if (item->made)
		return 0;
	const UnixSkEntry *sk = item->entry;
	struct unix_item *peer = unix_find(r->net, sk->peer);
	if (sk->peer && !peer)
		return error_set(err, EBADMSG, "its peer %u is not in files.img", sk->peer);
	item->made = true;
	if (is_mutual(item, peer))
		return make_pair(r, item, peer, err);
	bool widow =
	    !peer && sk->state == TCP_ESTABLISHED &&
	    (sk->type != SOCK_DGRAM || (!sk->name.len && queue_waits(&r->net->queues, item->id)));
	return widow ? make_widow(r, item, err) : make_single(r, item, err);
}

static int unix_open(struct restore *r, const FileEntry *e, struct error *err)
{
	struct unix_item *item = unix_find(r->net, e->usk->ino);
	if (!item || item->entry != e->usk)
		return error_set(err, EBADMSG, "unix socket %u is not known", e->usk->ino);
	int rc = item_make(r, item, err);
	if (rc < 0)
		return error_wrap(err, rc, "unix socket %u", e->usk->ino);
	return take_fd(item->fd);
}

static const FownEntry *unix_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->usk->flags;
	return e->usk->fown;
}

/* Who sent it, if that is a socket of the tree with a name. */
static int named_sender(struct restore *r, const struct queue_item *message, struct error *err)
{
	const struct sockaddr_un *addr = (const void *)message->sender.data;
	const size_t before = offsetof(struct sockaddr_un, sun_path);
	size_t len = message->sender.len > before ? message->sender.len - before : 0;
	if (len && addr->sun_path[0])
		len = strnlen(addr->sun_path, len);
	for (size_t i = 0; len && i < r->net->nr; i++) {
		struct unix_item *item = &r->net->items[i];
		const ProtobufCBinaryData *name = &item->entry->name;
		size_t name_len = name->len && name->data[0]
				      ? strnlen((const char *)name->data, name->len)
				      : name->len;
		if (item->made && item->entry->type == SOCK_DGRAM && name_len == len &&
		    !memcmp(name->data, addr->sun_path, len))
			return item_fd(r, item, err);
	}
	return -1;
}

static int send_queue(struct restore *r, const struct unix_item *item, int from, int to,
		      struct error *err)
{
	const struct queue_way way = { from, to, to < 0 ? NULL : named_sender };
	return queue_restore(r, &r->net->queues, item->id, &way, err);
}

/* Somebody who can send to it: its peer, the end of the one that is gone, or a stranger. */
static int fill_queue(struct restore *r, struct unix_item *item, struct error *err)
{
	if (item->filled)
		return 0;
	if (!queue_waits(&r->net->queues, item->id)) {
		item->filled = true;
		return 0;
	}
	int waits = queue_open_rights(r, &r->net->queues, item->id, err);
	r->net->queues_wait |= waits == 1;
	if (waits)
		return waits < 0 ? waits : 0;
	item->filled = true;
	struct unix_item *peer = unix_find(r->net, item->entry->peer);
	if (item->temp >= 0)
		return send_queue(r, item, item->temp, -1, err);
	if (peer && is_mutual(item, peer)) {
		int from = item_fd(r, peer, err);
		return from < 0 ? from : send_queue(r, item, from, -1, err);
	}
	auto_fd stranger = new_socket(r, item->entry, err);
	int fd = stranger < 0 ? stranger : item_fd(r, item, err);
	int rc = fd < 0 ? fd : unix_path_connect(stranger, fd, err);
	return rc < 0 ? rc : send_queue(r, item, stranger, fd, err);
}

static int connect_external(struct restore *r, int fd, uint32_t ino, const UnixSkEntry *peer,
			    struct error *err)
{
	if (peer->type != SOCK_DGRAM || !peer->name.len)
		return error_set(err, EINVAL,
				 "its peer was outside of the tree: hand it over with --inherit-fd "
				 "fd[N]:socket:[%u]",
				 ino);
	if (!r->opts->ext_unix.nr)
		return error_set(err, EINVAL,
				 "its peer was outside of the tree: use --ext-unix-sk to connect "
				 "it to that name");
	return unix_path_connect_name(r, fd, peer, err);
}

static int connect_one(struct restore *r, struct unix_item *item, struct unix_item *peer,
		       struct error *err)
{
	int fd = item_fd(r, item, err);
	if (fd < 0)
		return fd;
	if (peer->entry->uflags & UFLAG_EXTERNAL)
		return connect_external(r, fd, item->entry->ino, peer->entry, err);
	int to = item_fd(r, peer, err);
	return to < 0 ? to : connect_as(r, item->entry->own_cred, fd, to, err);
}

/*
 * A pair is connected from its birth. Nobody can connect to a datagram socket that is connected to
 * somebody else: those who are connected to this one come first.
 */
static int connect_peer(struct restore *r, struct unix_item *item, struct error *err)
{
	struct unix_item *peer = unix_find(r->net, item->entry->peer);
	if (!peer || item->connected || is_mutual(item, peer))
		return 0;
	item->connected = true;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->net->nr; i++) {
		struct unix_item *other = &r->net->items[i];
		if (other->made && other != item && other->entry->peer == item->entry->ino)
			rc = connect_peer(r, other, err);
	}
	return rc < 0 ? rc : connect_one(r, item, peer, err);
}

static int set_state(struct restore *r, struct unix_item *item, struct error *err)
{
	const UnixSkEntry *sk = item->entry;
	static const int how[] = { [SK_SHUTDOWN__READ] = SHUT_RD,
				   [SK_SHUTDOWN__WRITE] = SHUT_WR,
				   [SK_SHUTDOWN__BOTH] = SHUT_RDWR };
	int fd = item_fd(r, item, err);
	if (fd < 0)
		return fd;
	fd_close(take_fd(item->temp));
	bool shut = sk->has_shutdown && sk->shutdown >= SK_SHUTDOWN__READ &&
		    sk->shutdown <= SK_SHUTDOWN__BOTH;
	/* of a datagram socket without a peer the kernel takes it only connected */
	if (shut && shutdown(fd, how[sk->shutdown]) < 0 && errno != ENOTCONN)
		return error_sys(err, "shut it down");
	int rc = sock_opts_restore(r, item->id, fd, sk->opts, err);
	return rc < 0 ? rc : file_set_flags(fd, sk->flags, sk->fown, err);
}

static int for_each(struct restore *r,
		    int (*step)(struct restore *r, struct unix_item *item, struct error *err),
		    struct error *err)
{
	char user[64];
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->net->nr; i++) {
		struct unix_item *item = &r->net->items[i];
		if (!item->made)
			continue; /* external, or nobody has it */
		rc = step(r, item, err);
		if (rc < 0)
			error_wrap(err, rc, "%s: unix socket",
				   file_set_user(r, item->id, user, sizeof(user)));
	}
	return rc;
}

/* A socket on its way in a queue is made when that is filled, and may have one of its own. */
static int fill_queues(struct restore *r, struct error *err)
{
	size_t before, made = 0;
	int rc;
	do {
		before = made;
		made = 0;
		rc = for_each(r, fill_queue, err);
		for (size_t i = 0; i < r->net->nr; i++)
			made += r->net->items[i].made;
	} while (rc == 0 && made != before);
	return rc;
}

static int connect_and_set(struct restore *r, struct error *err)
{
	int rc = for_each(r, connect_peer, err);
	return rc < 0 ? rc : for_each(r, set_state, err);
}

int unix_finish(struct restore *r, struct error *err)
{
	int rc = fill_queues(r, err);
	return rc == 0 && !r->net->queues_wait ? connect_and_set(r, err) : rc;
}

int unix_finish_late(struct restore *r, struct error *err)
{
	int rc = r->net->queues_wait ? fill_queues(r, err) : 0;
	return rc == 0 && r->net->queues_wait ? connect_and_set(r, err) : rc;
}

const struct file_type file_unix = {
	.name = "unix socket",
	.type = FD_TYPES__UNIXSK,
	.in_net = true,
	.makes_many = true,
	.match = unix_match,
	.dump = unix_dump,
	.check = unix_check,
	.open = unix_open,
	.owner = unix_owner,
};
