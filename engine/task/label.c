/* SPDX-License-Identifier: MIT
 * Labels of security modules.
 *
 * A thread sets its own, and nobody else can. The restorer does it when all that needs more than
 * the profile may allow is done; but for SELinux, where only a task with one thread can: before it
 * makes the others, which inherit it.
 */
#include "engine/task/label.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "engine/context/restore.h"
#include "engine/pie/restorer.h"
#include "engine/procfs/root.h"

#define SELINUX_COLONS 3 /* user:role:type:range */

void label_host_fini(struct label_host *host)
{
	strbuf_fini(&host->own);
}

/* Modules end it with a newline, a NUL or neither. */
static void cut_end(struct strbuf *label)
{
	while (label->len > 0 &&
	       (label->data[label->len - 1] == '\n' || label->data[label->len - 1] == '\0'))
		label->data[--label->len] = '\0';
}

/* Empty where the kernel has no such module, or where it is not in use. */
static int read_label(int proc, const char *task, const char *attr, struct strbuf *out,
		      struct error *err)
{
	char file[64];
	struct error why = { 0 };
	snprintf(file, sizeof(file), "%s/attr/%s", task, attr);
	strbuf_reset(out);
	int rc = file_read_at(proc, file, out, &why);
	if (rc == -ENOENT || rc == -EINVAL) {
		strbuf_reset(out);
		return 0;
	}
	if (rc < 0)
		return error_set(err, rc, "%s", why.text);
	cut_end(out);
	return 0;
}

static bool is_context(const char *label)
{
	size_t colons = 0;
	for (; (label = strchr(label, ':')) != NULL; label++)
		colons++;
	return colons >= SELINUX_COLONS;
}

/* "unconfined", "name (enforce)" */
static bool is_profile(const struct strbuf *label)
{
	return !strcmp(label->data, "unconfined") || label->data[label->len - 1] == ')';
}

static int module_of(const struct strbuf *label)
{
	if (!label->len)
		return LSMTYPE__NO_LSM;
	if (is_profile(label))
		return LSMTYPE__APPARMOR;
	return is_context(label->data) ? LSMTYPE__SELINUX : LABEL_UNKNOWN;
}

int label_host_find(int proc, struct label_host *out, struct error *err)
{
	out->attr = "apparmor/current"; /* since Linux 5.8 */
	int rc = read_label(proc, "self", out->attr, &out->own, err);
	if (rc == 0 && !out->own.len) {
		out->attr = "current";
		rc = read_label(proc, "self", out->attr, &out->own, err);
	}
	out->module = rc < 0 ? LSMTYPE__NO_LSM : module_of(&out->own);
	return rc;
}

/* The mode is no part of the name. */
static void cut_mode(struct strbuf *label)
{
	char *mode = label->len ? strstr(label->data, " (") : NULL;
	if (!mode)
		return;
	*mode = '\0';
	label->len = (size_t)(mode - label->data);
}

static bool is_in_policy_namespace(const char *profile)
{
	return profile[0] == ':' || strstr(profile, "//&:");
}

static int refuse(pid_t tid, const char *label, const char *why, struct error *err)
{
	return error_set(err, ENOTSUP,
			 "thread %d has the security label %s, %s: start it without one, or dump "
			 "and restore from inside of the same",
			 tid, label, why);
}

static int check_label(const struct label_host *host, pid_t tid, struct strbuf *label,
		       struct error *err)
{
	if (host->module == LSMTYPE__APPARMOR) {
		cut_mode(label);
		if (is_in_policy_namespace(label->data))
			return refuse(tid, label->data,
				      "of a policy namespace, which images do not carry", err);
		return 0;
	}
	if (host->module == LSMTYPE__SELINUX && is_context(label->data))
		return 0;
	return refuse(tid, label->data, "which no task can be given again", err);
}

int label_collect(const struct label_host *host, int proc_fd, struct thread *th, struct error *err)
{
	char task[32];
	auto_strbuf label = { 0 }, sock = { 0 };
	if (host->module == LSMTYPE__NO_LSM)
		return 0;
	snprintf(task, sizeof(task), "task/%d", th->tid);
	int rc = read_label(proc_fd, task, host->attr, &label, err);
	if (rc < 0 || !label.len || !strcmp(label.data, "unconfined"))
		return rc;
	bool same = !strcmp(label.data, host->own.data);
	if (same && host->module == LABEL_UNKNOWN)
		return 0;
	rc = check_label(host, th->tid, &label, err);
	if (rc == 0 && host->module == LSMTYPE__SELINUX)
		rc = read_label(proc_fd, task, "sockcreate", &sock, err);
	if (rc < 0)
		return rc;
	th->label = take_ptr(label.data);
	th->sock_label = sock.len ? take_ptr(sock.data) : NULL;
	return 0;
}

void label_thread_fini(struct thread *th)
{
	free(th->label);
	free(th->sock_label);
}

static bool are_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

