/* SPDX-License-Identifier: MIT
 * crit remap: give a checkpoint other addresses, ports, paths, ids, names.
 */
#include "base/array.h"
#include "convert/remap/remap.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"
#include "crit/sink-arg.h"

struct remap_opts {
	struct arg_list values[NR_REMAP_KINDS];
	struct sink_opts sink;
	bool dry_run;
	const char *format;
};

#define VALUE_ROW(kind, name, value, help)                                                         \
	{                                                                                          \
		0, name, value, help, ARG_LIST, offsetof(struct remap_opts, values[kind]), 0, NULL \
	}

static const struct arg_row rows[] = {
	VALUE_ROW(REMAP_IP, "ip", "OLD=NEW", "an address, or a network: 10.0.0.0/24=10.9.0.0/24"),
	VALUE_ROW(REMAP_PORT, "port", "OLD=NEW", "a TCP or UDP port of the checkpoint's own"),
	VALUE_ROW(REMAP_PATH, "path", "OLD=NEW", "a file, and everything below it"),
	VALUE_ROW(REMAP_UID, "uid", "OLD=NEW", "a user id"),
	VALUE_ROW(REMAP_GID, "gid", "OLD=NEW", "a group id"),
	VALUE_ROW(REMAP_PID, "pid", "OLD=NEW", "a process, thread, group or session"),
	VALUE_ROW(REMAP_COMM, "comm", "OLD=NEW", "the name of tasks"),
	VALUE_ROW(REMAP_HOSTNAME, "hostname", "NEW", "the host name"),
	{ 'n', "dry-run", NULL, "only say what would change", ARG_FLAG,
	  offsetof(struct remap_opts, dry_run), 0, NULL },
	FORMAT_ROW(struct remap_opts),
	SINK_ROWS(struct remap_opts, sink),
};

static int collect(const struct remap_opts *o, struct remap_rules *rules, struct error *err)
{
	for (unsigned kind = 0; kind < NR_REMAP_KINDS; kind++) {
		const struct arg_list *list = &o->values[kind];
		for (size_t i = 0; i < list->nr; i++) {
			int rc = remap_rules_add(rules, kind, list->items[i], err);
			if (rc < 0)
				return rc == -EINVAL ? -EUSAGE : rc;
		}
	}
	return rules->nr ? 0 : error_set(err, EUSAGE, "nothing to change: want --ip, --pid, …");
}

static void report(const struct remap_changes *changes, bool dry_run, struct doc *doc)
{
	static const struct doc_column columns[] = {
		{ "image", "Image", DOC_LEFT }, { "entry", "Entry", DOC_RIGHT },
		{ "field", "Field", DOC_LEFT }, { "old", "Old", DOC_LEFT },
		{ "new", "New", DOC_LEFT },
	};
	doc_bool(doc, "dry_run", NULL, dry_run);
	doc_table(doc, "changes", dry_run ? "Would change" : "Changed", columns,
		  ARRAY_SIZE(columns));
	for (size_t i = 0; i < changes->nr; i++) {
		const struct remap_change *c = &changes->items[i];
		doc_row(doc);
		doc_str(doc, NULL, NULL, c->image);
		if (c->has_entry)
			doc_u64(doc, NULL, NULL, c->entry);
		else
			doc_none(doc, NULL, NULL);
		doc_str(doc, NULL, NULL, c->field);
		doc_str(doc, NULL, NULL, c->from);
		doc_str(doc, NULL, NULL, c->to);
	}
	doc_end(doc);
}

/* What changed is said when all of it has happened. */
static int remap(const struct remap_opts *o, const char *path, struct remap_rules *rules,
		 struct remap_changes *changes, struct error *err)
{
	auto_source src = NULL;
	auto_sink sink = NULL;
	auto_progress progress = { 0 };
	if (o->dry_run && (o->sink.out || o->sink.in_place))
		return error_set(err, EUSAGE, "--dry-run writes nothing: it takes no %s",
				 o->sink.out ? "-o" : "--in-place");
	progress_start(&progress, "copying", 0);
	int rc = source_arg_open(path, &src, err);
	if (rc == 0 && !o->dry_run)
		rc = sink_arg_open(&o->sink, src, path, &progress, &sink, err);
	const struct remap_job job = { src, sink, changes };
	if (rc == 0)
		rc = remap_run(&job, rules, err);
	if (rc == 0 && sink)
		rc = sink_arg_commit(&o->sink, path, src, sink, NULL, err);
	return rc;
}

static int remap_command(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct remap_opts *o = opts;
	struct remap_rules rules = { 0 };
	struct remap_changes changes = { 0 };
	auto_doc doc = NULL;
	if (nr_operands != 1)
		return error_set(err, EUSAGE, "want one checkpoint");
	enum doc_format format = DOC_TEXT;
	if (o->format && doc_format_parse(o->format, &format, err) < 0)
		return -EUSAGE;
	int rc = collect(o, &rules, err);
	if (rc == 0)
		rc = remap(o, operands[0], &rules, &changes, err);
	if (rc == 0)
		rc = doc_arg_open(o->format, &doc, err);
	if (rc == 0) {
		report(&changes, o->dry_run, doc);
		rc = doc_close(doc, err);
		doc = NULL;
	}
	remap_changes_fini(&changes);
	remap_rules_fini(&rules);
	return rc;
}

const struct command cmd_remap = {
	.name = "remap",
	.group = GROUP_CHANGE,
	.args = "[--ip|--port|--path|--uid|--gid|--pid|--comm OLD=NEW]… [--hostname NEW] "
		"-o OUT|--in-place|--dry-run SRC",
	.summary = "give a checkpoint other addresses, ports, paths, ids or names",
	.detail =
	    "Every image that carries the value is rewritten, and in archives the container\n"
	    "engine's documents. What would break is refused, before anything is written. Each\n"
	    "option may be given several times; two may swap their values.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct remap_opts),
	.run = remap_command,
};
