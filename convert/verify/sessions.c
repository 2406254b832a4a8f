/* SPDX-License-Identifier: MIT
 * Process groups and sessions of a tree, as the kernel lets them be. A number that no process has
 * is not wrong by itself: who leads a group or a session may end before its members do.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "convert/verify/check.h"
#include "images/checkpoint.h"

struct sessions {
	struct check *check;
	const struct checkpoint *cp;
	const bool *reapers;
	const struct process *
	    *tops; /* by place, as `reapers`: the highest above it in its session */
};

static void session_finding(const struct sessions *s, const struct process *p, const char *field,
			    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void session_finding(const struct sessions *s, const struct process *p, const char *field,
			    const char *fmt, ...)
{
	char text[200];
	uint64_t entry = checkpoint_place(s->cp, p);
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	finding_at(s->check, "pstree.img", &entry, field, "%s", text);
}

/* A number in use as that of a group or session is given to no thread. */
static bool is_thread(const struct sessions *s, uint32_t id)
{
	return object_set_has(&s->check->objects, OBJ_THREAD, id) &&
	       !object_set_has(&s->check->objects, OBJ_PROCESS, id);
}

/* Can a child have been left by a session that nobody leads any more? It was born before its parent
 * began a session of its own, or its own parent has ended, or it came with the tree. */
static bool takes_orphans(const struct sessions *s, const struct process *parent)
{
	return !parent || !parent->parent || parent->entry->sid == parent->pid ||
	       s->reapers[checkpoint_place(s->cp, parent)];
}

/* Parents come before their children. */
static void tops_find(const struct sessions *s)
{
	for (size_t i = 0; i < checkpoint_nr_processes(s->cp); i++) {
		const struct process *p = checkpoint_process(s->cp, i), *parent = p->parent;
		bool same = parent && parent->entry->sid == p->entry->sid;
		s->tops[checkpoint_place(s->cp, p)] =
		    same ? s->tops[checkpoint_place(s->cp, parent)] : p;
	}
}

static bool session_can_be(const struct sessions *s, const struct process *p)
{
	const struct process *top = s->tops[checkpoint_place(s->cp, p)];
	return !top->parent || takes_orphans(s, top->parent);
}

static void session_check(const struct sessions *s, const struct process *p)
{
	uint32_t sid = p->entry->sid;
	const struct process *leader = checkpoint_find(s->cp, sid);
	if (!sid) /* led from outside of the pid namespace */
		return;
	if (is_thread(s, sid))
		session_finding(s, p, "sid", "%" PRIu32 " is a thread, and no session", sid);
	else if (leader && leader->entry->sid != sid)
		session_finding(s, p, "sid", "process %" PRIu32 " leads no session", sid);
	else if (!leader && !session_can_be(s, p))
		session_finding(s, p, "sid",
				"no process %" PRIu32 ", and none that could have left its session",
				sid);
	if (sid == p->pid && p->entry->pgid != p->pid)
		session_finding(s, p, "pgid", "%" PRIu32 ", but it leads a session",
				p->entry->pgid);
}

static int by_group(const void *a_, const void *b_)
{
	const struct process *a = *(const struct process *const *)a_;
	const struct process *b = *(const struct process *const *)b_;
	if (a->entry->pgid != b->entry->pgid)
		return a->entry->pgid < b->entry->pgid ? -1 : 1;
	return (a > b) - (a < b);
}

/* A group is in one session, that of its leader. */
static void group_check(const struct sessions *s, const struct process *p,
			const struct process *before)
{
	uint32_t pgid = p->entry->pgid;
	const struct process *other = checkpoint_find(s->cp, pgid);
	if (!pgid || (pgid != p->pid && p->pid == p->entry->sid)) /* that was found already */
		return;
	if (!other && before && before->entry->pgid == pgid)
		other = before;
	if (is_thread(s, pgid))
		session_finding(s, p, "pgid", "%" PRIu32 " is a thread, and no group", pgid);
	else if (other && other->entry->sid != p->entry->sid)
		session_finding(s, p, "pgid",
				"group %" PRIu32 " is in session %" PRIu32 " of process %" PRIu32
				", this one in %" PRIu32,
				pgid, other->entry->sid, other->pid, p->entry->sid);
}

int check_sessions(struct check *check, const struct checkpoint *cp, const bool *reapers,
		   struct error *err)
{
	size_t nr = checkpoint_nr_processes(cp);
	auto_free const struct process **sorted = calloc(nr + 1, sizeof(*sorted));
	auto_free const struct process **tops = calloc(nr + 1, sizeof(*tops));
	if (!sorted || !tops)
		return error_set(err, ENOMEM, "out of memory");
	struct sessions s = { check, cp, reapers, tops };
	tops_find(&s);
	for (size_t i = 0; i < nr; i++) {
		sorted[i] = checkpoint_listed(cp, i);
		session_check(&s, sorted[i]);
	}
	qsort(sorted, nr, sizeof(*sorted), by_group);
	for (size_t i = 0; i < nr; i++)
		group_check(&s, sorted[i], i ? sorted[i - 1] : NULL);
	return 0;
}
