/* SPDX-License-Identifier: MIT
 * TCP connections through TCP_REPAIR, both directions. Sequence numbers in the image count the FIN
 * of either side once it was sent or received; lengths of queues count bytes of data only.
 * Source: net/ipv4/tcp.c of Linux, tcp(7); TCP_REPAIR_WINDOW since Linux 4.8.
 */
#include "engine/net/tcp.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <time.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/net/inet-addr.h"
#include "engine/net/ip-packet.h"

#define HELD_TRIES  100         /* of 10 ms, until a connection of before must be gone */
#define PIECE_MAX   (64 * 1024) /* what a receive queue takes at once, memory permitting */
#define PIECE_MIN   1024
#define ROOM        (1 << 30) /* of socket buffers while queues are filled; the kernel doubles it */
#define SEGMENT_MIN 88        /* bytes TCP_MAXSEG takes */
#define SEGMENT_MAX 32767

#define BIT(state) (1u << (state))
static const uint32_t fin_sent =
    BIT(TCP_FIN_WAIT1) | BIT(TCP_FIN_WAIT2) | BIT(TCP_CLOSING) | BIT(TCP_LAST_ACK) | BIT(TCP_CLOSE);
static const uint32_t fin_received =
    BIT(TCP_CLOSE_WAIT) | BIT(TCP_CLOSING) | BIT(TCP_LAST_ACK) | BIT(TCP_CLOSE);

static int set(int fd, int option, const void *value, size_t len, const char *name,
	       struct error *err)
{
	if (setsockopt(fd, IPPROTO_TCP, option, value, (socklen_t)len) < 0)
		return error_sys(err, "set %s", name);
	return 0;
}

static int get(int fd, int option, void *value, size_t len, const char *name, struct error *err)
{
	socklen_t got = (socklen_t)len;
	if (getsockopt(fd, IPPROTO_TCP, option, value, &got) < 0)
		return error_sys(err, "read %s", name);
	return 0;
}

#define SET(fd, option, value, err) set(fd, option, &(value), sizeof(value), #option, err)
#define GET(fd, option, value, err) get(fd, option, &(value), sizeof(value), #option, err)

static int repair(int fd, int how, struct error *err)
{
	return SET(fd, TCP_REPAIR, how, err);
}

/* Dump. */

int tcp_hold(int fd, struct error *err)
{
	return repair(fd, TCP_REPAIR_ON, err);
}

void tcp_let_go(int fd, int reuseaddr)
{
	int on = 0;
	if (GET(fd, TCP_REPAIR, on, NULL) < 0 || !on)
		return;
	if (repair(fd, TCP_REPAIR_OFF_NO_WP, NULL) < 0)
		repair(fd, TCP_REPAIR_OFF, NULL); /* before Linux 4.19: with a window probe */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuseaddr, sizeof(reuseaddr));
}

static int read_length(int fd, unsigned long request, const char *name, uint32_t *out,
		       struct error *err)
{
	int value;
	if (ioctl(fd, request, &value) < 0)
		return error_sys(err, "read %s", name);
	*out = (uint32_t)value;
	return 0;
}

static int read_lengths(int fd, uint32_t state, TcpStreamEntry *s, struct error *err)
{
	int rc = read_length(fd, SIOCOUTQ, "SIOCOUTQ", &s->outq_len, err);
	if (rc == 0)
		rc = read_length(fd, SIOCOUTQNSD, "SIOCOUTQNSD", &s->unsq_len, err);
	if (rc == 0)
		rc = read_length(fd, SIOCINQ, "SIOCINQ", &s->inq_len, err);
	if (state == TCP_CLOSE) /* what was not acknowledged is lost to it already */
		s->outq_len = s->unsq_len = 0;
	if (BIT(state) & fin_sent) { /* its FIN, while it waits, is no data */
		s->outq_len -= s->outq_len > 0;
		s->unsq_len -= s->unsq_len > 0;
	}
	s->has_unsq_len = true;
	return rc;
}

