/* SPDX-License-Identifier: MIT
 * Going over the memory of the processes that are meant.
 */
#include "crit/memory-arg.h"

#include <string.h>

int memory_arg_open(const char *path, const struct memory_opts *opts, struct checkpoint_arg *out,
		    struct error *err)
{
	*out = (struct checkpoint_arg){ 0 };
	return memory_query_check(&opts->query, err) < 0
		   ? -EUSAGE
		   : checkpoint_arg_open_passing(path, out, err);
}

static int visit_one(struct checkpoint *cp, const struct process *p, const struct memory_opts *opts,
		     memory_visit visit, void *arg, struct error *err)
{
	auto_memory_view mv = NULL;
	auto_memory_ranges ranges = { 0 };
	auto_message CoreEntry *core = NULL;
	int rc = memory_view_open(cp, p, opts->sysroot, &mv, err);
	if (rc == 0)
		rc = memory_select(mv, &opts->query, &ranges, err);
	if (rc < 0)
		return rc;
	process_core(cp, p->pid, &core, NULL);
	const char *comm = core && core->tc && core->tc->comm ? core->tc->comm : "";
	return visit(arg, p, comm, mv, &ranges, err);
}

/* A zombie has no memory: an error only when it was asked for by pid. */
static bool has_memory(struct checkpoint *cp, const struct process *p)
{
	auto_message CoreEntry *core = NULL;
	return process_core(cp, p->pid, &core, NULL) < 0 || !core_is_zombie(core);
}

static int visit_picked(struct checkpoint *cp, const struct memory_opts *opts, memory_visit visit,
			void *arg, struct error *err)
{
	const struct process *p;
	int rc = checkpoint_pick(cp, opts->pid, &p, err);
	if (rc == 0 && !has_memory(cp, p))
		rc = error_set(err, ENOENT, "pid %u is a zombie: it has no memory", opts->pid);
	return rc < 0 ? rc : visit_one(cp, p, opts, visit, arg, err);
}

int memory_arg_each(const struct checkpoint_arg *of, const struct memory_opts *opts,
		    memory_visit visit, void *arg, struct error *err)
{
	struct error why = { 0 };
	bool any = false;
	if (opts->pid)
		return visit_picked(of->cp, opts, visit, arg, err);
	for (size_t i = 0; i < checkpoint_nr_processes(of->cp); i++) {
		const struct process *p = checkpoint_process(of->cp, i);
		if (!has_memory(of->cp, p))
			continue;
		int rc = visit_one(of->cp, p, opts, visit, arg, &why);
		any |= rc >= 0;
		if (rc == 1)
			return 1;
		if (rc < 0 && rc != -ENOENT && !damage_noted(of->src, rc, &why))
			return error_set(err, rc, "pid %u: %s", p->pid, why.text);
	}
	if (!any && !of->passed.nr)
		return error_set(err, ENOENT, "%s",
				 why.text[0] ? why.text : "no process has memory");
	return 0;
}
