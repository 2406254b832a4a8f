/* SPDX-License-Identifier: MIT
 * What differs in the images that do not belong to one process. Images of a type are paired in the
 * order of their numbers, entries in their order.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/codec/image.h"
#include "convert/codec/message.h"
#include "convert/diff/change.h"
#include "convert/diff/keyed.h"
#include "convert/diff/streams.h"
#include "convert/diff/tars.h"
#include "images/cgroup-perms.h"
#include "images/damage.h"
#include "images/reader.h"

/* The section of each type that is compared here; types of one process are looked at elsewhere. */
static const struct {
	enum image_id id;
	enum diff_section section;
} image_sections[] = {
	{ IMG_INVENTORY, DIFF_METADATA },
	{ IMG_CPUINFO, DIFF_METADATA },
	{ IMG_PIPES_DATA, DIFF_FILES },
	{ IMG_FIFO_DATA, DIFF_FILES },
	{ IMG_SK_QUEUES, DIFF_FILES },
	{ IMG_REMAP_FPATH, DIFF_FILES },
	{ IMG_GHOST_FILE, DIFF_FILES },
	{ IMG_MEMFD_INODE, DIFF_FILES },
	{ IMG_TTY_INFO, DIFF_FILES },
	{ IMG_TTY_DATA, DIFF_FILES },
	{ IMG_FILE_LOCKS, DIFF_FILES },
	{ IMG_BPFMAP_DATA, DIFF_FILES },
	{ IMG_EVENTPOLL_TFD, DIFF_FILES },
	{ IMG_INOTIFY_WD, DIFF_FILES },
	{ IMG_FANOTIFY_MARK, DIFF_FILES },
	{ IMG_TCP_STREAM, DIFF_NET },
	{ IMG_NETDEV, DIFF_NET },
	{ IMG_NETNS, DIFF_NET },
	{ IMG_IFADDR, DIFF_NET },
	{ IMG_ROUTE, DIFF_NET },
	{ IMG_ROUTE6, DIFF_NET },
	{ IMG_RULE, DIFF_NET },
	{ IMG_IPTABLES, DIFF_NET },
	{ IMG_IP6TABLES, DIFF_NET },
	{ IMG_NFTABLES, DIFF_NET },
	{ IMG_NETNF_CT, DIFF_NET },
	{ IMG_NETNF_EXP, DIFF_NET },
	{ IMG_MNTS, DIFF_MOUNTS },
	{ IMG_TMPFS_IMG, DIFF_MOUNTS },
	{ IMG_TMPFS_DEV, DIFF_MOUNTS },
	{ IMG_AUTOFS, DIFF_MOUNTS },
	{ IMG_BINFMT_MISC, DIFF_MOUNTS },
	{ IMG_BINFMT_MISC_OLD, DIFF_MOUNTS },
	{ IMG_IPC_VAR, DIFF_IPC },
	{ IMG_IPCNS_SHM, DIFF_IPC },
	{ IMG_IPCNS_MSG, DIFF_IPC },
	{ IMG_IPCNS_SEM, DIFF_IPC },
	{ IMG_UTSNS, DIFF_NAMESPACES },
	{ IMG_USERNS, DIFF_NAMESPACES },
	{ IMG_TIMENS, DIFF_NAMESPACES },
	{ IMG_PIDNS, DIFF_NAMESPACES },
	{ IMG_CGROUP, DIFF_CGROUPS },
	{ IMG_SECCOMP, DIFF_TASK },
	{ IMG_APPARMOR, DIFF_TASK },
	{ IMG_SIGNAL, DIFF_TASK },
	{ IMG_PSIGNAL, DIFF_TASK },
	{ IMG_SIGACT, DIFF_TASK },
	{ IMG_ITIMERS, DIFF_TASK },
	{ IMG_POSIX_TIMERS, DIFF_TASK },
	{ IMG_CREDS, DIFF_TASK },
	{ IMG_RLIMIT, DIFF_TASK },
};

/* Every dump has its own. */
static const char *const run_fields[] = { "dump_uptime", "dump_criu_run_id", NULL };

static ssize_t read_payload(void *r, void *buf, size_t len, struct error *err)
{
	return image_payload_read(r, buf, len, err);
}

static ssize_t read_raw(void *r, void *buf, size_t len, struct error *err)
{
	return image_read_raw(r, buf, len, err);
}

