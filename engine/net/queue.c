/* SPDX-License-Identifier: MIT
 * Queues of unix sockets: looked at without being read, and sent again.
 */
#include "engine/net/queue.h"

#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/context/shortage.h"
#include "engine/files/file.h"
#include "engine/net/peek.h"
#include "engine/net/unix-path.h"
#include "engine/ns/user.h"
#include "images/reader.h"
#include "sockets.pb-c.h"

#ifndef SCM_PIDFD
#define SCM_PIDFD 4 /* Linux 6.5 */
#endif
#define RIGHTS_MAX 253  /* SCM_MAX_FD */
#define LABEL_MAX  4096 /* of a sender (SO_PASSSEC) */
#define PIECE      (256 * 1024)

union rights_buffer {
	char bytes[CMSG_SPACE(RIGHTS_MAX * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred)) +
		   CMSG_SPACE(LABEL_MAX) + 256];
	struct cmsghdr align;
};

struct message { /* looked at */
	char *data;
	size_t room;
	struct ucred creds; /* of who sent it */
	bool has_creds, urgent;
	ssize_t len;
	int fds[RIGHTS_MAX];
	size_t nr_fds;
	struct sockaddr_storage from;
	socklen_t from_len;
};

static void message_close(struct message *m)
{
	for (size_t i = 0; i < m->nr_fds; i++)
		close(m->fds[i]);
	m->nr_fds = 0;
}

static void close_pidfd(const struct cmsghdr *c)
{
	int fd;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	fd_close(fd); /* or -errno */
}

static void keep_control(struct message *m, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			m->has_creds = true;
			memcpy(&m->creds, CMSG_DATA(c), sizeof(m->creds));
		} else if (c->cmsg_type == SCM_PIDFD) {
			close_pidfd(c);
		} else if (c->cmsg_type == SCM_RIGHTS) {
			m->nr_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(m->fds, CMSG_DATA(c), m->nr_fds * sizeof(int));
		}
	}
}

/* The peek offset stands behind what there was room for. */
static int peek_rest(int fd, struct message *m)
{
	size_t have = m->room, len = (size_t)m->len;
	char *grown = realloc(m->data, len);
	if (!grown)
		return -ENOMEM;
	m->data = grown;
	m->room = len;
	ssize_t n = recv(fd, m->data + have, len - have, MSG_PEEK | MSG_DONTWAIT);
	return n < 0 ? -errno : (size_t)n == len - have ? 0 : -EIO;
}

/* The next message. @return 0; -EAGAIN: there is none */
static int peek(int fd, struct message *m)
{
	union rights_buffer control;
	struct iovec iov = { m->data, m->room };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control),
			      .msg_name = &m->from,
			      .msg_namelen = sizeof(m->from) };
	m->len = recvmsg(fd, &msg, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
	if (m->len < 0)
		return -errno;
	m->from_len = msg.msg_namelen;
	m->has_creds = false;
	keep_control(m, &msg);
	if (msg.msg_flags & MSG_CTRUNC) { /* descriptors are left out where there are too many */
		message_close(m);
		return -EMFILE;
	}
	return (size_t)m->len > m->room ? peek_rest(fd, m) : 0;
}

static int write_message(struct dump *d, const struct queue_source *q, const struct message *m,
			 struct image_writer **w, struct error *err)
{
	uint32_t ids[RIGHTS_MAX];
	for (size_t i = 0; i < m->nr_fds; i++) {
		int rc = files_dump_received(d, m->fds[i], &ids[i], err);
		if (rc < 0)
			return error_wrap(err, rc, "%s: in its queue", q->what);
	}
	int rc = *w ? 0 : image_create(d->images_fd, IMG_SK_QUEUES, 0, w, err);
	if (rc < 0)
		return rc;
	SkPacketEntry e = SK_PACKET_ENTRY__INIT;
	ScmEntry scm = SCM_ENTRY__INIT, *scms = &scm;
	e.id_for = q->id;
	e.length = (uint32_t)m->len;
	e.has_urgent = e.urgent = m->urgent;
	e.has_uid = e.has_gid = m->has_creds;
	e.uid = m->has_creds ? id_inside(d->users, ID_USER, m->creds.uid) : 0;
	e.gid = m->has_creds ? id_inside(d->users, ID_GROUP, m->creds.gid) : 0;
	if (q->senders && m->from_len > sizeof(sa_family_t)) {
		e.has_sender = true;
		e.sender.data = (uint8_t *)&m->from;
		e.sender.len = m->from_len;
	}
	if (m->nr_fds) {
		scm.type = SCM_RIGHTS;
		scm.rights = ids;
		scm.n_rights = m->nr_fds;
		e.scm = &scms;
		e.n_scm = 1;
	}
	rc = image_write(*w, &e.base, err);
	return rc < 0 ? rc : image_write_bytes(*w, m->data, (size_t)m->len, err);
}

