/* SPDX-License-Identifier: MIT
 * Entries that have a name of their own: they are matched by it, not by their place.
 */
#include "convert/diff/keyed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"

static const char *const mount_numbers[] = { "mnt_id",    "parent_mnt_id", "root_dev",
					     "shared_id", "master_id",     NULL };
static const char *const link_numbers[] = { "ifindex", "peer_ifindex", "peer_nsid", NULL };

static const struct keyed_type types[] = {
	{ IMG_MNTS, "mountpoint", mount_numbers },
	{ IMG_NETDEV, "name", link_numbers },
};

const struct keyed_type *keyed_type_find(enum image_id id)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (types[i].id == id)
			return &types[i];
	}
	return NULL;
}

struct entries {
	struct keyed_entry {
		const char *key; /* borrowed from msg */
		size_t order;    /* two entries with one name stay in their order */
		ProtobufCMessage *msg;
	} * items;
	size_t nr, cap;
};

static void entries_fini(struct entries *entries)
{
	for (size_t i = 0; i < entries->nr; i++)
		protobuf_c_message_free_unpacked(entries->items[i].msg, NULL);
	free(entries->items);
}

static int entry_compare(const void *a_, const void *b_)
{
	const struct keyed_entry *a = a_, *b = b_;
	int order = strcmp(a->key, b->key);
	return order ? order : (a->order > b->order) - (a->order < b->order);
}

static const char *entry_key(const ProtobufCMessage *msg, const char *field)
{
	const ProtobufCFieldDescriptor *key =
	    protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, field);
	return *(const char *const *)((const char *)msg + key->offset) ?: "";
}

static int entries_read(struct image_reader *r, const char *field, struct entries *out,
			struct error *err)
{
	for (;;) {
		auto_message ProtobufCMessage *msg = NULL;
		int rc = image_next(r, &msg, err);
		if (rc < 0)
			return rc;
		if (rc == 0)
			break;
		struct keyed_entry *entry = array_add(out);
		if (!entry)
			return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
		*entry = (struct keyed_entry){ entry_key(msg, field), out->nr, NULL };
		entry->msg = take_ptr(msg);
	}
	if (out->nr)
		qsort(out->items, out->nr, sizeof(*out->items), entry_compare);
	return 0;
}

static int entries_merge(struct diff *d, enum diff_section section, const struct keyed_type *type,
			 const char *name, const struct entries *a, const struct entries *b,
			 struct error *err)
{
	int rc = 0;
	for (size_t i = 0, k = 0; rc == 0 && (i < a->nr || k < b->nr);) {
		int order = i == a->nr   ? 1
			    : k == b->nr ? -1
					 : strcmp(a->items[i].key, b->items[k].key);
		auto_free char *object = NULL;
		if (asprintf(&object, "%s[%s]", name,
			     order <= 0 ? a->items[i].key : b->items[k].key) < 0) {
			object = NULL;
			return error_set(err, ENOMEM, "%s: out of memory", name);
		}
		if (order)
			diff_presence(d, section, object, NULL, order<0, order> 0);
		else
			rc = diff_messages(d, section, 0, object, a->items[i].msg, b->items[k].msg,
					   type->skip, err);
		i += order <= 0;
		k += order >= 0;
	}
	return rc;
}

int diff_keyed(struct diff *d, enum diff_section section, const struct keyed_type *type,
	       const char *name, struct image_reader *r[2], struct error *err)
{
	struct entries a = { 0 }, b = { 0 };
	int rc = entries_read(r[0], type->key, &a, err);
	if (rc == 0)
		rc = entries_read(r[1], type->key, &b, err);
	if (rc == 0)
		rc = entries_merge(d, section, type, name, &a, &b, err);
	entries_fini(&a);
	entries_fini(&b);
	return rc;
}
