/* SPDX-License-Identifier: MIT
 * Netlink sockets: protocol, port, groups, and whom they are connected to.
 */
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/netlink_diag.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/net/diag.h"
#include "engine/net/netlink.h"
#include "engine/net/sock-new.h"
#include "engine/net/sock-opts.h"
#include "engine/net/unix.h"

#define CONNECTED  1  /* netlink_sk_entry.state: NETLINK_CONNECTED of the kernel */
#define GROUPS_MAX 64 /* words */

struct netlink_info {
	uint32_t ino, portid, dst_portid, dst_group;
	uint8_t state;
	uint32_t groups[GROUPS_MAX];
	size_t nr_groups; /* words up to the last that is not 0 */
};

struct netlink_list {
	struct netlink_info *items; /* sorted by ino */
	size_t nr, cap;
};

static int compare_ino(const void *left, const void *right)
{
	const struct netlink_info *a = left, *b = right;
	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

static int read_socket(const struct nlmsghdr *header, void *arg)
{
	struct netlink_list *list = arg;
	const struct netlink_diag_msg *msg = mnl_nlmsg_get_payload(header);
	if (mnl_nlmsg_get_payload_len(header) < sizeof(*msg) || msg->ndiag_family != AF_NETLINK)
		return MNL_CB_OK;
	struct netlink_info *info = array_add(list);
	if (!info) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	info->ino = msg->ndiag_ino;
	info->portid = msg->ndiag_portid;
	info->dst_portid = msg->ndiag_dst_portid;
	info->dst_group = msg->ndiag_dst_group;
	info->state = msg->ndiag_state;
	const struct nlattr *attr;
	mnl_attr_for_each(attr, header, sizeof(*msg))
	{
		if (mnl_attr_get_type(attr) != NETLINK_DIAG_GROUPS)
			continue;
		size_t len = mnl_attr_get_payload_len(attr);
		len = len < sizeof(info->groups) ? len : sizeof(info->groups);
		memcpy(info->groups, mnl_attr_get_payload(attr), len);
		info->nr_groups = len / sizeof(uint32_t);
	}
	while (info->nr_groups && !info->groups[info->nr_groups - 1])
		info->nr_groups--;
	return MNL_CB_OK;
}

static int list_read(struct netlink_list *out, struct error *err)
{
	struct {
		struct nlmsghdr header;
		struct netlink_diag_req req;
	} ask = {
		.header = { .nlmsg_len = sizeof(ask),
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.req = { .sdiag_family = AF_NETLINK,
			 .sdiag_protocol = NDIAG_PROTO_ALL,
			 .ndiag_show = NDIAG_SHOW_GROUPS },
	};
	int rc = diag_ask(&ask, sizeof(ask), read_socket, out);
	if (rc < 0)
		return error_code(err, rc,
				  "ask the kernel about netlink sockets (sock_diag, "
				  "CONFIG_NETLINK_DIAG)");
	if (out->nr)
		qsort(out->items, out->nr, sizeof(*out->items), compare_ino);
	return 0;
}

void netlink_list_free(struct netlink_list *list)
{
	if (list)
		free(list->items);
	free(list);
}

static bool netlink_match(const struct open_file *f)
{
	int family = 0;
	socklen_t len = sizeof(family);
	return S_ISSOCK(f->st.st_mode) && !(f->flags & O_PATH) &&
	       getsockopt(f->fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 && family == AF_NETLINK;
}

/* Asked once in each namespace. NULL: bound to nothing. */
static int find_info(struct dump *d, uint32_t ino, const struct netlink_info **out,
		     struct error *err)
{
	int rc = net_table_ask(d, NET_LIST_NETLINK, err);
	if (rc > 0 && !d->net->netlink)
		d->net->netlink = calloc(1, sizeof(*d->net->netlink));
	if (rc > 0)
		rc = d->net->netlink ? list_read(d->net->netlink, err)
				     : error_set(err, ENOMEM, "out of memory");
	if (rc < 0)
		return rc;
	const struct netlink_list *list = d->net->netlink;
	const struct netlink_info key = { .ino = ino };
	*out = list->nr ? bsearch(&key, list->items, list->nr, sizeof(key), compare_ino) : NULL;
	return 0;
}

static int fill_known(const struct netlink_info *info, NetlinkSkEntry *sk, struct error *err)
{
	sk->portid = info->portid;
	sk->state = info->state;
	sk->dst_portid = info->dst_portid;
	sk->dst_group = info->dst_group;
	if (!info->nr_groups)
		return 0;
	sk->groups = malloc(info->nr_groups * sizeof(uint32_t));
	if (!sk->groups)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(sk->groups, info->groups, info->nr_groups * sizeof(uint32_t));
	sk->n_groups = info->nr_groups;
	return 0;
}

static int check_queue(int fd, const char *what, struct error *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	if (poll(&p, 1, 0) <= 0 || !(p.revents & POLLIN))
		return 0;
	return error_set(err, EBUSY,
			 "%s is a netlink socket with messages that wait to be read, which nobody "
			 "can send again: dump after the program has read them",
			 what);
}

static int netlink_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	char what[96];
	const struct netlink_info *info = NULL;
	int protocol = 0;
	socklen_t len = sizeof(protocol);
	file_holder(f, what, sizeof(what));
	NetlinkSkEntry *sk = malloc(sizeof(*sk));
	if (!sk)
		return error_set(err, ENOMEM, "out of memory");
	netlink_sk_entry__init(sk);
	e->nlsk = sk;
	sk->id = e->id;
	sk->ino = (uint32_t)f->st.st_ino;
	sk->flags = f->flags;
	if (getsockopt(f->fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) < 0)
		return error_sys(err, "%s: read SO_PROTOCOL", what);
	sk->protocol = (uint32_t)protocol;
	sk->has_ns_id = true;
	sk->ns_id = f->net_ns;
	int rc = check_queue(f->fd, what, err);
	if (rc == 0)
		rc = find_info(d, sk->ino, &info, err);
	if (rc == 0 && info)
		rc = fill_known(info, sk, err);
	if (rc == 0)
		rc = owner_dump(d, f, &sk->fown, err);
	return rc < 0 ? rc : sock_opts_dump(d, f, &sk->opts, err);
}

static int netlink_check(const FileEntry *e, struct error *err)
{
	const NetlinkSkEntry *sk = e->nlsk;
	if (!sk)
		return error_set(err, EBADMSG, "netlink socket without its fields");
	if (sk->id != e->id)
		return error_set(err, EBADMSG, "id %u inside says %u", e->id, sk->id);
	if (sk->n_groups > GROUPS_MAX)
		return error_set(err, EBADMSG, "netlink socket with %zu words of groups",
				 sk->n_groups);
	int rc = owner_check(sk->fown, err);
	return rc < 0 ? rc : sock_opts_check(sk->opts, err);
}

/* Ports are mostly the kernel's choice, and mostly nobody asks for them. */
static int bind_port(int fd, uint32_t portid, struct error *err)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_pid = portid };
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return error_sys(err, "bind it to port %u", portid);
	log_warn("netlink port %u is taken: the socket gets another", portid);
	addr.nl_pid = 0;
	return bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0
		   ? error_sys(err, "bind it to any port")
		   : 0;
}

