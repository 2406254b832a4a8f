/* SPDX-License-Identifier: MIT
 * A set read with other ids of processes: what source_set_pids() makes of names and messages.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct pid_change {
	uint32_t from, to; /* no `to` is an id of the set */
};

struct pid_map {
	struct pid_change *items;
	size_t nr, cap;
	uint32_t mtype; /* machine of the set: core_entry.mtype */
};

int pid_map_add(struct pid_map *map, uint32_t from, uint32_t to, struct error *err);
void pid_map_fini(struct pid_map *map);

/** What an id of the set becomes; itself: it stays. */
uint32_t pid_map_new(const struct pid_map *map, uint32_t from);
/** What it was in the set. */
uint32_t pid_map_old(const struct pid_map *map, uint32_t to);

/**
 * All fields that hold ids of processes, threads, groups and sessions.
 * @param allocator  of the message; NULL: malloc(3)
 * @return 0 or -ENOMEM
 */
int pid_map_message(const struct pid_map *map, ProtobufCMessage *msg,
		    const ProtobufCAllocator *allocator, struct error *err);
