/* SPDX-License-Identifier: MIT
 * Tables of iptables (the older kind, called legacy) as the kernel hands them out and takes them.
 * Source: include/uapi/linux/netfilter_ipv4/ip_tables.h, netfilter_ipv6/ip6_tables.h,
 * net/netfilter/ x_tables.c. A table is one array of entries of different lengths, each a rule or a
 * chain's name.
 */
#include <errno.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/strbuf.h"
#include "engine/net/ns-filter.h"
#include "engine/procfs/root.h"

#define MAX_TABLE (64u << 20)

/* Both families have the same structures, but for an entry. */
static const struct xfamily {
	int family, level;
	const char *names; /* in /proc/self/net; the kernel has none when it is not there */
	size_t entry_len, next_offset, counters;
} families[] = {
	{ AF_INET, IPPROTO_IP, "ip_tables_names", sizeof(struct ipt_entry),
	  offsetof(struct ipt_entry, next_offset), offsetof(struct ipt_entry, counters) },
	{ AF_INET6, IPPROTO_IPV6, "ip6_tables_names", sizeof(struct ip6t_entry),
	  offsetof(struct ip6t_entry, next_offset), offsetof(struct ip6t_entry, counters) },
};
#define GET_INFO     IPT_SO_GET_INFO
#define GET_ENTRIES  IPT_SO_GET_ENTRIES
#define SET_REPLACE  IPT_SO_SET_REPLACE
#define ADD_COUNTERS IPT_SO_SET_ADD_COUNTERS

static const struct xfamily *family_of(uint32_t family)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (families[i].family == (int)family)
			return &families[i];
	return NULL;
}

