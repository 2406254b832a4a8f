/* SPDX-License-Identifier: MIT
 * Has a parent been told of the stop of its children? It alone can ask: whether waitpid(2) would
 * still find that.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "engine/trace/visit.h"

static bool is_asked(const struct visit *v, const struct task *child)
{
	return child->parent == v->task;
}

void visit_count_stops(struct visit *v)
{
	v->nr_stops = 0;
	for (size_t i = 0; i < v->nr_stopped; i++)
		v->nr_stops += is_asked(v, v->stopped[i]);
}

int visit_tell_stops(struct visit *v, uint64_t addr, struct parasite_request *req,
		     struct error *err)
{
	size_t nr = v->nr_stops, level = (size_t)v->task->status.ns_pid_depth - 1;
	if (!nr)
		return 0;
	auto_free uint64_t *pids = malloc(nr * sizeof(*pids));
	if (!pids)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < v->nr_stopped; i++)
		if (is_asked(v, v->stopped[i]))
			pids[req->nr_stops++] = (uint64_t)v->stopped[i]->status.pids[level];
	req->stops_addr = addr;
	return visit_write(v, addr, pids, nr * sizeof(*pids), err);
}

int visit_hear_stops(struct visit *v, struct error *err)
{
	size_t nr = v->nr_stops, at = 0;
	if (!nr)
		return 0;
	auto_free uint64_t *told = malloc(nr * sizeof(*told));
	if (!told)
		return error_set(err, ENOMEM, "out of memory");
	int rc = visit_read(v, v->request.stops_addr, told, nr * sizeof(*told), err);
	for (size_t i = 0; rc == 0 && i < v->nr_stopped; i++)
		if (is_asked(v, v->stopped[i]))
			v->stopped[i]->stop_told = told[at++] == PARASITE_STOP_TOLD;
	return rc;
}
