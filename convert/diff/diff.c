/* SPDX-License-Identifier: MIT
 * The order of a comparison: processes are matched, then looked at pair by pair, then the rest.
 */
#include "convert/diff/diff.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "convert/diff/change.h"
#include "images/damage.h"

const char *const diff_section_names[NR_DIFF_SECTIONS] = {
	[DIFF_PS] = "ps",
	[DIFF_TASK] = "task",
	[DIFF_REGS] = "regs",
	[DIFF_MEMS] = "mems",
	[DIFF_PAGES] = "pages",
	[DIFF_FDS] = "fds",
	[DIFF_FILES] = "files",
	[DIFF_NET] = "net",
	[DIFF_MOUNTS] = "mounts",
	[DIFF_IPC] = "ipc",
	[DIFF_NAMESPACES] = "namespaces",
	[DIFF_CGROUPS] = "cgroups",
	[DIFF_METADATA] = "metadata",
};

static int section_find(const char *name, size_t len)
{
	for (int i = 0; i < NR_DIFF_SECTIONS; i++) {
		if (strlen(diff_section_names[i]) == len &&
		    !strncmp(diff_section_names[i], name, len))
			return i;
	}
	return -1;
}

int diff_sections_parse(const char *list, uint32_t *out, struct error *err)
{
	uint32_t bits = 0;
	for (const char *at = list;; at++) {
		size_t len = strcspn(at, ",");
		int section = section_find(at, len);
		if (section < 0) {
			auto_strbuf names = { 0 };
			for (int i = 0; i < NR_DIFF_SECTIONS; i++) {
				if (strbuf_printf(&names, " %s", diff_section_names[i]) < 0)
					return error_set(err, ENOMEM, "out of memory");
			}
			return error_set(err, EINVAL, "--only %.*s: there are%s", (int)len, at,
					 names.data);
		}
		bits |= 1u << section;
		at += len;
		if (!*at)
			break;
	}
	*out = bits;
	return 0;
}

enum { TEXT_SHORT = 60, TEXT_BEFORE = 20 };

