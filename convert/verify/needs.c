/* SPDX-License-Identifier: MIT
 * Images that go with each other. One table of what an entry cannot be without, though no field of
 * it says so: whoever writes the one always writes the other. And one of images that are of no use
 * unless something leads to them.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "convert/raw/raw.h"
#include "convert/verify/check.h"
#include "network.pb-c.h"

enum { NO_KIND = NR_OBJECT_KINDS };

static bool has(const struct check *check, enum image_id image, uint64_t number)
{
	return object_set_has(&check->objects, image, number);
}

/* One that is given at the restore has nothing else. */
static bool net_is_whole(const struct check *check, const struct place *at, const NetnsEntry *net)
{
	(void)check, (void)at;
	return !net->ext_key;
}

static bool net_has_ipv6(const struct check *check, const struct place *at, const NetnsEntry *net)
{
	return net_is_whole(check, at, net) && (net->n_def_conf6 || net->n_all_conf6);
}

/* Stasis writes all of /proc/sys/net. */
static bool net_is_of_criu(const NetnsEntry *net)
{
	return !net->ext_key && !net->n_more;
}

/* Stasis writes the text of rules there are, beside what the kernel said. CRIU may have been built
 * without libnftables, and its sets do not tell. */
static bool net_has_nftables(const struct check *check, const struct place *at,
			     const NetnsEntry *net)
{
	(void)check, (void)at;
	return !net->ext_key && net->has_nf_tables && net->nf_tables.len;
}

/* CRIU asks for tracked and for expected connections, or for neither. */
static bool net_has_tracked(const struct check *check, const struct place *at,
			    const NetnsEntry *net)
{
	return net_is_of_criu(net) && has(check, IMG_NETNF_EXP, at->number);
}

static bool net_has_expected(const struct check *check, const struct place *at,
			     const NetnsEntry *net)
{
	return net_is_of_criu(net) && has(check, IMG_NETNF_CT, at->number);
}

/* What a netns-N.img needs, of the same number. */
static const struct net_need {
	enum image_id image;
	bool (*wanted)(const struct check *check, const struct place *at, const NetnsEntry *net);
} net_needs[] = {
	{ IMG_NETDEV, net_is_whole },      { IMG_IFADDR, net_is_whole },
	{ IMG_ROUTE, net_is_whole },       { IMG_ROUTE6, net_has_ipv6 },
	{ IMG_RULE, net_is_whole },        { IMG_NFTABLES, net_has_nftables },
	{ IMG_NETNF_CT, net_has_tracked }, { IMG_NETNF_EXP, net_has_expected },
};

/* Of packet filters Stasis writes only what has rules; the kernel's own words say whether there are
 * some. CRIU writes empty ones. */
static bool filter_is_cut(const NetnsEntry *net, enum image_id id)
{
	return net->n_more || (id == IMG_NFTABLES && net->has_nf_tables && net->nf_tables.len);
}

static const char *name_of(enum image_id image, uint64_t number, char *out, size_t len)
{
	return image_filename(&image_types[image], number, out, len);
}

static void filters_check(struct check *check, const struct place *at, const NetnsEntry *net)
{
	char name[64];
	for (unsigned id = 0; id < IMG_NR_TYPES; id++) {
		if (raw_kind_of(id) == RAW_FILTER && filter_is_cut(net, id) &&
		    object_set_has(&check->objects, OBJ_EMPTY,
				   object_within(id, (uint32_t)at->number)))
			finding_at(check, name_of(id, at->number, name, sizeof(name)), NULL, NULL,
				   "is empty, without rules");
	}
}

void needs_of(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	char name[64];
	if (msg->descriptor != &netns_entry__descriptor)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(net_needs); i++) {
		const struct net_need *need = &net_needs[i];
		if (!has(check, need->image, at->number) &&
		    need->wanted(check, at, (const NetnsEntry *)msg))
			finding(check, at, NULL, "no %s",
				name_of(need->image, at->number, name, sizeof(name)));
	}
	filters_check(check, at, (const NetnsEntry *)msg);
}

