/* SPDX-License-Identifier: MIT
 * Changes that wait to be written, all of them or none.
 */
#pragma once

#include "viewer/view.h"

/**
 * Ask for a new value; it is tried at once, and kept when it fits.
 * @param path   of the field, "entries[0].tc.comm"
 * @param value  it has now; NULL: take the field away, nothing is asked
 */
void edits_ask(struct view *v, const char *image, const char *path, const char *value);
/** Open the review of what waits. */
void edits_review(struct app *app);
void edits_free(struct app *app);
size_t edits_count(const struct app *app);
/** What waits for a field: "old -> new". NULL: nothing does. */
const char *edits_waiting(const struct app *app, const char *image, const char *path);