int queue_dump_message(struct dump *d, const struct queue_source *q, const void *bytes, size_t len,
		       struct image_writer **w, struct error *err)
{
	const struct message m = { .data = (char *)bytes, .len = (ssize_t)len };
	return write_message(d, q, &m, w, err);
}

#define IN_FRONT (-1)

struct urgent { /* of a unix stream, since Linux 5.15 */
	bool there;
	char byte;
	int piece; /* which of those that are looked at begins with it; IN_FRONT: none, and it is
		      in front of all */
};

/*
 * Where the urgent byte is: reading stops there, and it begins the next piece; in front of all it
 * is passed over. Kernels differ in that, so the sum has to be right.
 */
static int find_urgent(const struct queue_source *q, const struct peek *p, struct message *m,
		       struct urgent *out, struct error *err)
{
	int waiting = 0, at_mark = 0, seen = 0, found = 0;
	*out = (struct urgent){ .piece = IN_FRONT };
	out->there =
	    q->stream && recv(q->fd, &out->byte, 1, MSG_OOB | MSG_PEEK | MSG_DONTWAIT) == 1;
	if (!out->there)
		return 0;
	if (ioctl(q->fd, SIOCINQ, &waiting) < 0 || ioctl(q->fd, SIOCATMARK, &at_mark) < 0)
		return error_sys(err, "%s: ask for its urgent byte", q->what);
	for (int i = 0; peek(q->fd, m) == 0 && m->len > 0; i++) {
		if (i && !at_mark && m->data[0] == out->byte) {
			out->piece = i;
			found++;
		}
		seen += (int)m->len;
		message_close(m);
	}
	if (at_mark ? seen == waiting - 1 : seen == waiting && found == 1)
		return peek_rewind(p, err);
	return error_set(
	    err, EBUSY,
	    "%s is a unix socket with an urgent byte (MSG_OOB) waiting, and this kernel "
	    "does not tell where: dump after it has been read",
	    q->what);
}

/* As a message of its own, and out of the one it begins. */
static int write_urgent(struct dump *d, const struct queue_source *q, const struct urgent *u,
			struct message *m, struct image_writer **w, struct error *err)
{
	struct message one = { .data = (char *)(uintptr_t)&u->byte, .len = 1, .urgent = true };
	int rc = write_message(d, q, &one, w, err);
	if (!m)
		return rc;
	m->len--;
	memmove(m->data, m->data + 1, (size_t)m->len);
	return rc;
}

static int dump_messages(struct dump *d, const struct queue_source *q, const struct peek *p,
			 struct message *m, struct image_writer **w, struct error *err)
{
	struct urgent urgent;
	int found = find_urgent(q, p, m, &urgent, err);
	if (found == 0 && urgent.there && urgent.piece == IN_FRONT)
		found = write_urgent(d, q, &urgent, NULL, w, err);
	if (found < 0)
		return found;
	for (int i = 0;; i++) {
		int rc = peek(q->fd, m);
		if (rc == -EAGAIN)
			return 0;
		/* an error that waits comes once, then what is in the queue */
		if (rc == -ECONNRESET || rc == -ECONNREFUSED)
			continue;
		if (rc < 0)
			return error_code(err, rc, "%s: look at what waits in the socket%s",
					  q->what, shortage_of_files(rc));
		if (m->len == 0 && !m->nr_fds && q->ends)
			return 0;
		if (urgent.there && urgent.piece == i)
			rc = write_urgent(d, q, &urgent, m, w, err);
		if (rc == 0 && (m->len || urgent.piece != i))
			rc = write_message(d, q, m, w, err);
		message_close(m);
		if (rc < 0)
			return rc;
	}
}

int queue_dump(struct dump *d, const struct queue_source *q, struct image_writer **w,
	       struct error *err)
{
	struct peek p;
	struct message m = { .room = PIECE };
	int rc = peek_begin(&p, q->fd, q->what, err);
	if (rc <= 0)
		return rc;
	m.data = malloc(PIECE);
	rc = m.data ? dump_messages(d, q, &p, &m, w, err) : error_set(err, ENOMEM, "out of memory");
	message_close(&m);
	int back = peek_end(&p, rc < 0 ? NULL : err);
	free(m.data);
	return rc < 0 ? rc : back;
}

static int load_rights(const SkPacketEntry *e, struct queue_item *item, struct error *err)
{
	if (e->n_scm == 0)
		return 0;
	const ScmEntry *scm = e->scm[0];
	if (e->n_scm > 1 || scm->type != SCM_RIGHTS || scm->n_rights > RIGHTS_MAX)
		return error_set(err, EBADMSG,
				 "sk-queues.img: message for file id %u carries what no socket can",
				 e->id_for);
	item->rights = malloc(scm->n_rights * sizeof(uint32_t) + 1);
	if (!item->rights)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(item->rights, scm->rights, scm->n_rights * sizeof(uint32_t));
	item->nr_rights = scm->n_rights;
	return 0;
}

