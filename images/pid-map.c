/* SPDX-License-Identifier: MIT
 * Other ids of processes in messages, by the table of roles.
 */
#include "images/pid-map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "images/fields.h"
#include "images/proc-path.h"
#include "images/roles.h"
#include "images/siginfo.h"

int pid_map_add(struct pid_map *map, uint32_t from, uint32_t to, struct error *err)
{
	struct pid_change *change = array_add(map);
	if (!change)
		return error_set(err, ENOMEM, "out of memory");
	*change = (struct pid_change){ from, to };
	return 0;
}

void pid_map_fini(struct pid_map *map)
{
	free(map->items);
	*map = (struct pid_map){ 0 };
}

uint32_t pid_map_new(const struct pid_map *map, uint32_t from)
{
	for (size_t i = 0; i < map->nr; i++)
		if (map->items[i].from == from)
			return map->items[i].to;
	return from;
}

uint32_t pid_map_old(const struct pid_map *map, uint32_t to)
{
	for (size_t i = 0; i < map->nr; i++)
		if (map->items[i].to == to)
			return map->items[i].from;
	return to;
}

static uint32_t renumber(void *map, uint32_t id)
{
	return pid_map_new(map, id);
}

static int path_map(const struct pid_map *map, char **path, const ProtobufCAllocator *allocator)
{
	auto_strbuf new = { 0 };
	int rc = proc_path_renumber(*path, strlen(*path), renumber, (void *)map, &new);
	if (rc <= 0)
		return rc;
	/* an empty default, which is no memory of its own, does not change */
	char *kept = new.data;
	if (allocator) {
		size_t size = strlen(new.data) + 1;
		kept = allocator->alloc(allocator->allocator_data, size);
		if (!kept)
			return -ENOMEM;
		memcpy(kept, new.data, size);
		allocator->free(allocator->allocator_data, *path);
	} else {
		free(*path);
		new.data = NULL;
	}
	*path = kept;
	return 0;
}

static void siginfo_map(const struct pid_map *map, ProtobufCBinaryData *info)
{
	struct siginfo_sender sender;
	if (!siginfo_sender(info->data, info->len, map->mtype, &sender))
		return;
	sender.pid = pid_map_new(map, sender.pid);
	siginfo_set_sender(info->data, info->len, map->mtype, &sender);
}

static int field_map(const struct pid_map *map, ProtobufCMessage *msg,
		     const ProtobufCFieldDescriptor *field, enum role role,
		     const ProtobufCAllocator *allocator)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < field_count(msg, field); i++) {
		void *value = field_value(msg, field, i);
		if (role == ROLE_PID)
			*(uint32_t *)value = pid_map_new(map, *(uint32_t *)value);
		else if (role == ROLE_SIGINFO)
			siginfo_map(map, value);
		else if (role == ROLE_PATH && field->type == PROTOBUF_C_TYPE_STRING)
			rc = path_map(map, value, allocator);
	}
	return rc;
}

/* The reader has bounded how deep messages are. */
static int walk(const struct pid_map *map, ProtobufCMessage *msg,
		const ProtobufCAllocator *allocator)
{
	int rc = 0;
	for (unsigned i = 0; rc == 0 && i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &msg->descriptor->fields[i];
		const struct role_row *row = role_find(msg, field->name);
		if (row)
			rc = field_map(map, msg, field, row->role, allocator);
		size_t nr = field->type == PROTOBUF_C_TYPE_MESSAGE ? field_count(msg, field) : 0;
		for (size_t k = 0; rc == 0 && k < nr; k++)
			rc = walk(map, *(ProtobufCMessage **)field_value(msg, field, k), allocator);
	}
	return rc;
}

int pid_map_message(const struct pid_map *map, ProtobufCMessage *msg,
		    const ProtobufCAllocator *allocator, struct error *err)
{
	return walk(map, msg, allocator) < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
}