static const struct stream_kind payload_kind = { .read = read_payload };
static const struct stream_kind raw_kind = { .read = read_raw };

static int payloads_compare(struct diff *d, enum diff_section section, const char *object,
			    struct image_reader *r[2], struct error *err)
{
	for (unsigned part = 0;; part++) {
		struct payload_part parts[2];
		char field[32];
		snprintf(field, sizeof(field), "payload[%u]", part);
		int has_a = image_payload_next(r[0], &parts[0], err);
		int has_b = has_a < 0 ? has_a : image_payload_next(r[1], &parts[1], err);
		if (has_b < 0)
			return has_b;
		if (has_a != has_b)
			diff_presence(d, section, object, field, has_a, has_b);
		if (!has_a || !has_b)
			return 0;
		uint64_t offset;
		int rc = streams_compare(&payload_kind, r[0], r[1], &offset, err);
		rc = diff_bytes(d, section, object, field, rc, offset);
		if (rc < 0)
			return rc;
	}
}

static void cgroup_dir_settle(CgroupDirEntry *dir)
{
	for (size_t i = 0; i < dir->n_properties; i++) {
		CgroupPropEntry *prop = dir->properties[i];
		if (prop->perms && !cgroup_perms_are_set(prop->perms)) {
			cgroup_perms__free_unpacked(prop->perms, NULL);
			prop->perms = NULL;
		}
	}
	for (size_t i = 0; i < dir->n_children; i++)
		cgroup_dir_settle(dir->children[i]);
}

/* Without what says nothing and is another in every dump. */
static void entry_settle(ProtobufCMessage *msg)
{
	if (!msg || msg->descriptor != &cgroup_entry__descriptor)
		return;
	const CgroupEntry *e = (const CgroupEntry *)msg;
	for (size_t i = 0; i < e->n_controllers; i++) {
		for (size_t k = 0; k < e->controllers[i]->n_dirs; k++)
			cgroup_dir_settle(e->controllers[i]->dirs[k]);
	}
}

static int entries_compare(struct diff *d, enum diff_section section, const char *name,
			   struct image_reader *r[2], struct error *err)
{
	for (uint64_t i = 0;; i++) {
		auto_message ProtobufCMessage *a = NULL;
		auto_message ProtobufCMessage *b = NULL;
		char object[96];
		snprintf(object, sizeof(object), "%s[%" PRIu64 "]", name, i);
		int has_a = image_next(r[0], &a, err);
		int has_b = has_a < 0 ? has_a : image_next(r[1], &b, err);
		if (has_b < 0)
			return has_b;
		if (!has_a && !has_b)
			return 0;
		size_t len_a, len_b;
		const void *bytes_a = image_entry_bytes(r[0], &len_a);
		const void *bytes_b = image_entry_bytes(r[1], &len_b);
		int rc = 0;
		entry_settle(a);
		entry_settle(b);
		if (has_a != has_b)
			diff_presence(d, section, object, NULL, has_a, has_b);
		else if (len_a != len_b || memcmp(bytes_a, bytes_b, len_a))
			rc = diff_messages(d, section, 0, object, a, b, run_fields, err);
		if (rc == 0 && has_a && has_b)
			rc = payloads_compare(d, section, object, r, err);
		if (rc < 0)
			return rc;
	}
}

/* Netlink dumps and rule sets are shown as JSON: then fields differ, not bytes. */
static int raw_flat(struct source *src, const char *name, struct flat *out, struct error *err)
{
	auto_image_reader r = NULL;
	auto_json_out json = { .fd = -1 };
	struct image_json how = { .raw = { .no_payload = true } };
	int rc = image_open(src, name, &r, err);
	if (rc == 0)
		rc = json_out_init(&json, -1, name, true, err);
	if (rc == 0)
		rc = image_to_json(r, &how, &json, err);
	if (rc == 0)
		rc = json_out_flush(&json, err);
	return rc < 0 ? rc : flat_from_json(json.buf, json.len, name, out, err);
}

static int raw_compare(struct diff *d, enum diff_section section, const char *const names[2],
		       struct image_reader *r[2], struct error *err)
{
	uint64_t offset, before = d->nr_changes;
	int rc = streams_compare(&raw_kind, r[0], r[1], &offset, err);
	if (rc <= 0)
		return rc;
	if (is_tar_name(names[0]))
		return diff_tars(d, section, names, err);
	auto_flat a = { 0 };
	auto_flat b = { 0 };
	rc = raw_flat(checkpoint_source(d->cp[0]), names[0], &a, err);
	if (rc == 0)
		rc = raw_flat(checkpoint_source(d->cp[1]), names[1], &b, err);
	if (rc < 0)
		return rc;
	diff_flats(d, section, names[0], &a, &b);
	return before != d->nr_changes ? 0 : diff_bytes(d, section, names[0], NULL, 1, offset);
}

