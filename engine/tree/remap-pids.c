/* SPDX-License-Identifier: MIT
 * --remap-pids: which ids of a set are taken, what they become, and whether the tasks can stand it.
 */
#include "engine/tree/remap-pids.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "engine/ns/pid.h"
#include "engine/procfs/read.h"
#include "engine/tree/taken-ids.h"

#define DEAD_TRIES 300 /* ms to wait for ids whose holders are dead already */

struct planner {
	struct restore *r;
	struct checkpoint *cp;
	struct {
		uint32_t *items;
		size_t nr, cap;
	} ids;     /* that the set wants */
	int pidns; /* where the tree is to be; -1: in this program's own */
	struct taken_ids taken;
	struct pid_remap *remap;
	struct pid_finding *findings; /* one per change */
};

void pid_remap_free(struct pid_remap *remap)
{
	if (!remap)
		return;
	pid_map_fini(&remap->map);
	free(remap->patches.items);
	free(remap);
}

/* In a new pid namespace a tree has all its ids. */
static int find_place(struct planner *p, bool *fresh, struct error *err)
{
	auto_message TaskKobjIdsEntry *ids = NULL;
	uint32_t dumper = p->r->dumper_ids[NS_PID];
	if (!checkpoint_nr_processes(p->cp))
		return 0;
	int rc = process_ids(p->cp, checkpoint_listed(p->cp, 0), &ids, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	uint32_t id = ids ? ns_id_of(ids, NS_PID) : 0;
	rc = pidns_said(p->r, id, &p->pidns, err);
	*fresh = rc == 0 && dumper && id && id != dumper;
	return rc < 0 ? rc : 0;
}

static int add_id(struct planner *p, uint32_t id, struct error *err)
{
	for (size_t i = 0; i < p->ids.nr; i++)
		if (p->ids.items[i] == id)
			return 0;
	uint32_t *slot = id ? array_add(&p->ids) : NULL;
	if (id && !slot)
		return error_set(err, ENOMEM, "out of memory");
	if (id)
		*slot = id;
	return 0;
}

/* Groups and sessions of the caller's that the root is in are no ids of the set. */
static int add_process(struct planner *p, const struct process *process, struct error *err)
{
	const PstreeEntry *root = checkpoint_listed(p->cp, 0)->entry, *e = process->entry;
	uint32_t sid = root->sid == root->pid ? 0 : root->sid;
	uint32_t pgid = checkpoint_find(p->cp, root->pgid) ? 0 : root->pgid;
	int rc = add_id(p, process->pid, err);
	for (size_t i = 0; rc == 0 && i < e->n_threads; i++)
		rc = add_id(p, process_thread(process, i), err);
	if (rc == 0 && e->sid != sid)
		rc = add_id(p, e->sid, err);
	return rc == 0 && e->pgid != pgid && e->pgid != sid ? add_id(p, e->pgid, err) : rc;
}

/* Of a file in /proc of a process that was dead at the dump. */
static int add_dead(void *ctx, struct image_reader *reader, ProtobufCMessage **msg,
		    struct error *err)
{
	const RemapFilePathEntry *e = (const RemapFilePathEntry *)*msg;
	(void)reader;
	bool dead = e->has_remap_type && e->remap_type == REMAP_TYPE__PROCFS;
	return dead ? add_id(ctx, e->remap_id, err) : 0;
}

static int collect(struct planner *p, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < checkpoint_nr_processes(p->cp); i++)
		rc = add_process(p, checkpoint_listed(p->cp, i), err);
	return rc < 0 ? rc : image_each(p->r->images, IMG_REMAP_FPATH, 0, add_dead, p, err);
}

static pid_t holder_of(const struct planner *p, uint32_t id)
{
	return p->pidns < 0 ? (pid_t)id : pidns_find(p->pidns, (pid_t)id);
}

