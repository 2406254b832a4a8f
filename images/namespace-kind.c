/* SPDX-License-Identifier: MIT
 * The rows, in the order in which the fields stand.
 */
#include "images/namespace-kind.h"

#include <sched.h>
#include <stdbool.h>

#define IDS(field) offsetof(TaskKobjIdsEntry, has_##field), offsetof(TaskKobjIdsEntry, field)

const struct namespace_kind namespace_kinds[NR_NAMESPACE_KINDS] = {
	{ CLONE_NEWPID, "pid", IDS(pid_ns_id), IMG_NR_TYPES },
	{ CLONE_NEWNET, "net", IDS(net_ns_id), IMG_NETNS },
	{ CLONE_NEWIPC, "ipc", IDS(ipc_ns_id), IMG_IPC_VAR },
	{ CLONE_NEWUTS, "uts", IDS(uts_ns_id), IMG_UTSNS },
	{ CLONE_NEWNS, "mnt", IDS(mnt_ns_id), IMG_MNTS },
	{ CLONE_NEWUSER, "user", IDS(user_ns_id), IMG_USERNS },
	{ CLONE_NEWCGROUP, "cgroup", IDS(cgroup_ns_id), IMG_NR_TYPES },
	{ CLONE_NEWTIME, "time", IDS(time_ns_id), IMG_TIMENS },
};

const struct namespace_kind *namespace_kind_of(uint32_t clone_flag)
{
	for (size_t i = 0; i < NR_NAMESPACE_KINDS; i++) {
		if (namespace_kinds[i].flag == clone_flag)
			return &namespace_kinds[i];
	}
	return NULL;
}

const char *namespace_name(uint32_t clone_flag)
{
	const struct namespace_kind *kind = namespace_kind_of(clone_flag);
	return kind ? kind->name : "namespace";
}

uint32_t namespace_id(const struct namespace_kind *kind, const TaskKobjIdsEntry *ids)
{
	const char *base = (const char *)ids;
	return *(const protobuf_c_boolean *)(base + kind->has)
		   ? *(const uint32_t *)(base + kind->id)
		   : 0;
}
