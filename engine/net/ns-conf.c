/* SPDX-License-Identifier: MIT
 * Network settings: lists whose order is the format, and everything else by name.
 * Source: Documentation/networking/ip-sysctl.rst, net/ipv4/devinet.c, net/ipv6/addrconf.c.
 */
#include "engine/net/ns-conf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/procfs/root.h"

#define VALUE_MAX 4096
#define UNUSED    (-1) /* in the oldest lists: the kernel had no such setting */
#define NR_TURNS  4

/* It changes others; another one changes it; so does setting the device up. */
enum when { EARLY = 1, LATE, UP };

struct conf_row {
	const char *name;
	enum when when;
	bool text;
};

/* In the order of net_device_entry.conf4 and conf6: new ones go to the end. */
static const struct conf_row rows4[] = {
	{ "accept_local" },
	{ "accept_redirects", LATE },
	{ "accept_source_route" },
	{ "arp_accept" },
	{ "arp_announce" },
	{ "arp_filter" },
	{ "arp_ignore" },
	{ "arp_notify" },
	{ "bootp_relay" },
	{ "disable_policy" },
	{ "disable_xfrm" },
	{ "force_igmp_version" },
	{ "forwarding", EARLY },
	{ "igmpv2_unsolicited_report_interval" },
	{ "igmpv3_unsolicited_report_interval" },
	{ "log_martians" },
	{ "medium_id" },
	{ "promote_secondaries" },
	{ "proxy_arp" },
	{ "proxy_arp_pvlan" },
	{ "route_localnet" },
	{ "rp_filter" },
	{ "secure_redirects" },
	{ "send_redirects" },
	{ "shared_media" },
	{ "src_valid_mark" },
	{ "tag" },
	{ "ignore_routes_with_linkdown" },
	{ "drop_gratuitous_arp" },
	{ "drop_unicast_in_l2_multicast" },
};
static const struct conf_row rows6[] = {
	{ "accept_dad" },
	{ "accept_ra" },
	{ "accept_ra_defrtr" },
	{ "accept_ra_from_local" },
	{ "accept_ra_min_hop_limit" },
	{ "accept_ra_mtu" },
	{ "accept_ra_pinfo" },
	{ "accept_ra_rt_info_max_plen" },
	{ "accept_ra_rtr_pref" },
	{ "accept_redirects", LATE },
	{ "accept_source_route" },
	{ "autoconf" },
	{ "dad_transmits" },
	{ "disable_ipv6", EARLY },
	{ "drop_unicast_in_l2_multicast" },
	{ "drop_unsolicited_na" },
	{ "force_mld_version" },
	{ "force_tllao" },
	{ "forwarding", EARLY },
	{ "hop_limit" },
	{ "ignore_routes_with_linkdown" },
	{ "keep_addr_on_down" },
	{ "max_addresses" },
	{ "max_desync_factor" },
	{ "mldv1_unsolicited_report_interval" },
	{ "mldv2_unsolicited_report_interval" },
	{ "mtu", UP },
	{ "ndisc_notify" },
	{ "optimistic_dad" },
	{ "proxy_ndp" },
	{ "regen_max_retry" },
	{ "router_probe_interval" },
	{ "router_solicitation_delay" },
	{ "router_solicitation_interval" },
	{ "router_solicitations" },
	{ "stable_secret", .text = true },
	{ "suppress_frag_ndisc" },
	{ "temp_prefered_lft" },
	{ "temp_valid_lft" },
	{ "use_oif_addrs_only" },
	{ "use_optimistic" },
	{ "use_tempaddr" },
};
static const struct conf_row unix_rows[] = { { "max_dgram_qlen" } };
static const struct conf_row ipv4_rows[] = { { "ping_group_range", .text = true } };

