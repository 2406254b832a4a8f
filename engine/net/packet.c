/* SPDX-License-Identifier: MIT
 * Packet sockets: packet(7). What arrived and waits is not kept, in the queue or in a ring: it is
 * gone with the wire.
 */
#include "engine/net/packet.h"

#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/net/diag.h"
#include "engine/net/sock-new.h"
#include "engine/net/sock-opts.h"
#include "engine/net/unix.h"

#define MEMBERS_MAX 4096
#define ADDRESS_MAX 32 /* MAX_ADDR_LEN */

struct packet_info {
	uint32_t ino;
	uint32_t id; /* file id, once it was met */
	uint8_t type;
	uint16_t num; /* protocol, host order */
	bool has_rx, has_tx, has_fanout;
	struct packet_diag_info info;
	struct packet_diag_ring rx, tx;
	struct packet_diag_mclist *members; /* owned */
	size_t nr_members;
};

struct packet_list {
	struct packet_info *items; /* sorted by ino */
	size_t nr, cap;
};

static int compare_ino(const void *left, const void *right)
{
	const struct packet_info *a = left, *b = right;
	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

static void copy_attr(const struct nlattr *attr, void *out, size_t size)
{
	size_t len = mnl_attr_get_payload_len(attr);
	memcpy(out, mnl_attr_get_payload(attr), len < size ? len : size);
}

static int read_members(const struct nlattr *attr, struct packet_info *p)
{
	p->nr_members = mnl_attr_get_payload_len(attr) / sizeof(*p->members);
	p->members = calloc(p->nr_members + 1, sizeof(*p->members));
	if (!p->members)
		return -ENOMEM;
	copy_attr(attr, p->members, p->nr_members * sizeof(*p->members));
	return 0;
}

static int read_attr(const struct nlattr *attr, struct packet_info *p)
{
	switch (mnl_attr_get_type(attr)) {
	case PACKET_DIAG_INFO:
		copy_attr(attr, &p->info, sizeof(p->info));
		break;
	case PACKET_DIAG_MCLIST:
		return read_members(attr, p);
	case PACKET_DIAG_RX_RING:
		p->has_rx = true;
		copy_attr(attr, &p->rx, sizeof(p->rx));
		break;
	case PACKET_DIAG_TX_RING:
		p->has_tx = true;
		copy_attr(attr, &p->tx, sizeof(p->tx));
		break;
	case PACKET_DIAG_FANOUT:
		p->has_fanout = true;
		break;
	}
	return 0;
}

static int read_socket(const struct nlmsghdr *header, void *arg)
{
	struct packet_list *list = arg;
	const struct packet_diag_msg *msg = mnl_nlmsg_get_payload(header);
	if (mnl_nlmsg_get_payload_len(header) < sizeof(*msg) || msg->pdiag_family != AF_PACKET)
		return MNL_CB_OK;
	struct packet_info *p = array_add(list);
	int rc = p ? 0 : -ENOMEM;
	if (p) {
		p->ino = msg->pdiag_ino;
		p->type = msg->pdiag_type;
		p->num = msg->pdiag_num;
		const struct nlattr *attr;
		mnl_attr_for_each(attr, header, sizeof(*msg)) rc =
		    rc == 0 ? read_attr(attr, p) : rc;
	}
	errno = -rc;
	return rc < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

static int list_read(struct packet_list *out, struct error *err)
{
	struct {
		struct nlmsghdr header;
		struct packet_diag_req req;
	} ask = {
		.header = { .nlmsg_len = sizeof(ask),
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.req = { .sdiag_family = AF_PACKET,
			 .pdiag_show = PACKET_SHOW_INFO | PACKET_SHOW_MCLIST | PACKET_SHOW_FANOUT |
				       PACKET_SHOW_RING_CFG },
	};
	int rc = diag_ask(&ask, sizeof(ask), read_socket, out);
	if (rc < 0)
		return error_code(err, rc,
				  "ask the kernel about packet sockets (sock_diag, "
				  "CONFIG_PACKET_DIAG)");
	if (out->nr)
		qsort(out->items, out->nr, sizeof(*out->items), compare_ino);
	return 0;
}

void packet_list_free(struct packet_list *list)
{
	for (size_t i = 0; list && i < list->nr; i++)
		free(list->items[i].members);
	if (list)
		free(list->items);
	free(list);
}

static struct packet_info *find(const struct packet_list *list, uint32_t ino)
{
	const struct packet_info key = { .ino = ino };
	return list && list->nr ? bsearch(&key, list->items, list->nr, sizeof(key), compare_ino)
				: NULL;
}

uint32_t packet_mapped_id(const struct dump *d, uint32_t ino)
{
	const struct packet_info *p = d->net ? find(d->net->packet, ino) : NULL;
	return p ? p->id : 0;
}

static bool packet_match(const struct open_file *f)
{
	int family = 0;
	socklen_t len = sizeof(family);
	return S_ISSOCK(f->st.st_mode) && !(f->flags & O_PATH) &&
	       getsockopt(f->fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 && family == AF_PACKET;
}

static int find_info(struct dump *d, uint32_t ino, struct packet_info **out, struct error *err)
{
	int rc = net_table_ask(d, NET_LIST_PACKET, err);
	if (rc > 0 && !d->net->packet)
		d->net->packet = calloc(1, sizeof(*d->net->packet));
	if (rc > 0)
		rc = d->net->packet ? list_read(d->net->packet, err)
				    : error_set(err, ENOMEM, "out of memory");
	if (rc < 0)
		return rc;
	*out = find(d->net->packet, ino);
	return *out ? 0
		    : error_set(err, ENOTSUP,
				"a packet socket of another network namespace: run the dump inside "
				"that one (nsenter -n)");
}

static int dump_member(const struct packet_diag_mclist *m, PacketMclist **out, struct error *err)
{
	PacketMclist *e = malloc(sizeof(*e));
	if (!e)
		return error_set(err, ENOMEM, "out of memory");
	packet_mclist__init(e);
	*out = e;
	e->index = (uint32_t)m->pdmc_index;
	e->type = m->pdmc_type;
	bool has_address = m->pdmc_type == PACKET_MR_MULTICAST || m->pdmc_type == PACKET_MR_UNICAST;
	size_t len = m->pdmc_alen < ADDRESS_MAX ? m->pdmc_alen : ADDRESS_MAX;
	if (!has_address)
		return 0;
	e->addr.data = malloc(len + 1);
	if (!e->addr.data)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(e->addr.data, m->pdmc_addr, len);
	e->addr.len = len;
	return 0;
}

/* One entry for each time it joined. */
static int dump_members(const struct packet_info *p, PacketSockEntry *sk, struct error *err)
{
	size_t nr = 0;
	for (size_t i = 0; i < p->nr_members; i++)
		nr += p->members[i].pdmc_count;
	if (!nr)
		return 0;
	if (nr > MEMBERS_MAX)
		return error_set(err, ENOTSUP,
				 "%zu memberships of a packet socket, at most %u are supported: "
				 "close it before the "
				 "dump",
				 nr, MEMBERS_MAX);
	sk->mclist = calloc(nr, sizeof(*sk->mclist));
	if (!sk->mclist)
		return error_set(err, ENOMEM, "out of memory");
	int rc = 0;
	for (size_t i = 0; i < p->nr_members; i++)
		for (uint32_t k = 0; rc == 0 && k < p->members[i].pdmc_count; k++)
			rc = dump_member(&p->members[i], &sk->mclist[sk->n_mclist++], err);
	return rc;
}

static int dump_ring(bool has, const struct packet_diag_ring *r, PacketRing **out,
		     struct error *err)
{
	if (!has)
		return 0;
	PacketRing *e = malloc(sizeof(*e));
	if (!e)
		return error_set(err, ENOMEM, "out of memory");
	packet_ring__init(e);
	*out = e;
	e->block_size = r->pdr_block_size;
	e->block_nr = r->pdr_block_nr;
	e->frame_size = r->pdr_frame_size;
	e->frame_nr = r->pdr_frame_nr;
	e->retire_tmo = r->pdr_retire_tmo;
	e->sizeof_priv = r->pdr_sizeof_priv;
	e->features = r->pdr_features;
	return 0;
}

/* sock_diag tells its id and type, the option its flags as well. */
static int dump_fanout(int fd, const struct packet_info *p, PacketSockEntry *sk, struct error *err)
{
	int value = 0;
	socklen_t len = sizeof(value);
	if (!p->has_fanout)
		return 0;
	if (getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &value, &len) < 0)
		return error_sys(err, "read PACKET_FANOUT");
	sk->has_fanout = true;
	sk->fanout = (uint32_t)value;
	return 0;
}

static void fill_entry(const struct packet_info *p, PacketSockEntry *sk)
{
	const struct packet_diag_info *i = &p->info;
	sk->type = p->type;
	sk->protocol = (uint32_t)(uint16_t)(p->num >> 8 | p->num << 8); /* as socket(2) takes it */
	sk->ifindex = i->pdi_index;
	sk->version = i->pdi_version;
	sk->reserve = i->pdi_reserve;
	sk->timestamp = i->pdi_tstamp;
	sk->copy_thresh = i->pdi_copy_thresh;
	sk->aux_data = i->pdi_flags & PDI_AUXDATA;
	sk->orig_dev = i->pdi_flags & PDI_ORIGDEV;
	sk->vnet_hdr = i->pdi_flags & PDI_VNETHDR;
	sk->loss = i->pdi_flags & PDI_LOSS;
}

static int dump_parts(const struct open_file *f, const struct packet_info *p, PacketSockEntry *sk,
		      struct error *err)
{
	int rc = dump_members(p, sk, err);
	if (rc == 0)
		rc = dump_ring(p->has_rx, &p->rx, &sk->rx_ring, err);
	if (rc == 0)
		rc = dump_ring(p->has_tx, &p->tx, &sk->tx_ring, err);
	return rc < 0 ? rc : dump_fanout(f->fd, p, sk, err);
}

static int packet_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	char what[96];
	struct packet_info *p = NULL;
	file_holder(f, what, sizeof(what));
	PacketSockEntry *sk = malloc(sizeof(*sk));
	if (!sk)
		return error_set(err, ENOMEM, "out of memory");
	packet_sock_entry__init(sk);
	e->psk = sk;
	sk->id = e->id;
	sk->flags = f->flags;
	sk->has_ns_id = true;
	sk->ns_id = f->net_ns;
	int rc = find_info(d, (uint32_t)f->st.st_ino, &p, err);
	if (rc == 0) {
		p->id = e->id;
		fill_entry(p, sk);
		rc = dump_parts(f, p, sk, err);
	}
	if (rc < 0)
		return error_wrap(err, rc, "%s", what);
	rc = owner_dump(d, f, &sk->fown, err);
	return rc < 0 ? rc : sock_opts_dump(d, f, &sk->opts, err);
}

static int packet_check(const FileEntry *e, struct error *err)
{
	const PacketSockEntry *sk = e->psk;
	if (!sk)
		return error_set(err, EBADMSG, "packet socket without its fields");
	if (sk->id != e->id)
		return error_set(err, EBADMSG, "id %u inside says %u", e->id, sk->id);
	if (sk->type != SOCK_RAW && sk->type != SOCK_DGRAM && sk->type != SOCK_PACKET)
		return error_set(err, EBADMSG, "packet socket of type %u", sk->type);
	if (sk->n_mclist > MEMBERS_MAX)
		return error_set(err, EBADMSG, "packet socket with %zu memberships", sk->n_mclist);
	for (size_t i = 0; i < sk->n_mclist; i++)
		if (sk->mclist[i]->addr.len > ADDRESS_MAX)
			return error_set(err, EBADMSG, "membership with an address of %zu bytes",
					 sk->mclist[i]->addr.len);
	int rc = owner_check(sk->fown, err);
	return rc < 0 ? rc : sock_opts_check(sk->opts, err);
}

static int set(int fd, int option, const char *name, const void *value, size_t len,
	       struct error *err)
{
	if (setsockopt(fd, SOL_PACKET, option, value, (socklen_t)len) < 0)
		return error_sys(err, "set %s", name);
	return 0;
}

static int set_options(int fd, const PacketSockEntry *sk, struct error *err)
{
	const struct {
		int option;
		const char *name;
		int value;
	} rows[] = {
#define ROW(option, value) { option, #option, (int)(value) }
		ROW(PACKET_VERSION, sk->version),     ROW(PACKET_RESERVE, sk->reserve),
		ROW(PACKET_TIMESTAMP, sk->timestamp), ROW(PACKET_COPY_THRESH, sk->copy_thresh),
		ROW(PACKET_AUXDATA, sk->aux_data),    ROW(PACKET_ORIGDEV, sk->orig_dev),
		ROW(PACKET_VNET_HDR, sk->vnet_hdr),   ROW(PACKET_LOSS, sk->loss),
#undef ROW
	};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(rows); i++)
		if (rows[i].value)
			rc =
			    set(fd, rows[i].option, rows[i].name, &rows[i].value, sizeof(int), err);
	return rc;
}

static int join(int fd, const PacketSockEntry *sk, struct error *err)
{
	struct { /* struct packet_mreq with room for any address */
		int ifindex;
		unsigned short type, alen;
		unsigned char address[ADDRESS_MAX];
	} m;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sk->n_mclist; i++) {
		const PacketMclist *e = sk->mclist[i];
		memset(&m, 0, sizeof(m));
		m.ifindex = (int)e->index;
		m.type = (unsigned short)e->type;
		m.alen = (unsigned short)e->addr.len;
		if (e->addr.len)
			memcpy(m.address, e->addr.data, e->addr.len);
		rc = set(fd, PACKET_ADD_MEMBERSHIP, "PACKET_ADD_MEMBERSHIP", &m, sizeof(m), err);
	}
	return rc;
}