static int read_options(int fd, const struct tcp_info *info, TcpStreamEntry *s, struct error *err)
{
	s->opt_mask = info->tcpi_options;
	if (s->opt_mask & TCPI_OPT_WSCALE) {
		s->snd_wscale = info->tcpi_snd_wscale;
		s->rcv_wscale = info->tcpi_rcv_wscale;
		s->has_rcv_wscale = true;
	}
	int rc = GET(fd, TCP_MAXSEG, s->mss_clamp, err);
	if (rc == 0 && (s->opt_mask & TCPI_OPT_TIMESTAMPS)) {
		s->has_timestamp = true;
		rc = GET(fd, TCP_TIMESTAMP, s->timestamp, err);
	}
	return rc;
}

static int read_window(int fd, TcpStreamEntry *s, struct error *err)
{
	struct tcp_repair_window w;
	int rc = GET(fd, TCP_REPAIR_WINDOW, w, err);
	if (rc < 0)
		return rc;
	s->has_snd_wl1 = s->has_snd_wnd = s->has_max_window = s->has_rcv_wnd = s->has_rcv_wup =
	    true;
	s->snd_wl1 = w.snd_wl1;
	s->snd_wnd = w.snd_wnd;
	s->max_window = w.max_window;
	s->rcv_wnd = w.rcv_wnd;
	s->rcv_wup = w.rcv_wup;
	return 0;
}

static int read_queue(int fd, int queue, char *buf, uint32_t len, uint32_t *seq, struct error *err)
{
	int rc = SET(fd, TCP_REPAIR_QUEUE, queue, err);
	if (rc == 0)
		rc = get(fd, TCP_QUEUE_SEQ, seq, sizeof(*seq), "TCP_QUEUE_SEQ", err);
	if (rc < 0 || !len)
		return rc;
	ssize_t got = recv(fd, buf, (size_t)len + 1, MSG_PEEK | MSG_DONTWAIT);
	if (got < 0)
		return error_sys(err, "look at its %s queue",
				 queue == TCP_RECV_QUEUE ? "receive" : "send");
	if (got != (ssize_t)len)
		return error_set(err, EIO, "its %s queue holds %zd bytes, want %u",
				 queue == TCP_RECV_QUEUE ? "receive" : "send", got, len);
	return 0;
}

static int read_queues(int fd, int area, TcpStreamEntry *s, struct error *err)
{
	size_t size = (size_t)s->inq_len + s->outq_len + 1;
	if (ftruncate(area, (off_t)size) < 0)
		return error_sys(err, "make room for %zu bytes of its queues", size);
	char *buf = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, area, 0);
	if (buf == MAP_FAILED)
		return error_sys(err, "make room for %zu bytes of its queues", size);
	int rc = read_queue(fd, TCP_RECV_QUEUE, buf, s->inq_len, &s->inq_seq, err);
	if (rc == 0)
		rc = read_queue(fd, TCP_SEND_QUEUE, buf + s->inq_len, s->outq_len, &s->outq_seq,
				err);
	munmap(buf, size);
	return rc;
}

int tcp_read(int fd, int area, TcpStreamEntry *out, uint32_t *state, struct error *err)
{
	struct tcp_info info;
	int reuseaddr = 0;
	socklen_t len = sizeof(reuseaddr);
	getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuseaddr, &len);
	tcp_stream_entry__init(out);
	int rc = repair(fd, TCP_REPAIR_ON, err);
	if (rc < 0)
		return rc;
	rc = GET(fd, TCP_INFO, info, err);
	*state = info.tcpi_state;
	if (rc == 0)
		rc = read_lengths(fd, *state, out, err);
	if (rc == 0)
		rc = read_options(fd, &info, out, err);
	if (rc == 0)
		rc = read_window(fd, out, err);
	if (rc == 0)
		rc = read_queues(fd, area, out, err);
	tcp_let_go(fd, reuseaddr);
	return rc;
}

/* Restore. */

