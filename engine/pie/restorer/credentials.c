/* SPDX-License-Identifier: MIT
 * Credentials of the calling thread. The order matters: each step may only drop what no later
 * one needs.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <signal.h>

#include "engine/pie/restorer/parts.h"
#include "engine/pie/syscalls.h"

static int has_cap(const uint32_t words[2], uint32_t cap)
{
	return (words[cap / 32] >> (cap % 32)) & 1;
}

void read_bounding_set(struct restorer_args *args)
{
	if (args->parent)
		return; /* which knew it */
	for (uint32_t cap = 0; cap <= args->cap_last && cap < 64; cap++) {
		if (sys(SYS_prctl, PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			args->bnd_now[cap / 32] |= 1u << (cap % 32);
	}
}

/* Who has no privilege may restore a task of its own: what is as it should be is left alone. */
#define FEW_GROUPS 128

static int has_groups(const struct restorer_ids *c)
{
	uint32_t now[FEW_GROUPS];
	if (c->nr_groups > FEW_GROUPS || sys(SYS_getgroups, FEW_GROUPS, now) != (long)c->nr_groups)
		return 0;
	for (uint32_t i = 0; i < c->nr_groups; i++)
		if (now[i] != c->groups[i])
			return 0;
	return 1;
}

static int has_ids(const struct restorer_ids *c)
{
	uint32_t u[3], g[3];
	return sys(SYS_getresuid, &u[0], &u[1], &u[2]) == 0 &&
	       sys(SYS_getresgid, &g[0], &g[1], &g[2]) == 0 && u[0] == c->uid && u[1] == c->euid &&
	       u[2] == c->suid && g[0] == c->gid && g[1] == c->egid && g[2] == c->sgid &&
	       sys(SYS_setfsuid, -1) == (long)c->fsuid && sys(SYS_setfsgid, -1) == (long)c->fsgid;
}

static long set_ids(const struct restorer_ids *c)
{
	long rc = has_groups(c) ? 0 : sys(SYS_setgroups, c->nr_groups, c->groups);
	if (rc < 0 || has_ids(c))
		return rc;
	/* with this bit the capabilities outlive the change of the user id */
	rc = sys(SYS_prctl, PR_SET_SECUREBITS, 1u << SECURE_NO_SETUID_FIXUP, 0, 0, 0);
	if (rc >= 0)
		rc = sys(SYS_setresgid, c->gid, c->egid, c->sgid);
	if (rc >= 0)
		rc = sys(SYS_setresuid, c->uid, c->euid, c->suid);
	if (rc < 0)
		return rc;
	sys(SYS_setfsgid, c->fsgid); /* both return the old id, whatever happens */
	sys(SYS_setfsuid, c->fsuid);
	if (sys(SYS_setfsgid, -1) != (long)c->fsgid || sys(SYS_setfsuid, -1) != (long)c->fsuid)
		return -1; /* EPERM */
	return 0;
}

/* One of them anybody may set, by another option. */
static long set_securebits(uint32_t bits)
{
	long now = sys(SYS_prctl, PR_GET_SECUREBITS, 0, 0, 0, 0);
	uint32_t changes = now < 0 ? ~0u : (uint32_t)now ^ bits, keep = 1u << SECURE_KEEP_CAPS;
	if (!changes)
		return 0;
	if (changes == keep)
		return sys(SYS_prctl, PR_SET_KEEPCAPS, (bits & keep) != 0, 0, 0, 0);
	return sys(SYS_prctl, PR_SET_SECUREBITS, bits, 0, 0, 0);
}

static long capset(const uint32_t eff[2], const uint32_t prm[2], const uint32_t inh[2])
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	for (int i = 0; i < 2; i++) {
		data[i].effective = eff[i];
		data[i].permitted = prm[i];
		data[i].inheritable = inh[i];
	}
	return sys(SYS_capset, &head, data);
}

