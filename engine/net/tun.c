/* SPDX-License-Identifier: MIT
 * Descriptors of /dev/net/tun and the device each is attached to. A device that nobody keeps goes
 * with its last descriptor, so with the tasks: it is made again with its addresses and routes.
 * Devices of a network namespace of the tree are there already, kept for this moment.
 * Source: Documentation/networking/tuntap.rst, drivers/net/tun.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"
#include "engine/net/ns-link.h"
#include "engine/net/ns-save.h"
#include "engine/net/ns-set.h"
#include "engine/ns/user.h"

static bool tun_match(const struct open_file *f)
{
	return S_ISCHR(f->st.st_mode) && f->st.st_rdev == makedev(10, 200) &&
	       !(f->flags & O_PATH) && f->path[0] == '/';
}

static void set_name(struct ifreq *req, const char *name)
{
	snprintf(req->ifr_name, sizeof(req->ifr_name), "%s", name);
}

/* Dump. */

/* What the device may do with packets, as TUNSETOFFLOAD has told it; ethtool(8) knows. */
static uint32_t offload_of(const char *name)
{
	static const struct {
		uint32_t ask, flags;
	} features[] = { { ETHTOOL_GTXCSUM, TUN_F_CSUM },
			 { ETHTOOL_GTSO, TUN_F_TSO4 | TUN_F_TSO6 } };
	uint32_t found = 0;
	auto_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (size_t i = 0; fd >= 0 && i < sizeof(features) / sizeof(*features); i++) {
		struct ethtool_value value = { .cmd = features[i].ask };
		struct ifreq req = { .ifr_data = (char *)&value };
		set_name(&req, name);
		if (ioctl(fd, SIOCETHTOOL, &req) == 0 && value.data)
			found |= features[i].flags;
	}
	return found & TUN_F_CSUM ? found : 0; /* segments want checksums */
}

static int dump_attached(const struct open_file *f, const struct ifreq *req, TunDeviceEntry *e,
			 struct error *err)
{
	char holder[96];
	struct sock_fprog filter = { 0 };
	int sndbuf, header, little = 0;
	TunLinkEntry *t = e->link->tun;
	if (!t)
		return error_set(err, EPROTO, "%s is no device of this kind", req->ifr_name);
	if (ioctl(f->fd, TUNGETSNDBUF, &sndbuf) < 0 || ioctl(f->fd, TUNGETVNETHDRSZ, &header) < 0)
		return error_sys(err, "%s: ask for its buffers",
				 file_holder(f, holder, sizeof(holder)));
	if ((req->ifr_flags & IFF_TAP) && ioctl(f->fd, TUNGETFILTER, &filter) == 0 && filter.len)
		return error_set(
		    err, ENOTSUP,
		    "%s is attached to %s, which has a packet filter (TUNATTACHFILTER): "
		    "not supported; detach it before the dump",
		    file_holder(f, holder, sizeof(holder)), req->ifr_name);
	/* the others are told better elsewhere: one bit here means two things */
	t->flags |= (uint16_t)req->ifr_flags & (IFF_NAPI | IFF_NAPI_FRAGS);
	t->sndbuf = (uint32_t)sndbuf;
	t->vnethdr = (uint32_t)header;
	e->offload = offload_of(req->ifr_name);
	e->little_endian = ioctl(f->fd, TUNGETVNETLE, &little) == 0 && little;
	return 0;
}

static int dump_device(const struct dump *d, const struct open_file *f, const struct ifreq *req,
		       TunDeviceEntry *e, struct error *err)
{
	auto_nl rt = NULL;
	auto_strbuf saved = { 0 };
	int rc = nl_open(NETLINK_ROUTE, &rt, err);
	if (rc == 0)
		rc = link_entry_read(rt, req->ifr_name, &e->link, err);
	if (rc == 0)
		rc = link_owner_inside(e->link, d->users, err);
	if (rc == 0)
		rc = dump_attached(f, req, e, err);
	if (rc == 0)
		rc = netns_save_device_dump(rt, e->link->ifindex, &saved, err);
	if (rc < 0)
		return rc;
	e->saved.len = saved.len;
	e->saved.data = (uint8_t *)take_ptr(saved.data);
	e->has_saved = saved.len != 0;
	return 0;
}

