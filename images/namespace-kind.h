/* SPDX-License-Identifier: MIT
 * Kinds of namespaces, and where ids-PID.img says which one of each a task is in.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "images/image-type.h"
#include "task.pb-c.h"

struct namespace_kind {
	uint32_t flag;       /* CLONE_NEWNET and its like */
	const char *name;    /* in /proc/PID/ns */
	size_t has, id;      /* offsets in TaskKobjIdsEntry */
	enum image_id image; /* of one that is not the dumper's own; IMG_NR_TYPES: there is none */
};

enum { NR_NAMESPACE_KINDS = 8 };
extern const struct namespace_kind namespace_kinds[NR_NAMESPACE_KINDS];

/** NULL: there is none. */
const struct namespace_kind *namespace_kind_of(uint32_t clone_flag);
/** "net" of CLONE_NEWNET; "namespace": of no kind there is. */
const char *namespace_name(uint32_t clone_flag);
/** Which one a task is in; 0: it is not told. */
uint32_t namespace_id(const struct namespace_kind *kind, const TaskKobjIdsEntry *ids);
