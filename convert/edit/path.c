/* SPDX-License-Identifier: MIT
 * Paths into images.
 */
#include "convert/edit/path.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/cleanup.h"
#include "convert/json/parse.h"

#define ENTRIES "entries"

static bool is_quote(char c)
{
	return c == '"' || c == '\'';
}

/* Behind a string in quotes, of which '…' knows no escapes. @return NULL: it has no end */
static const char *quoted_end(const char *text)
{
	const char quote = *text;
	for (text++; *text && *text != quote; text++)
		text += quote == '"' && *text == '\\' && text[1];
	return *text ? text + 1 : NULL;
}

/* The ] that closes a [; what is in quotes counts for nothing. @return NULL: there is none */
static const char *selector_end(const char *open)
{
	unsigned depth = 0;
	for (const char *at = open; *at;) {
		if (*at == '=' && is_quote(at[1])) {
			at = quoted_end(at + 1);
			if (!at)
				return NULL;
			continue;
		}
		depth += *at == '[';
		if (*at == ']' && !--depth)
			return at;
		at++;
	}
	return NULL;
}

const char *path_end(const char *text)
{
	for (; *text && *text != '='; text++) {
		const char *close = *text == '[' ? selector_end(text) : text;
		if (!close)
			return NULL;
		text = close;
	}
	return *text ? text : NULL;
}

int path_value_check(const char *value, struct error *err)
{
	const char *end = is_quote(*value) ? quoted_end(value) : NULL;
	if (is_quote(*value) && (!end || *end))
		return error_set(
		    err, EINVAL,
		    "%s: a value that begins with a quote ends with it: want \"…\" as in "
		    "JSON, or '…'",
		    value);
	if (*value != '"')
		return 0;
	auto_strbuf text = { 0 };
	auto_json_in in;
	json_in_init_text(&in, value, strlen(value), "the value in quotes");
	int rc = json_string(&in, &text, err);
	return rc == -EBADMSG ? -EINVAL : rc;
}

/* What stands between brackets. */
static int parse_selector(char *text, struct path_part *part, struct error *err)
{
	uint64_t index;
	const char *equals = path_end(text);
	if (equals) {
		char *value = text + (equals - text);
		*value++ = 0;
		part->select = SELECT_VALUE;
		part->key = text;
		part->value = value;
		if (!*text)
			return error_set(err, EINVAL, "[=%s]: which field?", value);
		return path_value_check(value, err);
	}
	if (!strcmp(text, "*")) {
		part->select = SELECT_ALL;
		return 0;
	}
	if (parse_u64(text, &index) < 0 || index > SIZE_MAX - 1)
		return error_set(err, EINVAL, "[%s]: want a number, * or field=value", text);
	part->select = SELECT_INDEX;
	part->index = (size_t)index;
	return 0;
}

/* @return what follows the part, NULL with err set */
static char *parse_part(char *at, struct path_part *part, struct error *err)
{
	size_t len = strcspn(at, ".[]");
	char *next = at + len;
	*part = (struct path_part){ .name = at };
	if (!len) {
		error_set(err, EINVAL, "\"%s\": want the name of a field", at);
		return NULL;
	}
	if (*next == '[') {
		const char *end = selector_end(next);
		if (!end) {
			error_set(err, EINVAL, "%s: no ] closes the [", at);
			return NULL;
		}
		char *close = next + (end - next);
		*next = *close = 0;
		if (parse_selector(next + 1, part, err) < 0)
			return NULL;
		next = close + 1;
	}
	if (*next == '.') {
		*next = 0;
		return next + 1;
	}
	if (*next) {
		error_set(err, EINVAL, "%s: want a dot, a [ or the end after %s", next, part->name);
		return NULL;
	}
	return next;
}

/* Parse the text into the parts behind those that are there. */
static int parse_parts(struct path *path, struct error *err)
{
	char *at = path->text;
	do {
		if (path->nr == PATH_PARTS_MAX)
			return error_set(err, EINVAL, "more than %d parts", PATH_PARTS_MAX);
		at = parse_part(at, &path->parts[path->nr], err);
		if (!at)
			return -EINVAL;
		path->nr++;
	} while (*at);
	return 0;
}

static int parse(const char *text, size_t len, bool in_image, struct path *out, struct error *err)
{
	*out = (struct path){ .text = strndup(text, len) };
	if (!out->text)
		return error_set(err, ENOMEM, "out of memory");
	size_t head = strcspn(out->text, ".[");
	if (in_image && (head != strlen(ENTRIES) || strncmp(out->text, ENTRIES, head) != 0))
		out->parts[out->nr++] = (struct path_part){ .name = ENTRIES };
	int rc = parse_parts(out, err);
	if (rc < 0)
		path_fini(out);
	return rc;
}

int path_parse(const char *text, size_t len, struct path *out, struct error *err)
{
	return parse(text, len, true, out, err);
}

int path_parse_below(const char *text, struct path *out, struct error *err)
{
	return parse(text, strlen(text), false, out, err);
}

void path_fini(struct path *path)
{
	free(path->text);
	*path = (struct path){ 0 };
}
