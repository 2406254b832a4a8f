/* SPDX-License-Identifier: MIT
 * Parts of the application: what it does with any view, pages that end.
 */
#pragma once

#include "viewer/app.h"

/** Close the page in front, or leave. */
void app_close(struct app *app);
/** Leave; changes that wait are not lost without a word. */
void app_quit(struct app *app);
/** Stop what is under way, or say that it cannot be. */
void app_job_stop(struct app *app);
/** ACT_SEARCH asks for a text, ACT_NEXT and ACT_PREV go to the next row that holds it. */
void app_search(struct view *v, enum action action);
void app_filter_ask(struct view *v);
/** Read on, whichever view is in front. @return whether rows are still to come: wait for them */
bool app_rows_coming(struct view *v);
/** @param text  "": no filter */
void app_filter(struct view *v, const char *text);
void app_write_ask(struct view *v);
/** The key whose hint stands at a column of the last line; KEY_NONE: no hint does. */
uint32_t app_hint_at(struct app *app, int x);
