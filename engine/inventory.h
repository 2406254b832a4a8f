/* SPDX-License-Identifier: MIT
 * inventory.img: is this a whole set, of a version and kind that can be restored?
 */
#pragma once

#include "base/error.h"
#include "engine/restore.h"

int inventory_load(struct restore *r, struct error *err);
