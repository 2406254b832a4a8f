/* SPDX-License-Identifier: MIT
 * Images of the set as views.
 */
#pragma once

#include "viewer/app.h"

/**
 * Open an image on a page of its own.
 * @param p      the process it is looked at for, or NULL
 * @param entry  to begin with, unfolded; SIZE_MAX: none
 */
void image_open_page(struct app *app, const struct process *p, const char *name, size_t entry);

/** The same at a field of an entry, as image_view_path() says it, or as near as can be. */
void image_open_path(struct app *app, const struct process *p, const char *name, const char *path);
/** Where the cursor is in an image: "entries[3].reg.name"; "": nowhere. Appended. */
int image_view_path(struct view *v, struct strbuf *out);

/** The first entry of an image of one process. @param id  IMG_CORE, …; @param p  NULL: says so */
void image_open_of(struct app *app, const struct process *p, enum image_id id);

/**
 * The first entry of an image that fits.
 * @return 1 with *out; 0: none does, or there is no such image; -errno
 */
int image_find_entry(struct app *app, const char *name,
		     bool (*fits)(const void *arg, const ProtobufCMessage *msg), const void *arg,
		     size_t *out, struct error *err);

/** Which image a view shows; NULL: none, it is not of view_image or view_raw. Borrowed. */
const char *image_view_name(const struct view *v);
/** The entry such a view was opened for; SIZE_MAX: none. */
size_t image_view_entry(const struct view *v);
/** The field in it, "entries[3].reg.name"; "": none. */
const char *image_view_field(const struct view *v);
/** As view_ops.command. */
void image_view_command(struct view *v, struct strbuf *out);