/* A list of the format: where its settings are, relative to /proc/sys/net. */
struct conf_list {
	const char *folder, *device; /* device NULL: the files are in `folder` itself */
	const struct conf_row *rows;
	size_t nr_rows;
};
#define LIST(folder_, device_, rows_)                                                              \
	(struct conf_list)                                                                         \
	{                                                                                          \
		.folder = folder_, .device = device_, .rows = rows_, .nr_rows = ARRAY_SIZE(rows_)  \
	}
#define CONF4(device) LIST("ipv4/conf", device, rows4)
#define CONF6(device) LIST("ipv6/conf", device, rows6)
#define CONF_UNIX     LIST("unix", NULL, unix_rows)
#define CONF_IPV4     LIST("ipv4", NULL, ipv4_rows)

/* -1 with ENOENT: this kernel has none of them */
static int open_folder(const struct conf_list *list)
{
	char path[64];
	snprintf(path, sizeof(path), "sys/net/%s%s%s", list->folder, list->device ? "/" : "",
		 list->device ? list->device : "");
	return procfs_open(path, O_RDONLY | O_DIRECTORY);
}

/* @param value  of VALUE_MAX bytes; set without the line's end. @return 0 or -errno */
static int read_value(int dir, const char *name, char *value)
{
	auto_fd fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -errno : fd_read_full(fd, value, VALUE_MAX - 1);
	if (n < 0)
		return (int)n;
	while (n > 0 && value[n - 1] == '\n')
		n--;
	value[n] = 0;
	return 0;
}

static int write_value(int dir, const char *name, const char *value)
{
	char now[VALUE_MAX];
	if (read_value(dir, name, now) == 0 && !strcmp(now, value))
		return 0;
	auto_fd fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd_write_full(fd, value, strlen(value));
}

/* Reading. What the kernel does not have, or has not set, is an entry without a value. */

static SysctlEntry *read_entry(int dir, const struct conf_row *row)
{
	char value[VALUE_MAX];
	SysctlEntry *e = malloc(sizeof(*e));
	if (!e)
		return NULL;
	sysctl_entry__init(e);
	e->type = row->text ? SYSCTL_TYPE__CTL_STR : SYSCTL_TYPE__CTL_32;
	if (dir < 0 || read_value(dir, row->name, value) < 0)
		return e;
	if (row->text) {
		e->sarg = strdup(value);
	} else {
		e->has_iarg = true;
		e->iarg = (int32_t)strtol(value, NULL, 10);
	}
	return e;
}

static int read_list(struct conf_list list, SysctlEntry ***out, size_t *nr, struct error *err)
{
	auto_fd dir = open_folder(&list);
	if (dir < 0 && errno != ENOENT)
		return error_sys(err, "open /proc/sys/net/%s", list.folder);
	*out = calloc(list.nr_rows, sizeof(**out));
	for (*nr = 0; *out && *nr < list.nr_rows; (*nr)++) {
		SysctlEntry *e = read_entry(dir, &list.rows[*nr]);
		if (!e)
			break;
		(*out)[*nr] = e;
	}
	return *nr == list.nr_rows ? 0 : error_set(err, ENOMEM, "out of memory");
}

/* Those read by these lists, devices, and what only does something when written. */
static bool is_listed(const char *path)
{
	static const char *const listed[] = {
		"ipv4/conf",           "ipv6/conf",
		"unix/max_dgram_qlen", "ipv4/ping_group_range",
		"ipv4/ip_forward",     "ipv4/route/flush",
		"ipv6/route/flush",
	};
	for (size_t i = 0; i < ARRAY_SIZE(listed); i++)
		if (!strcmp(path, listed[i]))
			return true;
	return false;
}

struct more {
	struct {
		NetSysctlEntry **items;
		size_t nr, cap;
	} list;
	char path[256]; /* of the folder being read, below /proc/sys/net */
};

