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
};

static void message_close(struct message *m)
{
	for (size_t i = 0; i < m->nr_fds; i++)
		close(m->fds[i]);
	m->nr_fds = 0;
}

/* The next message. Its size is told even where there is no room for it. */
static ssize_t peek(int fd, struct message *m)
{
	union rights_buffer control;
	struct iovec iov = { m->data, m->room };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	m->len = recvmsg(fd, &msg, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
	if (m->len < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		m->nr_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(m->fds, CMSG_DATA(c), m->nr_fds * sizeof(int));
	}
	return m->len;
}

static int set_peek_off(int fd, int offset, const char *what, struct error *err)
{
	if (setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof(offset)) < 0)
		return error_sys(err, "%s: set SO_PEEK_OFF", what);
	return 0;
}

static int write_message(struct dump *d, uint32_t id, const struct message *m, const char *what,
			 struct image_writer **w, struct error *err)
{
	uint32_t ids[RIGHTS_MAX];
	for (size_t i = 0; i < m->nr_fds; i++) {
		int rc = files_dump_received(d, m->fds[i], &ids[i], err);
		if (rc < 0)
			return error_wrap(err, rc, "%s: a descriptor on its way there", what);
	}
	int rc = *w ? 0 : image_create(d->images_fd, IMG_SK_QUEUES, 0, w, err);
	if (rc < 0)
		return rc;
	SkPacketEntry e = SK_PACKET_ENTRY__INIT;
	ScmEntry scm = SCM_ENTRY__INIT, *scms = &scm;
	e.id_for = id;
	e.length = (uint32_t)m->len;
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

static int dump_messages(struct dump *d, int fd, uint32_t id, const char *what,
			 struct image_writer **w, struct message *m, struct error *err)
{
	int type;
	socklen_t size = sizeof(type);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		return error_sys(err, "%s: read SO_TYPE", what);
	for (;;) {
		ssize_t len = peek(fd, m);
		if (len == -EAGAIN)
			return 0;
		/* only a datagram may be empty; elsewhere it is the end: the peer is gone */
		if (len == 0 && !m->nr_fds && type != SOCK_DGRAM)
			return 0;
		/* an error that waits (ECONNRESET) comes once, then what is in the queue */
		if (len == -ECONNRESET)
			continue;
		if (len < 0)
			return error_code(err, (int)len, "%s: look at what waits in the socket",
					  what);
		if ((size_t)len > m->room)
			return error_set(err, EMSGSIZE, "%s: a message of %zd bytes waits there",
					 what, len);
		int rc = write_message(d, id, m, what, w, err);
		message_close(m);
		if (rc < 0)
			return rc;
	}
}

/* Room for the longest message: no message is longer than the buffers of its sender. */
static size_t room_of(int fd)
{
	int buffer = 0;
	socklen_t size = sizeof(buffer);
	getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, &size);
	return buffer > PIECE ? (size_t)buffer : PIECE;
}

int queue_dump(struct dump *d, int fd, uint32_t id, const char *what, struct image_writer **w,
	       struct error *err)
{
	int offset = -1;
	socklen_t size = sizeof(offset);
	struct message m = { .room = room_of(fd) };
	if (getsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, &size) < 0)
		return error_sys(err, "%s: read SO_PEEK_OFF", what);
	m.data = malloc(m.room);
	if (!m.data)
		return error_set(err, ENOMEM, "out of memory");
	int rc = set_peek_off(fd, 0, what, err);
	if (rc == 0) {
		rc = dump_messages(d, fd, id, what, w, &m, err);
		message_close(&m);
		int back = set_peek_off(fd, offset, what, rc < 0 ? NULL : err);
		rc = rc < 0 ? rc : back;
	}
	free(m.data);
	return rc;
}

static int load_data(struct image_reader *reader, struct queue_item *item, struct error *err)
{
	struct payload_part part;
	char buf[65536];
	int rc = image_payload_next(reader, &part, err);
	if (rc <= 0)
		return rc;
	for (;;) {
		ssize_t n = image_payload_read(reader, buf, sizeof(buf), err);
		if (n <= 0)
			return (int)n;
		if (strbuf_add(&item->data, buf, (size_t)n) < 0)
			return error_set(err, ENOMEM, "out of memory");
	}
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

int queue_load(struct restore *r, struct queue_list *out, struct error *err)
{
	auto_image_reader reader = NULL;
	int rc = image_open_typed(r->images, IMG_SK_QUEUES, 0, &reader, err);
	if (rc == -ENOENT)
		return 0;
	while (rc == 0) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(reader, &msg, err);
		if (rc <= 0)
			break;
		const SkPacketEntry *e = (const SkPacketEntry *)msg;
		struct queue_item *item = array_add(out);
		if (!item)
			return error_set(err, ENOMEM, "out of memory");
		item->id = e->id_for;
		rc = load_rights(e, item, err);
		if (rc == 0)
			rc = load_data(reader, item, err);
	}
	return rc;
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
	}
	free(list->items);
	*list = (struct queue_list){ 0 };
}
