/* SPDX-License-Identifier: MIT
 * Documents of container engines: JSON, of which only the values that change are written anew.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/json/emit.h"
#include "convert/json/parse.h"
#include "convert/remap/remapping.h"

static const char *const documents[] = { "config.dump", "spec.dump", "network.status" };

/* Places whose values are no addresses; those are changed wherever they stand. */
static const struct {
	const char *path; /* "[]": any element; of an OCI spec, which config.dump has as "spec" */
	enum remap_kind kind;
} places[] = {
	{ "hostname", REMAP_HOSTNAME },
	{ "process.user.uid", REMAP_UID },
	{ "process.user.gid", REMAP_GID },
	{ "process.user.additionalGids[]", REMAP_GID },
	{ "process.cwd", REMAP_PATH },
	{ "root.path", REMAP_PATH },
	{ "mounts[].destination", REMAP_PATH },
	{ "mounts[].source", REMAP_PATH },
	{ "newPortMappings[].container_port", REMAP_PORT },
	{ "namedVolumes[].dest", REMAP_PATH },
	{ "overlayVolumes[].dest", REMAP_PATH },
	{ "userVolumes[]", REMAP_PATH },
};

struct walk {
	struct remapping *r;
	struct json_in in;
	struct strbuf path; /* with "[]" */
	struct strbuf *out;
	size_t copied; /* of the text */
};

bool remap_is_document(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
		if (!strcmp(name, documents[i]))
			return true;
	}
	return false;
}

/* @return the kind of what stands here; NR_REMAP_KINDS: nothing known */
static enum remap_kind place_kind(const struct walk *w)
{
	const char *path = w->path.data ?: "";
	if (!strncmp(path, "spec.", 5))
		path += 5;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (!strcmp(path, places[i].path))
			return places[i].kind;
	}
	return NR_REMAP_KINDS;
}

/* The text so far, then a new value instead of what is in [start, in.pos). */
static int replace(struct walk *w, size_t start, const char *value, size_t len, struct error *err)
{
	int rc = strbuf_add(w->out, w->in.buf + w->copied, start - w->copied);
	if (rc == 0)
		rc = strbuf_add(w->out, value, len);
	w->copied = w->in.pos;
	return rc < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
}

static int replace_string(struct walk *w, size_t start, const char *old, const char *new,
			  struct error *err)
{
	auto_json_out text = { .fd = -1 };
	int rc = json_out_init(&text, -1, w->in.name, false, err);
	if (rc < 0)
		return rc;
	json_str(&text, new);
	rc = json_out_flush(&text, err);
	if (rc == 0)
		rc = replace(w, start, text.buf, text.len, err);
	return rc < 0 ? rc : remapping_note(w->r, w->path.data ?: "", old, new, err);
}

/* @return 1 with the new text; 0: it stays */
static int string_becomes(struct walk *w, const char *old, struct strbuf *new, struct error *err)
{
	enum remap_kind kind = place_kind(w);
	struct remap_rule *rule = NULL;
	if (kind == REMAP_PATH)
		rule = rule_for_path(w->r->rules, old, strlen(old));
	else if (kind == REMAP_HOSTNAME)
		rule = rule_for_text(w->r->rules, kind, old);
	if (!rule)
		return remap_addresses(w->r, old, strlen(old), new, err);
	rule->found++;
	int rc = kind == REMAP_PATH ? rule_new_path(rule, old, strlen(old), new)
				    : strbuf_str(new, rule->to_text);
	return rc < 0 ? error_set(err, ENOMEM, "out of memory") : strcmp(old, new->data) != 0;
}

static int string(struct walk *w, struct error *err)
{
	auto_strbuf old = { 0 };
	auto_strbuf new = { 0 };
	size_t start = w->in.pos;
	int rc = json_string(&w->in, &old, err);
	if (rc < 0 || !old.len || strlen(old.data) != old.len)
		return rc;
	rc = string_becomes(w, old.data, &new, err);
	return rc > 0 ? replace_string(w, start, old.data, new.data, err) : rc;
}

static int number(struct walk *w, struct error *err)
{
	char old[64], new[16];
	char *end;
	size_t start = w->in.pos;
	int rc = json_number_text(&w->in, old, sizeof(old), err);
	enum remap_kind kind = place_kind(w);
	if (rc < 0 || kind == NR_REMAP_KINDS)
		return rc;
	unsigned long value = strtoul(old, &end, 10);
	struct remap_rule *rule = *end || *old == '-' || value > UINT32_MAX
				      ? NULL
				      : rule_for_number(w->r->rules, kind, (uint32_t)value);
	if (!rule)
		return 0;
	rule->found++;
	if (rule->to == value)
		return 0;
	snprintf(new, sizeof(new), "%" PRIu32, rule->to);
	rc = replace(w, start, new, strlen(new), err);
	return rc < 0 ? rc : remapping_note(w->r, w->path.data ?: "", old, new, err);
}

static void path_cut(struct walk *w, size_t len)
{
	w->path.len = len;
	if (w->path.data)
		w->path.data[len] = 0;
}

/* The nesting is bounded by the parser's JSON_MAX_DEPTH. */
static int value(struct walk *w, struct error *err)
{
	int kind = json_peek(&w->in, err);
	if (kind == JSON_STRING)
		return string(w, err);
	if (kind == JSON_NUMBER)
		return number(w, err);
	if (kind != JSON_OBJECT && kind != JSON_ARRAY)
		return kind < 0 ? kind : json_skip(&w->in, err);
	size_t len = w->path.len;
	int rc = json_enter(&w->in, (enum json_kind)kind, err);
	while (rc == 0) {
		rc = kind == JSON_OBJECT ? json_member(&w->in, err) : json_item(&w->in, err);
		if (rc <= 0)
			break;
		rc = kind == JSON_OBJECT
			 ? strbuf_printf(&w->path, "%s%s", len ? "." : "", w->in.key)
			 : strbuf_str(&w->path, "[]");
		rc = rc < 0 ? error_set(err, ENOMEM, "out of memory") : value(w, err);
		path_cut(w, len);
	}
	return rc;
}

int remap_document(struct remapping *r, const char *text, size_t len, struct strbuf *out,
		   struct error *err)
{
	struct walk w = { .r = r, .out = out };
	r->has_entry = false;
	if (!len)
		return 0;
	json_in_init_text(&w.in, text, len, r->image);
	int rc = value(&w, err);
	if (rc == 0)
		rc = json_finish(&w.in, err);
	if (rc == 0 && strbuf_add(out, text + w.copied, len - w.copied) < 0)
		rc = error_set(err, ENOMEM, "out of memory");
	json_in_fini(&w.in);
	strbuf_fini(&w.path);
	return rc;
}
