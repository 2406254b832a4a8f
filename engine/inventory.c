/* SPDX-License-Identifier: MIT
 * inventory.img: what a dump says of its set, and what of it a restore checks first.
 */
#include "engine/inventory.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/dump-set.h"
#include "engine/ns/cgroup.h"
#include "engine/ns/ns.h"
#include "engine/procfs/root.h"
#include "engine/task/core.h"
#include "engine/task/label.h"
#include "images/reader.h"
#include "images/writer.h"
#include "inventory.pb-c.h"

#define VERSION_MIN 1 /* one magic word, ids of the tasks */
#define VERSION_MAX 2 /* v1.1: two magic words, ids per object; what we write */

/* A random (version 4) UUID: tells incremental dumps which run they build on. */
void inventory_make_run_id(char out[37])
{
	uint8_t b[16];
	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		memset(b, 0, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		 b[13], b[14], b[15]);
}

int inventory_dump(struct dump *d, struct error *err)
{
	TaskKobjIdsEntry ids = TASK_KOBJ_IDS_ENTRY__INIT;
	task_root_ids(&ids);
	PluginsEntry plugins = PLUGINS_ENTRY__INIT;
	InventoryEntry e = INVENTORY_ENTRY__INIT;
	auto_label_host host = { 0 };
	int rc = label_host_find(procfs_fd(), &host, err);
	if (rc < 0)
		return rc;
	e.img_version = VERSION_MAX;
	e.has_fdinfo_per_id = e.fdinfo_per_id = true;
	e.root_ids = &ids;
	e.has_ns_per_id = e.ns_per_id = true;
	e.has_root_cg_set = true;
	e.root_cg_set = CGROUP_OWN_SET;
	e.has_lsmtype = true;
	e.lsmtype = host.module == LABEL_UNKNOWN ? LSMTYPE__NO_LSM : (Lsmtype)host.module;
	e.has_network_lock_method = true;
	e.network_lock_method = d->network_lock;
	e.has_tcp_close = e.tcp_close = d->opts->tcp_close;
	e.has_allow_uprobes = e.allow_uprobes = d->probes_left;
	e.plugins_entry = &plugins;
	e.dump_criu_run_id = d->run_id;
	return image_write_one(d->images_fd, IMG_INVENTORY, 0, &e.base, err);
}

static int explain_no_set(const char *dir, struct error *err)
{
	auto_free char *before = NULL;
	if (asprintf(&before, "%s/" DUMP_SET_BEFORE, dir) < 0)
		before = NULL;
	bool kept = before && access(before, F_OK) == 0;
	return error_set(err, ENOENT,
			 "no inventory.img in %s: not a set of images, or one whose dump did not "
			 "finish%s%s",
			 dir, kept ? "; the set before it is in " : "", kept ? before : "");
}

int inventory_load(struct restore *r, struct error *err)
{
	auto_message ProtobufCMessage *msg = NULL;
	int rc = image_read_one(r->images, IMG_INVENTORY, 0, &msg, err);
	if (rc == -ENOENT)
		return explain_no_set(source_name(r->images), err);
	if (rc < 0)
		return rc;
	const InventoryEntry *e = (const InventoryEntry *)msg;
	if (e->img_version < VERSION_MIN || e->img_version > VERSION_MAX)
		return error_set(err, ENOTSUP,
				 "inventory.img: version %u of the format; %d to %d "
				 "are known",
				 e->img_version, VERSION_MIN, VERSION_MAX);
	if (e->tcp_close && !r->opts->tcp_close)
		return error_set(err, EINVAL,
				 "inventory.img: TCP connections were given up at the dump: use "
				 "--tcp-close here, too");
	if (e->allow_uprobes && !r->opts->allow_uprobes)
		return error_set(err, EINVAL,
				 "inventory.img: breakpoints of probes are in the memory: restore "
				 "it where the same probes are set, with --allow-uprobes");
	if (e->has_network_lock_method && e->network_lock_method > NETWORK_LOCK_SKIP)
		return error_set(err, EBADMSG, "inventory.img: unknown network lock %u",
				 e->network_lock_method);
	r->network_lock = e->has_network_lock_method ? (enum network_lock)e->network_lock_method
						     : NETWORK_LOCK_IPTABLES;
	for (int i = 0; e->root_ids && i < NS_KINDS; i++)
		r->dumper_ids[i] = ns_id_of(e->root_ids, (enum ns_kind)i);
	if (e->dump_criu_run_id)
		snprintf(r->run_id, sizeof(r->run_id), "%s", e->dump_criu_run_id);
	r->label_module = e->has_lsmtype ? (int)e->lsmtype : LSMTYPE__NO_LSM;
	return 0;
}
