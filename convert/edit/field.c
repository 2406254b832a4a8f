/* SPDX-License-Identifier: MIT
 * Fields of messages.
 */
#include "convert/edit/field.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "convert/codec/message.h"
#include "images/fields.h"
#include "images/message.h"

static void element_release(const ProtobufCFieldDescriptor *f, void *at)
{
	if (f->type == PROTOBUF_C_TYPE_MESSAGE && *(void **)at)
		protobuf_c_message_free_unpacked(*(ProtobufCMessage **)at, NULL);
	else if (f->type == PROTOBUF_C_TYPE_STRING && *(const void **)at != f->default_value)
		free(*(void **)at);
	else if (f->type == PROTOBUF_C_TYPE_BYTES)
		free(((ProtobufCBinaryData *)at)->data);
	memset(at, 0, field_element_size(f));
}

static void field_clear(ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f)
{
	if (!field_is_list(f)) {
		element_release(f, field_at(msg, f));
		if (f->label == PROTOBUF_C_LABEL_OPTIONAL && f->type != PROTOBUF_C_TYPE_STRING &&
		    f->type != PROTOBUF_C_TYPE_MESSAGE)
			*(protobuf_c_boolean *)((char *)msg + f->quantifier_offset) = 0;
		return;
	}
	char *items = *(char **)field_at(msg, f);
	for (size_t i = 0; i < *field_list_count(msg, f); i++)
		element_release(f, items + i * field_element_size(f));
	free(items);
	*(void **)field_at(msg, f) = NULL;
	*field_list_count(msg, f) = 0;
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessage *msg, const char *name,
						  struct error *err)
{
	const ProtobufCFieldDescriptor *f =
	    protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, name);
	if (!f)
		error_set(err, EINVAL, "%s has no field %s", msg->descriptor->name, name);
	return f;
}

int field_path(const struct field_ref *ref, struct strbuf *out)
{
	int rc = ref->above ? field_path(ref->above, out) : 0;
	if (rc == 0)
		rc = strbuf_printf(out, "%s%s", ref->above ? "." : "", ref->field->name);
	return rc == 0 && ref->index != SIZE_MAX ? strbuf_printf(out, "[%zu]", ref->index) : rc;
}

/* What a path leads to, for whoever wants to know. */
struct walk {
	size_t *found;
	field_visit visit;
	void *arg;
};

static int walk_message(const struct walk *w, const struct field_ref *above, ProtobufCMessage *msg,
			const struct path_part *part, size_t nr, struct error *err);

static int visit_element(const struct walk *w, const struct field_ref *ref,
			 const struct path_part *part, size_t nr, struct error *err)
{
	if (nr == 1) {
		++*w->found;
		return w->visit(w->arg, ref, err);
	}
	if (ref->field->type != PROTOBUF_C_TYPE_MESSAGE)
		return error_set(err, EINVAL, "%s is no message: %s cannot be in it",
				 ref->field->name, part[1].name);
	void *at = field_at(ref->msg, ref->field);
	ProtobufCMessage *inner = ref->index == SIZE_MAX ? *(ProtobufCMessage **)at
							 : (*(ProtobufCMessage ***)at)[ref->index];
	return inner ? walk_message(w, ref, inner, part + 1, nr - 1, err) : 0;
}

static int selected(ProtobufCMessage *const *items, size_t i, const ProtobufCFieldDescriptor *f,
		    const struct path_part *part, struct error *err)
{
	if (part->select == SELECT_ALL || (part->select == SELECT_INDEX && part->index == i))
		return 1;
	if (part->select != SELECT_VALUE)
		return 0;
	if (f->type != PROTOBUF_C_TYPE_MESSAGE)
		return error_set(err, EINVAL, "%s is a list of values: choose by number", f->name);
	bool there = false;
	return field_matches(items[i], part->key, part->value, &there, err);
}

