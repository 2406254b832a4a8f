/* SPDX-License-Identifier: MIT
 * Images that are no messages, as the text that show makes of them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "convert/codec/image.h"
#include "viewer/image.h"
#include "viewer/sheet.h"
#include "viewer/views.h"

static int raw_reopen(void *arg, struct image_reader **out, struct error *err)
{
	struct view *v = arg;
	return image_open(v->app->src, image_view_name(v), out, err);
}

static int raw_write(struct view *v, struct doc *doc, struct error *err)
{
	auto_image_reader r = NULL;
	auto_json_out json = { .fd = -1 };
	const struct image_json how = { .raw = {
					    .no_payload = true, .reopen = raw_reopen, .arg = v } };
	int rc = image_open(v->app->src, image_view_name(v), &r, err);
	if (rc == 0)
		rc = json_out_init(&json, -1, image_view_name(v), true, err);
	if (rc == 0)
		rc = image_to_json(r, &how, &json, err);
	for (size_t at = 0; rc == 0 && at < json.len;) {
		const char *line = json.buf + at, *end = memchr(line, '\n', json.len - at);
		size_t len = end ? (size_t)(end - line) : json.len - at;
		doc_text(doc, "%.*s", (int)len, line);
		at += len + 1;
	}
	return rc;
}

static int raw_open(struct view *v, struct error *err)
{
	return sheet_write(v, raw_write, err);
}

static void raw_close(struct view *v)
{
	sheet_close(v);
	free(v->arg);
}

static void raw_title(struct view *v, struct line *line)
{
	line_str(line, image_view_name(v));
}

const struct view_ops view_raw = {
	.name = "image",
	.places = IN_LIST | IN_FOLDS,
	.state_size = sizeof(struct sheet),
	.open = raw_open,
	.close = raw_close,
	.rows = sheet_rows,
	.row = sheet_row,
	.below = sheet_below,
	.reveal = sheet_reveal,
	.act = sheet_act,
	.idle = sheet_idle,
	.command = image_view_command,
	.title = raw_title,
};
