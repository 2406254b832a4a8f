/* SPDX-License-Identifier: MIT
 * Applying changes: every image that is named is read once and written once.
 */
#include "convert/edit/edit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/codec/message.h"
#include "convert/edit/field.h"
#include "convert/store/rewrite.h"
#include "images/fields.h"

/* "files.img: entries[0]…": the image ends at a colon in front of any bracket or =. */
static const char *image_end(const char *text)
{
	size_t len = strcspn(text, ":[=");
	return text[len] == ':' ? text + len : NULL;
}

int edit_add(struct edit *edit, enum edit_kind kind, const char *text, const char *image,
	     struct error *err)
{
	const char *colon = image_end(text), *path = colon ? colon + 1 : text;
	path += strspn(path, " ");
	const char *end = kind == EDIT_DELETE ? path + strlen(path) : path_end(path);
	if (colon == text || (!colon && !image))
		return error_set(err, EINVAL, "%s: in which image? Say IMAGE:%s", text, path);
	if (!end)
		return error_set(err, EINVAL,
				 "%s: want PATH=VALUE, with a ] for every [, and values that have "
				 "brackets in quotes",
				 text);
	struct edit_op *op = array_add(edit);
	if (!op)
		return error_set(err, ENOMEM, "out of memory");
	op->kind = kind;
	op->value = kind == EDIT_DELETE ? NULL : end + 1;
	op->image = colon ? strndup(text, (size_t)(colon - text)) : strdup(image);
	op->text = strndup(path, (size_t)(end - path));
	if (!op->image || !op->text)
		return error_set(err, ENOMEM, "out of memory");
	struct error why = { 0 };
	int rc = op->value ? path_value_check(op->value, err) : 0;
	if (rc < 0)
		return rc;
	rc = path_parse(path, (size_t)(end - path), &op->path, &why);
	return rc < 0 ? error_set(err, rc, "%.*s: %s", (int)(end - path), path, why.text) : 0;
}

void edit_fini(struct edit *edit)
{
	for (size_t i = 0; i < edit->nr; i++) {
		free(edit->items[i].image);
		free(edit->items[i].text);
		free(edit->items[i].miss);
		path_fini(&edit->items[i].path);
	}
	free(edit->items);
	*edit = (struct edit){ 0 };
}

struct editing { /* one image */
	struct edit *edit;
	const char *image;
	const struct image_type *type;
	size_t entry;
	bool changed, deleted; /* of the entry at hand */
	struct edit_op *op;
	edit_report report;
	void *arg;
};

/* @param out  stays empty for a field that is not there */
static int text_of(const struct field_ref *ref, struct strbuf *out, struct error *err)
{
	return ref->index == SIZE_MAX && !field_count(ref->msg, ref->field)
		   ? 0
		   : field_text(ref, out, err);
}

/* What is there, and then what is there instead. @param ref  of an element appended: that */
static int apply_change(const struct edit_op *op, struct field_ref *ref, struct strbuf *old,
			struct strbuf *new, struct error *err)
{
	int rc =
	    op->kind == EDIT_APPEND ? field_append(ref, op->value, err) : text_of(ref, old, err);
	if (rc == 0 && op->kind == EDIT_SET)
		rc = field_set(ref, op->value, err);
	if (rc == 0 && op->kind == EDIT_DELETE)
		return field_delete(ref, err);
	return rc < 0 ? rc : text_of(ref, new, err);
}

static int change_field(void *arg, const struct field_ref *found, struct error *err)
{
	struct editing *e = arg;
	auto_strbuf old = { 0 };
	auto_strbuf new = { 0 };
	auto_strbuf path = { 0 };
	struct field_ref ref = *found;
	int rc = apply_change(e->op, &ref, &old, &new, err);
	if (rc < 0)
		return rc;
	e->changed = true;
	if (strbuf_str(&path, ".") < 0 || field_path(&ref, &path) < 0)
		return error_set(err, ENOMEM, "out of memory");
	if (e->report)
		e->report(e->arg, e->op, e->entry, path.data, old.data, new.data);
	return 0;
}

/* @return 1 when the entry is one the operation means */
static int means_entry(struct edit_op *op, size_t entry, ProtobufCMessage *msg, struct error *err)
{
	const struct path_part *part = &op->path.parts[0];
	switch (part->select) {
	case SELECT_WHOLE:
		return entry == 0;
	case SELECT_ALL:
		return 1;
	case SELECT_INDEX:
		return part->index == entry;
	case SELECT_VALUE: {
		struct error why = { 0 };
		int rc = field_matches(msg, part->key, part->value, &op->looked, &why);
		if (rc < 0 && rc != -EINVAL)
			return error_set(err, rc, "%s", why.text);
		/* entries are of different kinds: one without such a field is not meant */
		if (rc == -EINVAL && !op->miss)
			op->miss = strdup(why.text);
		return rc > 0;
	}
	}
	return 0;
}

