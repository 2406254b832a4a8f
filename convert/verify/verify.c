/* SPDX-License-Identifier: MIT
 * The order of a check, and its findings.
 */
#include "convert/verify/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "convert/verify/check.h"

static const struct doc_column columns[] = {
	{ "image", "IMAGE", DOC_LEFT },
	{ "entry", "ENTRY", DOC_RIGHT },
	{ "field", "FIELD", DOC_LEFT },
	{ "finding", "FINDING", DOC_LEFT },
};

void finding_at(struct check *check, const char *image, const uint64_t *entry, const char *path,
		const char *fmt, ...)
{
	char text[1200];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	check->nr_findings++;
	if (!check->doc) {
		struct error why;
		error_set(&why, EBADMSG, "%s: %s", image, damage_reason(image, text));
		damage_noted(check->src, -EBADMSG, &why);
		return;
	}
	doc_row(check->doc);
	doc_str(check->doc, NULL, NULL, image);
	if (entry)
		doc_u64(check->doc, NULL, NULL, *entry);
	else
		doc_none(check->doc, NULL, NULL);
	doc_str(check->doc, NULL, NULL, path && *path ? path : NULL);
	doc_str(check->doc, NULL, NULL, text);
}

int place_path(const struct place *at, const char *field, struct strbuf *out)
{
	int rc = 0;
	for (unsigned i = 0; rc == 0 && i < at->depth; i++) {
		const struct step *step = &at->steps[i];
		rc = strbuf_printf(out, "%s%s", i ? "." : "", step->field->name);
		if (rc == 0 && step->field->label == PROTOBUF_C_LABEL_REPEATED)
			rc = strbuf_printf(out, "[%zu]", step->index);
	}
	if (rc == 0 && field)
		rc = strbuf_printf(out, "%s%s", at->depth ? "." : "", field);
	return rc;
}

void finding(struct check *check, const struct place *at, const char *field, const char *fmt, ...)
{
	char text[1200];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	auto_strbuf path = { 0 };
	/* Short of memory the path is shorter, the finding stays. */
	place_path(at, field, &path);
	finding_at(check, at->image, &at->entry, path.data, "%s", text);
}

int segment_add(struct check *check, uint64_t id, uint64_t size)
{
	for (size_t i = 0; i < check->segments.nr; i++) {
		struct segment *segment = &check->segments.items[i];
		if (segment->id != id)
			continue;
		if (segment->size < size)
			segment->size = size;
		return 0;
	}
	struct segment *segment = array_add(&check->segments);
	if (!segment)
		return -ENOMEM;
	*segment = (struct segment){ id, size };
	return 0;
}

static void check_fini(struct check *check)
{
	references_fini(check);
	free(check->segments.items);
	free(check->broken);
	free(check->value_fields);
	if (check->inventory)
		protobuf_c_message_free_unpacked(&check->inventory->base, NULL);
}

static int check_init(struct check *check, struct error *err)
{
	ssize_t nr = source_list(check->src, &check->members, err);
	if (nr < 0)
		return (int)nr;
	check->nr_members = (size_t)nr;
	check->broken = calloc(check->nr_members + 1, sizeof(bool));
	if (!check->broken)
		return error_set(err, ENOMEM, "out of memory");
	int rc = references_init(check, err);
	return rc < 0 ? rc : values_init(check, err);
}

int verify_framing(struct source *src, struct error *err)
{
	__attribute__((cleanup(check_fini))) struct check check = { .src = src };
	int rc = check_init(&check, err);
	if (rc == 0)
		rc = walk_images(&check, err);
	if (rc == 0)
		rc = check_pages(&check, err);
	return rc < 0 ? rc : check_container(&check, err);
}

int verify_source(struct source *src, struct doc *doc, struct progress *progress, struct error *err)
{
	__attribute__((cleanup(check_fini))) struct check check = { .src = src,
								    .doc = doc,
								    .progress = progress };
	int rc = check_init(&check, err);
	if (rc < 0)
		return rc;
	doc_table(doc, "findings", NULL, columns, ARRAY_SIZE(columns));
	rc = walk_images(&check, err);
	if (rc == 0) {
		references_finish(&check);
		needs_finish(&check);
		rc = check_processes(&check, err);
	}
	if (rc == 0)
		rc = check_mount_trees(&check, err);
	if (rc == 0)
		rc = check_networks(&check, err);
	if (rc == 0)
		rc = check_pages(&check, err);
	if (rc == 0)
		rc = check_container(&check, err);
	doc_end(doc);
	doc_u64(doc, "count", NULL, check.nr_findings);
	if (rc < 0)
		return rc;
	return check.nr_findings ? 1 : 0;
}
