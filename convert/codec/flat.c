/* SPDX-License-Identifier: MIT
 * A JSON document as a list of leaves: looked up by path, or compared.
 */
#include "convert/codec/flat.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "convert/codec/message.h"
#include "convert/json/parse.h"

void flat_fini(struct flat *flat)
{
	for (size_t i = 0; i < flat->nr; i++) {
		free(flat->items[i].path);
		free(flat->items[i].value);
	}
	free(flat->items);
	*flat = (struct flat){ 0 };
}

struct walk {
	struct json_in in;
	struct flat *out;
	struct strbuf path, value;
};

static int leaf_add(struct walk *w, const char *value, struct error *err)
{
	struct flat_item *item = array_add(w->out);
	if (item) {
		item->path = strdup(w->path.data ?: "");
		item->value = strdup(value);
	}
	if (!item || !item->path || !item->value)
		return error_set(err, ENOMEM, "%s: out of memory", w->in.name);
	return 0;
}

static int scalar_add(struct walk *w, int kind, struct error *err)
{
	bool truth = false;
	char text[64];
	int rc;
	switch (kind) {
	case JSON_STRING:
		rc = json_string(&w->in, &w->value, err);
		return rc < 0 ? rc : leaf_add(w, w->value.data ?: "", err);
	case JSON_NUMBER:
		rc = json_number_text(&w->in, text, sizeof(text), err);
		return rc < 0 ? rc : leaf_add(w, text, err);
	case JSON_BOOL:
		rc = json_boolean(&w->in, &truth, err);
		return rc < 0 ? rc : leaf_add(w, truth ? "true" : "false", err);
	default:
		rc = json_skip(&w->in, err);
		return rc < 0 ? rc : leaf_add(w, "null", err);
	}
}

static void path_cut(struct walk *w, size_t len)
{
	w->path.len = len;
	if (w->path.data)
		w->path.data[len] = '\0';
}

/*
 * An item of a list that has a name is known by it: "members[./ptmx].mode". `before` is the first
 * leaf of the item, whose path is w->path.
 */
static int item_rename(struct walk *w, size_t list_len, size_t before, struct error *err)
{
	auto_strbuf prefix = { 0 };
	const char *name = NULL;
	for (size_t i = before; i < w->out->nr && !name; i++) {
		const char *member = w->out->items[i].path + w->path.len;
		if (!strcmp(member, ".name") || !strcmp(member, ".destination")) /* of a mount */
			name = w->out->items[i].value;
	}
	if (!name)
		return 0;
	if (strbuf_printf(&prefix, "%.*s[%s]", (int)list_len, w->path.data, name) < 0)
		return error_set(err, ENOMEM, "%s: out of memory", w->in.name);
	for (size_t i = before; i < w->out->nr; i++) {
		char *path = NULL;
		if (asprintf(&path, "%s%s", prefix.data, w->out->items[i].path + w->path.len) < 0)
			return error_set(err, ENOMEM, "%s: out of memory", w->in.name);
		free(w->out->items[i].path);
		w->out->items[i].path = path;
	}
	return 0;
}

/* The nesting is bounded by the parser's JSON_MAX_DEPTH. */
static int value_add(struct walk *w, struct error *err)
{
	int kind = json_peek(&w->in, err);
	if (kind < 0)
		return kind;
	if (kind != JSON_OBJECT && kind != JSON_ARRAY)
		return scalar_add(w, kind, err);
	size_t len = w->path.len;
	size_t before = w->out->nr;
	uint64_t index = 0;
	int rc = json_enter(&w->in, (enum json_kind)kind, err);
	while (rc == 0) {
		rc = kind == JSON_OBJECT ? json_member(&w->in, err) : json_item(&w->in, err);
		if (rc <= 0)
			break;
		rc = kind == JSON_OBJECT
			 ? strbuf_printf(&w->path, "%s%s", len ? "." : "", w->in.key)
			 : strbuf_printf(&w->path, "[%" PRIu64 "]", index++);
		if (rc < 0)
			return error_set(err, ENOMEM, "%s: out of memory", w->in.name);
		size_t item = w->out->nr;
		rc = value_add(w, err);
		if (rc == 0 && kind == JSON_ARRAY)
			rc = item_rename(w, len, item, err);
		path_cut(w, len);
	}
	if (rc == 0 && w->out->nr == before)
		rc = leaf_add(w, kind == JSON_OBJECT ? "{}" : "[]", err);
	return rc;
}

const char *flat_find(const struct flat *flat, const char *path)
{
	const struct flat_item *items = flat->items;
	size_t low = array_lower_bound(flat->nr, k, strverscmp(items[k].path, path) < 0);
	return low < flat->nr && !strverscmp(items[low].path, path) ? items[low].value : NULL;
}

static int item_compare(const void *a, const void *b)
{
	return strverscmp(((const struct flat_item *)a)->path, ((const struct flat_item *)b)->path);
}

int flat_from_json(const char *text, size_t len, const char *name, struct flat *out,
		   struct error *err)
{
	auto_flat flat = { 0 };
	auto_free struct walk *w = calloc(1, sizeof(*w));
	if (!w)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	w->out = &flat;
	json_in_init_text(&w->in, text, len, name);
	int rc = value_add(w, err);
	if (rc == 0)
		rc = json_finish(&w->in, err);
	json_in_fini(&w->in);
	strbuf_fini(&w->path);
	strbuf_fini(&w->value);
	if (rc < 0)
		return rc;
	if (flat.nr)
		qsort(flat.items, flat.nr, sizeof(*flat.items), item_compare);
	*out = flat;
	flat = (struct flat){ 0 };
	return 0;
}

/* @param field  NULL: the whole message */
static int flat_from(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field,
		     struct flat *out, struct error *err)
{
	auto_json_out json = { .fd = -1 };
	const char *name = msg->descriptor->name;
	int rc = json_out_init(&json, -1, name, true, err);
	if (rc < 0)
		return rc;
	if (field)
		message_field_to_json(msg, field, SIZE_MAX, &json);
	else
		message_to_json(msg, &json);
	rc = json_out_flush(&json, err);
	return rc < 0 ? rc : flat_from_json(json.buf, json.len, name, out, err);
}

int flat_from_message(const ProtobufCMessage *msg, struct flat *out, struct error *err)
{
	*out = (struct flat){ 0 };
	return msg ? flat_from(msg, NULL, out, err) : 0;
}

int flat_from_field(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field,
		    struct flat *out, struct error *err)
{
	*out = (struct flat){ 0 };
	return flat_from(msg, field, out, err);
}

void flat_compare(const struct flat *a, const struct flat *b, flat_change_fn *change, void *arg)
{
	size_t i = 0, k = 0;
	while (i < a->nr || k < b->nr) {
		int order = i == a->nr   ? 1
			    : k == b->nr ? -1
					 : strverscmp(a->items[i].path, b->items[k].path);
		if (order < 0) {
			change(arg, a->items[i].path, a->items[i].value, NULL);
			i++;
		} else if (order > 0) {
			change(arg, b->items[k].path, NULL, b->items[k].value);
			k++;
		} else {
			if (strcmp(a->items[i].value, b->items[k].value))
				change(arg, a->items[i].path, a->items[i].value, b->items[k].value);
			i++;
			k++;
		}
	}
}
