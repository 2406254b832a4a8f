/* SPDX-License-Identifier: MIT
 * Images of the set are found and opened on pages.
 */
#include "viewer/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "viewer/hex.h"
#include "viewer/views.h"

/* What their views are opened for. */
struct image_arg {
	size_t entry;
	char name[]; /* behind it the path of a field */
};

/* Bytes alone say more than what show makes of them. */
static bool is_bytes(const struct image_type *type)
{
	return !type || (!type->entry && (type->id == IMG_PAGES || type->id == IMG_PAGES_OLD));
}

static void page_open(struct app *app, const struct process *p, const char *name, size_t entry,
		      const char *field)
{
	const struct image_type *type = image_type_by_filename(name);
	struct error err;
	struct bytes *b;
	if (is_bytes(type) && !image_type_of_messages(name)) {
		if (bytes_of_member(app, name, &b, &err) < 0) {
			app_fail(app, &err);
			return;
		}
		b->process = p;
		hex_open(app, b, 0);
		return;
	}
	size_t len = strlen(name) + 1;
	struct image_arg *arg = calloc(1, sizeof(*arg) + len + strlen(field) + 1);
	if (!arg) {
		app_say(app, "out of memory");
		return;
	}
	arg->entry = entry;
	strcpy(arg->name, name);
	strcpy(arg->name + len, field);
	app_open(app, type && !type->entry ? &view_raw : &view_image, p, arg);
}

void image_open_page(struct app *app, const struct process *p, const char *name, size_t entry)
{
	page_open(app, p, name, entry, "");
}

void image_open_path(struct app *app, const struct process *p, const char *name, const char *path)
{
	size_t entry = SIZE_MAX;
	sscanf(path, "entries[%zu]", &entry);
	page_open(app, p, name, entry, path);
}

void image_open_of(struct app *app, const struct process *p, enum image_id id)
{
	char name[64];
	if (!p)
		app_say(app, "no image has all of this");
	else
		image_open_page(app, p,
				image_filename(&image_types[id], p->pid, name, sizeof(name)), 0);
}

const char *image_view_name(const struct view *v)
{
	bool is_one = v->ops == &view_image || v->ops == &view_raw;
	return is_one ? ((const struct image_arg *)v->arg)->name : NULL;
}

size_t image_view_entry(const struct view *v)
{
	return ((const struct image_arg *)v->arg)->entry;
}

const char *image_view_field(const struct view *v)
{
	const char *name = image_view_name(v);
	return name + strlen(name) + 1;
}

void image_view_command(struct view *v, struct strbuf *out)
{
	strbuf_printf(out, "show %s", source_is_archive(v->app->src) ? "{}:" : "{}/");
	command_word(image_view_name(v), out);
}

int image_find_entry(struct app *app, const char *name,
		     bool (*fits)(const void *arg, const ProtobufCMessage *msg), const void *arg,
		     size_t *out, struct error *err)
{
	auto_image_reader r = NULL;
	int rc = image_open(app->src, name, &r, err);
	for (size_t i = 0; rc >= 0; i++) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, err);
		if (rc > 0 && fits(arg, msg)) {
			*out = i;
			return 1;
		}
		if (rc <= 0)
			break;
	}
	return rc == -ENOENT ? 0 : rc;
}