static int images_compare(struct diff *d, enum diff_section section, const char *const names[2],
			  struct error *err)
{
	auto_image_reader a = NULL;
	auto_image_reader b = NULL;
	if (!names[0] || !names[1]) {
		diff_presence(d, section, names[0] ?: names[1], NULL, names[0], names[1]);
		return 0;
	}
	int rc = image_open(checkpoint_source(d->cp[0]), names[0], &a, err);
	if (rc == 0)
		rc = image_open(checkpoint_source(d->cp[1]), names[1], &b, err);
	if (rc < 0)
		return rc;
	struct image_reader *r[2] = { a, b };
	const struct keyed_type *keyed = keyed_type_find(image_reader_type(a)->id);
	if (keyed)
		return diff_keyed(d, section, keyed, names[0], r, err);
	if (image_reader_type(a)->entry)
		return entries_compare(d, section, names[0], r, err);
	return raw_compare(d, section, names, r, err);
}

struct names {
	struct name {
		char *text;
		const struct image_type *type; /* NULL: no image */
	} * items;
	size_t nr, cap;
};

static void names_fini(struct names *names)
{
	for (size_t i = 0; i < names->nr; i++)
		free(names->items[i].text);
	free(names->items);
}

/* Of the whole set, once: listing it reads its directory. */
static int names_read(struct source *src, struct names *out, struct error *err)
{
	const struct source_member *members;
	ssize_t nr = source_list(src, &members, err);
	for (ssize_t i = 0; i < nr; i++) {
		if (strchr(members[i].name, '/'))
			continue; /* in another folder of an archive: of another set */
		struct name *slot = array_add(out);
		if (!slot || !(slot->text = strdup(members[i].name)))
			return error_set(err, ENOMEM, "out of memory");
		slot->type = image_type_by_filename(slot->text);
	}
	return nr < 0 ? (int)nr : 0;
}

/* The next one of a type from *at on; NULL: no more. */
static const char *name_next(const struct names *names, const struct image_type *type, size_t *at)
{
	while (*at < names->nr) {
		const struct name *name = &names->items[(*at)++];
		if (name->type == type)
			return name->text;
	}
	return NULL;
}

/* Read up to its end; what is broken is noted. */
static int image_look(struct source *src, const char *name)
{
	auto_image_reader r = NULL;
	struct error why;
	int rc = image_open(src, name, &r, &why);
	while (rc >= 0 && image_reader_type(r)->entry) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, &why);
		if (rc <= 0)
			break;
	}
	return damage_noted(src, rc, &why);
}

/* Of which side it was: of both, maybe. @return 0 when it can be passed over; rc */
static int images_pass(struct diff *d, const char *const names[2], int rc)
{
	bool noted = false;
	for (int side = 0; rc == -EBADMSG && side < 2; side++)
		noted |= image_look(checkpoint_source(d->cp[side]), names[side]);
	return noted ? 0 : rc;
}

static int type_compare(struct diff *d, enum image_id id, enum diff_section section,
			const struct names lists[2], struct error *err)
{
	size_t at[2] = { 0 };
	for (;;) {
		const char *const names[2] = { name_next(&lists[0], &image_types[id], &at[0]),
					       name_next(&lists[1], &image_types[id], &at[1]) };
		if (!names[0] && !names[1])
			return 0;
		int rc = images_compare(d, section, names, err);
		if (rc < 0)
			rc = images_pass(d, names, rc);
		if (rc < 0)
			return rc;
	}
}

int diff_images(struct diff *d, struct error *err)
{
	struct names lists[2] = { { 0 } };
	int rc = 0;
	for (int side = 0; rc == 0 && side < 2; side++)
		rc = names_read(checkpoint_source(d->cp[side]), &lists[side], err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(image_sections); i++) {
		if (diff_wants(d, image_sections[i].section))
			rc = type_compare(d, image_sections[i].id, image_sections[i].section, lists,
					  err);
	}
	names_fini(&lists[0]);
	names_fini(&lists[1]);
	return rc;
}