static int open_socket(const struct xfamily *x, struct error *err)
{
	int fd = socket(x->family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	return fd < 0 ? error_sys(err, "make a raw socket (needs CAP_NET_RAW)") : fd;
}

static int get_info(int fd, const struct xfamily *x, const char *name, struct ipt_getinfo *info,
		    struct error *err)
{
	socklen_t len = sizeof(*info);
	*info = (struct ipt_getinfo){ 0 };
	strncpy(info->name, name, sizeof(info->name) - 1);
	if (getsockopt(fd, x->level, GET_INFO, info, &len) < 0)
		return error_sys(err, "read the table %s of iptables (needs CAP_NET_ADMIN)", name);
	return 0;
}

static int fill_entry(int fd, const struct xfamily *x, const struct ipt_getinfo *info,
		      XtablesEntry *e, struct error *err)
{
	socklen_t len = (socklen_t)(sizeof(struct ipt_get_entries) + info->size);
	auto_free struct ipt_get_entries *all = calloc(1, len);
	e->family = (uint32_t)x->family;
	e->name = strdup(info->name);
	e->valid_hooks = info->valid_hooks;
	e->num_entries = info->num_entries;
	e->hook_entry = malloc(sizeof(info->hook_entry));
	e->underflow = malloc(sizeof(info->underflow));
	e->entries.data = malloc(info->size + 1);
	if (!all || !e->name || !e->hook_entry || !e->underflow || !e->entries.data)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(all->name, info->name, sizeof(all->name));
	all->size = info->size;
	if (getsockopt(fd, x->level, GET_ENTRIES, all, &len) < 0)
		return error_sys(err, "read the rules of the table %s of iptables", info->name);
	memcpy(e->hook_entry, info->hook_entry, sizeof(info->hook_entry));
	memcpy(e->underflow, info->underflow, sizeof(info->underflow));
	memcpy(e->entries.data, all->entrytable, info->size);
	e->n_hook_entry = e->n_underflow = ARRAY_SIZE(info->hook_entry);
	e->entries.len = info->size;
	return 0;
}

static int read_table(int fd, const struct xfamily *x, const char *name, struct xtables *out,
		      struct error *err)
{
	struct ipt_getinfo info;
	int rc = get_info(fd, x, name, &info, err);
	XtablesEntry **slot = rc < 0 ? NULL : array_add(out);
	XtablesEntry *e = slot ? malloc(sizeof(*e)) : NULL;
	if (rc < 0)
		return rc;
	if (!e) {
		out->nr -= slot != NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	xtables_entry__init(e);
	*slot = e;
	return fill_entry(fd, x, &info, e, err);
}

/* Names one a line, as far as this namespace has used them. */
static int read_names(const char *file, struct strbuf *out, struct error *err)
{
	char path[48];
	snprintf(path, sizeof(path), "thread-self/net/%s", file);
	int rc = file_read_at(procfs_fd(), path, out, err);
	return rc == -ENOENT ? 0 : rc;
}

static int read_family(const struct xfamily *x, struct xtables *out, struct error *err)
{
	auto_strbuf names = { 0 };
	int rc = read_names(x->names, &names, err);
	if (rc < 0 || !names.len)
		return rc;
	auto_fd fd = open_socket(x, err);
	rc = fd < 0 ? fd : 0;
	char *rest = names.data, *name;
	while (rc == 0 && (name = strsep(&rest, "\n")))
		rc = *name ? read_table(fd, x, name, out, err) : 0;
	return rc;
}

int xtables_read(struct xtables *out, struct error *err)
{
	auto_strbuf arp = { 0 };
	int rc = read_names("arp_tables_names", &arp, err);
	if (rc == 0 && arp.len)
		return error_set(err, ENOTSUP,
				 "it has tables of arptables (%.*s), which are not carried: remove "
				 "them, or use arptables of nftables",
				 (int)strcspn(arp.data, "\n"), arp.data);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(families); i++)
		rc = read_family(&families[i], out, err);
	return rc;
}

void xtables_fini(struct xtables *t)
{
	for (size_t i = 0; i < t->nr; i++)
		xtables_entry__free_unpacked(t->items[i], NULL);
	free(t->items);
	*t = (struct xtables){ 0 };
}

/* Where the entry behind this one begins. @return 0: it is none */
static size_t next_entry(const struct xfamily *x, const XtablesEntry *e, size_t at)
{
	uint16_t step;
	if (e->entries.len - at < x->entry_len)
		return 0;
	memcpy(&step, e->entries.data + at + x->next_offset, sizeof(step));
	return step >= x->entry_len && step <= e->entries.len - at ? at + step : 0;
}

int xtables_check(const XtablesEntry *e, struct error *err)
{
	const struct xfamily *x = family_of(e->family);
	size_t len = strlen(e->name), nr = 0, at = 0;
	if (!x || !len || len >= XT_TABLE_MAXNAMELEN || e->entries.len > MAX_TABLE ||
	    e->n_hook_entry != NF_INET_NUMHOOKS || e->n_underflow != NF_INET_NUMHOOKS)
		return error_set(err, EBADMSG, "table %.32s of iptables, family %u: %zu bytes",
				 e->name, e->family, e->entries.len);
	while (at < e->entries.len && (at = next_entry(x, e, at)) != 0)
		nr++;
	if (at != e->entries.len || nr != e->num_entries)
		return error_set(err, EBADMSG, "table %s of iptables: %zu rules of %u", e->name, nr,
				 e->num_entries);
	return 0;
}

/* New rules count from zero: what they had is added. */
static int add_counters(int fd, const struct xfamily *x, const XtablesEntry *e, struct error *err)
{
	size_t len = sizeof(struct xt_counters_info) + e->num_entries * sizeof(struct xt_counters);
	auto_free struct xt_counters_info *info = calloc(1, len);
	if (!info)
		return error_set(err, ENOMEM, "out of memory");
	strncpy(info->name, e->name, sizeof(info->name) - 1);
	info->num_counters = e->num_entries;
	for (size_t i = 0, at = 0; i < e->num_entries; i++, at = next_entry(x, e, at))
		memcpy(&info->counters[i], e->entries.data + at + x->counters,
		       sizeof(info->counters[i]));
	if (setsockopt(fd, x->level, ADD_COUNTERS, info, (socklen_t)len) < 0)
		return error_sys(err, "set the counters of the table %s of iptables", e->name);
	return 0;
}

static int replace(int fd, const struct xfamily *x, const XtablesEntry *e, uint32_t nr_old,
		   struct error *err)
{
	size_t len = sizeof(struct ipt_replace) + e->entries.len;
	auto_free struct ipt_replace *new = calloc(1, len);
	auto_free struct xt_counters *old = calloc(nr_old + 1, sizeof(*old));
	if (!new || !old)
		return error_set(err, ENOMEM, "out of memory");
	strncpy(new->name, e->name, sizeof(new->name) - 1);
	new->valid_hooks = e->valid_hooks;
	new->num_entries = e->num_entries;
	new->size = (uint32_t)e->entries.len;
	memcpy(new->hook_entry, e->hook_entry, sizeof(new->hook_entry));
	memcpy(new->underflow, e->underflow, sizeof(new->underflow));
	new->num_counters = nr_old;
	new->counters = old;
	memcpy(new->entries, e->entries.data, e->entries.len);
	if (setsockopt(fd, x->level, SET_REPLACE, new, (socklen_t)len) < 0)
		return error_sys(err, "set the table %s of iptables", e->name);
	return 0;
}

int xtables_set(const XtablesEntry *e, struct error *err)
{
	struct ipt_getinfo now;
	const struct xfamily *x = family_of(e->family);
	auto_fd fd = open_socket(x, err);
	int rc = fd < 0 ? fd : get_info(fd, x, e->name, &now, err);
	if (rc == 0)
		rc = replace(fd, x, e, now.num_entries, err);
	return rc < 0 ? rc : add_counters(fd, x, e, err);
}