static int walk_message(const struct walk *w, const struct field_ref *above, ProtobufCMessage *msg,
			const struct path_part *part, size_t nr, struct error *err)
{
	struct field_ref ref = { msg, find_field(msg, part->name, err), SIZE_MAX, above };
	if (!ref.field)
		return -EINVAL;
	if (part->select == SELECT_WHOLE) {
		if (field_is_list(ref.field) && nr > 1)
			return error_set(err, EINVAL, "%s is a list: say which, %s[0]", part->name,
					 part->name);
		return visit_element(w, &ref, part, nr, err);
	}
	if (!field_is_list(ref.field))
		return error_set(err, EINVAL, "%s is no list", part->name);
	/* backwards: what is visited may take itself away */
	for (size_t i = *field_list_count(msg, ref.field); i-- > 0;) {
		ref.index = i;
		int rc = selected(*(ProtobufCMessage *const **)field_at(msg, ref.field), i,
				  ref.field, part, err);
		if (rc > 0)
			rc = visit_element(w, &ref, part, nr, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int field_walk(ProtobufCMessage *msg, const struct path_part *part, size_t nr, size_t *found,
	       field_visit visit, void *arg, struct error *err)
{
	const struct walk w = { found, visit, arg };
	return walk_message(&w, NULL, msg, part, nr, err);
}

static int emit_text(const struct field_ref *ref, bool pretty, struct strbuf *out,
		     struct error *err)
{
	auto_json_out json = { .fd = -1 };
	int rc = json_out_init(&json, -1, ref->field->name, pretty, err);
	if (rc < 0)
		return rc;
	message_field_to_json(ref->msg, ref->field, ref->index, &json);
	if (json.error || strbuf_add(out, json.buf, json.len) < 0)
		return error_set(err, ENOMEM, "out of memory");
	return 0;
}

/* Line ends of the layout, with the indentation behind them, become a blank: values have none. */
static void join_lines(struct strbuf *text)
{
	size_t to = 0;
	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] != '\n') {
			text->data[to++] = text->data[i];
			continue;
		}
		while (i + 1 < text->len && text->data[i + 1] == ' ')
			i++;
		text->data[to++] = ' ';
	}
	text->len = to;
	text->data[to] = 0;
}

int field_text(const struct field_ref *ref, struct strbuf *out, struct error *err)
{
	int rc = emit_text(ref, true, out, err);
	if (rc == 0)
		join_lines(out);
	return rc;
}

