/* SPDX-License-Identifier: MIT
 * Queues of unix sockets: looked at without being read, and sent again.
 */
#include "engine/net/queue.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/file.h"
#include "images/reader.h"
#include "sockets.pb-c.h"

#define RIGHTS_MAX 253 /* SCM_MAX_FD */
#define PIECE      (256 * 1024)

union rights_buffer {
	char bytes[CMSG_SPACE(RIGHTS_MAX * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred)) + 256];
	struct cmsghdr align;
};

struct message { /* looked at */
	char *data;
	size_t room;
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

static void keep_rights(struct message *m, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		m->nr_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(m->fds, CMSG_DATA(c), m->nr_fds * sizeof(int));
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
	keep_rights(m, &msg);
	return (size_t)m->len > m->room ? peek_rest(fd, m) : 0;
}

static int set_peek_off(int fd, int offset, const char *what, struct error *err)
{
	if (setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof(offset)) < 0)
		return error_sys(err, "%s: set SO_PEEK_OFF", what);
	return 0;
}

static int write_message(struct dump *d, const struct queue_source *q, const struct message *m,
			 struct image_writer **w, struct error *err)
{
	uint32_t ids[RIGHTS_MAX];
	for (size_t i = 0; i < m->nr_fds; i++) {
		int rc = files_dump_received(d, m->fds[i], &ids[i], err);
		if (rc < 0)
			return error_wrap(err, rc, "%s: a descriptor on its way there", q->what);
	}
	int rc = *w ? 0 : image_create(d->images_fd, IMG_SK_QUEUES, 0, w, err);
	if (rc < 0)
		return rc;
	SkPacketEntry e = SK_PACKET_ENTRY__INIT;
	ScmEntry scm = SCM_ENTRY__INIT, *scms = &scm;
	e.id_for = q->id;
	e.length = (uint32_t)m->len;
	if (q->senders) {
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

static int dump_messages(struct dump *d, const struct queue_source *q, struct image_writer **w,
			 struct message *m, struct error *err)
{
	for (;;) {
		int rc = peek(q->fd, m);
		if (rc == -EAGAIN)
			return 0;
		/* an error that waits comes once, then what is in the queue */
		if (rc == -ECONNRESET || rc == -ECONNREFUSED)
			continue;
		if (rc < 0)
			return error_code(err, rc, "%s: look at what waits in the socket", q->what);
		if (m->len == 0 && !m->nr_fds && q->ends)
			return 0;
		rc = write_message(d, q, m, w, err);
		message_close(m);
		if (rc < 0)
			return rc;
	}
}

int queue_dump(struct dump *d, const struct queue_source *q, struct image_writer **w,
	       struct error *err)
{
	int offset = -1;
	socklen_t size = sizeof(offset);
	struct message m = { .room = PIECE, .data = malloc(PIECE) };
	if (!m.data)
		return error_set(err, ENOMEM, "out of memory");
	int rc = getsockopt(q->fd, SOL_SOCKET, SO_PEEK_OFF, &offset, &size) < 0
		     ? error_sys(err, "%s: read SO_PEEK_OFF", q->what)
		     : set_peek_off(q->fd, 0, q->what, err);
	if (rc == 0) {
		rc = dump_messages(d, q, w, &m, err);
		message_close(&m);
		int back = set_peek_off(q->fd, offset, q->what, rc < 0 ? NULL : err);
		rc = rc < 0 ? rc : back;
	}
	free(m.data);
	return rc;
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
	int rc = load_rights(e, item, err);
	if (rc == 0 && strbuf_add(&item->sender, e->sender.data, e->sender.len) < 0)
		rc = error_set(err, ENOMEM, "out of memory");
	return rc < 0 ? rc : image_payload_take(reader, &item->data, err);
}

int queue_load(struct restore *r, struct queue_list *out, struct error *err)
{
	return image_each(r->images, IMG_SK_QUEUES, 0, load_item, out, err);
}

static int send_message(struct restore *r, const struct queue_item *item, int from,
			struct error *err)
{
	union rights_buffer control = { { 0 } };
	struct iovec iov = { item->data.data, item->data.len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[RIGHTS_MAX];
	for (size_t i = 0; i < item->nr_rights; i++) {
		fds[i] = files_get(r, item->rights[i], err);
		if (fds[i] < 0)
			return fds[i];
	}
	if (item->nr_rights) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(item->nr_rights * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(item->nr_rights * sizeof(int));
		memcpy(CMSG_DATA(c), fds, item->nr_rights * sizeof(int));
	}
	ssize_t sent = sendmsg(from, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0)
		return error_sys(err, "file id %u: put back a message of %zu bytes", item->id,
				 item->data.len);
	if ((size_t)sent != item->data.len)
		return error_set(err, ENOBUFS, "file id %u: only %zd of %zu bytes fit its queue",
				 item->id, sent, item->data.len);
	return 0;
}

int queue_restore(struct restore *r, const struct queue_list *list, uint32_t id, int from,
		  struct error *err)
{
	int room = 1 << 30;
	setsockopt(from, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)); /* sending tells */
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < list->nr; i++)
		if (list->items[i].id == id)
			rc = send_message(r, &list->items[i], from, err);
	return rc;
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