/* Not in the middle of a character of UTF-8. */
static size_t character_begin(const char *text, size_t at)
{
	while (at && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

/* Where the part of two values begins that shows how they differ. */
static size_t shown_from(const char *a, const char *b)
{
	size_t same = 0;
	if (!a || !b || (strlen(a) <= TEXT_SHORT && strlen(b) <= TEXT_SHORT))
		return 0;
	while (a[same] && a[same] == b[same])
		same++;
	return same <= TEXT_SHORT / 2 ? 0 : character_begin(a, same - TEXT_BEFORE);
}

/* JSON has the whole value, text what fits on a line. */
static void value_cells(struct doc *doc, const char *value, size_t from)
{
	doc_str(doc, NULL, NULL, value);
	if (!value || (!from && strlen(value) <= TEXT_SHORT)) {
		doc_str(doc, NULL, NULL, value);
		return;
	}
	size_t len = strlen(value + from);
	bool cut = len > TEXT_SHORT;
	if (cut)
		len = character_begin(value + from, TEXT_SHORT);
	doc_strf(doc, NULL, NULL, "%s%.*s%s", from ? "…" : "", (int)len, value + from,
		 cut ? "…" : "");
}

struct diff_mark diff_mark(const struct diff *d)
{
	return (struct diff_mark){ { damage_mark(checkpoint_source(d->cp[0])),
				     damage_mark(checkpoint_source(d->cp[1])) } };
}

bool diff_passed(const struct diff *d, const struct diff_mark *mark)
{
	return damage_since(checkpoint_source(d->cp[0]), mark->at[0]) ||
	       damage_since(checkpoint_source(d->cp[1]), mark->at[1]);
}

void diff_change(struct diff *d, enum diff_section section, uint32_t pid, const char *object,
		 const char *field, const char *a, const char *b)
{
	d->nr_changes++;
	doc_row(d->doc);
	doc_str(d->doc, NULL, NULL, !a ? "added" : !b ? "removed" : "changed");
	doc_str(d->doc, NULL, NULL, diff_section_names[section]);
	if (pid)
		doc_u64(d->doc, NULL, NULL, pid);
	else
		doc_none(d->doc, NULL, NULL);
	doc_str(d->doc, NULL, NULL, object);
	doc_str(d->doc, NULL, NULL, field);
	size_t from = shown_from(a, b);
	value_cells(d->doc, a, from);
	value_cells(d->doc, b, from);
}

struct message_change {
	struct diff *d;
	enum diff_section section;
	uint32_t pid;
	const char *object;
	const char *const *skip;
};

static void message_change(void *arg, const char *path, const char *a, const char *b)
{
	const struct message_change *m = arg;
	for (size_t i = 0; m->skip && m->skip[i]; i++) {
		size_t len = strlen(m->skip[i]);
		if (!strncmp(path, m->skip[i], len) && (!path[len] || strchr(".[", path[len])))
			return;
	}
	diff_change(m->d, m->section, m->pid, m->object, path, a, b);
}

/* The same bytes, the same message: most pairs are, and that is told far sooner. */
static bool same_bytes(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	size_t len =
	    a && b && a->descriptor == b->descriptor ? protobuf_c_message_get_packed_size(a) : 0;
	if (!len || protobuf_c_message_get_packed_size(b) != len)
		return false;
	auto_free uint8_t *bytes_a = malloc(len);
	auto_free uint8_t *bytes_b = malloc(len);
	if (!bytes_a || !bytes_b)
		return false;
	protobuf_c_message_pack(a, bytes_a);
	protobuf_c_message_pack(b, bytes_b);
	return !memcmp(bytes_a, bytes_b, len);
}

int diff_messages(struct diff *d, enum diff_section section, uint32_t pid, const char *object,
		  const ProtobufCMessage *a, const ProtobufCMessage *b, const char *const *skip,
		  struct error *err)
{
	auto_flat flat_a = { 0 };
	auto_flat flat_b = { 0 };
	struct message_change change = { d, section, pid, object, skip };
	if (same_bytes(a, b))
		return 0;
	int rc = flat_from_message(a, &flat_a, err);
	if (rc == 0)
		rc = flat_from_message(b, &flat_b, err);
	if (rc == 0)
		flat_compare(&flat_a, &flat_b, message_change, &change);
	return rc;
}

void diff_flats(struct diff *d, enum diff_section section, const char *object, const struct flat *a,
		const struct flat *b)
{
	struct message_change change = { d, section, 0, object, NULL };
	flat_compare(a, b, message_change, &change);
}

void diff_presence(struct diff *d, enum diff_section section, const char *object, const char *field,
		   bool in_a, bool in_b)
{
	diff_change(d, section, 0, object, field, in_a ? "present" : NULL, in_b ? "present" : NULL);
}

int diff_bytes(struct diff *d, enum diff_section section, const char *object, const char *field,
	       int rc, uint64_t offset)
{
	char text[48];
	if (rc <= 0)
		return rc;
	snprintf(text, sizeof(text), "differs from byte %" PRIu64 " on", offset);
	diff_change(d, section, 0, object, field, "", text);
	return 0;
}

/* Which process of B each of A is, by index in the list; and which of B are taken. */
struct matching {
	const struct process **of_a;
	bool *taken_b;
};

static void take(const struct diff *d, struct matching *m, const struct process *a,
		 const struct process *b)
{
	m->of_a[checkpoint_place(d->cp[0], a)] = b;
	m->taken_b[checkpoint_place(d->cp[1], b)] = true;
}

/* Parents come first in the order of the tree: a process is sought among its parent's match's. */
static const struct process *match_by_pid(const struct diff *d, const struct matching *m,
					  const struct process *a)
{
	const struct process *b = checkpoint_find(d->cp[1], a->pid);
	const struct process *parent =
	    a->parent ? m->of_a[checkpoint_place(d->cp[0], a->parent)] : NULL;
	if (!b || b->parent != parent || m->taken_b[checkpoint_place(d->cp[1], b)])
		return NULL;
	return b;
}

static const struct process *first_root(const struct checkpoint *cp)
{
	return checkpoint_nr_processes(cp) ? checkpoint_process(cp, 0) : NULL;
}

static const struct process *next_untaken(const struct diff *d, const struct matching *m,
					  const struct process *b)
{
	while (b && m->taken_b[checkpoint_place(d->cp[1], b)])
		b = b->next;
	return b;
}

/* Children of a matched pair that no pid matched are taken in their order. */
static void match_children(const struct diff *d, struct matching *m, const struct process *a)
{
	const struct process *b = m->of_a[checkpoint_place(d->cp[0], a)];
	if (!b)
		return;
	for (const struct process *child = a->first_child; child; child = child->next) {
		const struct process *same = match_by_pid(d, m, child);
		if (same)
			take(d, m, child, same);
	}
	const struct process *rest = b->first_child;
	for (const struct process *child = a->first_child; child; child = child->next) {
		if (m->of_a[checkpoint_place(d->cp[0], child)])
			continue;
		rest = next_untaken(d, m, rest);
		if (!rest)
			break;
		take(d, m, child, rest);
	}
}

static void match_all(const struct diff *d, struct matching *m)
{
	const struct process *a = first_root(d->cp[0]), *b = first_root(d->cp[1]);
	if (a && b)
		take(d, m, a, b);
	for (size_t i = 0; i < checkpoint_nr_processes(d->cp[0]); i++) {
		const struct process *p = checkpoint_process(d->cp[0], i);
		if (!p->parent && !m->of_a[checkpoint_place(d->cp[0], p)]) {
			const struct process *same = match_by_pid(d, m, p);
			if (same)
				take(d, m, p, same);
		}
		match_children(d, m, p);
	}
}

static void whole_process(struct diff *d, const struct process *p, int side)
{
	auto_message CoreEntry *core = NULL;
	if (!diff_wants(d, DIFF_PS))
		return;
	const char *comm = "?";
	if (process_core(d->cp[side], p->pid, &core, NULL) == 0 && core->tc && core->tc->comm)
		comm = core->tc->comm;
	diff_change(d, DIFF_PS, p->pid, "process", NULL, side ? NULL : comm, side ? comm : NULL);
}

static int pair_compare(struct diff *d, const struct process_pair *pair, struct error *err)
{
	int rc = 0;
	if (diff_wants(d, DIFF_PS))
		rc = diff_messages(d, DIFF_PS, pair->a->pid, "process", &pair->a->entry->base,
				   &pair->b->entry->base, NULL, err);
	if (rc == 0)
		rc = diff_task(d, pair, err);
	if (rc == 0)
		rc = diff_memory(d, pair, err);
	if (rc == 0)
		rc = diff_fds(d, pair, err);
	return rc;
}

static int processes_compare(struct diff *d, struct error *err)
{
	size_t nr_a = checkpoint_nr_processes(d->cp[0]), nr_b = checkpoint_nr_processes(d->cp[1]);
	auto_free const struct process **of_a = calloc(nr_a + 1, sizeof(*of_a));
	auto_free bool *taken_b = calloc(nr_b + 1, sizeof(*taken_b));
	if (!of_a || !taken_b)
		return error_set(err, ENOMEM, "out of memory");
	struct matching m = { of_a, taken_b };
	match_all(d, &m);
	for (size_t i = 0; i < nr_a && !doc_failed(d->doc); i++) {
		const struct process *p = checkpoint_process(d->cp[0], i);
		struct process_pair pair = { p, of_a[checkpoint_place(d->cp[0], p)] };
		int rc = 0;
		if (pair.b)
			rc = pair_compare(d, &pair, err);
		else
			whole_process(d, p, 0);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < nr_b; i++) {
		const struct process *p = checkpoint_process(d->cp[1], i);
		if (!taken_b[checkpoint_place(d->cp[1], p)])
			whole_process(d, p, 1);
	}
	return 0;
}

int diff_checkpoints(struct checkpoint *a, struct checkpoint *b, const struct diff_options *how,
		     struct doc *doc, struct error *err)
{
	static const struct doc_column columns[] = {
		{ "change", "CHANGE", DOC_LEFT }, { "section", "SECTION", DOC_LEFT },
		{ "pid", "PID", DOC_RIGHT },      { "object", "OBJECT", DOC_LEFT },
		{ "field", "FIELD", DOC_LEFT },   { "a", NULL, DOC_LEFT },
		{ NULL, "A", DOC_LEFT },          { "b", NULL, DOC_LEFT },
		{ NULL, "B", DOC_LEFT },
	};
	struct diff d = { { a, b }, how, doc, 0 };
	doc_str(doc, "a", NULL, source_name(checkpoint_source(a)));
	doc_str(doc, "b", NULL, source_name(checkpoint_source(b)));
	doc_table(doc, "changes", NULL, columns, ARRAY_SIZE(columns));
	int rc = processes_compare(&d, err);
	if (rc == 0)
		rc = diff_images(&d, err);
	if (rc == 0 && diff_wants(&d, DIFF_METADATA))
		rc = diff_members(&d, err);
	doc_end(doc);
	if (rc < 0)
		return rc;
	doc_bool(doc, "different", NULL, d.nr_changes != 0);
	doc_u64(doc, "count", NULL, d.nr_changes);
	return d.nr_changes != 0;
}
