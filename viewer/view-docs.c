/* SPDX-License-Identifier: MIT
 * Views of documents that the rooms below write.
 */
#include "base/array.h"
#include "convert/describe/mounts.h"
#include "convert/describe/process.h"
#include "convert/inspect/inspect.h"
#include "convert/memory/map.h"
#include "convert/stack/report.h"
#include "viewer/app.h"
#include "viewer/memory.h"
#include "viewer/sheet.h"
#include "viewer/views.h"

static int inspect_write(struct view *v, unsigned sections, struct doc *doc, struct error *err)
{
	struct inspect_options options = { .sections = sections,
					   .only = v->process,
					   .alone = true };
	return inspect_checkpoint(v->app->cp, &options, doc, err);
}

static void inspect_command(struct view *v, const char *options, struct strbuf *out)
{
	strbuf_printf(out, "inspect %s", options);
	if (v->process)
		strbuf_printf(out, " --alone -p %u", v->process->pid);
	strbuf_str(out, " {}");
}

/* A view of what ident_write() writes. */
#define SHEET_VIEW(ident, tab, ...)                                                                \
	static int ident##_open(struct view *v, struct error *err)                                 \
	{                                                                                          \
		return sheet_write(v, ident##_write, err);                                         \
	}                                                                                          \
	const struct view_ops view_##ident = {                                                     \
		.name = tab,                                                                       \
		.places = IN_LIST | IN_FOLDS,                                                      \
		.state_size = sizeof(struct sheet),                                                \
		.open = ident##_open,                                                              \
		.close = sheet_close,                                                              \
		.rows = sheet_rows,                                                                \
		.row = sheet_row,                                                                  \
		.below = sheet_below,                                                              \
		.reveal = sheet_reveal,                                                            \
		.act = sheet_act,                                                                  \
		.idle = sheet_idle,                                                                \
		__VA_ARGS__,                                                                       \
	}