static bool is_number(const char *s)
{
	s += *s == '-';
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* The JSON a value on the command line stands for. */
static int json_of(const ProtobufCFieldDescriptor *f, bool whole, const char *value,
		   struct strbuf *out)
{
	bool structured = f->type == PROTOBUF_C_TYPE_MESSAGE || f->type == PROTOBUF_C_TYPE_BOOL ||
			  (whole && field_is_list(f));
	if (structured || *value == '"' ||
	    (is_number(value) && f->type != PROTOBUF_C_TYPE_STRING &&
	     f->type != PROTOBUF_C_TYPE_BYTES))
		return strbuf_str(out, value);
	auto_json_out json = { .fd = -1 };
	if (json_out_init(&json, -1, "value", false, NULL) < 0)
		return -ENOMEM;
	size_t len = strlen(value);
	bool quoted = len > 1 && *value == '\'' && value[len - 1] == '\'';
	json_bytes(&json, value + quoted, len - 2 * quoted);
	return json.error ? json.error : strbuf_add(out, json.buf, json.len);
}

/* A field of a message of its own, read from text; what it held goes to the target in the end. */
static int parse_field(const struct field_ref *ref, bool as_list, const char *value,
		       ProtobufCMessage *fresh, struct error *err)
{
	auto_strbuf text = { 0 };
	bool whole = ref->index == SIZE_MAX && !as_list;
	int rc = as_list ? strbuf_str(&text, "[") : 0;
	if (rc == 0)
		rc = json_of(ref->field, whole, value, &text);
	if (rc == 0 && as_list)
		rc = strbuf_str(&text, "]");
	if (rc < 0)
		return error_set(err, ENOMEM, "out of memory");
	auto_json_in in;
	json_in_init_text(&in, text.data, text.len, ref->field->name);
	rc = message_field_from_json(&in, fresh, ref->field, err);
	if (rc == 0)
		rc = json_finish(&in, err);
	return rc;
}

struct match {
	const char *value;
	bool yes;
};

/* The value read into a message of its own, as decode prints it. @return -EBADMSG: it is none */
static int value_text(const struct field_ref *ref, const char *value, struct strbuf *out,
		      struct error *err)
{
	ProtobufCMessage *fresh = message_new(ref->msg->descriptor);
	if (!fresh)
		return error_set(err, ENOMEM, "out of memory");
	bool element = ref->index != SIZE_MAX;
	const struct field_ref there = { fresh, ref->field, element ? 0 : SIZE_MAX, NULL };
	int rc = parse_field(ref, element, value, fresh, err);
	if (rc == 0 && element && *field_list_count(fresh, ref->field) != 1)
		rc = error_set(err, EBADMSG, "%s is not one element", value);
	if (rc == 0)
		rc = emit_text(&there, false, out, err);
	protobuf_c_message_free_unpacked(fresh, NULL);
	return rc;
}

static int match_visit(void *arg, const struct field_ref *ref, struct error *err)
{
	struct match *match = arg;
	auto_strbuf is = { 0 };
	auto_strbuf wanted = { 0 };
	struct error why;
	int rc = emit_text(ref, false, &is, err);
	if (rc < 0)
		return rc;
	rc = value_text(ref, match->value, &wanted, &why);
	if (rc == -ENOMEM)
		return error_set(err, ENOMEM, "%s", why.text);
	match->yes |= rc == 0 && is.len == wanted.len && !memcmp(is.data, wanted.data, is.len);
	return 0;
}

int field_matches(ProtobufCMessage *msg, const char *key, const char *value, bool *there,
		  struct error *err)
{
	struct match match = { value, false };
	struct path path;
	size_t found = 0;
	int rc = path_parse_below(key, &path, err);
	if (rc < 0)
		return rc;
	rc = field_walk(msg, path.parts, path.nr, &found, match_visit, &match, err);
	path_fini(&path);
	*there |= found > 0;
	return rc < 0 ? rc : match.yes;
}

/* Move the field's value, list and all, from one message to another of its kind. */
static void move_field(ProtobufCMessage *to, ProtobufCMessage *from,
		       const ProtobufCFieldDescriptor *f)
{
	field_clear(to, f);
	if (field_is_list(f)) {
		*(void **)field_at(to, f) = *(void **)field_at(from, f);
		*field_list_count(to, f) = *field_list_count(from, f);
		*(void **)field_at(from, f) = NULL;
		*field_list_count(from, f) = 0;
		return;
	}
	memcpy(field_at(to, f), field_at(from, f), field_element_size(f));
	memset(field_at(from, f), 0, field_element_size(f));
	if (f->label == PROTOBUF_C_LABEL_OPTIONAL && f->type != PROTOBUF_C_TYPE_STRING &&
	    f->type != PROTOBUF_C_TYPE_MESSAGE)
		*(protobuf_c_boolean *)((char *)to + f->quantifier_offset) = 1;
}

/* Parse one element of the list and move it to `to`, which is free. */
static int parse_element(const struct field_ref *ref, const char *value, void *to,
			 struct error *err)
{
	const ProtobufCFieldDescriptor *f = ref->field;
	ProtobufCMessage *fresh = message_new(ref->msg->descriptor);
	if (!fresh)
		return error_set(err, ENOMEM, "out of memory");
	int rc = parse_field(ref, true, value, fresh, err);
	if (rc == 0 && *field_list_count(fresh, f) != 1)
		rc = error_set(err, EINVAL, "%s: \"%.80s\" is not one element", f->name, value);
	if (rc == 0) {
		char *from = *(char **)field_at(fresh, f);
		memcpy(to, from, field_element_size(f));
		memset(from, 0, field_element_size(f)); /* nothing is left to release */
	}
	protobuf_c_message_free_unpacked(fresh, NULL);
	return rc;
}

static int set_element(const struct field_ref *ref, const char *value, struct error *err)
{
	uint64_t fresh[2]; /* room for the largest, ProtobufCBinaryData */
	const ProtobufCFieldDescriptor *f = ref->field;
	int rc = parse_element(ref, value, fresh, err);
	if (rc < 0)
		return rc;
	char *at = *(char **)field_at(ref->msg, f) + ref->index * field_element_size(f);
	element_release(f, at);
	memcpy(at, fresh, field_element_size(f));
	return 0;
}

int field_set(const struct field_ref *ref, const char *value, struct error *err)
{
	if (ref->index != SIZE_MAX)
		return set_element(ref, value, err);
	ProtobufCMessage *fresh = message_new(ref->msg->descriptor);
	if (!fresh)
		return error_set(err, ENOMEM, "out of memory");
	int rc = parse_field(ref, false, value, fresh, err);
	if (rc == 0)
		move_field(ref->msg, fresh, ref->field);
	protobuf_c_message_free_unpacked(fresh, NULL);
	return rc;
}

int field_append(struct field_ref *ref, const char *value, struct error *err)
{
	const ProtobufCFieldDescriptor *f = ref->field;
	if (!field_is_list(f) || ref->index != SIZE_MAX)
		return error_set(err, EINVAL, "%s is no list: nothing can be appended", f->name);
	size_t *nr = field_list_count(ref->msg, f), size = field_element_size(f);
	char *items = reallocarray(*(void **)field_at(ref->msg, f), *nr + 1, size);
	if (!items)
		return error_set(err, ENOMEM, "out of memory");
	*(void **)field_at(ref->msg, f) = items;
	int rc = parse_element(ref, value, items + *nr * size, err);
	if (rc == 0)
		ref->index = (*nr)++;
	return rc;
}

int field_delete(const struct field_ref *ref, struct error *err)
{
	const ProtobufCFieldDescriptor *f = ref->field;
	if (f->label == PROTOBUF_C_LABEL_REQUIRED)
		return error_set(err, EINVAL, "%s has to be there", f->name);
	if (!field_is_list(f) && !field_count(ref->msg, f))
		return error_set(err, ENOENT, "%s is not there", f->name);
	if (ref->index == SIZE_MAX) {
		field_clear(ref->msg, f);
		return 0;
	}
	char *items = *(char **)field_at(ref->msg, f);
	size_t size = field_element_size(f), left = --*field_list_count(ref->msg, f) - ref->index;
	element_release(f, items + ref->index * size);
	memmove(items + ref->index * size, items + (ref->index + 1) * size, left * size);
	if (*field_list_count(ref->msg, f) == 0) {
		free(items);
		*(void **)field_at(ref->msg, f) = NULL;
	}
	return 0;
}