int tcp_image_check(const struct tcp_image *t, uint32_t ino, struct error *err)
{
	const TcpStreamEntry *s = t->stream;
	const char *lacks = !s->has_unsq_len                                        ? "unsq_len"
			    : (s->opt_mask & TCPI_OPT_WSCALE) && !s->has_rcv_wscale ? "rcv_wscale"
			    : (s->opt_mask & TCPI_OPT_TIMESTAMPS) && !s->has_timestamp ? "timestamp"
										       : NULL;
	if (lacks)
		return error_set(err, EBADMSG, "tcp-stream-%x.img: no %s", ino, lacks);
	if (s->unsq_len > s->outq_len)
		return error_set(err, EBADMSG,
				 "tcp-stream-%x.img: %u bytes of %u in the send queue not sent",
				 ino, s->unsq_len, s->outq_len);
	if (t->in.len != s->inq_len || t->out.len != s->outq_len)
		return error_set(err, EBADMSG,
				 "tcp-stream-%x.img: queues of %zu and %zu bytes, "
				 "want %u and %u",
				 ino, t->in.len, t->out.len, s->inq_len, s->outq_len);
	return 0;
}

void tcp_image_fini(struct tcp_image *t)
{
	if (t->stream)
		tcp_stream_entry__free_unpacked(t->stream, NULL);
	strbuf_fini(&t->in);
	strbuf_fini(&t->out);
	t->stream = NULL;
}

/* The numbers of both queues where their first byte goes; filling them moves on. */
static int set_seqs(int fd, const InetSkEntry *sk, const TcpStreamEntry *s, struct error *err)
{
	uint32_t receive = s->inq_seq - s->inq_len - !!(BIT(sk->state) & fin_received);
	uint32_t send = s->outq_seq - s->outq_len - !!(BIT(sk->state) & fin_sent);
	if (sk->state == TCP_SYN_SENT)
		send--; /* connect(2) sends a SYN with it */
	int queue = TCP_RECV_QUEUE;
	int rc = SET(fd, TCP_REPAIR_QUEUE, queue, err);
	if (rc == 0)
		rc = set(fd, TCP_QUEUE_SEQ, &receive, sizeof(receive), "TCP_QUEUE_SEQ", err);
	queue = TCP_SEND_QUEUE;
	if (rc == 0)
		rc = SET(fd, TCP_REPAIR_QUEUE, queue, err);
	return rc < 0 ? rc : set(fd, TCP_QUEUE_SEQ, &send, sizeof(send), "TCP_QUEUE_SEQ", err);
}

/* The connection of before is there as long as somebody has its socket: a dump that was killed a
 * moment ago, and is on its way out. */
static int connect_patiently(int fd, const union inet_addr *to, socklen_t len)
{
	int rc = connect(fd, &to->any, len);
	for (int i = 0; rc < 0 && errno == EADDRNOTAVAIL && i < HELD_TRIES; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
		rc = connect(fd, &to->any, len);
	}
	return rc < 0 && errno != EINPROGRESS ? -errno : 0;
}

/* What segments may carry is worked out while connecting, from what the program asked for, and not
 * again when TCP_REPAIR_OPTIONS tells what the other end takes: left alone it stays 536 bytes, the
 * least there is. That is slow; and where a window is told in larger units the last segment that
 * seems to fit does not, and both ends wait for ever. @param bytes  0: nothing was asked for */
static int ask_segment(int fd, uint32_t bytes, struct error *err)
{
	int size = (int)(bytes < SEGMENT_MAX ? bytes : SEGMENT_MAX);
	return bytes && bytes < SEGMENT_MIN ? 0 : SET(fd, TCP_MAXSEG, size, err);
}

static int connect_ends(int fd, const InetSkEntry *sk, const TcpStreamEntry *s, struct error *err)
{
	union inet_addr here, there;
	unsigned link = inet_addr_link(sk);
	socklen_t len = inet_addr_set(&here, sk->family, sk->src_addr, sk->src_port, link);
	if (bind(fd, &here.any, len) < 0)
		return inet_addr_refused(sk, errno, err);
	int rc = set_seqs(fd, sk, s, err);
	if (rc < 0)
		return rc;
	/* a handshake that waits for its answer is begun again */
	if (sk->state == TCP_SYN_SENT)
		rc = repair(fd, TCP_REPAIR_OFF, err);
	else
		rc = ask_segment(fd, s->mss_clamp, err);
	len = inet_addr_set(&there, sk->family, sk->dst_addr, sk->dst_port, link);
	if (rc < 0)
		return rc;
	rc = connect_patiently(fd, &there, len);
	if (rc < 0)
		rc = error_code(err, rc,
				"connect it in repair mode (EADDRNOTAVAIL: some program still "
				"has the connection)");
	if (rc == 0 && sk->state == TCP_SYN_SENT)
		return repair(fd, TCP_REPAIR_ON, err);
	return rc < 0 ? rc : ask_segment(fd, 0, err);
}

