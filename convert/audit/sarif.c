/* SPDX-License-Identifier: MIT
 * Findings as a SARIF 2.1.0 log, for what collects results of many tools.
 * Source: Static Analysis Results Interchange Format (SARIF) Version 2.1.0, OASIS standard.
 */
#include <string.h>

#include "base/version.h"
#include "convert/audit/audit.h"
#include "convert/json/emit.h"

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

static void member_str(struct json_out *out, const char *key, const char *value)
{
	json_key(out, key);
	json_str(out, value);
}

static void member_text(struct json_out *out, const char *key, const char *value)
{
	json_key(out, key);
	json_begin(out, '{');
	member_str(out, "text", value);
	json_end(out, '}');
}

static void rule_write(const struct rule *rule, struct json_out *out)
{
	json_begin(out, '{');
	member_str(out, "id", rule->name);
	member_text(out, "shortDescription", rule->title);
	member_text(out, "fullDescription", rule->help);
	json_key(out, "defaultConfiguration");
	json_begin(out, '{');
	member_str(out, "level", severity_names[rule->severity]);
	json_end(out, '}');
	json_end(out, '}');
}

/* Image names have no character that a URI has to escape. */
static void location_write(const struct finding *f, struct json_out *out)
{
	char image[64];
	json_key(out, "locations");
	json_begin(out, '[');
	json_begin(out, '{');
	json_key(out, "physicalLocation");
	json_begin(out, '{');
	json_key(out, "artifactLocation");
	json_begin(out, '{');
	member_str(out, "uri", finding_image(f, image, sizeof(image)));
	json_end(out, '}');
	json_end(out, '}');
	if (f->pid) {
		json_key(out, "logicalLocations");
		json_begin(out, '[');
		json_begin(out, '{');
		member_str(out, "name", f->comm);
		json_key(out, "fullyQualifiedName");
		json_strf(out, "%u/%s", f->pid, f->comm);
		member_str(out, "kind", "process");
		json_end(out, '}');
		json_end(out, ']');
	}
	json_end(out, '}');
	json_end(out, ']');
}

static void properties_write(const struct finding *f, struct json_out *out)
{
	json_key(out, "properties");
	json_begin(out, '{');
	member_str(out, "object", f->object);
	member_str(out, "evidence", f->evidence);
	if (f->pid) {
		json_key(out, "pid");
		json_u64(out, f->pid);
	}
	if (f->entry != NO_ENTRY) {
		json_key(out, "entry");
		json_u64(out, f->entry);
	}
	json_key(out, "processes");
	json_u64(out, f->processes);
	json_end(out, '}');
}

static void result_write(const struct finding *f, struct json_out *out)
{
	const struct rule *rule = &audit_rules[f->rule];
	json_begin(out, '{');
	member_str(out, "ruleId", rule->name);
	json_key(out, "ruleIndex");
	json_u64(out, f->rule);
	member_str(out, "level", severity_names[f->severity]);
	json_key(out, "message");
	json_begin(out, '{');
	json_key(out, "text");
	json_str_begin(out);
	json_str_add(out, rule->title, strlen(rule->title));
	if (f->object[0]) {
		json_str_add(out, ": ", 2);
		json_str_add(out, f->object, strlen(f->object));
	}
	json_str_add(out, "; ", 2);
	json_str_add(out, f->evidence, strlen(f->evidence));
	json_str_end(out);
	json_end(out, '}');
	location_write(f, out);
	json_key(out, "occurrenceCount");
	json_u64(out, f->places);
	properties_write(f, out);
	json_end(out, '}');
}

static void run_write(const struct findings *list, enum severity least, struct json_out *out)
{
	json_begin(out, '{');
	json_key(out, "tool");
	json_begin(out, '{');
	json_key(out, "driver");
	json_begin(out, '{');
	member_str(out, "name", "crit audit");
	member_str(out, "version", STASIS_VERSION);
	json_key(out, "rules");
	json_begin(out, '[');
	for (size_t i = 0; i < NR_RULES; i++)
		rule_write(&audit_rules[i], out);
	json_end(out, ']');
	json_end(out, '}');
	json_end(out, '}');
	json_key(out, "results");
	json_begin(out, '[');
	for (size_t i = 0; i < list->nr; i++) {
		if (list->items[i].severity >= least)
			result_write(&list->items[i], out);
	}
	json_end(out, ']');
	json_end(out, '}');
}

int audit_write_sarif(const struct findings *list, enum severity least, int fd, const char *name,
		      struct error *err)
{
	auto_json_out out = { 0 };
	int rc = json_out_init(&out, fd, name, true, err);
	if (rc < 0)
		return rc;
	json_begin(&out, '{');
	member_str(&out, "$schema", SCHEMA);
	member_str(&out, "version", "2.1.0");
	json_key(&out, "runs");
	json_begin(&out, '[');
	run_write(list, least, &out);
	json_end(&out, ']');
	json_end(&out, '}');
	json_raw(&out, "\n", 1);
	return json_out_flush(&out, err);
}
