/* SPDX-License-Identifier: MIT
 * Netlink through libmnl.
 * Source: Documentation/userspace-api/netlink/intro.rst.
 */
#include "engine/net/nl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define RECEIVE_LEN (64 * 1024) /* no answer of the kernel is longer */
#define MAX_TRIES   10

struct nl {
	struct mnl_socket *socket;
	unsigned seq;
	char buf[RECEIVE_LEN];
};

int nl_open(int bus, struct nl **out, struct error *err)
{
	auto_nl nl = calloc(1, sizeof(*nl));
	if (!nl)
		return error_set(err, ENOMEM, "out of memory");
	nl->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return error_sys(err, "make a netlink socket of protocol %d", bus);
	int on = 1;
	mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	*out = take_ptr(nl);
	return 0;
}

void nl_close(struct nl *nl)
{
	if (nl && nl->socket)
		mnl_socket_close(nl->socket);
	free(nl);
}

/* Requests. */

static bool has_room(struct nl_request *ask, size_t len)
{
	ask->too_long = ask->too_long || len > sizeof(ask->bytes) - ask->header.nlmsg_len;
	return !ask->too_long;
}

void *nl_begin(struct nl_request *ask, unsigned type, unsigned flags, size_t len)
{
	ask->too_long = false;
	mnl_nlmsg_put_header(ask->bytes);
	ask->header.nlmsg_type = (uint16_t)type;
	ask->header.nlmsg_flags = (uint16_t)flags;
	return mnl_nlmsg_put_extra_header(&ask->header, len);
}

void nl_put(struct nl_request *ask, unsigned type, const void *bytes, size_t len)
{
	if (has_room(ask, MNL_ATTR_HDRLEN + MNL_ALIGN(len)))
		mnl_attr_put(&ask->header, (uint16_t)type, len, bytes);
}

void nl_put_u8(struct nl_request *ask, unsigned type, uint8_t value)
{
	nl_put(ask, type, &value, sizeof(value));
}

void nl_put_u16(struct nl_request *ask, unsigned type, uint16_t value)
{
	nl_put(ask, type, &value, sizeof(value));
}

void nl_put_u32(struct nl_request *ask, unsigned type, uint32_t value)
{
	nl_put(ask, type, &value, sizeof(value));
}

void nl_put_str(struct nl_request *ask, unsigned type, const char *text)
{
	nl_put(ask, type, text, strlen(text) + 1);
}

struct nlattr *nl_nest(struct nl_request *ask, unsigned type)
{
	if (!has_room(ask, MNL_ATTR_HDRLEN))
		return NULL;
	return mnl_attr_nest_start(&ask->header, (uint16_t)type);
}

void nl_nest_end(struct nl_request *ask, struct nlattr *nest)
{
	if (nest)
		mnl_attr_nest_end(&ask->header, nest);
}

void *nl_put_raw(struct nl_request *ask, size_t len)
{
	if (!has_room(ask, MNL_ALIGN(len)))
		return NULL;
	return mnl_nlmsg_put_extra_header(&ask->header, len);
}

/* Answers. */

static int send_request(struct nl *nl, struct nl_request *ask)
{
	if (ask->too_long)
		return -EMSGSIZE;
	ask->header.nlmsg_seq = ++nl->seq;
	return mnl_socket_sendto(nl->socket, ask->bytes, ask->header.nlmsg_len) < 0 ? -errno : 0;
}

/* Until the end of the answer, or an error. */
static int receive(struct nl *nl, mnl_cb_t each, void *arg)
{
	int rc = MNL_CB_OK;
	while (rc > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(nl->socket, nl->buf, sizeof(nl->buf));
		rc = len < 0 ? -1
			     : mnl_cb_run(nl->buf, (size_t)len, nl->seq,
					  mnl_socket_get_portid(nl->socket), each, arg);
	}
	return rc < 0 ? -errno : 0;
}

int nl_each(struct nl *nl, struct nl_request *ask, mnl_cb_t each, void *arg)
{
	ask->header.nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
	int rc = send_request(nl, ask);
	return rc < 0 ? rc : receive(nl, each, arg);
}