static int apply_op(struct editing *e, ProtobufCMessage *msg, struct error *err)
{
	struct edit_op *op = e->op;
	if (op->path.nr == 1 && op->kind == EDIT_APPEND)
		return 0; /* when the last entry is through */
	int rc = means_entry(op, e->entry, msg, err);
	if (rc <= 0)
		return rc;
	if (op->path.nr > 1)
		return field_walk(msg, op->path.parts + 1, op->path.nr - 1, &op->found,
				  change_field, e, err);
	if (op->kind == EDIT_SET)
		return error_set(err, EINVAL, "an entry is replaced by --delete and --append");
	op->found++;
	e->deleted = true;
	if (e->report)
		e->report(e->arg, e->op, e->entry, "", "the entry", NULL);
	return 0;
}

static int apply_entry(void *ctx, ProtobufCMessage *msg, struct error *err)
{
	struct editing *e = ctx;
	struct error why = { 0 };
	e->changed = e->deleted = false;
	for (size_t i = 0; i < e->edit->nr; i++) {
		e->op = &e->edit->items[i];
		if (strcmp(e->op->image, e->image) != 0)
			continue;
		int rc = apply_op(e, msg, &why);
		if (rc < 0)
			return error_set(err, rc, "%s: entries[%zu]: %s", e->image, e->entry,
					 why.text);
	}
	e->entry++;
	return e->deleted ? ENTRY_DROP : e->changed ? ENTRY_WRITE : ENTRY_KEEP;
}

static int append_entry(struct editing *e, struct image_writer *w, struct error *err)
{
	const struct image_type *type = e->type;
	auto_message ProtobufCMessage *msg = NULL;
	auto_json_in in;
	if (type->payload != PAYLOAD_NONE)
		return error_set(err, ENOTSUP,
				 "%s: entries with contents behind them are added with decode and "
				 "encode",
				 e->image);
	json_in_init_text(&in, e->op->value, strlen(e->op->value), e->image);
	int rc = message_from_json(&in, type->entry, NULL, NULL, &msg, err);
	if (rc == 0)
		rc = json_finish(&in, err);
	if (rc == 0)
		rc = image_write(w, msg, err);
	if (rc < 0)
		return rc;
	e->op->found++;
	if (e->report)
		e->report(e->arg, e->op, e->entry, "", NULL, e->op->value);
	e->entry++;
	return 0;
}

static int append_entries(void *ctx, struct image_writer *w, struct error *err)
{
	struct editing *e = ctx;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < e->edit->nr; i++) {
		e->op = &e->edit->items[i];
		if (e->op->kind == EDIT_APPEND && e->op->path.nr == 1 &&
		    !strcmp(e->op->image, e->image))
			rc = append_entry(e, w, err);
	}
	return rc;
}

static int edit_image(struct editing *e, struct source *src, struct sink *sink, struct error *err)
{
	const struct image_edit edit = { apply_entry, append_entries, e };
	auto_image_reader r = NULL;
	int rc = image_open(src, e->image, &r, err);
	if (rc < 0)
		return rc;
	e->type = image_reader_type(r);
	e->entry = 0;
	if (!e->type->entry)
		return error_set(err, ENOTSUP, "%s is no sequence of messages: it has no fields",
				 e->image);
	int fd = sink_begin(sink, e->image, err);
	if (fd < 0)
		return fd;
	rc = image_rewrite(r, fd, e->image, &edit, err);
	return rc < 0 ? rc : sink_end(sink, err);
}

/* "checkpoint/core-1.img" is core-1.img of the set: one image, however it is called. */
static int name_images(struct edit *edit, struct source *src, struct error *err)
{
	for (size_t i = 0; i < edit->nr; i++) {
		struct edit_op *op = &edit->items[i];
		char *name = strdup(source_member_name(src, op->image));
		if (!name)
			return error_set(err, ENOMEM, "out of memory");
		free(op->image);
		op->image = name;
	}
	return 0;
}

int edit_apply(struct edit *edit, struct source *src, struct sink *sink, edit_report report,
	       void *arg, struct error *err)
{
	struct editing e = { .edit = edit, .report = report, .arg = arg };
	int rc = name_images(edit, src, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < edit->nr; i++) {
		e.image = edit->items[i].image;
		rc = sink_has(sink, e.image) ? 0 : edit_image(&e, src, sink, err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < edit->nr; i++) {
		const struct edit_op *op = &edit->items[i];
		if (!op->found)
			return error_set(err, ENOENT, "%s: nothing is at %s%s%s", op->image,
					 op->text, op->miss && !op->looked ? ": " : "",
					 op->miss && !op->looked ? op->miss : "");
	}
	return 0;
}
