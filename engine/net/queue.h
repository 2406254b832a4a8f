/* SPDX-License-Identifier: MIT
 * Messages that wait in unix sockets, with the descriptors that travel with them: sk-queues.img.
 */
#pragma once

#include "base/strbuf.h"
#include "engine/context/dump.h"
#include "engine/context/restore.h"
#include "images/writer.h"

struct queue_item {       /* a message that waits */
	uint32_t id;      /* file id of the socket it waits in */
	uint32_t *rights; /* file ids of descriptors that come with it */
	size_t nr_rights;
	struct strbuf data;
	struct strbuf sender; /* of a datagram: a sockaddr */
	bool urgent;          /* MSG_OOB */
	bool has_ids;         /* of who sent it */
	uid_t uid;
	gid_t gid;
};

struct queue_list {
	struct queue_item *items; /* in the order they were sent, for one socket */
	size_t nr, cap;
};

struct queue_source { /* a socket of a dump */
	int fd;
	uint32_t id;      /* its file id */
	const char *what; /* "pid 12 (x): fd 5", for messages */
	bool stream;      /* it may have an urgent byte */
	bool senders;     /* note where messages come from */
	bool ends;        /* nothing comes any more: reading 0 bytes means that, no empty message */
};

/**
 * Copy what waits in a socket; it stays there (SO_PEEK_OFF).
 * @param w  sk-queues.img, made on first use
 */
int queue_dump(struct dump *d, const struct queue_source *q, struct image_writer **w,
	       struct error *err);

/** A message that waits in the socket of the images, though not in q->fd. */
int queue_dump_message(struct dump *d, const struct queue_source *q, const void *bytes, size_t len,
		       struct image_writer **w, struct error *err);

/** Read sk-queues.img; there need not be one. */
int queue_load(struct restore *r, struct queue_list *out, struct error *err);
struct queue_way {
	int from; /* leads to the socket, or to one that is connected to it */
	int to;   /* the socket itself, when it is a datagram socket; -1 */
	/** A socket that has the sender's name; borrowed. -1: none */
	int (*other)(struct restore *r, const struct queue_item *item, struct error *err);
};
/** Send the messages of socket `id`. */
int queue_restore(struct restore *r, const struct queue_list *list, uint32_t id,
		  const struct queue_way *way, struct error *err);
/**
 * Open the descriptors that come with the messages of socket `id`, but for those that can be opened
 * only when all tasks exist. @return 1: there are such; 0: none; -errno
 */
int queue_open_rights(struct restore *r, const struct queue_list *list, uint32_t id,
		      struct error *err);
/** Does some message carry this file? */
bool queue_carries(const struct queue_list *list, uint32_t id);
bool queue_waits(const struct queue_list *list, uint32_t id);
void queue_list_fini(struct queue_list *list);