/* @return 1: attached to a device, that `req` names; 0: not yet */
static int ask_device(const struct open_file *f, struct ifreq *req, struct error *err)
{
	char holder[96];
	memset(req, 0, sizeof(*req));
	if (ioctl(f->fd, TUNGETIFF, req) == 0)
		return 1;
	return errno == EBADFD ? 0
			       : error_sys(err, "%s: ask for its device",
					   file_holder(f, holder, sizeof(holder)));
}

static int fill_entry(const struct dump *d, const struct open_file *f, FileEntry *e,
		      struct error *err)
{
	struct ifreq req;
	TunfileEntry *t = e->tunf;
	t->has_ns_id = true;
	t->ns_id = f->net_ns;
	int rc = ask_device(f, &req, err);
	if (rc <= 0)
		return rc;
	t->netdev = strndup(req.ifr_name, sizeof(req.ifr_name));
	t->has_detached = t->detached = req.ifr_flags & IFF_DETACH_QUEUE;
	e->tun_device = malloc(sizeof(*e->tun_device));
	if (!t->netdev || !e->tun_device)
		return error_set(err, ENOMEM, "out of memory");
	tun_device_entry__init(e->tun_device);
	rc = dump_device(d, f, &req, e->tun_device, err);
	return rc < 0 ? error_wrap(err, rc, "network device %s", t->netdev) : 0;
}

/* As CRIU has it, two entries of one id: the file of the device, and what it is attached to. */
static int write_file(struct dump *d, const struct open_file *f, uint32_t id, struct error *err)
{
	FileEntry *file = malloc(sizeof(*file));
	if (!file)
		return error_set(err, ENOMEM, "out of memory");
	file_entry__init(file);
	file->id = id;
	file->type = FD_TYPES__REG;
	int rc = reg_dump(d, f, file, err);
	if (rc == 0)
		rc = file_table_write(d, file, err);
	file_entry__free_unpacked(file, NULL);
	return rc;
}

static int tun_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	e->tunf = malloc(sizeof(*e->tunf));
	if (!e->tunf)
		return error_set(err, ENOMEM, "out of memory");
	tunfile_entry__init(e->tunf);
	e->tunf->id = e->id;
	int rc = fill_entry(d, f, e, err);
	return rc < 0 ? rc : write_file(d, f, e->id, err);
}

/* Restore. */

static int tun_check(const FileEntry *e, struct error *err)
{
	const TunfileEntry *t = e->tunf;
	if (!t || t->id != e->id)
		return error_set(err, EBADMSG, "TUN descriptor without its fields");
	if (t->netdev && (!*t->netdev || strlen(t->netdev) >= IFNAMSIZ))
		return error_set(err, EBADMSG, "TUN descriptor of a device called \"%.40s\"",
				 t->netdev);
	if (!e->tun_device)
		return 0;
	if (!t->netdev || !e->tun_device->link || e->tun_device->link->type != ND_TYPE__TUN ||
	    strcmp(e->tun_device->link->name, t->netdev))
		return error_set(err, EBADMSG, "TUN descriptor of another device");
	return link_entry_check(e->tun_device->link, err);
}

/* Of this descriptor, or of the namespace it is in; NULL: no image tells. */
static const NetDeviceEntry *link_of(const struct restore *r, const FileEntry *e)
{
	if (e->tun_device)
		return e->tun_device->link;
	const struct netns *ns = netns_find(r, e->tunf->ns_id);
	for (size_t i = 0; ns && i < ns->links.nr; i++) {
		const NetDeviceEntry *link = ns->links.items[i].entry;
		if (link->tun && !strcmp(link->name, e->tunf->netdev))
			return link;
	}
	return NULL;
}

static int make_device(struct restore *r, const TunDeviceEntry *e, struct error *err)
{
	auto_nl rt = NULL;
	NetDeviceEntry copy = *e->link;
	TunLinkEntry tun = *copy.tun;
	struct netns_link link = { .entry = &copy };
	struct netns one = { .links = { &link, 1, 1 } };
	struct netns_set set = { .items = &one, .nr = 1, .home = -1 };
	/* made from the user namespace around that of the tree */
	if (tun.owner != -1)
		tun.owner = (int32_t)id_outside(r->users, ID_USER, (uint32_t)tun.owner);
	if (tun.group != -1)
		tun.group = (int32_t)id_outside(r->users, ID_GROUP, (uint32_t)tun.group);
	copy.tun = &tun;
	int rc = nl_open(NETLINK_ROUTE, &rt, err);
	one.rt = rt;
	if (rc == 0)
		rc = netns_links_make(r, &set, err);
	if (rc == 0)
		rc = netns_links_fill(r, &one, err);
	if (rc == 0 && e->has_saved)
		rc = netns_save_device_fill(rt, e->saved.data, e->saved.len, err);
	return rc < 0 ? rc : netns_links_finish(&one, err);
}