static int load_item(void *out, struct image_reader *reader, ProtobufCMessage **msg,
		     struct error *err)
{
	const SkPacketEntry *e = (const SkPacketEntry *)*msg;
	struct queue_item *item = array_add((struct queue_list *)out);
	if (!item)
		return error_set(err, ENOMEM, "out of memory");
	item->id = e->id_for;
	item->urgent = e->has_urgent && e->urgent;
	item->has_ids = e->has_uid && e->has_gid;
	item->uid = e->uid;
	item->gid = e->gid;
	int rc = load_rights(e, item, err);
	if (rc == 0 && strbuf_add(&item->sender, e->sender.data, e->sender.len) < 0)
		rc = error_set(err, ENOMEM, "out of memory");
	return rc < 0 ? rc : image_payload_take(reader, &item->data, err);
}

int queue_load(struct restore *r, struct queue_list *out, struct error *err)
{
	return image_each(r->images, IMG_SK_QUEUES, 0, load_item, out, err);
}

static void put_control(struct msghdr *msg, union rights_buffer *control, int type,
			const void *bytes, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)(control->bytes + msg->msg_controllen);
	msg->msg_control = control;
	msg->msg_controllen += CMSG_SPACE(len);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), bytes, len);
}

static ssize_t send_from(struct restore *r, const struct queue_item *item,
			 const struct queue_way *way, const struct msghdr *msg, struct error *err)
{
	int other = item->sender.len && way->other ? way->other(r, item, err) : -1;
	if (other < -1)
		return other;
	if (other >= 0)
		return unix_path_send(other, way->to, msg, err);
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (item->urgent ? MSG_OOB : 0);
	ssize_t sent = sendmsg(way->from, msg, flags);
	return sent < 0 ? error_sys(err, "send") : sent;
}

static const char more_room[] = ": raise net.unix.max_dgram_qlen, or without CAP_NET_ADMIN "
				"net.core.wmem_max, by sysctl and restore again";

static int send_message(struct restore *r, const struct queue_item *item,
			const struct queue_way *way, struct error *err)
{
	union rights_buffer control = { { 0 } };
	struct iovec iov = { item->data.data, item->data.len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	/* who sent it may not be born yet: its number cannot be given */
	const struct ucred creds = { getpid(), id_outside(r->users, ID_USER, item->uid),
				     id_outside(r->users, ID_GROUP, item->gid) };
	int fds[RIGHTS_MAX];
	for (size_t i = 0; i < item->nr_rights; i++) {
		fds[i] = files_get(r, item->rights[i], err);
		if (fds[i] < 0)
			return fds[i];
	}
	if (item->nr_rights)
		put_control(&msg, &control, SCM_RIGHTS, fds, item->nr_rights * sizeof(int));
	if (item->has_ids)
		put_control(&msg, &control, SCM_CREDENTIALS, &creds, sizeof(creds));
	struct error why = { 0 };
	ssize_t sent = send_from(r, item, way, &msg, &why);
	if (sent < 0)
		return error_set(err, (int)sent, "put back a message of %zu bytes: %s%s",
				 item->data.len, why.text, sent == -EAGAIN ? more_room : "");
	if ((size_t)sent != item->data.len)
		return error_set(err, ENOBUFS, "only %zd of %zu bytes fit its queue%s", sent,
				 item->data.len, more_room);
	return 0;
}

int queue_restore(struct restore *r, const struct queue_list *list, uint32_t id,
		  const struct queue_way *way, struct error *err)
{
	int room = 1 << 30;
	setsockopt(way->from, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)); /* sending tells */
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < list->nr; i++)
		if (list->items[i].id == id)
			rc = send_message(r, &list->items[i], way, err);
	return rc;
}

int queue_open_rights(struct restore *r, const struct queue_list *list, uint32_t id,
		      struct error *err)
{
	int waits = 0;
	for (size_t i = 0; i < list->nr; i++)
		for (size_t k = 0; list->items[i].id == id && k < list->items[i].nr_rights; k++) {
			uint32_t right = list->items[i].rights[k];
			int fd = files_waits(r, right) ? 0 : files_get(r, right, err);
			if (fd < 0)
				return fd;
			waits |= files_waits(r, right);
		}
	return waits;
}

bool queue_carries(const struct queue_list *list, uint32_t id)
{
	for (size_t i = 0; i < list->nr; i++)
		for (size_t k = 0; k < list->items[i].nr_rights; k++)
			if (list->items[i].rights[k] == id)
				return true;
	return false;
}

bool queue_waits(const struct queue_list *list, uint32_t id)
{
	for (size_t i = 0; i < list->nr; i++)
		if (list->items[i].id == id)
			return true;
	return false;
}

void queue_list_fini(struct queue_list *list)
{
	for (size_t i = 0; i < list->nr; i++) {
		free(list->items[i].rights);
		strbuf_fini(&list->items[i].data);
		strbuf_fini(&list->items[i].sender);
	}
	free(list->items);
	*list = (struct queue_list){ 0 };
}