static int add_more(struct more *m, const char *name, const char *value, struct error *err)
{
	NetSysctlEntry **slot = array_add(&m->list);
	NetSysctlEntry *e = slot ? malloc(sizeof(*e)) : NULL;
	if (!e) {
		m->list.nr -= slot != NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	net_sysctl_entry__init(e);
	*slot = e;
	e->name = strdup(name);
	e->value = strdup(value);
	return e->name && e->value ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int read_more(struct more *m, int parent, const char *folder, unsigned depth,
		     struct error *err);

static int read_one_more(struct more *m, int dir, const char *name, unsigned depth,
			 struct error *err)
{
	char value[VALUE_MAX];
	struct stat st;
	size_t len = strlen(m->path);
	if (len + strlen(name) + 2 > sizeof(m->path) || fstatat(dir, name, &st, 0) < 0)
		return 0;
	sprintf(m->path + len, "%s%s", len ? "/" : "", name);
	int rc = 0;
	if (is_listed(m->path))
		rc = 0;
	else if (S_ISDIR(st.st_mode))
		rc = read_more(m, dir, name, depth + 1, err);
	else if ((st.st_mode & 0600) == 0600 && read_value(dir, name, value) == 0)
		rc = add_more(m, m->path, value, err);
	m->path[len] = 0;
	return rc;
}

static int read_more(struct more *m, int parent, const char *folder, unsigned depth,
		     struct error *err)
{
	int fd = depth < 8 ? openat(parent, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	auto_dir dir = fd < 0 ? NULL : fdopendir(fd);
	int rc = 0;
	if (!dir)
		return 0;
	for (struct dirent *entry; rc == 0 && (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			rc = read_one_more(m, dirfd(dir), entry->d_name, depth, err);
	return rc;
}

int net_conf_read_device(NetDeviceEntry *e, struct error *err)
{
	int rc = read_list(CONF4(e->name), &e->conf4, &e->n_conf4, err);
	return rc < 0 ? rc : read_list(CONF6(e->name), &e->conf6, &e->n_conf6, err);
}

static bool any_value(SysctlEntry *const *entries, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (entries[i]->has_iarg || entries[i]->sarg)
			return true;
	return false;
}

/* "1 0", no group at all, is how it begins; the format has it as not there. */
static void forget_no_group(SysctlEntry *e)
{
	int first, last;
	if (e->sarg && sscanf(e->sarg, "%d %d", &first, &last) == 2 && first == 1 && last == 0) {
		free(e->sarg);
		e->sarg = NULL;
	}
}

int net_conf_read(NetnsEntry *e, struct error *err)
{
	struct more more = { 0 };
	int rc = read_list(CONF4("default"), &e->def_conf4, &e->n_def_conf4, err);
	if (rc == 0)
		rc = read_list(CONF4("all"), &e->all_conf4, &e->n_all_conf4, err);
	if (rc == 0)
		rc = read_list(CONF6("default"), &e->def_conf6, &e->n_def_conf6, err);
	if (rc == 0)
		rc = read_list(CONF6("all"), &e->all_conf6, &e->n_all_conf6, err);
	if (rc == 0)
		rc = read_list(CONF_UNIX, &e->unix_conf, &e->n_unix_conf, err);
	if (rc == 0)
		rc = read_list(CONF_IPV4, &e->ipv4_sysctl, &e->n_ipv4_sysctl, err);
	if (rc < 0)
		return rc;
	forget_no_group(e->ipv4_sysctl[0]);
	if (!any_value(e->unix_conf, e->n_unix_conf)) {
		sysctl_entry__free_unpacked(e->unix_conf[0], NULL);
		e->n_unix_conf = 0;
	}
	rc = read_more(&more, procfs_fd(), "sys/net", 0, err);
	e->more = more.list.items;
	e->n_more = more.list.nr;
	return rc;
}

/* Checking. */

static int check_list(SysctlEntry *const *list, size_t nr, const struct conf_row *rows,
		      size_t nr_rows, struct error *err)
{
	for (size_t i = 0; i < nr && i < nr_rows; i++) {
		SysctlType want = rows[i].text ? SYSCTL_TYPE__CTL_STR : SYSCTL_TYPE__CTL_32;
		if (list[i]->type != want)
			return error_set(err, EBADMSG, "setting %s is of type %d, want %d",
					 rows[i].name, list[i]->type, want);
		if (list[i]->sarg && strlen(list[i]->sarg) >= VALUE_MAX)
			return error_set(err, EBADMSG, "setting %s is of %zu bytes", rows[i].name,
					 strlen(list[i]->sarg));
	}
	return 0;
}
#define CHECK(e, list, rows, err) check_list((e)->list, (e)->n_##list, rows, ARRAY_SIZE(rows), err)

int net_conf_check_device(const NetDeviceEntry *e, struct error *err)
{
	int rc = CHECK(e, conf4, rows4, err);
	return rc < 0 ? rc : CHECK(e, conf6, rows6, err);
}

/* A path of names: it stays below /proc/sys/net. */
static bool is_path(const char *name)
{
	if (!*name || strlen(name) >= 256)
		return false;
	for (const char *at = name; at; at = strchr(at, '/')) {
		at += at != name;
		if (*at == '.' || *at == '/' || !*at)
			return false;
	}
	return true;
}

int net_conf_check(const NetnsEntry *e, struct error *err)
{
	int rc = CHECK(e, def_conf4, rows4, err);
	if (rc == 0)
		rc = CHECK(e, all_conf4, rows4, err);
	if (rc == 0)
		rc = CHECK(e, def_conf6, rows6, err);
	if (rc == 0)
		rc = CHECK(e, all_conf6, rows6, err);
	if (rc == 0)
		rc = CHECK(e, unix_conf, unix_rows, err);
	if (rc == 0)
		rc = CHECK(e, ipv4_sysctl, ipv4_rows, err);
	for (size_t i = 0; rc == 0 && i < e->n_more; i++)
		if (!is_path(e->more[i]->name) || strlen(e->more[i]->value) >= VALUE_MAX)
			rc = error_set(err, EBADMSG, "setting %.64s with a value of %zu bytes",
				       e->more[i]->name, strlen(e->more[i]->value));
	return rc;
}

/* Writing. */

static int write_entry(int dir, const struct conf_row *row, const SysctlEntry *e)
{
	char text[16];
	if (row->text)
		return e->sarg ? write_value(dir, row->name, e->sarg) : 0;
	if (!e->has_iarg)
		return 0;
	snprintf(text, sizeof(text), "%" PRId32, e->iarg);
	return write_value(dir, row->name, text);
}

static int write_turns(struct conf_list list, const enum when *turns, SysctlEntry *const *entries,
		       size_t nr, bool weak, struct error *err)
{
	if (!nr || !any_value(entries, nr))
		return 0;
	auto_fd dir = open_folder(&list);
	if (dir < 0 && !(weak && errno == ENOENT))
		return error_sys(err, "open /proc/sys/net/%s/%s", list.folder,
				 list.device ? list.device : "");
	if (nr > list.nr_rows)
		log_warn("the images know %zu more settings of %s", nr - list.nr_rows, list.folder);
	for (size_t t = 0; dir >= 0 && t < NR_TURNS; t++) {
		for (size_t i = 0; i < nr && i < list.nr_rows; i++) {
			const struct conf_row *row = &list.rows[i];
			int rc = row->when == turns[t] ? write_entry(dir, row, entries[i]) : 0;
			if (rc < 0 && !(weak && rc == -ENOENT))
				return error_code(err, rc, "set /proc/sys/net/%s%s%s/%s",
						  list.folder, list.device ? "/" : "",
						  list.device ? list.device : "", row->name);
		}
	}
	return 0;
}

static int write_list(struct conf_list list, SysctlEntry *const *entries, size_t nr, bool weak,
		      struct error *err)
{
	static const enum when turns[NR_TURNS] = { EARLY, 0, LATE, UP };
	return write_turns(list, turns, entries, nr, weak, err);
}

/* Numbers alone, as the oldest images have them, of IPv4. */
static int write_old(const char *device, const int32_t *values, size_t nr, bool weak,
		     struct error *err)
{
	SysctlEntry entries[ARRAY_SIZE(rows4)], *list[ARRAY_SIZE(rows4)];
	nr = nr < ARRAY_SIZE(rows4) ? nr : ARRAY_SIZE(rows4);
	for (size_t i = 0; i < nr; i++) {
		sysctl_entry__init(&entries[i]);
		entries[i].iarg = values[i];
		entries[i].has_iarg = values[i] != UNUSED;
		list[i] = &entries[i];
	}
	return write_list(CONF4(device), list, nr, weak, err);
}

int net_conf_write_device(const NetDeviceEntry *e, bool weak, struct error *err)
{
	int rc = e->n_conf4 ? write_list(CONF4(e->name), e->conf4, e->n_conf4, weak, err)
			    : write_old(e->name, e->conf, e->n_conf, weak, err);
	return rc < 0 ? rc : write_list(CONF6(e->name), e->conf6, e->n_conf6, weak, err);
}

void net_conf_hear_routers(const NetDeviceEntry *e)
{
	const struct conf_list list = CONF6(e->name);
	auto_fd dir = open_folder(&list);
	if (dir < 0)
		return;
	write_value(dir, "disable_ipv6", "0");
	write_value(dir, "accept_ra", "2"); /* even where it forwards */
	write_value(dir, "router_solicitations", "1");
}

int net_conf_write_up(const NetDeviceEntry *e, bool weak, struct error *err)
{
	static const enum when turns[NR_TURNS] = { UP, UP, UP, UP };
	return write_turns(CONF6(e->name), turns, e->conf6, e->n_conf6, weak, err);
}

static int write_conf4(const NetnsEntry *e, bool weak, struct error *err)
{
	bool old = !e->n_def_conf4 && !e->n_all_conf4;
	int rc = old ? write_old("all", e->all_conf, e->n_all_conf, weak, err)
		     : write_list(CONF4("all"), e->all_conf4, e->n_all_conf4, weak, err);
	if (rc < 0)
		return rc;
	return old ? write_old("default", e->def_conf, e->n_def_conf, weak, err)
		   : write_list(CONF4("default"), e->def_conf4, e->n_def_conf4, weak, err);
}

int net_conf_turn_inside(const NetnsEntry *e, const struct user_maps *maps, struct error *err)
{
	unsigned first, last;
	SysctlEntry *range = e->n_ipv4_sysctl ? e->ipv4_sysctl[0] : NULL;
	if (!range || !range->sarg || sscanf(range->sarg, "%u %u", &first, &last) != 2)
		return 0;
	char *inside;
	if (asprintf(&inside, "%u %u", id_inside(maps, ID_GROUP, first),
		     id_inside(maps, ID_GROUP, last)) < 0)
		return error_set(err, ENOMEM, "out of memory");
	free(range->sarg);
	range->sarg = inside;
	return 0;
}

int net_conf_write(const NetnsEntry *e, bool weak, struct error *err)
{
	int rc = write_conf4(e, weak, err);
	if (rc == 0)
		rc = write_list(CONF6("all"), e->all_conf6, e->n_all_conf6, weak, err);
	if (rc == 0)
		rc = write_list(CONF6("default"), e->def_conf6, e->n_def_conf6, weak, err);
	if (rc == 0)
		rc = write_list(CONF_UNIX, e->unix_conf, e->n_unix_conf, weak, err);
	return rc < 0 ? rc : write_list(CONF_IPV4, e->ipv4_sysctl, e->n_ipv4_sysctl, weak, err);
}

void net_conf_write_more(const NetnsEntry *e)
{
	auto_fd dir = procfs_open("sys/net", O_PATH | O_DIRECTORY);
	for (size_t i = 0; i < e->n_more; i++) {
		const NetSysctlEntry *s = e->more[i];
		int rc = write_value(dir, s->name, s->value);
		if (rc < 0)
			log_warn("set /proc/sys/net/%s to %s: %s", s->name, s->value,
				 strerror(-rc));
	}
}
