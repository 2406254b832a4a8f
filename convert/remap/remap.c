/* SPDX-License-Identifier: MIT
 * Two passes over a set: one that looks, one that writes.
 */
#include "convert/remap/remap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "convert/raw/raw.h"
#include "convert/remap/remapping.h"
#include "convert/store/rewrite.h"
#include "images/roles.h"

#define TEXT_MAX (64 * 1024 * 1024) /* of a rule set or a document, bytes */

void remap_changes_fini(struct remap_changes *changes)
{
	for (size_t i = 0; i < changes->nr; i++) {
		free(changes->items[i].image);
		free(changes->items[i].field);
		free(changes->items[i].from);
		free(changes->items[i].to);
	}
	free(changes->items);
	*changes = (struct remap_changes){ 0 };
}

int remapping_note(struct remapping *r, const char *field, const char *from, const char *to,
		   struct error *err)
{
	r->nr_changes++;
	if (!r->looking || !r->job->changes)
		return 0;
	struct remap_change *change = array_add(r->job->changes);
	if (!change)
		return error_set(err, ENOMEM, "out of memory");
	change->image = strdup(r->image);
	change->has_entry = r->has_entry;
	change->entry = r->entry;
	change->field = strdup(field ? field : r->field.data);
	change->from = strdup(from);
	change->to = strdup(to);
	return change->image && change->field && change->from && change->to
		   ? 0
		   : error_set(err, ENOMEM, "out of memory");
}

/* How a member is read and written. */
enum member_form { FORM_OTHER, FORM_MESSAGES, FORM_NETLINK, FORM_FILTER, FORM_DOCUMENT };

static enum member_form form_of(const struct source_member *m, const struct image_type **type)
{
	*type = strchr(m->name, '/') ? NULL : image_type_by_filename(m->name);
	if (!*type)
		return remap_is_document(m->path) ? FORM_DOCUMENT : FORM_OTHER;
	if ((*type)->entry)
		return FORM_MESSAGES;
	switch (raw_kind_of((*type)->id)) {
	case RAW_NETLINK:
		return FORM_NETLINK;
	case RAW_FILTER:
		return FORM_FILTER;
	default:
		return FORM_OTHER;
	}
}

static int entry_visit(void *ctx, ProtobufCMessage *msg, struct error *err)
{
	struct remapping *r = ctx;
	size_t before = r->nr_changes;
	int rc = remap_message(r, msg, err);
	r->entry++;
	return rc < 0 ? rc : r->nr_changes > before ? ENTRY_WRITE : ENTRY_KEEP;
}

static int messages(struct remapping *r, struct image_reader *reader, int fd, struct error *err)
{
	const struct image_edit edit = { .entry = entry_visit, .ctx = r };
	r->has_entry = true;
	r->entry = 0;
	if (fd >= 0)
		return image_rewrite(reader, fd, r->image, &edit, err);
	for (;;) {
		auto_message ProtobufCMessage *msg = NULL;
		int rc = image_next(reader, &msg, err);
		if (rc > 0)
			rc = entry_visit(r, msg, err);
		if (rc < 0 || !msg)
			return rc;
	}
}

int remapping_text(struct remapping *r, const char *name, struct strbuf *out, struct error *err)
{
	auto_istream in = NULL;
	char piece[16384];
	ssize_t n;
	int rc = source_open_member(r->job->src, name, &in, err);
	if (rc < 0)
		return rc;
	while ((n = istream_read(in, piece, sizeof(piece), err)) > 0) {
		if (out->len + (size_t)n > TEXT_MAX)
			return error_set(err, EBADMSG, "%s: longer than %d MiB", name,
					 TEXT_MAX >> 20);
		if (strbuf_add(out, piece, (size_t)n) < 0)
			return error_set(err, ENOMEM, "%s: out of memory", name);
	}
	return n < 0 ? (int)n : 0;
}

static int text(struct remapping *r, enum member_form form, int fd, struct error *err)
{
	auto_strbuf old = { 0 };
	auto_strbuf new = { 0 };
	int rc = remapping_text(r, r->image, &old, err);
	if (rc < 0 || !old.len)
		return rc;
	rc = form == FORM_FILTER ? remap_filter(r, old.data, old.len, &new, err)
				 : remap_document(r, old.data, old.len, &new, err);
	if (rc < 0 || fd < 0)
		return rc;
	rc = fd_write_full(fd, new.data, new.len);
	return rc < 0 ? error_code(err, rc, "%s: write", r->image) : 0;
}

/* @param fd  where to write; -1: only look */
static int member(struct remapping *r, const struct source_member *m, int fd, struct error *err)
{
	const struct image_type *type;
	enum member_form form = form_of(m, &type);
	auto_image_reader reader = NULL;
	r->image = m->name;
	r->number = type ? (uint32_t)image_number(type, m->name) : 0;
	if (form == FORM_FILTER || form == FORM_DOCUMENT)
		return text(r, form, fd, err);
	int rc = image_open(r->job->src, m->name, &reader, err);
	if (rc < 0)
		return rc;
	if (form == FORM_NETLINK)
		return remap_netlink(r, reader, fd, err);
	if (!image_reader_type(reader)->entry)
		return error_set(err, EBADMSG, "%s: is a %s image", m->name,
				 image_reader_type(reader)->name);
	return messages(r, reader, fd, err);
}

/* What becomes of a member. */
struct plan {
	bool changes;
	char *name; /* a new one, or NULL */
};

