/* SPDX-License-Identifier: MIT
 * crit audit: what a checkpoint says about the security of what was captured.
 */
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "convert/audit/audit.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"

struct audit_opts {
	struct audit_options audit;
	uint32_t pid;
	const char *format, *show, *fail;
	bool rules;
};

static const struct arg_row rows[] = {
	{ 'p', "pid", "PID", "of this process and of what processes share; default: of all",
	  ARG_PID, offsetof(struct audit_opts, pid), 0, NULL },
	{ 0, "sysroot", "DIR", "compare programs and their code with the files below DIR", ARG_PATH,
	  offsetof(struct audit_opts, audit.sysroot), 0, NULL },
	{ 0, "reveal", NULL, "print secrets as they are", ARG_FLAG,
	  offsetof(struct audit_opts, audit.reveal), 0, NULL },
	{ 0, "min-severity", "note|warning|error", "leave out lesser ones; default: note",
	  ARG_STRING, offsetof(struct audit_opts, show), 0, NULL },
	{ 0, "fail-on", "note|warning|error", "exit 1 for these and graver ones; default: warning",
	  ARG_STRING, offsetof(struct audit_opts, fail), 0, NULL },
	{ 0, "rules", NULL, "print the rules instead", ARG_FLAG, offsetof(struct audit_opts, rules),
	  0, NULL },
	{ 0, "format", "text|json|sarif", "how to print it; default: text", ARG_STRING,
	  offsetof(struct audit_opts, format), 0, NULL },
};

static bool is_sarif(const struct audit_opts *o)
{
	return o->format && !strcmp(o->format, "sarif");
}

static bool tells_what_to_find(const struct audit_opts *o)
{
	return o->pid || o->audit.sysroot || o->audit.reveal || o->show || o->fail;
}

static int print_rules(const struct audit_opts *o, struct error *err)
{
	auto_doc doc = NULL;
	if (is_sarif(o))
		return error_set(err, EUSAGE, "--rules prints text or JSON");
	int rc = doc_arg_open(o->format, &doc, err);
	if (rc < 0)
		return rc;
	audit_write_rules(doc);
	rc = doc_close(doc, err);
	doc = NULL;
	return rc;
}

static int print_findings(const struct audit_opts *o, const struct findings *list,
			  enum severity least, struct error *err)
{
	auto_doc doc = NULL;
	if (is_sarif(o))
		return audit_write_sarif(list, least, STDOUT_FILENO, "standard output", err);
	int rc = doc_arg_open(o->format, &doc, err);
	if (rc < 0)
		return rc;
	audit_write(list, least, doc);
	rc = doc_close(doc, err);
	doc = NULL;
	return rc;
}

static int audit_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	struct audit_opts *o = opts;
	enum severity least = SEV_NOTE, fail = SEV_WARNING;
	enum doc_format format;
	if ((o->show && severity_parse(o->show, &least, err) < 0) ||
	    (o->fail && severity_parse(o->fail, &fail, err) < 0) ||
	    (o->format && !is_sarif(o) && doc_format_parse(o->format, &format, err) < 0))
		return -EUSAGE;
	if (o->rules)
		return nr_operands || tells_what_to_find(o)
			   ? error_set(err, EUSAGE,
				       "--rules takes no checkpoint, and no option but --format")
			   : print_rules(o, err);
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one checkpoint");
	auto_checkpoint_arg arg = { 0 };
	auto_findings list = { 0 };
	auto_progress progress = { 0 };
	int rc = checkpoint_arg_open_passing(operands[0], &arg, err);
	if (rc == 0 && o->pid)
		rc = checkpoint_pick(arg.cp, o->pid, &o->audit.only, err);
	if (rc == 0)
		rc = audit_checkpoint(arg.cp, &o->audit, &progress, &list, err);
	progress_end(&progress);
	if (rc == 0)
		rc = print_findings(o, &list, least, err);
	rc = checkpoint_arg_end(&arg, &cmd_audit, rc, err);
	if (rc != 0)
		return rc;
	return list.nr && list.items[0].severity >= fail ? 1 : 0;
}

const struct command cmd_audit = {
	.name = "audit",
	.group = GROUP_CHECK,
	.args = "[-p PID] [--sysroot DIR] [--reveal] [OPTION…] SRC",
	.summary = "security: code, secrets, privileges, what is open to others",
	.detail =
	    "SRC is a directory or an archive. Every rule is applied to every process: memory\n"
	    "that can be written and run, programs that are deleted or changed, secrets in\n"
	    "memory and queues, capabilities, open sockets and files, mounts of the host.\n"
	    "Exit status: 0 nothing at or above --fail-on, 1 something, 2 trouble.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct audit_opts),
	.failure_status = TROUBLE,
	.run = audit_run,
};
