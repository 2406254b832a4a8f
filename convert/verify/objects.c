/* SPDX-License-Identifier: MIT
 * A set of numbered objects: open addressing, 16 bytes each, at most three quarters full.
 */
#include "convert/verify/objects.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "files.pb-c.h"
#include "images/namespace-kind.h"

static const struct object_row {
	const char *name;
	bool unique;
	bool within; /* numbered inside one image: the upper half of the key is not shown */
	bool named;  /* the key is no number: object_named() */
} object_rows[NR_OBJECT_KINDS - IMG_NR_TYPES] = {
	[OBJ_FILE - IMG_NR_TYPES] = { "file", true },
	[OBJ_ANY_FILE - IMG_NR_TYPES] = { "file", false },
	[OBJ_PROCESS - IMG_NR_TYPES] = { "process", true },
	[OBJ_THREAD - IMG_NR_TYPES] = { "thread", true },
	[OBJ_CGROUP_SET - IMG_NR_TYPES] = { "cgroup set", true },
	[OBJ_MOUNT - IMG_NR_TYPES] = { "mount", true },
	[OBJ_TTY - IMG_NR_TYPES] = { "terminal", true },
	[OBJ_PIPE - IMG_NR_TYPES] = { "pipe", false },
	[OBJ_FIFO - IMG_NR_TYPES] = { "fifo", false },
	[OBJ_UNIX - IMG_NR_TYPES] = { "unix socket with inode", true },
	[OBJ_SOCKET - IMG_NR_TYPES] = { "socket", false },
	[OBJ_INET - IMG_NR_TYPES] = { "inet socket with inode", false },
	[OBJ_MEMFD - IMG_NR_TYPES] = { "memfd inode", true },
	[OBJ_BPFMAP - IMG_NR_TYPES] = { "BPF map", false },
	[OBJ_FD - IMG_NR_TYPES] = { "descriptor", true, true },
	[OBJ_FD_NUMBER - IMG_NR_TYPES] = { "descriptor", false },
	[OBJ_NETDEV - IMG_NR_TYPES] = { "network device", true, true },
	[OBJ_SECCOMP - IMG_NR_TYPES] = { "seccomp filter", false },
	[OBJ_SYSV_SHM - IMG_NR_TYPES] = { "SysV segment", false },
	[OBJ_REMAPPED - IMG_NR_TYPES] = { "remap of file", true },
	[OBJ_NAMESPACE - IMG_NR_TYPES] = { "namespace", false, true },
	[OBJ_TOLD_NAMESPACE - IMG_NR_TYPES] = { "namespace", false, true },
	[OBJ_PIPE_DATA - IMG_NR_TYPES] = { "data of pipe", true },
	[OBJ_FIFO_DATA - IMG_NR_TYPES] = { "data of fifo", true },
	[OBJ_BPFMAP_DATA - IMG_NR_TYPES] = { "contents of BPF map", true },
	[OBJ_ALL_OF_IPC - IMG_NR_TYPES] = { "IPC namespace", false },
	[OBJ_TUN - IMG_NR_TYPES] = { "TUN device", false, false, true },
	[OBJ_MQUEUE - IMG_NR_TYPES] = { "message queue of this name", false, false, true },
	[OBJ_LEVEL_THREAD - IMG_NR_TYPES] = { "thread of one pid namespace:", true, true },
};

static const char *file_type_name(int type)
{
	const ProtobufCEnumValue *value =
	    protobuf_c_enum_descriptor_get_value(&fd_types__descriptor, type);
	return value ? value->name : NULL;
}

bool object_is_unique(unsigned kind)
{
	return kind >= IMG_NR_TYPES && object_rows[kind - IMG_NR_TYPES].unique;
}

char *object_name(unsigned kind, uint64_t key, char *out, size_t len)
{
	if (kind < IMG_NR_TYPES)
		return image_filename(&image_types[kind], key, out, len);
	const struct object_row *row = &object_rows[kind - IMG_NR_TYPES];
	const char *which = NULL;
	if (row->named) {
		snprintf(out, len, "%s", row->name);
		return out;
	}
	if (kind == OBJ_FILE)
		which = file_type_name((int)(key >> 32));
	else if (kind == OBJ_NAMESPACE || kind == OBJ_TOLD_NAMESPACE)
		which = namespace_name((uint32_t)(key >> 32));
	uint64_t number = kind == OBJ_FILE || row->within ? key & UINT32_MAX : key;
	snprintf(out, len, "%s%s%s %" PRIu64, which ? which : "", which ? " " : "", row->name,
		 number);
	return out;
}

/* FNV-1a. */
uint64_t object_named(uint64_t image_number, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u ^ image_number;
	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
	return hash;
}

static size_t slot_of(const struct object_set *set, unsigned kind, uint64_t key)
{
	uint64_t hash = (key ^ (uint64_t)kind << 56) * 0x9e3779b97f4a7c15u;
	size_t i = (size_t)(hash >> 20) & (set->cap - 1);
	while (set->slots[i].kind && (set->slots[i].kind != kind + 1 || set->slots[i].key != key))
		i = (i + 1) & (set->cap - 1);
	return i;
}

static int set_grow(struct object_set *set)
{
	struct object_set grown = { .cap = set->cap ? set->cap * 2 : 1024 };
	grown.slots = calloc(grown.cap, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->cap; i++) {
		const struct object *old = &set->slots[i];
		if (old->kind)
			grown.slots[slot_of(&grown, old->kind - 1, old->key)] = *old;
	}
	free(set->slots);
	set->slots = grown.slots;
	set->cap = grown.cap;
	return 0;
}

int object_set_add(struct object_set *set, unsigned kind, uint64_t key)
{
	if (set->nr >= set->cap / 4 * 3 && set_grow(set) < 0)
		return -ENOMEM;
	size_t i = slot_of(set, kind, key);
	if (set->slots[i].kind)
		return 0;
	set->slots[i] = (struct object){ key, kind + 1 };
	set->nr++;
	return 1;
}

bool object_set_has(const struct object_set *set, unsigned kind, uint64_t key)
{
	return set->cap && set->slots[slot_of(set, kind, key)].kind;
}

void object_set_fini(struct object_set *set)
{
	free(set->slots);
	*set = (struct object_set){ 0 };
}
