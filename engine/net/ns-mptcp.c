/* SPDX-License-Identifier: MIT
 * MPTCP: how many subflows there may be, and the addresses for them, both directions, as the
 * messages that make them: netns_entry.mptcp. The type of these messages, which each kernel numbers
 * as it likes, is zero.
 * Source: include/uapi/linux/mptcp_pm.h, ip-mptcp(8), Documentation/userspace-api/netlink/intro.rst
 */
#include "engine/net/ns-mptcp.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/mptcp.h>
#include <string.h>

#include "engine/net/nl.h"

static void *begin(struct nl_request *ask, unsigned type, uint8_t command)
{
	struct genlmsghdr *head = nl_begin(ask, type, 0, sizeof(*head));
	head->cmd = command;
	head->version = 1;
	return head;
}

static const struct genlmsghdr *head_of(const struct nlmsghdr *msg)
{
	return mnl_nlmsg_get_payload_len(msg) < sizeof(struct genlmsghdr)
		   ? NULL
		   : mnl_nlmsg_get_payload(msg);
}

/* @return the type of its messages; 0: a kernel without MPTCP; -errno */
static int family_of(struct nl *nl, struct error *err)
{
	struct nl_request ask;
	auto_strbuf answer = { 0 };
	const struct nlattr *tb[CTRL_ATTR_MAX + 1];
	begin(&ask, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	nl_put_str(&ask, CTRL_ATTR_FAMILY_NAME, MPTCP_PM_NAME);
	int rc = nl_get(nl, &ask, &answer);
	const struct nlmsghdr *msg = rc == 0 ? nl_next(&answer, NULL) : NULL;
	if (rc == -ENOENT)
		return 0;
	if (!msg || !head_of(msg))
		return error_code(err, rc < 0 ? rc : -EPROTO, "look for MPTCP");
	nl_attrs(msg, sizeof(struct genlmsghdr), tb, CTRL_ATTR_MAX);
	return (int)nl_number(tb[CTRL_ATTR_FAMILY_ID]);
}

static int add(struct strbuf *out, const struct nl_request *ask, struct error *err)
{
	return strbuf_add(out, ask->bytes, MNL_ALIGN(ask->header.nlmsg_len)) < 0
		   ? error_set(err, ENOMEM, "out of memory")
		   : 0;
}

static int read_limits(struct nl *nl, int family, struct strbuf *out, struct error *err)
{
	struct nl_request ask;
	auto_strbuf answer = { 0 };
	const struct nlattr *tb[MPTCP_PM_ATTR_MAX + 1];
	begin(&ask, (unsigned)family, MPTCP_PM_CMD_GET_LIMITS);
	int rc = nl_get(nl, &ask, &answer);
	const struct nlmsghdr *msg = rc == 0 ? nl_next(&answer, NULL) : NULL;
	if (!msg || !head_of(msg))
		return error_code(err, rc < 0 ? rc : -EPROTO, "ask for limits of MPTCP");
	nl_attrs(msg, sizeof(struct genlmsghdr), tb, MPTCP_PM_ATTR_MAX);
	begin(&ask, 0, MPTCP_PM_CMD_SET_LIMITS);
	nl_put_u32(&ask, MPTCP_PM_ATTR_RCV_ADD_ADDRS, nl_number(tb[MPTCP_PM_ATTR_RCV_ADD_ADDRS]));
	nl_put_u32(&ask, MPTCP_PM_ATTR_SUBFLOWS, nl_number(tb[MPTCP_PM_ATTR_SUBFLOWS]));
	return add(out, &ask, err);
}

static int add_endpoint(const struct nlmsghdr *msg, struct strbuf *out, struct error *err)
{
	struct nl_request ask;
	const struct nlattr *tb[MPTCP_PM_ATTR_MAX + 1], *one[MPTCP_PM_ADDR_ATTR_MAX + 1];
	if (!head_of(msg))
		return 0;
	nl_attrs(msg, sizeof(struct genlmsghdr), tb, MPTCP_PM_ATTR_MAX);
	const struct nlattr *addr = tb[MPTCP_PM_ATTR_ADDR];
	nl_nested(addr, one, MPTCP_PM_ADDR_ATTR_MAX);
	/* one that came about with a connection goes with it */
	if (!addr || nl_number(one[MPTCP_PM_ADDR_ATTR_FLAGS]) & MPTCP_PM_ADDR_FLAG_IMPLICIT)
		return 0;
	begin(&ask, 0, MPTCP_PM_CMD_ADD_ADDR);
	nl_put(&ask, MPTCP_PM_ATTR_ADDR | NLA_F_NESTED, mnl_attr_get_payload(addr),
	       mnl_attr_get_payload_len(addr));
	return add(out, &ask, err);
}

int mptcp_read(struct strbuf *out, struct error *err)
{
	auto_nl nl = NULL;
	auto_strbuf all = { 0 };
	struct nl_request ask;
	int rc = nl_open(NETLINK_GENERIC, &nl, err), family = rc < 0 ? rc : family_of(nl, err);
	if (family <= 0)
		return family;
	rc = read_limits(nl, family, out, err);
	if (rc < 0)
		return rc;
	begin(&ask, (unsigned)family, MPTCP_PM_CMD_GET_ADDR);
	rc = nl_dump(nl, &ask, &all);
	if (rc < 0)
		return error_code(err, rc, "list endpoints of MPTCP");
	for (const struct nlmsghdr *msg = NULL; rc == 0 && (msg = nl_next(&all, msg));)
		rc = add_endpoint(msg, out, err);
	return rc;
}

/* Restore. */

int mptcp_check(const struct strbuf *messages, struct error *err)
{
	size_t end = 0;
	for (const struct nlmsghdr *msg = NULL; (msg = nl_next(messages, msg));) {
		const struct genlmsghdr *head = head_of(msg);
		if (!head || msg->nlmsg_len > sizeof(((struct nl_request *)0)->bytes) ||
		    (head->cmd != MPTCP_PM_CMD_SET_LIMITS && head->cmd != MPTCP_PM_CMD_ADD_ADDR))
			return error_set(err, EBADMSG, "mptcp: command %d, %u bytes",
					 head ? head->cmd : -1, msg->nlmsg_len);
		end = (size_t)((const char *)msg - messages->data) + MNL_ALIGN(msg->nlmsg_len);
	}
	return end == messages->len
		   ? 0
		   : error_set(err, EBADMSG, "mptcp: no whole message at byte %zu", end);
}

/* A kernel without it has nothing to set, and nobody who would miss limits alone. */
static int without(const struct strbuf *messages, struct error *err)
{
	for (const struct nlmsghdr *msg = NULL; (msg = nl_next(messages, msg));)
		if (head_of(msg)->cmd == MPTCP_PM_CMD_ADD_ADDR)
			return error_set(err, ENOTSUP,
					 "it has endpoints of MPTCP, which this kernel lacks");
	return 0;
}

int mptcp_set(const struct strbuf *messages, struct error *err)
{
	auto_nl nl = NULL;
	struct nl_request ask = { 0 };
	if (!messages->len)
		return 0;
	int rc = nl_open(NETLINK_GENERIC, &nl, err), family = rc < 0 ? rc : family_of(nl, err);
	if (family <= 0)
		return family < 0 ? family : without(messages, err);
	for (const struct nlmsghdr *msg = NULL; rc == 0 && (msg = nl_next(messages, msg));) {
		memcpy(ask.bytes, msg, msg->nlmsg_len);
		ask.header.nlmsg_type = (uint16_t)family;
		ask.header.nlmsg_flags = 0;
		rc = nl_do(nl, &ask, err);
	}
	return rc < 0 ? error_wrap(err, rc, "set up MPTCP") : 0;
}
