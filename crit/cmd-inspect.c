/* SPDX-License-Identifier: MIT
 * crit inspect: what a checkpoint is and holds.
 */
#include <stdio.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/inspect/inspect.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"

struct inspect_opts {
	bool metadata, stats, tree, commands, environment, files, sockets, mounts, tasks, threads,
	    all, alone;
	uint32_t pid;
	const char *format;
};

#define SECTION(name_, help_, member_)                                                             \
	{                                                                                          \
		0, name_, NULL, help_, ARG_FLAG, offsetof(struct inspect_opts, member_), 0, NULL   \
	}

static const struct arg_row rows[] = {
	SECTION("metadata", "container, annotations, sizes", metadata),
	SECTION("stats", "what the dump took", stats),
	SECTION("ps-tree", "the process tree", tree),
	SECTION("ps-tree-cmd", "the process tree with command lines", commands),
	SECTION("ps-tree-env", "the process tree, and each environment", environment),
	SECTION("tasks", "credentials, signals, timers, limits, namespaces of each process", tasks),
	SECTION("threads", "threads with their registers", threads),
	SECTION("files", "descriptors and what they refer to", files),
	SECTION("sockets", "sockets with addresses and queues", sockets),
	SECTION("mounts", "mounts of the container and of its namespaces", mounts),
	SECTION("all", "all of it", all),
	{ 'p', "pid", "PID", "only this process and its descendants", ARG_PID,
	  offsetof(struct inspect_opts, pid), 0, NULL },
	SECTION("alone", "with --pid: without its descendants", alone),
	FORMAT_ROW(struct inspect_opts),
};

/* 0: none was named. */
static unsigned sections_of(const struct inspect_opts *o)
{
	unsigned sections = 0;
	sections |= o->metadata ? INSPECT_METADATA : 0;
	sections |= o->stats ? INSPECT_STATS : 0;
	sections |= o->tree ? INSPECT_TREE : 0;
	sections |= o->commands ? INSPECT_COMMANDS : 0;
	sections |= o->environment ? INSPECT_TREE | INSPECT_ENVIRONMENT : 0;
	sections |= o->tasks ? INSPECT_TASKS : 0;
	sections |= o->threads ? INSPECT_THREADS : 0;
	sections |= o->files ? INSPECT_FILES : 0;
	sections |= o->sockets ? INSPECT_SOCKETS : 0;
	sections |= o->mounts ? INSPECT_MOUNTS : 0;
	return o->all ? INSPECT_ALL : sections;
}

static int inspect_one(const struct inspect_opts *o, const char *path, struct error *err)
{
	auto_checkpoint_arg arg = { 0 };
	auto_doc doc = NULL;
	struct inspect_options options = {
		.sections =
		    sections_of(o)
			?: INSPECT_METADATA | INSPECT_STATS | INSPECT_TREE | INSPECT_COMMANDS,
		.alone = o->alone,
	};
	int rc = checkpoint_arg_open_passing(path, &arg, err);
	if (rc == 0 && o->pid)
		rc = checkpoint_pick(arg.cp, o->pid, &options.only, err);
	if (rc == 0)
		rc = doc_arg_open(o->format, &doc, err);
	if (rc == 0) {
		rc = inspect_checkpoint(arg.cp, &options, doc, err);
		int closed = doc_close(take_ptr(doc), rc < 0 ? NULL : err);
		rc = rc < 0 ? rc : closed;
	}
	return checkpoint_arg_end(&arg, &cmd_inspect, rc, err);
}

/* A row of the table, or the sections that were named. */
static int add_one(struct checkpoint *cp, unsigned sections, struct doc *doc, struct error *err)
{
	struct inspect_options options = { .sections = sections };
	if (!sections)
		return inspect_table_row(cp, doc, err);
	doc_object(doc, NULL, NULL);
	int rc = inspect_checkpoint(cp, &options, doc, err);
	doc_end(doc);
	return rc;
}

/* One that cannot be read does not keep the others out. @return how many cannot, or not wholly */
static int inspect_many(const struct inspect_opts *o, int nr, char **paths, struct doc *doc)
{
	int failed = 0;
	unsigned sections = sections_of(o);
	if (sections)
		doc_list(doc, "checkpoints", NULL);
	else
		inspect_table_begin(doc);
	for (int i = 0; i < nr; i++) {
		auto_checkpoint_arg arg = { 0 };
		struct error err;
		int rc = checkpoint_arg_open_passing(paths[i], &arg, &err);
		arg.several = true;
		if (rc == 0)
			rc = add_one(arg.cp, sections, doc, &err);
		rc = checkpoint_arg_end(&arg, &cmd_inspect, rc, &err);
		if (rc < 0)
			fprintf(stderr, "crit inspect: %s%s%s\n", arg.cp ? paths[i] : "",
				arg.cp ? ": " : "", err.text);
		failed += rc != 0;
	}
	doc_end(doc);
	return failed;
}

static int inspect_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct inspect_opts *o = opts;
	auto_doc doc = NULL;
	if (nr_operands < 1)
		return error_set(err, EUSAGE, "want a checkpoint");
	if (o->alone && !o->pid)
		return error_set(err, EUSAGE, "--alone wants --pid");
	unsigned of_none = INSPECT_METADATA | INSPECT_STATS | INSPECT_MOUNTS;
	if (o->pid && sections_of(o) && !(sections_of(o) & ~of_none))
		return error_set(err, EUSAGE, "--pid: these sections are of no process");
	if (nr_operands > 1 && o->pid)
		return error_set(err, EUSAGE, "--pid wants a single checkpoint");
	if (nr_operands == 1)
		return inspect_one(o, operands[0], err);
	int rc = doc_arg_open(o->format, &doc, err);
	if (rc < 0)
		return rc;
	int failed = inspect_many(o, nr_operands, operands, doc);
	rc = doc_close(take_ptr(doc), err);
	return rc < 0 ? rc : failed != 0;
}

const struct command cmd_inspect = {
	.name = "inspect",
	.group = GROUP_LOOK,
	.args = "[SECTION…] [-p PID] [--format text|json] SRC…",
	.summary = "what a checkpoint is and holds: container, sizes, processes, files",
	.detail = "SRC is a directory or an archive of podman, CRI-O or containerd. Without\n"
		  "sections: metadata, statistics and the process tree; of several checkpoints a\n"
		  "table, a row each.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct inspect_opts),
	.run = inspect_run,
};
