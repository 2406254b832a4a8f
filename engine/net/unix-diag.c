/* SPDX-License-Identifier: MIT
 * Unix sockets by sock_diag(7), through libmnl.
 */
#include "engine/net/unix-diag.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "engine/net/diag.h"

static int compare_ino(const void *left, const void *right)
{
	const struct unix_info *a = left, *b = right;
	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

static int read_pending(const struct nlattr *attr, struct unix_info *info)
{
	size_t nr = mnl_attr_get_payload_len(attr) / sizeof(uint32_t);
	if (!nr)
		return 0;
	info->pending = malloc(nr * sizeof(uint32_t));
	if (!info->pending)
		return -ENOMEM;
	memcpy(info->pending, mnl_attr_get_payload(attr), nr * sizeof(uint32_t));
	info->nr_pending = nr;
	return 0;
}

static int read_attr(const struct nlattr *attr, struct unix_info *info)
{
	size_t len = mnl_attr_get_payload_len(attr);
	const void *data = mnl_attr_get_payload(attr);
	switch (mnl_attr_get_type(attr)) {
	case UNIX_DIAG_NAME:
		info->name_len = len < sizeof(info->name) ? len : sizeof(info->name);
		memcpy(info->name, data, info->name_len);
		break;
	case UNIX_DIAG_VFS:
		info->has_file = true;
		break;
	case UNIX_DIAG_PEER:
		info->peer = len >= sizeof(uint32_t) ? mnl_attr_get_u32(attr) : 0;
		break;
	case UNIX_DIAG_ICONS:
		return read_pending(attr, info);
	case UNIX_DIAG_RQLEN:
		if (len >= sizeof(struct unix_diag_rqlen)) {
			const struct unix_diag_rqlen *queue = data;
			info->wqueue = queue->udiag_wqueue;
		}
		break;
	case UNIX_DIAG_SHUTDOWN:
		info->shutdown = len ? mnl_attr_get_u8(attr) : 0;
		break;
	}
	return 0;
}

static int read_socket(const struct nlmsghdr *header, void *arg)
{
	struct unix_list *list = arg;
	const struct unix_diag_msg *msg = mnl_nlmsg_get_payload(header);
	if (mnl_nlmsg_get_payload_len(header) < sizeof(*msg) || msg->udiag_family != AF_UNIX)
		return MNL_CB_OK;
	struct unix_info *info = array_add(list);
	if (!info) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	info->ino = msg->udiag_ino;
	info->type = msg->udiag_type;
	info->state = msg->udiag_state;
	const struct nlattr *attr;
	mnl_attr_for_each(attr, header, sizeof(*msg))
	{
		if (read_attr(attr, info) < 0) {
			errno = ENOMEM;
			return MNL_CB_ERROR;
		}
	}
	return MNL_CB_OK;
}

int unix_list_read(struct unix_list *out, struct error *err)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req req;
	} ask = {
		.header = { .nlmsg_len = sizeof(ask),
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.req = { .sdiag_family = AF_UNIX,
			 .udiag_states = ~0u,
			 .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER |
				       UDIAG_SHOW_ICONS | UDIAG_SHOW_RQLEN },
	};
	int rc = diag_ask(&ask, sizeof(ask), read_socket, out);
	if (rc < 0) {
		unix_list_fini(out);
		return error_code(
		    err, rc, "ask the kernel about unix sockets (sock_diag, CONFIG_UNIX_DIAG)");
	}
	if (out->nr)
		qsort(out->items, out->nr, sizeof(*out->items), compare_ino);
	return 0;
}

const struct unix_info *unix_list_find(const struct unix_list *list, uint32_t ino)
{
	const struct unix_info key = { .ino = ino };
	return list->nr && ino ? bsearch(&key, list->items, list->nr, sizeof(key), compare_ino)
			       : NULL;
}

const struct unix_info *unix_list_listener(const struct unix_list *list, uint32_t ino)
{
	for (size_t i = 0; i < list->nr; i++)
		for (size_t k = 0; k < list->items[i].nr_pending; k++)
			if (list->items[i].pending[k] == ino)
				return &list->items[i];
	return NULL;
}

void unix_list_fini(struct unix_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		free(list->items[i].pending);
	free(list->items);
	*list = (struct unix_list){ 0 };
}
