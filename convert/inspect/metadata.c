/* SPDX-License-Identifier: MIT
 * What a checkpoint says about itself: container, sizes, statistics, mounts.
 */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/strbuf.h"
#include "convert/describe/mounts.h"
#include "convert/inspect/sections.h"
#include "stats.pb-c.h"

int set_facts_read(struct source *src, struct set_facts *out, struct error *err)
{
	const struct source_member *members;
	ssize_t nr = source_list(src, &members, err);
	*out = (struct set_facts){ 0 };
	for (ssize_t i = 0; i < nr; i++) {
		const char *name = members[i].name;
		uint64_t size = members[i].size;
		out->total += size;
		if (!fnmatch("*.img", name, 0))
			out->images += size;
		if (!fnmatch("pages-*.img", name, 0))
			out->pages += size;
		if (!fnmatch("*rootfs-diff.tar", name, 0))
			out->rootfs_diff += size;
		if (!fnmatch("*volumes/*.tar", name, 0))
			out->volumes += size;
		if (!strcmp(name, "inventory.img") && members[i].mtime_s > 0)
			time_text(members[i].mtime_s, out->written);
	}
	return nr < 0 ? (int)nr : 0;
}

static void annotations_write(const struct flat *spec, struct doc *doc)
{
	static const struct doc_column columns[] = { { "key", "ANNOTATION", DOC_LEFT },
						     { "value", "VALUE", DOC_LEFT } };
	static const char prefix[] = "annotations.";
	doc_table(doc, "annotations", "Annotations", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < spec->nr; i++) {
		if (strncmp(spec->items[i].path, prefix, strlen(prefix)) != 0)
			continue;
		doc_row(doc);
		doc_str(doc, NULL, NULL, spec->items[i].path + strlen(prefix));
		doc_str(doc, NULL, NULL, spec->items[i].value);
	}
	doc_end(doc);
}

static void deleted_write(const struct flat *deleted, struct doc *doc)
{
	static const struct doc_column columns[] = { { "path", "DELETED FROM THE IMAGE",
						       DOC_LEFT } };
	doc_table(doc, "deleted_files", NULL, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < deleted->nr; i++) {
		if (deleted->items[i].path[0] != '[')
			continue; /* an empty list */
		doc_row(doc);
		doc_str(doc, NULL, NULL, deleted->items[i].value);
	}
	doc_end(doc);
}

static void inventory_write(const InventoryEntry *inventory, const char *written, struct doc *doc)
{
	if (!inventory)
		return;
	doc_object(doc, "inventory", "Inventory");
	if (*written)
		doc_str(doc, "written", "Images written", written);
	doc_u64(doc, "image_version", "Image version", inventory->img_version);
	if (inventory->has_dump_uptime)
		doc_u64(doc, "uptime_us", "Up time of the machine in us", inventory->dump_uptime);
	if (inventory->has_lsmtype) {
		static const char *const names[] = { "none", "selinux", "apparmor" };
		unsigned type = inventory->lsmtype;
		doc_str(doc, "lsm", "Security module",
			type < ARRAY_SIZE(names) ? names[type] : "?");
	}
	if (inventory->has_tcp_close)
		doc_bool(doc, "tcp_close", "Connections were closed", inventory->tcp_close);
	if (inventory->dump_criu_run_id)
		doc_str(doc, "run_id", "Run id", inventory->dump_criu_run_id);
	doc_end(doc);
}

int inspect_metadata(struct checkpoint *cp, struct doc *doc, struct error *err)
{
	auto_container_facts facts = { 0 };
	struct set_facts set;
	int rc = container_describe(checkpoint_source(cp), &facts, err);
	if (rc == 0)
		rc = set_facts_read(checkpoint_source(cp), &set, err);
	if (rc < 0)
		return rc;
	if (facts.engine) {
		doc_object(doc, "container", "Container");
		doc_str(doc, "engine", "Engine", facts.engine);
		for (size_t i = 0; i < NR_CONTAINER_WORDS; i++)
			doc_str(doc, container_word_names[i].key,
				facts.words[i] ? container_word_names[i].title : NULL,
				facts.words[i]);
		doc_end(doc);
		annotations_write(&facts.spec, doc);
	}
	inventory_write(checkpoint_inventory(cp), set.written, doc);
	doc_object(doc, "sizes", "Sizes");
	doc_size(doc, "total_bytes", "Total", set.total);
	doc_size(doc, "images_bytes", "Images", set.images);
	doc_size(doc, "pages_bytes", "Pages", set.pages);
	if (facts.engine) {
		doc_size(doc, "rootfs_diff_bytes", "Changed files", set.rootfs_diff);
		doc_size(doc, "volumes_bytes", "Volumes", set.volumes);
	}
	doc_end(doc);
	if (facts.deleted.nr)
		deleted_write(&facts.deleted, doc);
	return 0;
}

