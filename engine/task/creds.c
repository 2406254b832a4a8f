/* SPDX-License-Identifier: MIT
 * Credentials of a thread: user and group ids, capabilities, securebits, no_new_privs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "engine/mem/arena.h"
#include "engine/task/parts.h"
#include "images/message.h"

#define CAP_WORDS      2
#define NR_GROUPS_MAX  65536u /* NGROUPS_MAX of the kernel */
#define SECUREBITS_ALL 0xffu

static int dump_caps(uint64_t caps, uint32_t **words, size_t *n)
{
	*words = malloc(CAP_WORDS * sizeof(**words));
	if (!*words)
		return -ENOMEM;
	(*words)[0] = (uint32_t)caps;
	(*words)[1] = (uint32_t)(caps >> 32);
	*n = CAP_WORDS;
	return 0;
}

static int dump_groups(const struct proc_status *st, CredsEntry *c)
{
	if (!st->nr_groups)
		return 0;
	c->groups = malloc(st->nr_groups * sizeof(*c->groups));
	if (!c->groups)
		return -ENOMEM;
	memcpy(c->groups, st->groups, st->nr_groups * sizeof(*c->groups));
	c->n_groups = st->nr_groups;
	return 0;
}

int creds_dump(const struct thread *th, ThreadCoreEntry *tc, struct error *err)
{
	const struct proc_status *st = &th->status;
	CredsEntry *c = tc->creds = message_new(&creds_entry__descriptor);
	if (!c || dump_caps(st->cap_inh, &c->cap_inh, &c->n_cap_inh) < 0 ||
	    dump_caps(st->cap_prm, &c->cap_prm, &c->n_cap_prm) < 0 ||
	    dump_caps(st->cap_eff, &c->cap_eff, &c->n_cap_eff) < 0 ||
	    dump_caps(st->cap_bnd, &c->cap_bnd, &c->n_cap_bnd) < 0 ||
	    dump_caps(st->cap_amb, &c->cap_amb, &c->n_cap_amb) < 0 || dump_groups(st, c) < 0)
		return error_set(err, ENOMEM, "thread %d: credentials: out of memory", th->tid);

	c->lsm_profile = th->label ? strdup(th->label) : NULL;
	c->lsm_sockcreate = th->sock_label ? strdup(th->sock_label) : NULL;
	if (!c->lsm_profile != !th->label || !c->lsm_sockcreate != !th->sock_label)
		return error_set(err, ENOMEM, "thread %d: credentials: out of memory", th->tid);

	c->uid = st->uids[0];
	c->euid = st->uids[1];
	c->suid = st->uids[2];
	c->fsuid = st->uids[3];
	c->gid = st->gids[0];
	c->egid = st->gids[1];
	c->sgid = st->gids[2];
	c->fsgid = st->gids[3];
	c->secbits = th->inside.securebits;
	c->has_no_new_privs = st->no_new_privs > 0;
	c->no_new_privs = c->has_no_new_privs;
	return 0;
}

static int check_caps(const char *name, size_t n, bool optional, struct error *err)
{
	if (n == CAP_WORDS || (n == 0 && optional))
		return 0;
	return error_set(err, EBADMSG, "creds.%s: %zu words, want %d", name, n, CAP_WORDS);
}

int creds_check(const CredsEntry *c, struct error *err)
{
	if (!c)
		return error_set(err, EBADMSG, "thread_core.creds is missing");
	int rc;
	if ((rc = check_caps("cap_inh", c->n_cap_inh, false, err)) < 0 ||
	    (rc = check_caps("cap_prm", c->n_cap_prm, false, err)) < 0 ||
	    (rc = check_caps("cap_eff", c->n_cap_eff, false, err)) < 0 ||
	    (rc = check_caps("cap_bnd", c->n_cap_bnd, false, err)) < 0 ||
	    (rc = check_caps("cap_amb", c->n_cap_amb, true, err)) < 0)
		return rc;
	if (c->n_groups > NR_GROUPS_MAX)
		return error_set(err, EBADMSG, "creds.groups: %zu, at most %u", c->n_groups,
				 NR_GROUPS_MAX);
	const uint32_t ids[] = { c->uid,  c->gid,  c->euid,  c->egid,
				 c->suid, c->sgid, c->fsuid, c->fsgid };
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		if (ids[i] == UINT32_MAX) /* to the kernel: leave it as it is */
			return error_set(err, EBADMSG, "creds: %u is no id of a user or group",
					 ids[i]);
	for (size_t i = 0; i < c->n_groups; i++)
		if (c->groups[i] == UINT32_MAX)
			return error_set(err, EBADMSG, "creds.groups[%zu]: %u is no id of a group",
					 i, c->groups[i]);
	if (c->secbits & ~SECUREBITS_ALL)
		return error_set(err, EBADMSG, "creds.secbits: unknown bits in %#x", c->secbits);
	return 0;
}

static size_t label_size(const char *label)
{
	return label ? strlen(label) : 0;
}

size_t creds_args_size(const CredsEntry *c)
{
	return (c->n_groups + 1) * sizeof(*c->groups) + sizeof(uint64_t) +
	       label_size(c->lsm_profile) + label_size(c->lsm_sockcreate);
}

static void fill_caps(const uint32_t *words, size_t n, uint32_t out[CAP_WORDS])
{
	for (size_t i = 0; i < CAP_WORDS; i++)
		out[i] = i < n ? words[i] : 0;
}

static int fill_label(const char *label, struct arena *arena, struct restorer_label *out)
{
	out->len = label_size(label);
	out->text = out->len ? arena_alloc(arena, out->len, 1) : NULL;
	if (!out->len)
		return 0;
	if (!out->text)
		return -ENOMEM;
	memcpy(out->text, label, out->len);
	return 0;
}

int creds_fill(const CredsEntry *c, struct arena *arena, struct restorer_creds *out,
	       struct error *err)
{
	if (c->n_groups) {
		out->ids.groups = arena_alloc(arena, c->n_groups * sizeof(*out->ids.groups), 8);
		if (!out->ids.groups)
			return error_set(err, ENOMEM, "credentials: the arena is full");
		memcpy(out->ids.groups, c->groups, c->n_groups * sizeof(*out->ids.groups));
	}
	if (fill_label(c->lsm_profile, arena, &out->label) < 0 ||
	    fill_label(c->lsm_sockcreate, arena, &out->sock_label) < 0)
		return error_set(err, ENOMEM, "security label: the arena is full");
	out->ids.nr_groups = (uint32_t)c->n_groups;
	out->ids.uid = c->uid;
	out->ids.euid = c->euid;
	out->ids.suid = c->suid;
	out->ids.fsuid = c->fsuid;
	out->ids.gid = c->gid;
	out->ids.egid = c->egid;
	out->ids.sgid = c->sgid;
	out->ids.fsgid = c->fsgid;
	fill_caps(c->cap_inh, c->n_cap_inh, out->cap_inh);
	fill_caps(c->cap_prm, c->n_cap_prm, out->cap_prm);
	fill_caps(c->cap_eff, c->n_cap_eff, out->cap_eff);
	fill_caps(c->cap_bnd, c->n_cap_bnd, out->cap_bnd);
	fill_caps(c->cap_amb, c->n_cap_amb, out->cap_amb);
	out->securebits = c->secbits;
	out->no_new_privs = c->has_no_new_privs && c->no_new_privs;
	return 0;
}
