/* SPDX-License-Identifier: MIT
 * What the images of a set define and refer to: objects of a kind, known by a number.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/image-type.h"

/* Kinds below IMG_NR_TYPES are images: (IMG_CORE, 12) is core-12.img. */
enum object_kind {
	OBJ_FILE = IMG_NR_TYPES, /* by type and id, see object_file() */
	OBJ_ANY_FILE,            /* by id alone */
	OBJ_SOCKET,              /* likewise */
	OBJ_PROCESS,             /* by pid */
	OBJ_THREAD,              /* by tid */
	OBJ_CGROUP_SET,
	OBJ_MOUNT,
	OBJ_TTY,
	OBJ_PIPE,
	OBJ_FIFO,
	OBJ_UNIX, /* by inode number */
	OBJ_INET,
	OBJ_MEMFD,          /* by inode_id */
	OBJ_BPFMAP,         /* by map_id */
	OBJ_FD,             /* open in one process, by image and number, see object_within() */
	OBJ_FD_NUMBER,      /* open in any process */
	OBJ_NETDEV,         /* by image and ifindex */
	OBJ_SECCOMP,        /* by its place in seccomp.img */
	OBJ_SYSV_SHM,       /* by id */
	OBJ_REMAPPED,       /* a file that has a remap */
	OBJ_NAMESPACE,      /* by kind and id, see object_namespace() */
	OBJ_TOLD_NAMESPACE, /* likewise: one without an image, but told of */
	OBJ_PIPE_DATA,      /* what waits in a pipe, by pipe_id */
	OBJ_FIFO_DATA,
	OBJ_BPFMAP_DATA,  /* by map_id */
	OBJ_ALL_OF_IPC,   /* by number: who wrote the set writes every image of such a namespace */
	OBJ_TUN,          /* a device, see object_named() */
	OBJ_MQUEUE,       /* a POSIX message queue, likewise; of image 0: in any namespace */
	OBJ_EMPTY,        /* an image of 0 bytes, by type and number, see object_within() */
	OBJ_LEVEL_THREAD, /* as a pid namespace numbers it, see object_within() */
	NR_OBJECT_KINDS,
};

static inline uint64_t object_file(uint32_t type, uint32_t id)
{
	return (uint64_t)type << 32 | id;
}
static inline uint64_t object_within(uint64_t image_number, uint32_t id)
{
	return image_number << 32 | id;
}

/** What a namespace knows by a name. */
uint64_t object_named(uint64_t image_number, const char *name);

/** @param kind  CLONE_NEWNET and its like */
static inline uint64_t object_namespace(uint32_t kind, uint32_t id)
{
	return (uint64_t)kind << 32 | id;
}

/** "core-12.img", "PIPE file 5", "mount 198". @return out */
char *object_name(unsigned kind, uint64_t key, char *out, size_t len);
/** Whether two of them with one number are a mistake. */
bool object_is_unique(unsigned kind);

struct object_set {
	struct object {
		uint64_t key;
		uint32_t kind; /* plus one; 0: a free slot */
	} * slots;
	size_t nr, cap;
};

/** @return 1: new; 0: was there; -ENOMEM */
int object_set_add(struct object_set *set, unsigned kind, uint64_t key);
bool object_set_has(const struct object_set *set, unsigned kind, uint64_t key);
void object_set_fini(struct object_set *set);