/* What the last descriptor takes along nobody has asked for here. */
static void forget_device(const FileEntry *e)
{
	struct ifreq req = { 0 };
	auto_fd fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	set_name(&req, e->tunf->netdev);
	req.ifr_flags = (short)(e->tun_device->link->tun->flags & ~(uint32_t)IFF_PERSIST);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &req) == 0)
		ioctl(fd, TUNSETPERSIST, 0);
}

static int set_buffers(int fd, const FileEntry *e, struct error *err)
{
	const TunDeviceEntry *device = e->tun_device;
	int sndbuf = (int)device->link->tun->sndbuf, header = (int)device->link->tun->vnethdr, now;
	int little = device->little_endian;
	if (ioctl(fd, TUNGETSNDBUF, &now) == 0 && now != sndbuf &&
	    ioctl(fd, TUNSETSNDBUF, &sndbuf) < 0)
		return error_sys(err, "set its send buffer");
	if (ioctl(fd, TUNGETVNETHDRSZ, &now) == 0 && now != header &&
	    ioctl(fd, TUNSETVNETHDRSZ, &header) < 0)
		return error_sys(err, "set the length of its header");
	if (little && ioctl(fd, TUNSETVNETLE, &little) < 0)
		return error_sys(err, "set the byte order of its header");
	if (device->offload && ioctl(fd, TUNSETOFFLOAD, (unsigned long)device->offload) < 0)
		return error_sys(err, "let it offload");
	return 0;
}

static int attach(int fd, const FileEntry *e, const NetDeviceEntry *link, struct error *err)
{
	struct ifreq req = { .ifr_flags = (short)(link->tun->flags & ~(uint32_t)IFF_PERSIST) };
	set_name(&req, link->name);
	if (ioctl(fd, TUNSETIFF, &req) < 0)
		return error_sys(err, "attach to it%s",
				 errno == EBUSY ? " (another program is)" : "");
	int rc = e->tun_device ? set_buffers(fd, e, err) : 0;
	req.ifr_flags = IFF_DETACH_QUEUE;
	if (rc == 0 && e->tunf->detached && ioctl(fd, TUNSETQUEUE, &req) < 0)
		rc = error_sys(err, "detach its queue");
	if (rc == 0 && !(link->tun->flags & IFF_PERSIST) && ioctl(fd, TUNSETPERSIST, 0) < 0)
		rc = error_sys(err, "let it go with its descriptors");
	return rc;
}

static int open_device(struct restore *r, int fd, const FileEntry *e, struct error *err)
{
	const NetDeviceEntry *link = link_of(r, e);
	bool missing = if_nametoindex(e->tunf->netdev) == 0;
	int rc = 0;
	if (!link || !link->tun)
		return error_set(err, EBADMSG, "no image tells of it");
	if (missing && e->tun_device)
		rc = make_device(r, e->tun_device, err);
	if (rc == 0)
		rc = attach(fd, e, link, err);
	if (rc < 0 && missing && e->tun_device)
		forget_device(e);
	return rc;
}

static int tun_open(struct restore *r, const FileEntry *e, struct error *err)
{
	if (!e->reg)
		return error_set(err, EBADMSG, "file id %u: TUN descriptor without its file",
				 e->id);
	auto_fd fd = reg_open_path(r, e->reg, e->reg->flags, err);
	if (fd < 0)
		return fd;
	int rc = e->tunf->netdev ? open_device(r, fd, e, err) : 0;
	if (rc < 0)
		return error_wrap(err, rc, "network device %s", e->tunf->netdev);
	rc = file_set_flags(fd, e->reg->flags, e->reg->fown, err);
	return rc < 0 ? rc : take_fd(fd);
}

static const FownEntry *tun_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->reg ? e->reg->flags : 0;
	return e->reg ? e->reg->fown : NULL;
}

const struct file_type file_tun = {
	.name = "TUN/TAP descriptor",
	.type = FD_TYPES__TUNF,
	.in_net = true,
	.match = tun_match,
	.dump = tun_dump,
	.check = tun_check,
	.open = tun_open,
	.owner = tun_owner,
};
