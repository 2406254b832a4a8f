/* SPDX-License-Identifier: MIT
 * The line in which something is typed.
 */
#pragma once

#include "viewer/app.h"

void prompt_key(struct app *app, uint32_t key);
/** Draw it into the last row, with the cursor. */
void prompt_draw(struct app *app, int y);
