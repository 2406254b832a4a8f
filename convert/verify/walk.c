/* SPDX-License-Identifier: MIT
 * Every image of a set, to its end: what cannot be read is a finding, what can is looked at
 * message by message.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "convert/raw/raw.h"
#include "convert/verify/check.h"
#include "images/reader.h"
#include "images/seekable.h"

/* Images that define much of what others refer to are read first: few references have to wait. */
static const enum image_id early[] = {
	IMG_INVENTORY,   IMG_PSTREE, IMG_CGROUP,   IMG_MNTS,    IMG_FILES,
	IMG_MEMFD_INODE, IMG_FDINFO, IMG_TTY_INFO, IMG_SECCOMP,
};
#define FRAMES_PIECE (256 * 1024)

enum { NR_EARLY = sizeof(early) / sizeof(early[0]) };

static unsigned rank_of(const struct image_type *type)
{
	unsigned rank = 0;
	while (rank < NR_EARLY && early[rank] != type->id)
		rank++;
	return rank;
}

static int message_visit(struct check *check, struct place *at, const ProtobufCMessage *msg,
			 struct error *err);

static int field_visit(struct check *check, struct place *at, const ProtobufCFieldDescriptor *field,
		       const ProtobufCMessage *msg, struct error *err)
{
	const char *base = (const char *)msg;
	struct step *step = &at->steps[at->depth - 1];
	if (field->label != PROTOBUF_C_LABEL_REPEATED) {
		const ProtobufCMessage *sub =
		    *(const ProtobufCMessage *const *)(base + field->offset);
		*step = (struct step){ field, 0 };
		return sub ? message_visit(check, at, sub, err) : 0;
	}
	size_t nr = *(const size_t *)(base + field->quantifier_offset);
	ProtobufCMessage *const *subs = *(ProtobufCMessage * *const *)(base + field->offset);
	for (size_t i = 0; i < nr; i++) {
		*step = (struct step){ field, i };
		int rc = message_visit(check, at, subs[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int message_visit(struct check *check, struct place *at, const ProtobufCMessage *msg,
			 struct error *err)
{
	int rc = references_of(check, at, msg, err);
	if (rc == 0)
		rc = shape_of(check, at, msg, err);
	if (rc == 0) {
		values_of(check, at, msg);
		needs_of(check, at, msg);
	}
	if (at->depth == DEPTH_MAX) /* deeper are only folders of cgroups and profiles */
		return rc;
	at->depth++;
	for (unsigned i = 0; rc == 0 && i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &msg->descriptor->fields[i];
		if (field->type == PROTOBUF_C_TYPE_MESSAGE)
			rc = field_visit(check, at, field, msg, err);
	}
	at->depth--;
	return rc;
}

/* The set's own word is kept: others need it. */
static void inventory_keep(struct check *check, ProtobufCMessage **msg)
{
	if (check->inventory)
		return;
	check->inventory = (InventoryEntry *)*msg;
	check->has_run_id = check->inventory->dump_criu_run_id != NULL;
	*msg = NULL;
}

/* An image of an IPC namespace with nothing in it: CRIU writes none. */
static int all_of_ipc_note(struct check *check, const struct place *at)
{
	bool empty =
	    at->entry == 0 && (at->type->id == IMG_IPCNS_SHM || at->type->id == IMG_IPCNS_MSG ||
			       at->type->id == IMG_IPCNS_SEM);
	return empty ? object_set_add(&check->objects, OBJ_ALL_OF_IPC, at->number) : 0;
}

static int entries_walk(struct check *check, struct image_reader *r, struct place *at,
			struct error *why, struct error *err)
{
	for (at->entry = 0;; at->entry++) {
		auto_message ProtobufCMessage *msg = NULL;
		int rc = image_next(r, &msg, why);
		if (rc == 0 && all_of_ipc_note(check, at) < 0)
			return error_set(err, ENOMEM, "%s: out of memory", at->image);
		if (rc <= 0)
			return rc;
		if (at->type->id == IMG_PSTREE && at->entry == 0)
			check->root = ((const PstreeEntry *)msg)->pid;
		rc = check->doc ? message_visit(check, at, msg, err) : 0;
		if (rc < 0)
			return rc;
		if (at->type->id == IMG_INVENTORY)
			inventory_keep(check, &msg);
	}
}

/* Page data in frames: each is decompressed, which is all that can be said of it. */
static int frames_walk(struct check *check, const struct source_member *m, struct error *why)
{
	auto_istream in = NULL;
	auto_free char *buf = malloc(FRAMES_PIECE);
	uint64_t total = 0;
	ssize_t n = -1;
	int rc = buf ? source_open_member(check->src, m->name, &in, why)
		     : error_set(why, ENOMEM, "out of memory");
	while (rc == 0 && (n = istream_read(in, buf, FRAMES_PIECE, why)) > 0)
		total += (uint64_t)n;
	if (rc < 0 || n < 0)
		return rc < 0 ? rc : (int)n;
	if (total != m->size)
		return error_set(why, EBADMSG, "%s: holds %" PRIu64 " bytes, not %" PRIu64, m->name,
				 total, m->size);
	return 0;
}

static bool type_fits(const struct image_type *named, const struct image_reader *r)
{
	const struct image_type *found = image_reader_type(r);
	return named == found || named->magic == found->magic ||
	       (!named->magic && found->id == IMG_PAGES_OLD);
}

/* Statistics that an engine has beside the folder of the set, not in it. */
static bool is_beside(const struct check *check, const struct source_member *m)
{
	const struct image_type *type = image_type_by_filename(m->name);
	const char *path = member_bare_path(m->path), *slash = strrchr(path, '/');
	size_t folder = slash ? (size_t)(slash + 1 - path) : 0;
	if (m->own || !type || type->id != IMG_STATS || !check->first)
		return false;
	const char *own = member_bare_path(check->first->path);
	slash = strncmp(own, path, folder) != 0 ? NULL : strchr(own + folder, '/');
	return slash && !strchr(slash + 1, '/');
}

/* What a member is read as; NULL: it is no image of this set. */
static const struct image_type *type_to_read(const struct check *check,
					     const struct source_member *m)
{
	return m->own || is_beside(check, m) ? image_type_by_filename(m->name) : NULL;
}

/* A file beside the set may have the name of one in it. */
static const char *name_to_open(const struct source_member *m)
{
	return m->own ? m->name : member_bare_path(m->path);
}

/* @return 0: read to its end, or a finding was made; -errno: trouble that is not the image's */
static int image_walk(struct check *check, size_t member, const struct image_type *type,
		      struct error *err)
{
	const char *name = name_to_open(&check->members[member]);
	struct place at = { .image = name, .type = type, .number = image_number(type, name) };
	struct error why = { 0 }, trouble = { 0 };
	auto_image_reader r = NULL;
	int rc = image_open(check->src, name, &r, &why);
	if (rc == 0 && !type_fits(type, r))
		rc = error_set(&why, EBADMSG, "%s: is a %s image, not %s", name,
			       image_reader_type(r)->name, type->name);
	if (rc == 0 && type->entry && image_reader_type(r)->entry)
		rc = entries_walk(check, r, &at, &why, &trouble);
	else if (rc == 0 && type->id == IMG_PAGES && seekable_name(check->members[member].path))
		rc = frames_walk(check, &check->members[member], &why);
	else if (rc == 0 && type->id != IMG_PAGES && !type->magic)
		rc = raw_check(r, &why);
	if (trouble.code)
		return error_wrap(err, trouble.code, "%s", trouble.text);
	if (rc == -ENOMEM)
		return error_set(err, rc, "%s", why.text);
	if (rc < 0) {
		finding_at(check, name, r && at.entry ? &at.entry : NULL, NULL, "%s",
			   damage_reason(name, why.text));
		check->broken[member] = true;
	}
	return 0;
}

static bool is_of_network(const struct image_type *type)
{
	enum raw_kind kind = raw_kind_of(type->id);
	return type->id == IMG_NETDEV || type->id == IMG_NETNS || kind == RAW_NETLINK ||
	       kind == RAW_FILTER;
}

static int members_define(struct check *check, struct error *err)
{
	for (size_t i = 0; i < check->nr_members; i++) {
		const char *name = check->members[i].name;
		const struct image_type *type =
		    check->members[i].own ? image_type_by_filename(name) : NULL;
		if (!type)
			continue;
		if (!check->first)
			check->first = &check->members[i];
		check->has_cgroups |= type->id == IMG_CGROUP;
		check->has_mounts |= type->id == IMG_MNTS;
		uint64_t number = image_number(type, name);
		check->has_networks |= is_of_network(type);
		check->has_tree |= type->id == IMG_PSTREE;
		int rc = object_set_add(&check->objects, type->id, number);
		if (rc >= 0 && type->id == IMG_NETNS)
			rc = object_set_add(&check->objects, OBJ_NAMESPACE,
					    object_namespace(CLONE_NEWNET, (uint32_t)number));
		if (rc >= 0 && !check->members[i].size)
			rc = object_set_add(&check->objects, OBJ_EMPTY,
					    object_within(type->id, (uint32_t)number));
		if (rc < 0)
			return error_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

int walk_images(struct check *check, struct error *err)
{
	int rc = members_define(check, err);
	for (unsigned rank = 0; rc == 0 && rank <= NR_EARLY; rank++) {
		for (size_t i = 0; rc == 0 && i < check->nr_members; i++) {
			const struct source_member *m = &check->members[i];
			const struct image_type *type = type_to_read(check, m);
			if (!type || rank_of(type) != rank)
				continue;
			rc = image_walk(check, i, type, err);
			progress_add(check->progress, m->size);
		}
	}
	return rc;
}
