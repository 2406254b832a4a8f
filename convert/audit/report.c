/* SPDX-License-Identifier: MIT
 * Findings as a document.
 */
#include "base/array.h"
#include "convert/audit/audit.h"

static void finding_row(const struct finding *f, struct doc *doc)
{
	char image[64];
	doc_row(doc);
	doc_str(doc, NULL, NULL, severity_names[f->severity]);
	doc_str(doc, NULL, NULL, audit_rules[f->rule].name);
	if (f->pid)
		doc_u64(doc, NULL, NULL, f->pid);
	else
		doc_none(doc, NULL, NULL);
	doc_str(doc, NULL, NULL, f->comm[0] ? f->comm : NULL);
	doc_str(doc, NULL, NULL, f->object[0] ? f->object : NULL);
	doc_str(doc, NULL, NULL, f->evidence);
	doc_u64(doc, NULL, NULL, f->places);
	doc_u64(doc, NULL, NULL, f->processes);
	doc_str(doc, NULL, NULL, finding_image(f, image, sizeof(image)));
	if (f->entry != NO_ENTRY)
		doc_u64(doc, NULL, NULL, f->entry);
	else
		doc_none(doc, NULL, NULL);
}

void audit_write(const struct findings *list, enum severity least, struct doc *doc)
{
	static const struct doc_column columns[] = {
		{ "severity", "SEVERITY", DOC_LEFT }, { "rule", "RULE", DOC_LEFT },
		{ "pid", "PID", DOC_RIGHT },          { "comm", "PROCESS", DOC_LEFT },
		{ "object", "OBJECT", DOC_LEFT },     { "evidence", "EVIDENCE", DOC_LEFT },
		{ "places", "PLACES", DOC_RIGHT },    { "processes", NULL, DOC_RIGHT },
		{ "image", "IMAGE", DOC_LEFT },       { "entry", "ENTRY", DOC_RIGHT },
	};
	size_t counts[NR_SEVERITIES] = { 0 };
	doc_table(doc, "findings", NULL, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < list->nr; i++) {
		counts[list->items[i].severity]++;
		if (list->items[i].severity >= least)
			finding_row(&list->items[i], doc);
	}
	doc_end(doc);
	doc_object(doc, "count", NULL);
	for (int i = NR_SEVERITIES; i-- > 0;)
		doc_u64(doc, severity_names[i], NULL, counts[i]);
	doc_u64(doc, "left_out", NULL, list->left_out);
	doc_end(doc);
	if (list->left_out)
		doc_text(doc, "%llu more findings are left out",
			 (unsigned long long)list->left_out);
}

void audit_write_rules(struct doc *doc)
{
	static const struct doc_column columns[] = {
		{ "rule", "RULE", DOC_LEFT },
		{ "severity", "SEVERITY", DOC_LEFT },
		{ "title", "TITLE", DOC_LEFT },
		{ "help", "HELP", DOC_LEFT },
	};
	doc_table(doc, "rules", NULL, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < NR_RULES; i++) {
		doc_row(doc);
		doc_str(doc, NULL, NULL, audit_rules[i].name);
		doc_str(doc, NULL, NULL, severity_names[audit_rules[i].severity]);
		doc_str(doc, NULL, NULL, audit_rules[i].title);
		doc_str(doc, NULL, NULL, audit_rules[i].help);
	}
	doc_end(doc);
}