/* Inheritable capabilities need the bounding set as it was. */
static long set_inheritable(const struct restorer_creds *c)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct now[2];
	long rc = sys(SYS_capget, &head, now);
	if (rc < 0)
		return rc;
	uint32_t prm[2] = { now[0].permitted, now[1].permitted };
	return capset(prm, prm, c->cap_inh);
}

static long drop_bounding(const struct restorer_args *args, const struct restorer_creds *c)
{
	for (uint32_t cap = 0; cap <= args->cap_last && cap < 64; cap++) {
		if (!has_cap(args->bnd_now, cap) || has_cap(c->cap_bnd, cap))
			continue;
		long rc = sys(SYS_prctl, PR_CAPBSET_DROP, cap, 0, 0, 0);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static long set_ambient(const struct restorer_args *args, const struct restorer_creds *c)
{
	long rc = sys(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (uint32_t cap = 0; rc >= 0 && cap <= args->cap_last && cap < 64; cap++) {
		if (has_cap(c->cap_amb, cap))
			rc = sys(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	}
	return rc;
}

static long write_label(const struct restorer_args *args, const char *file,
			const struct restorer_label *label)
{
	long fd = label->len ? sys(SYS_openat, args->proc_fd, file, O_WRONLY | O_CLOEXEC) : -1;
	if (!label->len || fd < 0)
		return label->len ? fd : 0;
	long rc = sys(SYS_write, fd, label->text, label->len);
	sys(SYS_close, fd);
	return rc;
}

int restore_label(struct restorer_args *args, const struct restorer_thread *t)
{
	long rc = write_label(args, args->label_file, &t->creds.label);
	return rc < 0 ? restorer_fail(args,
				      "take the security label it had (is the profile or policy "
				      "loaded?), thread",
				      (uint64_t)t->tids[0], rc)
		      : 0;
}

/* Who nobody is inside of it, or may not become there, can only be set from outside. All else that
 * is lost on the way in is set again later. */
int enter_users(struct restorer_args *args)
{
	if (args->users_fd < 0)
		return 0;
	long rc = set_ids(&args->threads[0].creds.ids);
	if (rc < 0)
		return restorer_fail(args, "set its user and group ids", 0, rc);
	rc = sys(SYS_setns, args->users_fd, CLONE_NEWUSER);
	if (rc < 0)
		return restorer_fail(args, "enter its user namespace", 0, rc);
	sys(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	sys(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
	for (uint32_t cap = 0; cap <= args->cap_last && cap < 64; cap++)
		args->bnd_now[cap / 32] |= 1u << (cap % 32);
	return 0;
}

int restore_credentials(struct restorer_args *args, const struct restorer_thread *t)
{
	const struct restorer_creds *c = &t->creds;
	const char *what = "set user and group ids of thread";
	long rc = c->has_ids ? 0 : set_ids(&c->ids);
	if (rc >= 0) {
		what = "set inheritable capabilities of thread";
		rc = set_inheritable(c);
	}
	if (rc >= 0) {
		what = "drop bounding capabilities of thread";
		rc = drop_bounding(args, c);
	}
	if (rc >= 0) {
		what = "raise ambient capabilities of thread";
		rc = set_ambient(args, c);
	}
	if (rc >= 0) {
		what = "set secure bits of thread";
		rc = set_securebits(c->securebits);
	}
	if (rc >= 0) {
		what = "set capabilities (the task has some that the restore lacks?) of thread";
		rc = capset(c->cap_eff, c->cap_prm, c->cap_inh);
	}
	if (rc >= 0) {
		what = "set the label of new sockets of thread";
		rc = write_label(args, "thread-self/attr/sockcreate", &c->sock_label);
	}
	/* no_new_privs would forbid it */
	if (rc >= 0 && !args->label_early && restore_label(args, t) < 0)
		return -1;
	if (rc >= 0 && c->no_new_privs) {
		what = "set no_new_privs of thread";
		rc = sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	}
	return rc < 0 ? restorer_fail(args, what, (uint64_t)t->tids[0], rc) : 0;
}
