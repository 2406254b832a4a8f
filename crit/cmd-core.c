/* SPDX-License-Identifier: MIT
 * crit core: ELF core files for debuggers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/replace.h"
#include "convert/core/core.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"

struct core_opts {
	uint32_t pid;
	const char *dir, *sysroot;
	bool all;
};

static const struct arg_row rows[] = {
	{ 'p', "pid", "PID", "of this process", ARG_PID, offsetof(struct core_opts, pid), 0, NULL },
	{ 'a', "all", NULL, "of every process", ARG_FLAG, offsetof(struct core_opts, all), 0,
	  NULL },
	{ 'o', "out", "DIR", "where core.PID goes; default: current directory", ARG_PATH,
	  offsetof(struct core_opts, dir), 0, NULL },
	{ 0, "sysroot", "DIR", "put pages of mapped files from below DIR into the core", ARG_PATH,
	  offsetof(struct core_opts, sysroot), 0, NULL },
};

static int write_file(struct checkpoint *cp, const struct process *p, struct memory_view *mv,
		      const char *path, struct core_stats *stats, struct error *err)
{
	auto_replace file = { .fd = -1 };
	auto_progress progress = { 0 };
	int rc = replace_open(path, &file, err);
	if (rc < 0)
		return rc;
	progress_start(&progress, "writing", 0);
	rc = core_write(cp, p, mv, file.fd, path, &progress, stats, err);
	return rc < 0 ? rc : replace_commit(&file, err);
}

/* @return 0; 1 for a zombie, which has nothing to debug */
static int write_one(struct checkpoint *cp, const struct process *p, const struct core_opts *o,
		     struct error *err)
{
	char path[4096];
	struct core_stats stats;
	auto_message CoreEntry *core = NULL;
	auto_memory_view mv = NULL;
	size_t mark = damage_mark(checkpoint_source(cp));
	int rc = process_core(cp, p->pid, &core, err);
	const struct error *broken = damage_since(checkpoint_source(cp), mark);
	if (rc < 0 || broken)
		return rc < 0 ? rc : error_set(err, EBADMSG, "%s", broken->text);
	if (core_is_zombie(core)) {
		fprintf(stderr, "crit core: pid %u is a zombie: it has no memory, no core\n",
			p->pid);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/core.%u", o->dir ? o->dir : ".", p->pid);
	rc = memory_view_open(cp, p, o->sysroot, &mv, err);
	broken = rc == 0 ? memory_view_cut(mv) : NULL;
	if (broken)
		rc = error_set(err, EBADMSG, "%s", broken->text);
	if (rc == 0)
		rc = write_file(cp, p, mv, path, &stats, err);
	if (rc < 0)
		return rc;
	printf("%s: %zu thread%s, %zu segment%s, %.1f MiB", path, stats.nr_threads,
	       stats.nr_threads == 1 ? "" : "s", stats.nr_segments,
	       stats.nr_segments == 1 ? "" : "s", (double)stats.size / (1 << 20));
	if (stats.missing)
		printf("; %.1f MiB of mapped files not in it", (double)stats.missing / (1 << 20));
	printf("\n");
	return 0;
}

static int write_all(struct checkpoint *cp, const struct core_opts *o, struct error *err)
{
	size_t written = 0, failed = 0;
	for (size_t i = 0; i < checkpoint_nr_processes(cp); i++) {
		struct error why = { 0 };
		int rc = write_one(cp, checkpoint_process(cp, i), o, &why);
		if (rc == -ENOSPC)
			return error_set(err, rc, "%s", why.text);
		/* what is broken is told at the end */
		if (rc < 0 && !damage_noted(checkpoint_source(cp), -EBADMSG, &why))
			fprintf(stderr, "crit core: %s\n", why.text);
		failed += rc < 0;
		written += rc == 0;
	}
	if (failed)
		return error_set(err, EBADMSG,
				 "processes without a core, for what is said above: %zu", failed);
	return written ? 0 : error_set(err, ENOENT, "every process is a zombie: no core");
}

static int core_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct core_opts *o = opts;
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one checkpoint");
	if (!o->pid == !o->all)
		return error_set(err, EUSAGE, "%s",
				 o->all ? "-p PID is one process, --all are all: say one of them"
					: "whose? Say -p PID or --all");
	auto_checkpoint_arg arg = { 0 };
	const struct process *p;
	int rc = checkpoint_arg_open_passing(operands[0], &arg, err);
	if (rc == 0 && o->pid)
		rc = checkpoint_pick(arg.cp, o->pid, &p, err);
	bool made = rc == 0 && o->dir && mkdir(o->dir, 0777) == 0;
	if (rc == 0 && o->dir && !made && errno != EEXIST)
		rc = error_sys(err, "make %s", o->dir);
	if (rc == 0)
		rc = o->all ? write_all(arg.cp, o, err) : write_one(arg.cp, p, o, err);
	if (rc != 0 && made)
		rmdir(o->dir); /* where nothing is in it */
	return checkpoint_arg_end(&arg, &cmd_core, rc, err);
}

const struct command cmd_core = {
	.name = "core",
	.group = GROUP_DEBUG,
	.args = "-p PID|--all [-o DIR] [--sysroot DIR] SRC",
	.summary = "ELF core files of captured processes, for gdb and others",
	.detail =
	    "Writes DIR/core.PID: the registers of all threads, all memory. Pages of mapped files\n"
	    "that nobody changed are left to the debugger, unless --sysroot says where the\n"
	    "files are (\"/\" for this machine).",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct core_opts),
	.run = core_run,
};