static int join_groups(int fd, const NetlinkSkEntry *sk, struct error *err)
{
	for (size_t i = 0; i < sk->n_groups * 32; i++) {
		int group = (int)i + 1;
		if (!(sk->groups[i / 32] >> i % 32 & 1))
			continue;
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
			return error_sys(err, "join group %d", group);
	}
	return 0;
}

static int connect_port(int fd, const NetlinkSkEntry *sk, struct error *err)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_pid = sk->dst_portid };
	if (sk->state != CONNECTED)
		return 0;
	if (sk->dst_group && sk->dst_group <= 32)
		addr.nl_groups = 1u << (sk->dst_group - 1);
	return connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0
		   ? error_sys(err, "connect it to port %u", sk->dst_portid)
		   : 0;
}

static int netlink_open(struct restore *r, const FileEntry *e, struct error *err)
{
	const NetlinkSkEntry *sk = e->nlsk;
	struct sock_owner before;
	sock_owner_begin(r, sk->opts, &before);
	auto_fd fd = sock_new(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, (int)sk->protocol);
	sock_owner_end(&before);
	if (fd < 0)
		return error_sys(err, "make a netlink socket of protocol %u", sk->protocol);
	int rc = sk->portid ? bind_port(fd, sk->portid, err) : 0;
	if (rc == 0)
		rc = join_groups(fd, sk, err);
	if (rc == 0)
		rc = connect_port(fd, sk, err);
	if (rc == 0)
		rc = sock_opts_restore(r, e->id, fd, sk->opts, err);
	if (rc == 0)
		rc = file_set_flags(fd, sk->flags, sk->fown, err);
	return rc < 0 ? error_wrap(err, rc, "netlink socket %u", sk->ino) : take_fd(fd);
}

static const FownEntry *netlink_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->nlsk->flags;
	return e->nlsk->fown;
}

const struct file_type file_netlink = {
	.name = "netlink socket",
	.type = FD_TYPES__NETLINKSK,
	.in_net = true,
	.match = netlink_match,
	.dump = netlink_dump,
	.check = netlink_check,
	.open = netlink_open,
	.owner = netlink_owner,
};
