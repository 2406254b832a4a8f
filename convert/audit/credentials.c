/* SPDX-License-Identifier: MIT
 * Who processes are and what they may do.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "base/array.h"
#include "convert/audit/check.h"
#include "images/reader.h"
#include "security.pb-c.h"

/* Capabilities by number; lead: to root, or out of a container. */
static const struct capability {
	const char *name;
	bool leads;
} capabilities[] = {
	{ "chown" },
	{ "dac_override" },
	{ "dac_read_search", true },
	{ "fowner" },
	{ "fsetid" },
	{ "kill" },
	{ "setgid" },
	{ "setuid" },
	{ "setpcap" },
	{ "linux_immutable" },
	{ "net_bind_service" },
	{ "net_broadcast" },
	{ "net_admin", true },
	{ "net_raw" },
	{ "ipc_lock" },
	{ "ipc_owner" },
	{ "sys_module", true },
	{ "sys_rawio", true },
	{ "sys_chroot" },
	{ "sys_ptrace", true },
	{ "sys_pacct" },
	{ "sys_admin", true },
	{ "sys_boot", true },
	{ "sys_nice" },
	{ "sys_resource" },
	{ "sys_time", true },
	{ "sys_tty_config" },
	{ "mknod" },
	{ "lease" },
	{ "audit_write" },
	{ "audit_control", true },
	{ "setfcap" },
	{ "mac_override", true },
	{ "mac_admin", true },
	{ "syslog" },
	{ "wake_alarm" },
	{ "block_suspend" },
	{ "audit_read" },
	{ "perfmon", true },
	{ "bpf", true },
	{ "checkpoint_restore", true },
};

/* Without the ids of its namespaces nothing is graded. */
#define NOT_KNOWN "in namespaces that are not known"

static uint64_t effective_of(const CredsEntry *creds)
{
	uint64_t set = 0;
	for (size_t i = 0; i < creds->n_cap_eff && i < 2; i++)
		set |= (uint64_t)creds->cap_eff[i] << 32 * i;
	return set;
}

/* For one who is not root the lesser ones count as well: they change files and identities. */
static uint64_t leading_of(uint64_t set, bool root)
{
	static const char *const lesser[] = { "chown",  "dac_override", "fowner", "setgid",
					      "setuid", "setfcap",      "mknod" };
	uint64_t leading = 0;
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
		bool leads = capabilities[i].leads;
		for (size_t k = 0; !root && k < ARRAY_SIZE(lesser); k++)
			leads |= !strcmp(capabilities[i].name, lesser[k]);
		leading |= leads ? set & 1ull << i : 0;
	}
	return leading;
}

static int names_of(uint64_t set, struct strbuf *out)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(capabilities); i++) {
		if (set & 1ull << i)
			rc = strbuf_printf(out, "%s%s", out->len ? " " : "", capabilities[i].name);
	}
	return rc;
}

static int check_capabilities(struct audit *audit, const struct audit_process *p,
			      const struct finding_place *at, const CredsEntry *creds,
			      struct error *err)
{
	const uint64_t known = (1ull << ARRAY_SIZE(capabilities)) - 1;
	auto_strbuf names = { 0 };
	uint64_t set = effective_of(creds), leading = leading_of(set, creds->euid == 0);
	bool all = leading == leading_of(known, creds->euid == 0);
	bool grave = p->ids && (p->contained || creds->euid) && !p->mapped_users;
	if (!leading)
		return 0;
	if (!all && names_of(leading, &names) < 0)
		return error_set(err, ENOMEM, "out of memory");
	return audit_add(audit, RULE_CAPABILITIES, grave ? SEV_WARNING : SEV_NOTE, at,
			 !p->ids           ? NOT_KNOWN
			 : p->mapped_users ? "in a user namespace"
			 : p->contained    ? "in a container"
			 : creds->euid     ? "without being root"
					   : "as root",
			 err, "%s", all ? "all" : names.data);
}

static int check_identity(struct audit *audit, const struct audit_process *p,
			  const struct finding_place *at, const CredsEntry *creds,
			  struct error *err)
{
	if (creds->euid == 0)
		return audit_add(audit, RULE_ROOT_USER, SEV_NOTE, at,
				 !p->ids           ? NOT_KNOWN
				 : p->mapped_users ? "root of a user namespace"
						   : "root",
				 err, "euid 0");
	if (creds->uid && creds->suid)
		return 0;
	return audit_add(audit, RULE_ROOT_KEPT, SEV_WARNING, at, "root", err,
			 "uid %u, euid %u, saved uid %u", creds->uid, creds->euid, creds->suid);
}

static bool is_filtered(const CoreEntry *core)
{
	const ThreadCoreEntry *thread = core->thread_core;
	if (thread && thread->has_seccomp_mode)
		return thread->seccomp_mode != SECCOMP_MODE__disabled;
	return core->tc && core->tc->has_old_seccomp_mode &&
	       core->tc->old_seccomp_mode != SECCOMP_MODE__disabled;
}

/* Filters of the first thread that it installs for all: the others have none of their own then. */
static bool covers_threads(struct audit *audit, const CoreEntry *core)
{
	auto_message SeccompEntry *e = NULL;
	const ThreadCoreEntry *tc = core->thread_core;
	return tc && tc->has_seccomp_filter &&
	       image_read_one(checkpoint_source(audit->cp), IMG_SECCOMP, 0, (ProtobufCMessage **)&e,
			      NULL) == 0 &&
	       tc->seccomp_filter < e->n_seccomp_filters &&
	       e->seccomp_filters[tc->seccomp_filter]->flags & SECCOMP_FILTER_FLAG_TSYNC;
}

static int check_thread(struct audit *audit, const struct audit_process *p, uint32_t tid,
			const CoreEntry *core, struct error *err)
{
	const CredsEntry *creds = core->thread_core ? core->thread_core->creds : NULL;
	struct finding_place at = place_in(p, IMG_CORE, tid);
	int rc = 0;
	if (creds)
		rc = check_identity(audit, p, &at, creds, err);
	if (rc == 0 && creds)
		rc = check_capabilities(audit, p, &at, creds, err);
	if (rc == 0 && !is_filtered(core) && !(core != p->core && covers_threads(audit, p->core)))
		rc = audit_add(audit, RULE_NO_SECCOMP, p->contained ? SEV_WARNING : SEV_NOTE, &at,
			       !p->ids        ? NOT_KNOWN
			       : p->contained ? "in a container"
					      : NULL,
			       err, "mode disabled");
	if (rc == 0 && creds && !(creds->has_no_new_privs && creds->no_new_privs))
		rc =
		    audit_add(audit, RULE_NO_NEW_PRIVS, SEV_NOTE, &at, NULL, err, "no_new_privs 0");
	return rc;
}

int check_credentials(struct audit *audit, const struct audit_process *p, struct error *err)
{
	const PstreeEntry *entry = p->process->entry;
	if (!p->core->tc && !p->core->thread_core) /* nothing is known of it */
		return 0;
	int rc = check_thread(audit, p, p->process->pid, p->core, err);
	for (size_t i = 0; rc == 0 && i < entry->n_threads; i++) {
		auto_message CoreEntry *core = NULL;
		uint32_t tid = process_thread(p->process, i);
		if (tid == p->process->pid)
			continue;
		rc = process_core(audit->cp, tid, &core, err);
		if (rc == 0 && core->thread_core)
			rc = check_thread(audit, p, tid, core, err);
	}
	return rc;
}
