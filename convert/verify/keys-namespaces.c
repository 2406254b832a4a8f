/* SPDX-License-Identifier: MIT
 * Keys of namespaces.
 */
#include "convert/verify/keys.h"

#include <sched.h>

#include "files.pb-c.h"
#include "images/namespace-kind.h"
#include "mounts.pb-c.h"
#include "namespaces.pb-c.h"

/* What differs from the dumper's own was dumped; inventory.root_ids says which those are, and names
 * no images itself. A network that was told to come back empty has none. Old sets have one UTS and
 * one IPC namespace, by the pid of the root. */
KEY(key_dumped)
{
	const TaskKobjIdsEntry *root = check->inventory ? check->inventory->root_ids : NULL;
	const struct namespace_kind *kind = namespace_kind_of(row->ns);
	bool by_pid = (row->ns == CLONE_NEWUTS || row->ns == CLONE_NEWIPC) && check->inventory &&
		      !check->inventory->ns_per_id;
	*key = by_pid ? check->root : value;
	return root && at->type->id != IMG_INVENTORY && value &&
	       value != namespace_id(kind, root) &&
	       (row->ns != CLONE_NEWNET || check->has_networks);
}

/* The clocks of the dumper's own are in the set as well, when the tree's root is in it. */
KEY(key_time)
{
	bool apart = key_dumped(check, at, row, msg, value, key);
	if (!apart)
		*key = 0;
	return apart || (check->has_run_id && at->type->id == IMG_IDS && at->number == check->root);
}

/* All namespaces that processes are in, the dumper's own as well: an open one is among them. */
KEY(key_in)
{
	*key = object_namespace(row->ns, (uint32_t)value);
	return value != 0;
}

static bool of_root(const struct check *check, const struct place *at)
{
	return at->type->id == IMG_INVENTORY ||
	       (at->type->id == IMG_IDS && at->number == check->root);
}

/*
 * Of pid and cgroup namespaces there are no images: the root task's, the dumper's own, and those
 * that are told of elsewhere are all. Without images of networks it is the same with these.
 */
KEY(key_root)
{
	return of_root(check, at) && key_in(check, at, row, msg, value, key);
}

KEY(key_other)
{
	return own_are_known(check) && at->type->id == IMG_IDS && !of_root(check, at) &&
	       (row->ns != CLONE_NEWNET || !check->has_networks) &&
	       key_in(check, at, row, msg, value, key);
}

/* A socket's: one that a process is in, or that has images. */
KEY(key_socket_net)
{
	return own_are_known(check) && key_in(check, at, row, msg, value, key);
}

/* A pid namespace whose tasks are dead: the image is its own. */
KEY(key_dead)
{
	*key = object_namespace(row->ns, (uint32_t)at->number);
	return true;
}

/* What descriptors and mounts lead to, and user namespaces own; some kinds are dumped without
 * anybody in them. */
static bool is_held(const struct reference *row, const ProtobufCMessage *msg)
{
	if (msg->descriptor == &ns_file_entry__descriptor)
		return ((const NsFileEntry *)msg)->ns_cflag == row->ns;
	if (msg->descriptor == &namespace_entry__descriptor)
		return ((const NamespaceEntry *)msg)->cflag == row->ns;
	return ((const MntEntry *)msg)->nsfs_cflag == row->ns;
}

KEY(key_held)
{
	return is_held(row, msg) && key_dumped(check, at, row, msg, value, key);
}

KEY(key_held_told)
{
	return is_held(row, msg) && own_are_known(check) && key_in(check, at, row, msg, value, key);
}

KEY(key_open_net)
{
	return !check->has_networks && key_held_told(check, at, row, msg, value, key);
}

KEY(key_ns_file)
{
	uint32_t flag = ((const NsFileEntry *)msg)->ns_cflag;
	*key = object_namespace(flag, (uint32_t)value);
	return value && own_are_known(check) &&
	       !(flag & (CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWUSER |
			 CLONE_NEWTIME | CLONE_NEWCGROUP));
}
