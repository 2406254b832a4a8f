/* SPDX-License-Identifier: MIT
 * Neighbours that somebody has entered (ip neigh … permanent, proxy), both directions; what was
 * learned is learned again.
 * Source: rtnetlink(7), arp(7).
 */
#include "engine/net/ns-neigh.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/net/nl.h"

static bool is_entered(const struct nlmsghdr *msg)
{
	if (msg->nlmsg_type != RTM_NEWNEIGH ||
	    mnl_nlmsg_get_payload_len(msg) < sizeof(struct ndmsg))
		return false;
	const struct ndmsg *head = mnl_nlmsg_get_payload(msg);
	return (head->ndm_family == AF_INET || head->ndm_family == AF_INET6) &&
	       ((head->ndm_state & NUD_PERMANENT) || (head->ndm_flags & NTF_PROXY));
}

static int read_flagged(struct nl *rt, uint8_t flags, struct strbuf *out, struct error *err)
{
	struct nl_request ask;
	auto_strbuf all = { 0 };
	struct ndmsg *head = nl_begin(&ask, RTM_GETNEIGH, 0, sizeof(*head));
	head->ndm_flags = flags;
	int rc = nl_dump(rt, &ask, &all);
	if (rc < 0)
		return error_code(err, rc, "list neighbours");
	for (const struct nlmsghdr *msg = NULL; (msg = nl_next(&all, msg));)
		if (is_entered(msg) && strbuf_add(out, msg, MNL_ALIGN(msg->nlmsg_len)) < 0)
			return error_set(err, ENOMEM, "out of memory");
	return 0;
}

int net_neighbours_read(struct nl *rt, struct strbuf *out, struct error *err)
{
	int rc = read_flagged(rt, 0, out, err);
	return rc < 0 ? rc : read_flagged(rt, NTF_PROXY, out, err);
}

int net_neighbours_check(const struct strbuf *messages, struct error *err)
{
	size_t end = 0;
	for (const struct nlmsghdr *msg = NULL; (msg = nl_next(messages, msg));) {
		if (!is_entered(msg))
			return error_set(err, EBADMSG, "neighbours: a message of type %u",
					 msg->nlmsg_type);
		end = (size_t)((const char *)msg - messages->data) + MNL_ALIGN(msg->nlmsg_len);
	}
	return end == messages->len
		   ? 0
		   : error_set(err, EBADMSG, "neighbours: no whole message at byte %zu", end);
}

int net_neighbours_set(const struct strbuf *messages, struct nl *rt, struct error *err)
{
	struct nl_request ask = { 0 };
	int rc = 0;
	for (const struct nlmsghdr *msg = NULL; rc == 0 && (msg = nl_next(messages, msg));) {
		if (msg->nlmsg_len > sizeof(ask.bytes))
			return error_set(err, EBADMSG, "neighbours: %u bytes", msg->nlmsg_len);
		memcpy(ask.bytes, msg, msg->nlmsg_len);
		ask.header.nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
		rc = nl_do(rt, &ask, err);
	}
	return rc < 0 ? error_wrap(err, rc, "add a neighbour") : 0;
}