static int set_negotiated(int fd, const InetSkEntry *sk, const TcpStreamEntry *s, struct error *err)
{
	struct tcp_repair_opt opts[4] = { { TCPOPT_MAXSEG, s->mss_clamp } };
	size_t nr = 1;
	if (s->opt_mask & TCPI_OPT_SACK)
		opts[nr++] = (struct tcp_repair_opt){ TCPOPT_SACK_PERMITTED, 0 };
	if (s->opt_mask & TCPI_OPT_WSCALE)
		opts[nr++] =
		    (struct tcp_repair_opt){ TCPOPT_WINDOW, s->snd_wscale | s->rcv_wscale << 16 };
	if (s->opt_mask & TCPI_OPT_TIMESTAMPS)
		opts[nr++] = (struct tcp_repair_opt){ TCPOPT_TIMESTAMP, 0 };
	int rc = sk->state == TCP_SYN_SENT ? 0
					   : set(fd, TCP_REPAIR_OPTIONS, opts, nr * sizeof(*opts),
						 "TCP_REPAIR_OPTIONS", err);
	if (rc == 0 && (s->opt_mask & TCPI_OPT_TIMESTAMPS))
		rc = SET(fd, TCP_TIMESTAMP, s->timestamp, err);
	return rc;
}

/* Big pieces need memory in a row, which there may not be. */
static int send_all(int fd, const char *bytes, size_t len, const char *queue, struct error *err)
{
	size_t piece = PIECE_MAX, done = 0;
	while (done < len) {
		size_t n = len - done < piece ? len - done : piece;
		ssize_t sent = send(fd, bytes + done, n, MSG_NOSIGNAL);
		if (sent > 0) {
			done += (size_t)sent;
		} else if (piece > PIECE_MIN) {
			piece /= 2;
		} else {
			return error_sys(err, "put back %zu bytes into its %s queue, at %zu", len,
					 queue, done);
		}
	}
	return 0;
}

/* What was never sent is written as any program would; a window of 0 keeps it from leaving now. */
static int fill_unsent(int fd, const struct tcp_image *t, struct error *err)
{
	const TcpStreamEntry *s = t->stream;
	if (!s->unsq_len)
		return 0;
	int rc = repair(fd, TCP_REPAIR_OFF_NO_WP, err);
	if (rc == 0)
		rc =
		    send_all(fd, t->out.data + s->outq_len - s->unsq_len, s->unsq_len, "send", err);
	return rc < 0 ? rc : repair(fd, TCP_REPAIR_ON, err);
}

static int fill_queues(int fd, const struct tcp_image *t, struct error *err)
{
	const TcpStreamEntry *s = t->stream;
	int queue = TCP_RECV_QUEUE;
	int rc = SET(fd, TCP_REPAIR_QUEUE, queue, err);
	if (rc == 0)
		rc = send_all(fd, t->in.data, s->inq_len, "receive", err);
	queue = TCP_SEND_QUEUE;
	if (rc == 0)
		rc = SET(fd, TCP_REPAIR_QUEUE, queue, err);
	if (rc == 0)
		rc = send_all(fd, t->out.data, s->outq_len - s->unsq_len, "send", err);
	if (rc == 0)
		rc = fill_unsent(fd, t, err);
	queue = TCP_NO_QUEUE;
	return rc < 0 ? rc : SET(fd, TCP_REPAIR_QUEUE, queue, err);
}