/* A dumped tree that has just ended holds its ids until its parent knows. @return has it waited? */
static bool wait_for_dead(const struct planner *p)
{
	int tries = 0;
	for (size_t i = 0; i < p->ids.nr; i++) {
		bool taken = taken_ids_has(&p->taken, p->ids.items[i]);
		pid_t holder = taken ? holder_of(p, p->ids.items[i]) : 0;
		while (holder && proc_is_dead(holder) && tries++ < DEAD_TRIES)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return tries > 0;
}

static int read_taken(struct planner *p, struct error *err)
{
	int rc = taken_ids_read(&p->taken, p->pidns, err);
	if (rc == 0 && wait_for_dead(p)) {
		taken_ids_fini(&p->taken);
		rc = taken_ids_read(&p->taken, p->pidns, err);
	}
	return rc;
}

static int choose(struct planner *p, struct error *err)
{
	int rc = read_taken(p, err);
	for (size_t i = 0; rc == 0 && i < p->ids.nr; i++)
		if (taken_ids_has(&p->taken, p->ids.items[i]))
			rc = pid_map_add(&p->remap->map, p->ids.items[i], 0, err);
	for (size_t i = 0; rc == 0 && i < p->ids.nr; i++)
		taken_ids_add(&p->taken, p->ids.items[i]);
	for (size_t i = 0; rc == 0 && i < p->remap->map.nr; i++) {
		p->remap->map.items[i].to = taken_ids_choose(&p->taken);
		if (!p->remap->map.items[i].to)
			rc = error_set(err, EAGAIN, "--remap-pids: no free pid is left");
	}
	return rc;
}

static const struct process *process_of(const struct planner *p, uint32_t id)
{
	for (size_t i = 0; i < checkpoint_nr_processes(p->cp); i++) {
		const struct process *process = checkpoint_listed(p->cp, i);
		for (size_t k = 0; k < process->entry->n_threads; k++)
			if (process_thread(process, k) == id)
				return process;
	}
	return checkpoint_find(p->cp, id);
}

/* "pid 12 (comm)", "thread 13 of pid 12 (comm)", "the group or session 14", appended */
static void describe(const struct planner *p, uint32_t id, struct strbuf *out)
{
	auto_message CoreEntry *core = NULL;
	const struct process *process = process_of(p, id);
	if (!process) {
		strbuf_printf(out, "the process group or session %" PRIu32, id);
		return;
	}
	bool known = process_core(p->cp, process->pid, &core, NULL) == 0 && core->tc;
	if (id != process->pid)
		strbuf_printf(out, "thread %" PRIu32 " of ", id);
	strbuf_printf(out, "pid %" PRIu32 " (%.16s)", process->pid, known ? core->tc->comm : "?");
}

static int refuse(const struct planner *p, const struct pid_finding *f, struct error *err)
{
	char holder[PID_HOLDER_MAX];
	auto_strbuf what = { 0 }, who = { 0 };
	describe(p, f->id, &what);
	pid_holder(holder_of(p, f->id), holder);
	if (f->hidden)
		return error_set(
		    err, EEXIST,
		    "%s is taken by %s, and cannot become another: where its C library "
		    "keeps ids of threads is not known; end the former, or use "
		    "--remap-pids=force",
		    what.data, holder);
	describe(p, f->known_by, &who);
	return error_set(err, EEXIST,
			 "%s is taken by %s, and cannot become another: %s has this number in %s "
			 "%#" PRIx64 "; end the former, or use --remap-pids=force",
			 what.data, holder, who.data,
			 f->addr ? "its memory at" : "a register, memory at", f->addr);
}

/* The log may be elsewhere. */
static void say(const char *text)
{
	log_write(LOG_MSG, "%s", text);
	if (log_fd() != STDERR_FILENO)
		dprintf(STDERR_FILENO, "%s\n", text);
}

static void say_change(const struct planner *p, size_t i)
{
	const struct pid_finding *f = &p->findings[i];
	char holder[PID_HOLDER_MAX];
	auto_strbuf text = { 0 };
	describe(p, f->id, &text);
	strbuf_printf(&text, " becomes %" PRIu32 ": %" PRIu32 " is taken by %s",
		      p->remap->map.items[i].to, f->id, pid_holder(holder_of(p, f->id), holder));
	if (f->nr_own)
		strbuf_printf(&text, "; its memory has the old number in %zu more places",
			      f->nr_own);
	if (f->known_by)
		strbuf_printf(&text, "; pid %" PRIu32 " still knows the old number", f->known_by);
	if (text.data)
		say(text.data);
}

/* What the memory of the tasks says of the ids that change. */
static int check(struct planner *p, struct error *err)
{
	const struct pid_map *map = &p->remap->map;
	int rc = 0;
	p->findings = calloc(map->nr, sizeof(*p->findings));
	if (!p->findings)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < map->nr; i++)
		p->findings[i].id = map->items[i].from;
	for (size_t i = 0; rc == 0 && i < checkpoint_nr_processes(p->cp); i++)
		rc = pid_words_find(p->remap, p->cp, checkpoint_listed(p->cp, i), p->findings, err);
	bool forced = p->r->opts->remap_pids == REMAP_PIDS_FORCE;
	for (size_t i = 0; rc == 0 && !forced && i < map->nr; i++)
		if (p->findings[i].hidden || p->findings[i].known_by)
			rc = refuse(p, &p->findings[i], err);
	for (size_t i = 0; rc == 0 && i < map->nr; i++)
		say_change(p, i);
	return rc;
}

/* Those in a pid namespace below know each other by other numbers. */
static int refuse_nested(const struct planner *p, struct error *err)
{
	for (size_t i = 0; i < checkpoint_nr_processes(p->cp); i++) {
		const struct process *process = checkpoint_listed(p->cp, i);
		if (process->entry->n_levels)
			return error_set(err, ENOTSUP,
					 "pid %" PRIu32 " is in a pid namespace inside of the "
					 "tree: --remap-pids cannot tell which numbers in memory "
					 "are meant; end who has taken its pids",
					 process->pid);
	}
	return 0;
}

static int plan(struct planner *p, struct error *err)
{
	bool fresh = false;
	int rc = checkpoint_open(p->r->images, &p->cp, err);
	if (rc == 0)
		rc = find_place(p, &fresh, err);
	if (rc < 0 || fresh || !checkpoint_nr_processes(p->cp))
		return rc;
	rc = collect(p, err);
	if (rc == 0)
		rc = choose(p, err);
	if (rc == 0 && p->remap->map.nr)
		rc = refuse_nested(p, err);
	return rc < 0 || !p->remap->map.nr ? rc : check(p, err);
}

int pid_remap_plan(struct restore *r, struct error *err)
{
	struct planner p = { .r = r, .pidns = -1 };
	if (!r->opts->remap_pids)
		return 0;
	p.remap = r->pids = calloc(1, sizeof(*r->pids));
	if (!r->pids)
		return error_set(err, ENOMEM, "out of memory");
	p.remap->map.mtype = CORE_ENTRY__MARCH__X86_64;
	int rc = plan(&p, err);
	checkpoint_close(p.cp);
	taken_ids_fini(&p.taken);
	fd_close(p.pidns);
	free(p.ids.items);
	free(p.findings);
	if (rc == 0 && p.remap->map.nr)
		source_set_pids(r->images, &p.remap->map);
	return rc;
}
