/* SPDX-License-Identifier: MIT
 * Where one is, to be there again when the set was opened anew.
 */
#pragma once

#include "viewer/app.h"

struct trail;

/** @return NULL when memory is short, or there is nowhere to come back to */
struct trail *trail_take(struct app *app);
/** Open again what was open, as far as it is still there (the set itself, for one). Takes the
 * trail, which may be NULL. */
void trail_go(struct app *app, struct trail *trail);