static int set_window(int fd, const InetSkEntry *sk, const TcpStreamEntry *s, struct error *err)
{
	uint32_t fin = !!(BIT(sk->state) & fin_received); /* comes later */
	struct tcp_repair_window w = {
		.snd_wl1 = s->snd_wl1,
		.snd_wnd = s->snd_wnd,
		.max_window = s->max_window,
		.rcv_wnd = s->rcv_wnd + fin,
		.rcv_wup = s->rcv_wup - fin,
	};
	return s->has_snd_wnd ? SET(fd, TCP_REPAIR_WINDOW, w, err) : 0;
}

int tcp_make(int fd, const InetSkEntry *sk, const struct tcp_image *t, struct error *err)
{
	int room = ROOM;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)); /* filling tells */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	int rc = repair(fd, TCP_REPAIR_ON, err);
	if (rc == 0)
		rc = connect_ends(fd, sk, t->stream, err);
	if (rc == 0)
		rc = set_negotiated(fd, sk, t->stream, err);
	if (rc == 0 && sk->state != TCP_SYN_SENT)
		rc = fill_queues(fd, t, err);
	return rc < 0 ? rc : set_window(fd, sk, t->stream, err);
}

/* @param sent  it is on its way already: what follows may acknowledge it */
static int send_fin(int fd, bool sent, struct error *err)
{
	int queue = TCP_SEND_QUEUE;
	int rc = sent ? SET(fd, TCP_REPAIR_QUEUE, queue, err) : 0;
	if (rc == 0 && shutdown(fd, SHUT_WR) < 0)
		rc = error_sys(err, "shut it down");
	queue = TCP_NO_QUEUE;
	return rc == 0 && sent ? SET(fd, TCP_REPAIR_QUEUE, queue, err) : rc;
}

/* Packets through the loopback device are there at once, or a little later. */
static int wait_state(int fd, uint32_t state, struct error *err)
{
	struct tcp_info info = { 0 };
	for (int ms = 0; ms < 1000; ms++) {
		int rc = GET(fd, TCP_INFO, info, err);
		if (rc < 0 || info.tcpi_state == state)
			return rc;
		usleep(1000);
	}
	return error_set(err, EIO,
			 "it is in state %u, want %u: does a packet filter drop packets with mark "
			 "%#x?",
			 info.tcpi_state, state, IP_PACKET_MARK);
}

int tcp_fill(int fd, const InetSkEntry *sk, const struct tcp_image *t, struct error *err)
{
	const TcpStreamEntry *s = t->stream;
	bool sent = BIT(sk->state) & fin_sent, received = BIT(sk->state) & fin_received;
	bool acked = sk->state == TCP_FIN_WAIT2 || sk->state == TCP_CLOSE;
	bool sent_first = sent && sk->state != TCP_LAST_ACK && sk->state != TCP_CLOSE;
	struct tcp_packet p = {
		.seq = s->inq_seq - received,
		.ack = s->outq_seq - sent - s->outq_len,
		.window = (uint16_t)(s->snd_wnd >> s->snd_wscale),
	};
	int rc = sent_first ? send_fin(fd, acked, err) : 0;
	if (rc == 0 && received)
		rc = tcp_packet_send(sk, &p, true, err);
	if (rc == 0 && received) /* it has to be there before our own */
		rc = wait_state(fd, sent_first ? TCP_CLOSING : TCP_CLOSE_WAIT, err);
	if (rc == 0 && sent && !sent_first)
		rc = send_fin(fd, acked, err);
	if (rc == 0 && acked) {
		p.seq += received;
		p.ack = s->outq_seq;
		rc = tcp_packet_send(sk, &p, false, err);
	}
	return rc == 0 && (sent || received) ? wait_state(fd, sk->state, err) : rc;
}

int tcp_release(int fd, const InetSkEntry *sk, struct error *err)
{
	int reuseaddr = sk->opts->has_reuseaddr && sk->opts->reuseaddr;
	int rc = repair(fd, TCP_REPAIR_OFF, err);
	if (rc == 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuseaddr, sizeof(reuseaddr)) < 0)
		rc = error_sys(err, "set SO_REUSEADDR");
	return rc;
}
