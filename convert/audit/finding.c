/* SPDX-License-Identifier: MIT
 * Findings, found again by what they say.
 */
#include "convert/audit/finding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

const char *const severity_names[NR_SEVERITIES] = {
	[SEV_NOTE] = "note",
	[SEV_WARNING] = "warning",
	[SEV_ERROR] = "error",
};

const struct rule audit_rules[NR_RULES] = {
#define RULE(id, name, severity, title, help) [RULE_##id] = { name, SEV_##severity, title, help },
#include "convert/audit/rules.def"
#undef RULE
};

int severity_parse(const char *name, enum severity *out, struct error *err)
{
	for (int i = 0; i < NR_SEVERITIES; i++) {
		if (strcmp(name, severity_names[i]))
			continue;
		*out = (enum severity)i;
		return 0;
	}
	return error_set(err, EINVAL, "%s: want note, warning or error", name);
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ull;
	return (hash ^ 0xff) * 0x100000001b3ull;
}

static uint64_t finding_hash(enum rule_id rule, const char *object, const char *evidence)
{
	return hash_text(hash_text(0xcbf29ce484222325ull + (uint64_t)rule, object), evidence);
}

static bool finding_is(const struct finding *f, enum rule_id rule, const char *object,
		       const char *evidence)
{
	return f->rule == rule && !strcmp(f->object, object) && !strcmp(f->evidence, evidence);
}

static uint32_t *slot_find(const struct findings *list, enum rule_id rule, const char *object,
			   const char *evidence)
{
	size_t at = finding_hash(rule, object, evidence) & (list->nr_slots - 1);
	while (list->slots[at] &&
	       !finding_is(&list->items[list->slots[at] - 1], rule, object, evidence))
		at = (at + 1) & (list->nr_slots - 1);
	return &list->slots[at];
}

/* At most half full. */
static int slots_grow(struct findings *list)
{
	if (2 * (list->nr + 1) <= list->nr_slots)
		return 0;
	size_t nr = list->nr_slots ? 2 * list->nr_slots : 64;
	uint32_t *slots = calloc(nr, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(list->slots);
	list->slots = slots;
	list->nr_slots = nr;
	for (size_t i = 0; i < list->nr; i++) {
		const struct finding *f = &list->items[i];
		if (!f->alone)
			*slot_find(list, f->rule, f->object, f->evidence) = (uint32_t)i + 1;
	}
	return 0;
}

void finding_again(struct finding *f, uint32_t pid)
{
	f->places++;
	if (pid && pid != f->last_pid) {
		f->processes++;
		f->last_pid = pid;
	}
}

/* @return 0 with *out NULL when there is no room for more */
static int finding_new(struct findings *list, const struct finding *like, const char *object,
		       const char *evidence, struct finding **out, struct error *err)
{
	*out = NULL;
	if (list->nr == FINDINGS_MAX) {
		list->left_out++;
		return 0;
	}
	struct finding f = *like;
	f.comm = strdup(like->comm ?: "");
	f.object = strdup(object);
	f.evidence = strdup(evidence);
	struct finding *item = f.comm && f.object && f.evidence ? array_add(list) : NULL;
	if (!item) {
		free(f.comm);
		free(f.object);
		free(f.evidence);
		return error_set(err, ENOMEM, "out of memory");
	}
	*item = f;
	*out = item;
	return 0;
}

static struct finding finding_at(enum rule_id rule, enum severity severity,
				 const struct finding_place *at)
{
	return (struct finding){ .rule = rule,
				 .severity = severity,
				 .pid = at->pid,
				 .comm = (char *)at->comm,
				 .image = at->image,
				 .number = at->number,
				 .entry = at->entry,
				 .places = 1,
				 .processes = at->pid != 0,
				 .last_pid = at->pid };
}

int finding_add(struct findings *list, enum rule_id rule, enum severity severity,
		const struct finding_place *at, const char *object, const char *evidence,
		struct error *err)
{
	if (slots_grow(list) < 0)
		return error_set(err, ENOMEM, "out of memory");
	uint32_t *slot = slot_find(list, rule, object, evidence);
	if (*slot) {
		finding_again(&list->items[*slot - 1], at->pid);
		return 0;
	}
	struct finding like = finding_at(rule, severity, at), *f;
	int rc = finding_new(list, &like, object, evidence, &f, err);
	if (f)
		*slot = (uint32_t)list->nr;
	return rc;
}

int finding_add_alone(struct findings *list, enum rule_id rule, enum severity severity,
		      const struct finding_place *at, const char *object, const char *evidence,
		      struct error *err)
{
	struct finding like = finding_at(rule, severity, at), *f;
	like.alone = true;
	return finding_new(list, &like, object, evidence, &f, err);
}

int finding_move(struct finding *f, enum rule_id rule, const struct finding_place *at,
		 const char *object, struct error *err)
{
	char *comm = strdup(at->comm ?: ""), *copy = strdup(object);
	if (!comm || !copy) {
		free(comm);
		free(copy);
		return error_set(err, ENOMEM, "out of memory");
	}
	free(f->comm);
	free(f->object);
	f->rule = rule;
	f->pid = at->pid;
	f->comm = comm;
	f->object = copy;
	f->image = at->image;
	f->number = at->number;
	f->entry = at->entry;
	return 0;
}

static int finding_compare(const void *a_, const void *b_)
{
	const struct finding *a = a_, *b = b_;
	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	if (a->rule != b->rule)
		return a->rule < b->rule ? -1 : 1;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	int rc = strcmp(a->object, b->object);
	return rc ? rc : strcmp(a->evidence, b->evidence);
}

void findings_sort(struct findings *list)
{
	free(list->slots);
	list->slots = NULL;
	list->nr_slots = 0;
	if (list->nr)
		qsort(list->items, list->nr, sizeof(*list->items), finding_compare);
}

const char *finding_image(const struct finding *f, char *out, size_t len)
{
	return image_filename(&image_types[f->image], f->number, out, len);
}

void findings_fini(struct findings *list)
{
	for (size_t i = 0; i < list->nr; i++) {
		free(list->items[i].comm);
		free(list->items[i].object);
		free(list->items[i].evidence);
	}
	free(list->items);
	free(list->slots);
	*list = (struct findings){ 0 };
}