/* Images of a process are called by its id. */
static int plan_name(struct remapping *r, const struct source_member *m, struct plan *plan,
		     struct error *err)
{
	char name[64];
	const struct image_type *type;
	form_of(m, &type);
	struct remap_rule *rule =
	    type && image_named_by_pid(type)
		? rule_for_number(r->rules, REMAP_PID, (uint32_t)image_number(type, m->name))
		: NULL;
	if (!rule || rule->from == rule->to)
		return 0;
	rule->found++;
	plan->name = strdup(image_filename(type, rule->to, name, sizeof(name)));
	if (!plan->name)
		return error_set(err, ENOMEM, "out of memory");
	r->image = m->name;
	r->has_entry = false;
	return remapping_note(r, "name", m->name, plan->name, err);
}

static int look(struct remapping *r, const struct source_member *members, size_t nr,
		struct plan *plans, struct error *err)
{
	int rc = facts_read(r->job->src, &r->facts, err);
	r->looking = true;
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		const struct image_type *type;
		size_t before = r->nr_changes;
		if (form_of(&members[i], &type) != FORM_OTHER)
			rc = member(r, &members[i], -1, err);
		plans[i].changes = r->nr_changes > before;
		if (rc == 0)
			rc = plan_name(r, &members[i], &plans[i], err);
	}
	if (rc == 0)
		rc = remap_find_words(r, err);
	r->looking = false;
	return rc;
}

static bool is_taken(const struct source_member *members, size_t nr, const struct plan *plans,
		     const char *name)
{
	for (size_t i = 0; i < nr; i++) {
		if (!strcmp(members[i].name, name) && !plans[i].name)
			return true;
	}
	return false;
}

static int check(struct remapping *r, const struct source_member *members, size_t nr,
		 const struct plan *plans, struct error *err)
{
	int rc = remap_refuse(r, err);
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		if (plans[i].name && is_taken(members, nr, plans, plans[i].name))
			rc = error_set(err, EINVAL, "--pid: %s is there already", plans[i].name);
	}
	for (size_t i = 0; rc == 0 && i < r->rules->nr; i++) {
		const struct remap_rule *rule = &r->rules->items[i];
		if (!rule->found)
			rc = error_set(err, ENOENT, "%s %s: %s", remap_options[rule->kind],
				       rule->text,
				       rule->kind == REMAP_HOSTNAME ? "the set has no host name"
								    : "nothing has the old value");
	}
	return rc;
}

static int write_member(struct remapping *r, const struct source_member *m, const struct plan *plan,
			struct error *err)
{
	struct sink *sink = r->job->sink;
	auto_istream in = NULL;
	int fd = sink_begin(sink, plan->name ? plan->name : m->name, err);
	if (fd < 0)
		return fd;
	int rc;
	if (plan->changes) {
		rc = member(r, m, fd, err);
	} else {
		rc = source_open_member(r->job->src, m->name, &in, err);
		if (rc == 0)
			rc = istream_copy(in, fd, m->name, NULL, err);
	}
	return rc < 0 ? rc : sink_end(sink, err);
}

static int write_all(struct remapping *r, const struct source_member *members, size_t nr,
		     const struct plan *plans, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		if (plans[i].changes || plans[i].name)
			rc = write_member(r, &members[i], &plans[i], err);
	}
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		if (plans[i].name && !sink_has(r->job->sink, members[i].name))
			rc = sink_remove(r->job->sink, members[i].name, err);
	}
	return rc < 0 ? rc : remap_write_words(r, err);
}

/* The source's own list ends when it is listed again. */
static int members_copy(struct source *src, struct source_member **out, size_t *out_nr,
			struct error *err)
{
	const struct source_member *members;
	ssize_t nr = source_list(src, &members, err);
	if (nr < 0)
		return (int)nr;
	struct source_member *copy = calloc((size_t)nr + 1, sizeof(*copy));
	bool whole = copy != NULL;
	for (ssize_t i = 0; copy && i < nr; i++) {
		copy[i] = members[i];
		copy[i].name = strdup(members[i].name);
		copy[i].path = strdup(members[i].path);
		whole &= copy[i].name && copy[i].path;
	}
	*out = copy;
	*out_nr = copy ? (size_t)nr : 0;
	return whole ? 0 : error_set(err, ENOMEM, "out of memory");
}

static void members_free(struct source_member *members, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		free((char *)members[i].name);
		free((char *)members[i].path);
	}
	free(members);
}

int remap_run(const struct remap_job *job, struct remap_rules *rules, struct error *err)
{
	struct remapping r = { .job = job, .rules = rules };
	struct source_member *members = NULL;
	size_t nr = 0;
	int rc = members_copy(job->src, &members, &nr, err);
	struct plan *plans = rc == 0 ? calloc(nr + 1, sizeof(*plans)) : NULL;
	if (rc == 0)
		rc = plans ? look(&r, members, nr, plans, err)
			   : error_set(err, ENOMEM, "out of memory");
	if (rc == 0)
		rc = check(&r, members, nr, plans, err);
	if (rc == 0 && job->sink)
		rc = write_all(&r, members, nr, plans, err);
	for (size_t i = 0; plans && i < nr; i++)
		free(plans[i].name);
	free(plans);
	members_free(members, nr);
	facts_fini(&r.facts);
	free(r.patches.items);
	strbuf_fini(&r.field);
	return rc;
}
