/* SPDX-License-Identifier: MIT
 * TCP connections, read and made again by TCP_REPAIR; both directions.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "sockets.pb-c.h"

/**
 * Read a connection that stands still. It is in repair mode only inside this call.
 * @param area   a memfd; gets the bytes of both queues, receive first: out->inq_len, out->outq_len
 * @param state  TCP_ESTABLISHED …
 */
int tcp_read(int fd, int area, TcpStreamEntry *out, uint32_t *state, struct error *err);
/** Repair mode on, so that a close says nothing to the other end. */
int tcp_hold(int fd, struct error *err);
/** Off again, if it is on; nothing is sent. @param reuseaddr  what SO_REUSEADDR was */
void tcp_let_go(int fd, int reuseaddr);

struct tcp_image { /* tcp-stream-INODE.img */
	TcpStreamEntry *stream;
	struct strbuf in, out; /* what waits to be read, to be acknowledged or sent */
};

int tcp_image_check(const struct tcp_image *t, uint32_t ino, struct error *err);
void tcp_image_fini(struct tcp_image *t);

/** First step: a connection, in repair mode, with what is in its receive queue and on its way. */
int tcp_make(int fd, const InetSkEntry *sk, const struct tcp_image *t, struct error *err);
/** Second, when all sockets of the set are made: what was never sent, and the ends of streams. */
int tcp_fill(int fd, const InetSkEntry *sk, const struct tcp_image *t, struct error *err);
/** Last, when nothing can fail any more: it is alive. */
int tcp_release(int fd, const InetSkEntry *sk, struct error *err);