static int append(const struct nlmsghdr *msg, void *arg)
{
	struct strbuf *out = arg;
	static const char zeros[4];
	if (strbuf_add(out, msg, msg->nlmsg_len) < 0 ||
	    strbuf_add(out, zeros, MNL_ALIGN(msg->nlmsg_len) - msg->nlmsg_len) < 0) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

/* The rest of an answer that was given up is not to be taken for the next one. */
static void drain(struct nl *nl)
{
	while (recv(mnl_socket_get_fd(nl->socket), nl->buf, sizeof(nl->buf), MSG_DONTWAIT) > 0)
		;
}

int nl_dump(struct nl *nl, struct nl_request *ask, struct strbuf *out)
{
	size_t before = out->len;
	int rc = -EINTR;
	for (int i = 0; rc == -EINTR && i < MAX_TRIES; i++) {
		out->len = before;
		rc = nl_each(nl, ask, append, out);
		if (rc < 0)
			drain(nl);
	}
	return rc;
}

static int append_one(const struct nlmsghdr *msg, void *arg)
{
	return append(msg, arg) == MNL_CB_OK ? MNL_CB_STOP : MNL_CB_ERROR;
}

int nl_get(struct nl *nl, struct nl_request *ask, struct strbuf *out)
{
	size_t before = out->len;
	ask->header.nlmsg_flags |= NLM_F_REQUEST;
	int rc = send_request(nl, ask);
	if (rc == 0)
		rc = receive(nl, append_one, out);
	return rc == 0 && out->len == before ? -ENODATA : rc;
}

/* The kernel's explanation of an error. */
static const char *explanation(const struct nl *nl, ssize_t len)
{
	const struct nlmsghdr *msg = (const struct nlmsghdr *)(const void *)nl->buf;
	const struct nlattr *attr;
	if (!mnl_nlmsg_ok(msg, (int)len) || msg->nlmsg_type != NLMSG_ERROR ||
	    !(msg->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	mnl_attr_for_each(attr, msg, sizeof(struct nlmsgerr))
	{
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			return nl_string(attr);
	}
	return NULL;
}

int nl_do(struct nl *nl, struct nl_request *ask, struct error *err)
{
	ask->header.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	int rc = send_request(nl, ask);
	if (rc < 0)
		return error_code(err, rc, "netlink");
	ssize_t len = mnl_socket_recvfrom(nl->socket, nl->buf, sizeof(nl->buf));
	if (len < 0)
		return error_sys(err, "netlink");
	if (mnl_cb_run(nl->buf, (size_t)len, nl->seq, mnl_socket_get_portid(nl->socket), NULL,
		       NULL) >= 0)
		return 0;
	int code = errno;
	const char *why = explanation(nl, len);
	return why ? error_set(err, code, "%s (%s)", strerror(code), why)
		   : error_set(err, code, "%s", strerror(code));
}

static int add_border(struct strbuf *batch, uint16_t type, unsigned subsys, uint32_t seq)
{
	const struct {
		struct nlmsghdr header;
		struct nfgenmsg head;
	} border = { { .nlmsg_len = sizeof(border),
		       .nlmsg_type = type,
		       .nlmsg_flags = NLM_F_REQUEST,
		       .nlmsg_seq = seq },
		     { .res_id = htons((uint16_t)subsys) } };
	return strbuf_add(batch, &border, sizeof(border));
}

/* The last message is acknowledged; before that come the errors, if there are any. */
static int receive_batch(struct nl *nl, uint32_t last, struct error *err)
{
	int code = 0;
	for (bool done = false; !done && code == 0;) {
		ssize_t len = mnl_socket_recvfrom(nl->socket, nl->buf, sizeof(nl->buf));
		const struct nlmsghdr *msg = (const struct nlmsghdr *)(const void *)nl->buf;
		if (len < 0)
			return error_sys(err, "netlink");
		for (int left = (int)len; mnl_nlmsg_ok(msg, left);
		     msg = mnl_nlmsg_next(msg, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(msg);
			if (msg->nlmsg_type != NLMSG_ERROR)
				continue;
			done = done || msg->nlmsg_seq == last;
			if (code == 0 && e->error)
				code = error_set(err, e->error, "%s (change %u of %u)",
						 strerror(-e->error), msg->nlmsg_seq, last);
		}
	}
	return code;
}

int nl_batch(struct nl *nl, unsigned subsys, const struct strbuf *messages, struct error *err)
{
	auto_strbuf batch = { 0 };
	uint32_t seq = 0;
	int rc = add_border(&batch, NFNL_MSG_BATCH_BEGIN, subsys, 0);
	if (rc == 0)
		rc = strbuf_add(&batch, messages->data, messages->len);
	if (rc == 0)
		rc = add_border(&batch, NFNL_MSG_BATCH_END, subsys, 0);
	if (rc < 0)
		return error_set(err, ENOMEM, "out of memory");
	struct nlmsghdr *last = NULL;
	for (struct nlmsghdr *msg = nl_next(&batch, NULL); (msg = nl_next(&batch, msg));) {
		if (msg->nlmsg_type != NFNL_MSG_BATCH_END) {
			msg->nlmsg_seq = ++seq;
			last = msg;
		}
	}
	if (!last)
		return 0;
	last->nlmsg_flags |= NLM_F_ACK;
	int size = (int)batch.len + 65536;
	if (setsockopt(mnl_socket_get_fd(nl->socket), SOL_SOCKET, SO_SNDBUFFORCE, &size,
		       sizeof(size)) < 0 ||
	    mnl_socket_sendto(nl->socket, batch.data, batch.len) < 0)
		return error_sys(err, "netlink");
	return receive_batch(nl, seq, err);
}

struct nlmsghdr *nl_next(const struct strbuf *bytes, const struct nlmsghdr *at)
{
	size_t begin = at ? (size_t)((const char *)at - bytes->data) + MNL_ALIGN(at->nlmsg_len) : 0;
	if (begin + sizeof(struct nlmsghdr) > bytes->len)
		return NULL;
	struct nlmsghdr *msg = (struct nlmsghdr *)(void *)(bytes->data + begin);
	bool whole = msg->nlmsg_len >= sizeof(*msg) && msg->nlmsg_len <= bytes->len - begin;
	return whole ? msg : NULL;
}

void nl_attrs(const struct nlmsghdr *msg, size_t header_len, const struct nlattr **tb, unsigned max)
{
	const struct nlattr *attr;
	memset(tb, 0, (max + 1) * sizeof(*tb));
	if (mnl_nlmsg_get_payload_len(msg) < header_len)
		return;
	mnl_attr_for_each(attr, msg, header_len)
	{
		if (mnl_attr_get_type(attr) <= max)
			tb[mnl_attr_get_type(attr)] = attr;
	}
}

void nl_nested(const struct nlattr *nest, const struct nlattr **tb, unsigned max)
{
	const struct nlattr *attr;
	memset(tb, 0, (max + 1) * sizeof(*tb));
	if (!nest)
		return;
	mnl_attr_for_each_nested(attr, nest)
	{
		if (mnl_attr_get_type(attr) <= max)
			tb[mnl_attr_get_type(attr)] = attr;
	}
}

uint32_t nl_number(const struct nlattr *attr)
{
	uint32_t value = 0;
	uint16_t half;
	const void *bytes = attr ? mnl_attr_get_payload(attr) : NULL;
	switch (attr ? mnl_attr_get_payload_len(attr) : 0) {
	case 1:
		return *(const uint8_t *)bytes;
	case 2:
		memcpy(&half, bytes, sizeof(half));
		return half;
	case 4:
		memcpy(&value, bytes, sizeof(value));
		return value;
	default:
		return 0;
	}
}

const char *nl_string(const struct nlattr *attr)
{
	const char *text = attr ? mnl_attr_get_payload(attr) : NULL;
	return text && memchr(text, 0, mnl_attr_get_payload_len(attr)) ? text : NULL;
}