int label_check_threads(const struct label_host *host, const struct thread *threads, size_t nr,
			struct error *err)
{
	for (size_t i = 1; host->module == LSMTYPE__SELINUX && i < nr; i++)
		if (!are_same(threads[i].label, threads[0].label))
			return refuse(threads[i].tid, threads[i].label ? threads[i].label : "none",
				      "another one than its first thread", err);
	return 0;
}

/* Restore. */

static const struct {
	const char *name;
	int module;
} types[] = {
	{ "apparmor:", LSMTYPE__APPARMOR },
	{ "selinux:", LSMTYPE__SELINUX },
};

static const char *module_name(int module)
{
	switch (module) {
	case LSMTYPE__APPARMOR:
		return "AppArmor";
	case LSMTYPE__SELINUX:
		return "SELinux";
	case LSMTYPE__NO_LSM:
		return "none";
	}
	return "another one";
}

/* @param label  set to what follows the type of --lsm-profile, or NULL for "none" */
static int parse_want(const struct label_host *host, const char *want, const char **label,
		      struct error *err)
{
	*label = NULL;
	if (!strcmp(want, "none"))
		return 0;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		size_t len = strlen(types[i].name);
		if (strncmp(want, types[i].name, len) != 0)
			continue;
		if (types[i].module != host->module)
			return error_set(err, ENOTSUP,
					 "--lsm-profile %s: the security module of this kernel is "
					 "%s",
					 want, module_name(host->module));
		*label = want + len;
		return 0;
	}
	return error_set(err, EINVAL, "--lsm-profile %s: want apparmor:NAME, selinux:LABEL or none",
			 want);
}

static int check_module(const struct label_host *host, int module, const char *label,
			struct error *err)
{
	if (host->module != LSMTYPE__NO_LSM && host->module != LABEL_UNKNOWN &&
	    (module == host->module || module == LSMTYPE__NO_LSM))
		return 0;
	return error_set(err, ENOTSUP,
			 "it had the security label %s (%s), and the security module of this "
			 "kernel is %s: pass --lsm-profile none to do without",
			 label, module_name(module), module_name(host->module));
}

int label_choose(const struct label_host *host, int module, const char *label, const char *want,
		 struct strbuf *out, struct error *err)
{
	int rc =
	    want ? parse_want(host, want, &label, err) : check_module(host, module, label, err);
	strbuf_reset(out);
	if (rc < 0 || !label)
		return rc;
	if (!*label || strpbrk(label, "\n") || is_in_policy_namespace(label))
		return error_set(err, EBADMSG, "\"%.200s\" is no label that can be set", label);
	auto_strbuf own = { 0 };
	rc = host->own.len ? strbuf_str(&own, host->own.data) : 0;
	bool apparmor = host->module == LSMTYPE__APPARMOR;
	if (rc == 0 && apparmor)
		cut_mode(&own);
	if (rc == 0 && (!own.len || strcmp(own.data, label) != 0))
		rc = strbuf_printf(out, "%s%s", apparmor ? "changeprofile " : "", label);
	return rc < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
}

/* What a message has is in the task's pool. */
static int prepare_thread(struct restore *r, const struct label_host *host, const struct rtask *t,
			  CredsEntry *c, struct error *err)
{
	auto_strbuf text = { 0 };
	if (!c->lsm_profile)
		return 0;
	int rc =
	    label_choose(host, r->label_module, c->lsm_profile, r->opts->lsm_profile, &text, err);
	if (rc < 0)
		return rc;
	c->lsm_profile = text.len ? pool_alloc(t->messages, text.len + 1) : NULL;
	if (!text.len)
		return 0;
	if (!c->lsm_profile)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(c->lsm_profile, text.data, text.len);
	return 0;
}

static bool has_labels(const struct restore *r)
{
	if (r->label_module == LSMTYPE__SELINUX) /* of sockets, whoever has them */
		return true;
	for (size_t i = 0; i < r->nr_tasks; i++)
		for (size_t k = 0; rtask_is_living(r->tasks[i]) && k < r->tasks[i]->nr_threads; k++)
			if (r->tasks[i]->cores[k]->thread_core->creds->lsm_profile)
				return true;
	return false;
}

int label_prepare(struct restore *r, struct error *err)
{
	auto_label_host host = { 0 };
	int rc = has_labels(r) ? label_host_find(procfs_fd(), &host, err) : 0;
	for (size_t i = 0; rc == 0 && i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		for (size_t k = 0; rc == 0 && rtask_is_living(t) && k < t->nr_threads; k++) {
			rc = prepare_thread(r, &host, t, t->cores[k]->thread_core->creds, err);
			if (rc < 0)
				return error_wrap(err, rc, "thread %u", t->tids[k]);
		}
	}
	r->label_attr = host.attr;
	r->label_module = host.module;
	return rc;
}

void label_fill(const struct restore *r, struct restorer_args *args)
{
	args->proc_fd = procfs_fd();
	args->label_early = r->label_module == LSMTYPE__SELINUX;
	snprintf(args->label_file, sizeof(args->label_file), "thread-self/attr/%s",
		 r->label_attr ? r->label_attr : "current");
}