static void dump_stats_write(const DumpStatsEntry *dump, struct doc *doc)
{
	doc_object(doc, "dump", "Dump statistics");
	doc_u64(doc, "freezing_us", "Freezing in us", dump->freezing_time);
	doc_u64(doc, "frozen_us", "Frozen in us", dump->frozen_time);
	doc_u64(doc, "memdump_us", "Reading memory in us", dump->memdump_time);
	doc_u64(doc, "memwrite_us", "Writing memory in us", dump->memwrite_time);
	doc_u64(doc, "pages_scanned", "Pages scanned", dump->pages_scanned);
	doc_u64(doc, "pages_skipped_parent", "Pages in the parent set", dump->pages_skipped_parent);
	doc_u64(doc, "pages_written", "Pages written", dump->pages_written);
	doc_u64(doc, "pages_lazy", "Pages left behind (lazy)", dump->pages_lazy);
	if (dump->has_shpages_scanned)
		doc_u64(doc, "shared_pages_scanned", "Shared pages scanned", dump->shpages_scanned);
	if (dump->has_shpages_written)
		doc_u64(doc, "shared_pages_written", "Shared pages written", dump->shpages_written);
	doc_end(doc);
}

int inspect_stats(struct checkpoint *cp, struct doc *doc, struct error *err)
{
	auto_image_reader r = NULL;
	auto_message ProtobufCMessage *msg = NULL;
	int rc = image_open(checkpoint_source(cp), "stats-dump", &r, err);
	if (rc == 0)
		rc = image_next(r, &msg, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	const StatsEntry *stats = (const StatsEntry *)msg;
	if (stats && stats->base.descriptor == &stats_entry__descriptor && stats->dump)
		dump_stats_write(stats->dump, doc);
	else
		doc_none(doc, "dump", "Dump statistics");
	return 0;
}

static void spec_mounts_write(const struct flat *spec, struct doc *doc)
{
	static const struct doc_column columns[] = {
		{ "destination", "DESTINATION", DOC_LEFT },
		{ "type", "TYPE", DOC_LEFT },
		{ "source", "SOURCE", DOC_LEFT },
	};
	static const char prefix[] = "mounts[", end[] = "].destination";
	doc_table(doc, "container_mounts", "Mounts the container was started with", columns,
		  ARRAY_SIZE(columns));
	for (size_t i = 0; i < spec->nr; i++) {
		const char *path = spec->items[i].path;
		size_t len = strlen(path);
		if (strncmp(path, prefix, strlen(prefix)) != 0 || len < strlen(end) ||
		    strcmp(path + len - strlen(end), end) != 0)
			continue;
		auto_strbuf other = { 0 };
		int stem = (int)(len - strlen("destination"));
		doc_row(doc);
		doc_str(doc, NULL, NULL, spec->items[i].value);
		for (size_t k = 1; k < ARRAY_SIZE(columns); k++) {
			strbuf_reset(&other);
			if (strbuf_printf(&other, "%.*s%s", stem, path, columns[k].key) < 0)
				doc_none(doc, NULL, NULL);
			else
				doc_str(doc, NULL, NULL, flat_find(spec, other.data));
		}
	}
	doc_end(doc);
}

static void mount_row(const struct mount_facts *mount, struct doc *doc)
{
	const MntEntry *entry = mount->entry;
	doc_row(doc);
	doc_u64(doc, NULL, NULL, mount->ns);
	doc_u64(doc, NULL, NULL, entry->mnt_id);
	doc_u64(doc, NULL, NULL, entry->parent_mnt_id);
	doc_str(doc, NULL, NULL, entry->mountpoint);
	doc_str(doc, NULL, NULL, mount->fstype);
	doc_str(doc, NULL, NULL, entry->source);
	doc_str(doc, NULL, NULL, entry->root);
	doc_hex(doc, NULL, NULL, entry->flags);
	doc_str(doc, NULL, NULL, entry->options);
	doc_bool(doc, NULL, NULL, mount->external);
	doc_str(doc, NULL, NULL, entry->ext_key);
}

int inspect_mounts(struct checkpoint *cp, struct doc *doc, struct error *err)
{
	static const struct doc_column columns[] = {
		{ "mnt_ns", "NS", DOC_RIGHT },        { "mount_id", "ID", DOC_RIGHT },
		{ "parent_id", "PARENT", DOC_RIGHT }, { "mountpoint", "MOUNT POINT", DOC_LEFT },
		{ "type", "TYPE", DOC_LEFT },         { "source", "SOURCE", DOC_LEFT },
		{ "root", "ROOT", DOC_LEFT },         { "flags", NULL, DOC_LEFT },
		{ "options", NULL, DOC_LEFT },        { "external", "EXTERNAL", DOC_LEFT },
		{ "external_key", NULL, DOC_LEFT },
	};
	auto_container_facts facts = { 0 };
	auto_mount_list mounts = { 0 };
	int rc = container_describe(checkpoint_source(cp), &facts, err);
	if (rc == 0)
		rc = mount_list_read(cp, &mounts, err);
	if (rc < 0)
		return rc;
	if (facts.engine)
		spec_mounts_write(&facts.spec, doc);
	doc_table(doc, "mounts", "Mounts", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < mounts.nr; i++)
		mount_row(&mounts.items[i], doc);
	doc_end(doc);
	return 0;
}