/* A view of one part of an inspection. */
#define INSPECT_VIEW(ident, tab, sections, options)                                                \
	static int ident##_write(struct view *v, struct doc *doc, struct error *err)               \
	{                                                                                          \
		return inspect_write(v, sections, doc, err);                                       \
	}                                                                                          \
	static void ident##_command(struct view *v, struct strbuf *out)                            \
	{                                                                                          \
		inspect_command(v, options, out);                                                  \
	}                                                                                          \
	SHEET_VIEW(ident, tab, .command = ident##_command)

INSPECT_VIEW(overview, "overview", INSPECT_METADATA | INSPECT_STATS, "--metadata --stats");
INSPECT_VIEW(mounts, "mounts", INSPECT_MOUNTS, "--mounts");
INSPECT_VIEW(summary, "summary", INSPECT_TASKS, "--tasks");
INSPECT_VIEW(threads, "threads", INSPECT_THREADS, "--threads");

static int strings_write(const char *key, const char *title, bool known,
			 const struct strbuf *strings, struct doc *doc)
{
	size_t at = 0;
	const char *s;
	doc_list(doc, key, title);
	if (!known)
		doc_str(doc, NULL, NULL, "(these bytes are not in the checkpoint)");
	while ((s = process_next_string(strings, &at)))
		doc_str(doc, NULL, NULL, s);
	doc_end(doc);
	return 0;
}

static int environment_write(struct view *v, struct doc *doc, struct error *err)
{
	auto_process_facts facts = { 0 };
	int rc = process_describe(v->app->cp, v->process, true, &facts, err);
	if (rc < 0)
		return rc;
	doc_str(doc, "exe", "Program", facts.exe);
	doc_str(doc, "cwd", "Working directory", facts.cwd);
	strings_write("arguments", "Arguments", facts.has_args, &facts.args, doc);
	return strings_write("environment", "Environment", facts.has_environment,
			     &facts.environment, doc);
}

static void environment_command(struct view *v, struct strbuf *out)
{
	inspect_command(v, "--ps-tree-cmd --ps-tree-env", out);
}

SHEET_VIEW(environment, "environ", .command = environment_command);

static void mapped_files_write(struct memory_view *mv, struct doc *doc)
{
	static const struct doc_column columns[] = { { "start", "START", DOC_RIGHT },
						     { "size", "SIZE", DOC_RIGHT },
						     { "prot", "PROT", DOC_LEFT },
						     { "path", "FILE", DOC_LEFT } };
	const struct area *areas;
	size_t nr = memory_view_areas(mv, &areas);
	char prot[5];
	doc_table(doc, "mapped", "Mapped files", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < nr; i++) {
		if (!areas[i].path[0])
			continue;
		doc_row(doc);
		doc_hex(doc, NULL, NULL, areas[i].vma->start);
		doc_size(doc, NULL, NULL, areas[i].vma->end - areas[i].vma->start);
		doc_str(doc, NULL, NULL, area_prot_text(&areas[i], prot));
		doc_str(doc, NULL, NULL, areas[i].path);
	}
	doc_end(doc);
}

/* Those of its mount namespace, or all where the set does not say which that is. */
static int mounts_write_own(struct view *v, struct doc *doc, struct error *err)
{
	static const struct doc_column columns[] = { { "mountpoint", "MOUNT POINT", DOC_LEFT },
						     { "type", "TYPE", DOC_LEFT },
						     { "source", "SOURCE", DOC_LEFT },
						     { "root", "ROOT", DOC_LEFT },
						     { "options", "OPTIONS", DOC_LEFT } };
	auto_mount_list mounts = { 0 };
	TaskKobjIdsEntry *read = NULL;
	uint32_t ns = 0;
	if (process_ids(v->app->cp, v->process, &read, NULL) == 0) {
		ns = read->has_mnt_ns_id ? read->mnt_ns_id : 0;
		task_kobj_ids_entry__free_unpacked(read, NULL);
	}
	int rc = mount_list_read(v->app->cp, &mounts, err);
	if (rc < 0)
		return rc;
	if (!mounts.nr) {
		doc_str(doc, "mounts", "Mounts",
			"those of the machine; none are in the checkpoint");
		return 0;
	}
	doc_table(doc, "mounts", "Mounts", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < mounts.nr; i++) {
		const struct mount_facts *mount = &mounts.items[i];
		if (ns && mount->ns != ns)
			continue;
		doc_row(doc);
		doc_str(doc, NULL, NULL, mount->entry->mountpoint);
		doc_str(doc, NULL, NULL, mount->fstype);
		doc_str(doc, NULL, NULL, mount->entry->source);
		doc_str(doc, NULL, NULL, mount->entry->root);
		doc_str(doc, NULL, NULL, mount->entry->options);
	}
	doc_end(doc);
	return 0;
}

static int files_write(struct view *v, struct doc *doc, struct error *err)
{
	auto_process_facts facts = { 0 };
	struct memory *memory = NULL;
	int rc = process_describe(v->app->cp, v->process, false, &facts, err);
	if (rc < 0)
		return rc;
	doc_object(doc, "directories", "Program and directories");
	doc_str(doc, "exe", "Program", facts.exe);
	doc_str(doc, "cwd", "Working directory", facts.cwd);
	doc_str(doc, "root", "Root", facts.root);
	doc_end(doc);
	rc = memory_ref(v->app, v->process, &memory, err);
	if (rc == 0)
		mapped_files_write(memory->mv, doc);
	memory_unref(v->app, memory);
	return rc < 0 && rc != -ENOENT ? rc : mounts_write_own(v, doc, err);
}

static void files_command(struct view *v, struct strbuf *out)
{
	inspect_command(v, "--tasks --mounts", out);
	strbuf_printf(out, " && crit mem -p %u {}", v->process->pid);
}

SHEET_VIEW(files, "files", .command = files_command);

static int stack_write(struct view *v, struct doc *doc, struct error *err)
{
	size_t failed = 0; /* what failed stands in its place */
	return stack_report(v->app->cp, v->process, v->app->options.sysroot ?: "/", doc, &failed,
			    err);
}

static void stack_command(struct view *v, struct strbuf *out)
{
	strbuf_printf(out, "stack -p %u {}", v->process->pid);
}

SHEET_VIEW(stack, "stack", .command = stack_command);

int keymap_write(struct doc *doc, struct error *err)
{
	static const struct doc_column columns[] = { { "keys", "KEYS", DOC_LEFT },
						     { "does", "WHAT THEY DO", DOC_LEFT } };
	const char *group = NULL;
	for (size_t i = 0; i < nr_key_rows; i++) {
		auto_strbuf names = { 0 };
		if (key_rows[i].group != group) {
			if (group)
				doc_end(doc);
			group = key_rows[i].group;
			doc_table(doc, group, group, columns, ARRAY_SIZE(columns));
		}
		if (key_row_text(&key_rows[i], &names) < 0)
			return error_set(err, ENOMEM, "out of memory");
		doc_row(doc);
		doc_str(doc, NULL, NULL, names.data);
		doc_str(doc, NULL, NULL, key_rows[i].help);
	}
	doc_end(doc);
	return 0;
}

static int help_write(struct view *v, struct doc *doc, struct error *err)
{
	(void)v;
	return keymap_write(doc, err);
}

static void help_title(struct view *v, struct line *line)
{
	(void)v;
	line_plain(line, "Keys. q goes back; / searches here, too");
}

static void help_command(struct view *v, struct strbuf *out)
{
	(void)v;
	strbuf_str(out, "view --print keys");
}

SHEET_VIEW(help, "help", .title = help_title, .command = help_command);