static int make_ring(int fd, int option, const char *name, const PacketRing *r, struct error *err)
{
	if (!r)
		return 0;
	struct tpacket_req3 req = {
		.tp_block_size = r->block_size,
		.tp_block_nr = r->block_nr,
		.tp_frame_size = r->frame_size,
		.tp_frame_nr = r->frame_nr,
		.tp_retire_blk_tov = r->retire_tmo,
		.tp_sizeof_priv = r->sizeof_priv,
		.tp_feature_req_word = r->features,
	};
	return set(fd, option, name, &req, sizeof(req), err);
}

/* The old kind is bound by the name of its interface. */
static int bind_old(int fd, const PacketSockEntry *sk, struct error *err)
{
	struct sockaddr addr = { .sa_family = AF_PACKET };
	char name[IF_NAMESIZE] = "";
	if (!sk->ifindex)
		return 0;
	if (!if_indextoname(sk->ifindex, name))
		return error_sys(err, "find the name of interface %u", sk->ifindex);
	memcpy(addr.sa_data, name, strnlen(name, sizeof(addr.sa_data) - 1));
	return bind(fd, &addr, sizeof(addr)) < 0 ? error_sys(err, "bind it to %s", name) : 0;
}

static int bind_link(int fd, const PacketSockEntry *sk, struct error *err)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_ifindex = (int)sk->ifindex };
	return bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0
		   ? error_sys(err, "bind it to interface %u", sk->ifindex)
		   : 0;
}

