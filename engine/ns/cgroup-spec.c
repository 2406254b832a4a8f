/* SPDX-License-Identifier: MIT
 * The small part of YAML that --cgroup-props is written in; line ends mean nothing here.
 */
#include "engine/ns/cgroup-spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define BLANKS    " \t\r\n"
#define SEPARATOR ":-[],\"" BLANKS

struct parser {
	const char *start, *at, *what;
	struct cgroup_spec *spec;
};

static void skip_blanks(struct parser *p)
{
	p->at += strspn(p->at, BLANKS);
	while (!strncmp(p->at, "\\n", 2)) /* as a shell passes it on */
		p->at += 2 + strspn(p->at + 2, BLANKS);
}

static int fail(const struct parser *p, const char *wanted, struct error *err)
{
	unsigned line = 1;
	for (const char *c = p->start; c < p->at; c++)
		line += *c == '\n';
	return error_set(err, EINVAL, "%s: line %u: %s expected before \"%.20s\"", p->what, line,
			 wanted, p->at);
}

static bool has(struct parser *p, char c)
{
	skip_blanks(p);
	bool found = *p->at == c;
	p->at += found;
	return found;
}

static int need(struct parser *p, char c, struct error *err)
{
	const char wanted[] = { '\'', c, '\'', 0 };
	return has(p, c) ? 0 : fail(p, wanted, err);
}

/* Quoted or not. */
static int word(struct parser *p, const char **out, struct error *err)
{
	skip_blanks(p);
	bool quoted = *p->at == '"';
	const char *from = p->at + quoted;
	size_t len = strcspn(from, quoted ? "\"\n" : SEPARATOR);
	if (len == 0 || (quoted && from[len] != '"'))
		return fail(p, "a word", err);
	char **slot = array_add(&p->spec->texts);
	if (!slot || !(*slot = strndup(from, len)))
		return error_set(err, ENOMEM, "out of memory");
	*out = *slot;
	p->at = from + len + quoted;
	return 0;
}

static int strategy(struct parser *p, struct cgroup_spec_row *row, struct error *err)
{
	const char *text;
	int rc = word(p, &text, err);
	if (rc < 0)
		return rc;
	row->replaces = !strcmp(text, "replace");
	return row->replaces || !strcmp(text, "merge")
		   ? 0
		   : error_set(err, EINVAL, "%s: strategy %s is neither merge nor replace", p->what,
			       text);
}

static int files(struct parser *p, struct cgroup_spec_row *row, struct error *err)
{
	int rc = need(p, '[', err);
	for (bool first = true; rc == 0 && !has(p, ']'); first = false) {
		const char *file;
		rc = first ? 0 : need(p, ',', err);
		if (rc == 0)
			rc = word(p, &file, err);
		if (rc < 0)
			return rc;
		if (strchr(file, '/'))
			return error_set(err, EINVAL, "%s: %s is no name of a control file",
					 p->what, file);
		const char **slot = array_add(&row->files);
		if (!slot)
			return error_set(err, ENOMEM, "out of memory");
		*slot = file;
	}
	return rc;
}

static int controller(struct parser *p, struct error *err)
{
	struct cgroup_spec_row *row = array_add(p->spec);
	if (!row)
		return error_set(err, ENOMEM, "out of memory");
	*row = (struct cgroup_spec_row){ 0 };
	int rc = word(p, &row->controller, err);
	if (rc == 0)
		rc = need(p, ':', err);
	while (rc == 0 && has(p, '-')) {
		const char *key;
		rc = word(p, &key, err);
		if (rc == 0)
			rc = need(p, ':', err);
		if (rc < 0)
			return rc;
		if (!strcmp(key, "strategy"))
			rc = strategy(p, row, err);
		else if (!strcmp(key, "properties"))
			rc = files(p, row, err);
		else
			return error_set(err, EINVAL,
					 "%s: %s is neither \"strategy\" nor \"properties\"",
					 p->what, key);
	}
	return rc;
}

int cgroup_spec_parse(struct cgroup_spec *spec, const char *text, const char *what,
		      struct error *err)
{
	struct parser p = { .start = text, .at = text, .what = what, .spec = spec };
	int rc = 0;
	for (skip_blanks(&p); rc == 0 && *p.at; skip_blanks(&p))
		rc = controller(&p, err);
	return rc;
}

void cgroup_spec_fini(struct cgroup_spec *spec)
{
	for (size_t i = 0; i < spec->nr; i++)
		free(spec->items[i].files.items);
	for (size_t i = 0; i < spec->texts.nr; i++)
		free(spec->texts.items[i]);
	free(spec->items);
	free(spec->texts.items);
}

bool cgroup_name_has(const char *hierarchy, const char *controller)
{
	size_t len = strlen(controller);
	for (const char *at = hierarchy; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, controller, len) && (at[len] == ',' || !at[len]))
			return true;
	}
	return false;
}

bool cgroup_spec_is_for(const struct cgroup_spec_row *row, const char *hierarchy)
{
	return !*hierarchy || cgroup_name_has(hierarchy, row->controller);
}
