/* SPDX-License-Identifier: MIT
 * Processes in plain words.
 */
#include "convert/describe/process.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "images/damage.h"
#include "images/process-strings.h"

/* What is really true: the words of `crit show` swap two of them. */
static const char *state_word(const CoreEntry *core)
{
	static const char *const names[] = { NULL,     "alive",  "dead",  "stopped",
					     "helper", "thread", "zombie" };
	uint32_t state = core->tc ? core->tc->task_state : 0;
	if (core_is_zombie(core))
		return "zombie";
	return state < ARRAY_SIZE(names) && names[state] ? names[state] : "?";
}

/* Programs that write a title over their strings leave NULs behind: they are no strings. */
static void strings_trim(struct strbuf *strings)
{
	while (strings->len > 1 && !strings->data[strings->len - 1] &&
	       !strings->data[strings->len - 2])
		strings->len--;
	if (strings->len == 1 && !strings->data[0])
		strings->len = 0;
}

int process_describe_strings(struct memory_view *mv, struct process_facts *out, struct error *err)
{
	int rc = process_strings(mv, PROCESS_ARGS, &out->args, err);
	out->has_args = rc == 1;
	if (rc >= 0)
		rc = process_strings(mv, PROCESS_ENVIRONMENT, &out->environment, err);
	out->has_environment = rc == 1;
	strings_trim(&out->args);
	strings_trim(&out->environment);
	return rc < 0 ? rc : 0;
}

static int strings_read(struct checkpoint *cp, const struct process *p, struct process_facts *out,
			struct error *err)
{
	auto_memory_view mv = NULL;
	struct error why;
	int rc = memory_view_open(cp, p, NULL, &mv, err);
	if (rc < 0)
		return rc;
	rc = process_describe_strings(mv, out, &why);
	return damage_pass(checkpoint_source(cp), rc, &why, err);
}

static int paths_find(struct checkpoint *cp, const struct process *p, struct process_facts *out,
		      struct error *err)
{
	auto_message MmEntry *mm = NULL;
	auto_message FsEntry *fs = NULL;
	int rc = process_mm(cp, p, &mm, err);
	if (rc == 0)
		out->exe = checkpoint_path(cp, mm->exe_file_id);
	if (rc == 0 || rc == -ENOENT)
		rc = process_fs(cp, p, &fs, err);
	if (rc == 0) {
		out->cwd = checkpoint_path(cp, fs->cwd_id);
		out->root = checkpoint_path(cp, fs->root_id);
	}
	return rc == -ENOENT ? 0 : rc;
}

int process_describe_core(struct checkpoint *cp, const struct process *p, struct process_facts *out,
			  struct error *err)
{
	*out = (struct process_facts){ .process = p };
	int rc = process_core(cp, p->pid, &out->core, err);
	if (rc < 0)
		return rc;
	const ThreadCoreEntry *thread = out->core->thread_core;
	const CredsEntry *creds = thread ? thread->creds : NULL;
	out->comm = out->core->tc && out->core->tc->comm ? out->core->tc->comm : "";
	out->state = state_word(out->core);
	out->has_owner = creds != NULL;
	out->uid = creds ? creds->euid : 0;
	out->gid = creds ? creds->egid : 0;
	return 0;
}

int process_describe(struct checkpoint *cp, const struct process *p, bool strings,
		     struct process_facts *out, struct error *err)
{
	int rc = process_describe_core(cp, p, out, err);
	if (rc < 0)
		return rc;
	if (!core_is_zombie(out->core)) {
		rc = paths_find(cp, p, out, err);
		if (rc == 0 && strings)
			rc = strings_read(cp, p, out, err);
		if (rc == -ENOENT) /* no memory image: a pre-dump */
			rc = 0;
	}
	if (rc < 0)
		process_facts_fini(out);
	return rc;
}

void process_facts_fini(struct process_facts *facts)
{
	if (facts->core)
		protobuf_c_message_free_unpacked(&facts->core->base, NULL);
	strbuf_fini(&facts->args);
	strbuf_fini(&facts->environment);
	*facts = (struct process_facts){ 0 };
}

const char *process_next_string(const struct strbuf *strings, size_t *at)
{
	if (*at >= strings->len)
		return NULL;
	const char *s = strings->data + *at;
	*at += strlen(s) + 1;
	return s;
}

int shell_word(const char *arg, struct strbuf *out)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_@%+=:,./-";
	if (*arg && !arg[strspn(arg, plain)])
		return strbuf_str(out, arg);
	int rc = strbuf_char(out, '\'');
	for (; rc == 0 && *arg; arg++)
		rc = *arg == '\'' ? strbuf_str(out, "'\\''") : strbuf_char(out, *arg);
	return rc < 0 ? rc : strbuf_char(out, '\'');
}

int process_command_line(const struct process_facts *facts, struct strbuf *out)
{
	size_t at = 0;
	int rc = 0;
	for (const char *arg; rc == 0 && (arg = process_next_string(&facts->args, &at));) {
		if (out->len)
			rc = strbuf_char(out, ' ');
		if (rc == 0)
			rc = shell_word(arg, out);
	}
	return rc;
}