/*
 * Images of no use alone: those of a process, those that go with another of the same number, and
 * those that a reference must lead to. (Segments of the dumper's own IPC namespace are in an
 * ipcns-shm-N.img without others.)
 */
static const struct follower {
	enum image_id image;
	unsigned kind;     /* of what has the number; NO_KIND: only a reference counts */
	bool of_namespace; /* the dumper's own have none: these have to be known */
	bool first_is_own; /* number 0: of the dumper itself */
} followers[] = {
	{ IMG_FS, OBJ_PROCESS },
	{ IMG_IDS, OBJ_PROCESS },
	{ IMG_PAGEMAP, OBJ_PROCESS },
	{ IMG_TCP_STREAM, OBJ_INET },
	{ IMG_IFADDR, IMG_NETDEV },
	{ IMG_ROUTE, IMG_NETDEV },
	{ IMG_ROUTE6, IMG_NETDEV },
	{ IMG_RULE, IMG_NETDEV },
	{ IMG_IPTABLES, IMG_NETDEV },
	{ IMG_IP6TABLES, IMG_NETDEV },
	{ IMG_NFTABLES, IMG_NETDEV },
	{ IMG_IPCNS_MSG, IMG_IPC_VAR },
	{ IMG_IPCNS_SEM, IMG_IPC_VAR },
	{ IMG_GHOST_FILE, NO_KIND },
	{ IMG_TMPFS_DEV, NO_KIND },
	{ IMG_AUTOFS, NO_KIND },
	{ IMG_SHMEM_PAGEMAP, NO_KIND },
	{ IMG_FDINFO, NO_KIND },
	{ IMG_NETNS, NO_KIND, .of_namespace = true },
	{ IMG_IPC_VAR, NO_KIND, .of_namespace = true },
	{ IMG_UTSNS, NO_KIND, .of_namespace = true },
	{ IMG_MNTS, NO_KIND, .of_namespace = true },
	{ IMG_USERNS, NO_KIND, .of_namespace = true },
	{ IMG_TIMENS, NO_KIND, .of_namespace = true, .first_is_own = true },
};

static void follower_check(struct check *check, const struct source_member *m,
			   const struct image_type *type)
{
	char name[96];
	uint64_t number = image_number(type, m->name);
	for (size_t i = 0; i < ARRAY_SIZE(followers); i++) {
		const struct follower *f = &followers[i];
		if (f->image != type->id || object_set_has(&check->used, type->id, number) ||
		    (f->of_namespace && !own_are_known(check)) || (f->first_is_own && !number))
			continue;
		if (f->kind == NO_KIND)
			finding_at(check, m->name, NULL, NULL, "nothing refers to it");
		else if (!object_set_has(&check->objects, f->kind, number))
			finding_at(check, m->name, NULL, NULL, "there is no %s",
				   object_name(f->kind, number, name, sizeof(name)));
	}
}

/* Of who writes an empty image for what a namespace has none of, all three are there. */
static void ipc_check(struct check *check, const struct source_member *m, uint64_t number)
{
	static const enum image_id all[] = { IMG_IPCNS_SHM, IMG_IPCNS_MSG, IMG_IPCNS_SEM };
	char name[64];
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (object_set_has(&check->objects, OBJ_ALL_OF_IPC, number) &&
		    !has(check, all[i], number))
			finding_at(check, m->name, NULL, NULL, "no %s",
				   name_of(all[i], number, name, sizeof(name)));
	}
}

/* What leads to an image may be in one that cannot be read, and a pre-dump has hardly any. */
void needs_finish(struct check *check)
{
	bool all_read = check->has_tree;
	for (size_t i = 0; i < check->nr_members; i++)
		all_read = all_read && !check->broken[i];
	for (size_t i = 0; i < check->nr_members; i++) {
		const struct source_member *m = &check->members[i];
		const struct image_type *type =
		    strchr(m->name, '/') ? NULL : image_type_by_filename(m->name);
		if (!type)
			continue;
		if (all_read)
			follower_check(check, m, type);
		if (type->id == IMG_IPC_VAR)
			ipc_check(check, m, image_number(type, m->name));
	}
}
