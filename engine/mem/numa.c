/* SPDX-License-Identifier: MIT
 * Policies of memory on several nodes, both directions. The parasite reads them, the restorer sets
 * them; memory itself goes where the policies of its mappings say, that of threads counts for what
 * comes later.
 */
#include "engine/mem/numa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "images/message.h"

void numa_entry_of(const struct numa_policy *p, NumaPolicyEntry *out)
{
	const uint8_t *bytes = (const uint8_t *)p->nodes;
	size_t len = sizeof(p->nodes);
	while (len && !bytes[len - 1])
		len--;
	numa_policy_entry__init(out);
	out->mode = p->mode;
	out->has_nodes = len != 0;
	out->nodes.data = (uint8_t *)p->nodes;
	out->nodes.len = len;
}

NumaPolicyEntry *numa_entry_new(const struct numa_policy *p)
{
	NumaPolicyEntry borrowed, *e = message_new(&numa_policy_entry__descriptor);
	numa_entry_of(p, &borrowed);
	if (!e)
		return NULL;
	e->mode = p->mode;
	if (!borrowed.has_nodes)
		return e;
	e->nodes.data = malloc(borrowed.nodes.len);
	if (!e->nodes.data) {
		protobuf_c_message_free_unpacked(&e->base, NULL);
		return NULL;
	}
	memcpy(e->nodes.data, borrowed.nodes.data, borrowed.nodes.len);
	e->nodes.len = borrowed.nodes.len;
	e->has_nodes = true;
	return e;
}

int numa_check(const NumaPolicyEntry *e, struct error *err)
{
	if (!e || !e->has_nodes || e->nodes.len <= NUMA_NODE_WORDS * sizeof(uint64_t))
		return 0;
	return error_set(err, EBADMSG, "numa: a set of nodes is %zu bytes, at most %zu",
			 e->nodes.len, NUMA_NODE_WORDS * sizeof(uint64_t));
}

/* Only the kernel knows what goes: nodes, and modes, it may not have. */
static int try(const struct numa_policy *p)
{
	int code = syscall(SYS_set_mempolicy, p->mode, p->nodes, (unsigned long)NUMA_MAX_NODE) < 0
		       ? errno
		       : 0;
	syscall(SYS_set_mempolicy, NUMA_DEFAULT, NULL, 0ul);
	return code;
}

bool numa_fill(const struct rtask *t, const NumaPolicyEntry *e, struct numa_policy *out)
{
	*out = (struct numa_policy){ 0 };
	if (!e)
		return false;
	if (e->has_nodes)
		memcpy(out->nodes, e->nodes.data, e->nodes.len);
	out->mode = e->mode;
	int code = try(out);
	if (!code)
		return true;
	log_warn(TASK_FMT ": a NUMA policy (mode %#x, nodes %#llx) is not for this machine and is "
			  "left out: %s",
		 RTASK_ARGS(t), e->mode, (unsigned long long)out->nodes[0], strerror(code));
	*out = (struct numa_policy){ 0 };
	return false;
}

size_t numa_args_size(const struct rtask *t)
{
	size_t nr = 0;
	for (size_t i = 0; i < t->vmas.nr; i++)
		nr += t->vmas.items[i].numa != NULL;
	return nr * sizeof(struct numa_policy);
}
