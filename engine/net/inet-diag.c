/* SPDX-License-Identifier: MIT
 * IPv4 and IPv6 sockets by sock_diag(7).
 */
#include "engine/net/inet-diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "engine/net/diag.h"

/* Those without a descriptor (a handshake, TIME_WAIT) are nobody's. */
#define TCP_STATES                                                                                 \
	(1u << TCP_ESTABLISHED | 1u << TCP_SYN_SENT | 1u << TCP_FIN_WAIT1 | 1u << TCP_FIN_WAIT2 |  \
	 1u << TCP_CLOSE_WAIT | 1u << TCP_LAST_ACK | 1u << TCP_LISTEN | 1u << TCP_CLOSING)

static int compare_ino(const void *left, const void *right)
{
	const struct inet_info *a = left, *b = right;
	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

static int keep_keys(const struct nlattr *attr, struct inet_info *info)
{
	info->md5_len = mnl_attr_get_payload_len(attr);
	info->md5 = malloc(info->md5_len + 1);
	if (!info->md5) {
		errno = ENOMEM;
		return -ENOMEM;
	}
	memcpy(info->md5, mnl_attr_get_payload(attr), info->md5_len);
	return 0;
}

static int read_socket(const struct nlmsghdr *header, void *arg)
{
	struct inet_list *list = arg;
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(header);
	if (mnl_nlmsg_get_payload_len(header) < sizeof(*msg) || msg->idiag_family != list->family)
		return MNL_CB_OK;
	struct inet_info *info = array_add(list);
	if (!info) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	info->ino = msg->idiag_inode;
	info->state = msg->idiag_state;
	info->src_port = ntohs(msg->id.idiag_sport);
	info->dst_port = ntohs(msg->id.idiag_dport);
	memcpy(info->src, msg->id.idiag_src, sizeof(info->src));
	memcpy(info->dst, msg->id.idiag_dst, sizeof(info->dst));
	info->rqueue = msg->idiag_rqueue;
	info->wqueue = msg->idiag_wqueue;
	info->ifindex = msg->id.idiag_if;
	const struct nlattr *attr;
	mnl_attr_for_each(attr, header, sizeof(*msg))
	{
		if (mnl_attr_get_type(attr) == INET_DIAG_SHUTDOWN &&
		    mnl_attr_get_payload_len(attr) > 0)
			info->shutdown = mnl_attr_get_u8(attr);
		if (mnl_attr_get_type(attr) == INET_DIAG_MD5SIG && keep_keys(attr, info) < 0)
			return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

int inet_list_read(struct inet_list *out, struct error *err)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 req;
	} ask = {
		.header = { .nlmsg_len = sizeof(ask),
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.req = { .sdiag_family = (uint8_t)out->family,
			 .sdiag_protocol = (uint8_t)out->protocol,
			 /* keys come with that only, on some kernels */
			 .idiag_ext = out->protocol == IPPROTO_TCP ? 1u << (INET_DIAG_INFO - 1) : 0,
			 .idiag_states = out->protocol == IPPROTO_TCP ? TCP_STATES : ~0u },
	};
	int rc = diag_ask(&ask, sizeof(ask), read_socket, out);
	if (rc < 0) {
		inet_list_fini(out);
		return error_code(err, rc,
				  "ask the kernel about sockets of family %d, protocol %d "
				  "(sock_diag, CONFIG_INET_DIAG)",
				  out->family, out->protocol);
	}
	if (out->nr)
		qsort(out->items, out->nr, sizeof(*out->items), compare_ino);
	return 0;
}

const struct inet_info *inet_list_find(const struct inet_list *list, uint32_t ino)
{
	const struct inet_info key = { .ino = ino };
	return list->nr && ino ? bsearch(&key, list->items, list->nr, sizeof(key), compare_ino)
			       : NULL;
}

void inet_list_fini(struct inet_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		free(list->items[i].md5);
	free(list->items);
	list->items = NULL;
	list->nr = list->cap = 0;
}