static int make(int fd, const PacketSockEntry *sk, struct error *err)
{
	if (sk->type == SOCK_PACKET)
		return bind_old(fd, sk, err);
	int rc = bind_link(fd, sk, err);
	if (rc == 0)
		rc = set_options(fd, sk, err);
	if (rc == 0)
		rc = join(fd, sk, err);
	if (rc == 0)
		rc = make_ring(fd, PACKET_RX_RING, "PACKET_RX_RING", sk->rx_ring, err);
	if (rc == 0)
		rc = make_ring(fd, PACKET_TX_RING, "PACKET_TX_RING", sk->tx_ring, err);
	if (rc == 0 && sk->has_fanout)
		rc = set(fd, PACKET_FANOUT, "PACKET_FANOUT", &sk->fanout, sizeof(sk->fanout), err);
	return rc;
}

static int packet_open(struct restore *r, const FileEntry *e, struct error *err)
{
	const PacketSockEntry *sk = e->psk;
	struct sock_owner before;
	sock_owner_begin(r, sk->opts, &before);
	auto_fd fd = sock_new(AF_PACKET, (int)sk->type | SOCK_NONBLOCK, (int)sk->protocol);
	sock_owner_end(&before);
	if (fd < 0)
		return error_sys(err, "make a packet socket of type %u", sk->type);
	int rc = make(fd, sk, err);
	if (rc == 0)
		rc = sock_opts_restore(r, e->id, fd, sk->opts, err);
	if (rc == 0)
		rc = file_set_flags(fd, sk->flags, sk->fown, err);
	return rc < 0 ? error_wrap(err, rc, "packet socket") : take_fd(fd);
}

static const FownEntry *packet_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->psk->flags;
	return e->psk->fown;
}

const struct file_type file_packet = {
	.name = "packet socket",
	.type = FD_TYPES__PACKETSK,
	.in_net = true,
	.match = packet_match,
	.dump = packet_dump,
	.check = packet_check,
	.open = packet_open,
	.owner = packet_owner,
};
