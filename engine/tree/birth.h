/* SPDX-License-Identifier: MIT
 * The life of a restored task from its birth until the restorer takes over.
 */
#pragma once

#include "base/error.h"
#include "engine/context/restore.h"

/**
 * Bear the root; it and its descendants follow r->plan by themselves.
 * @return 0; -EEXIST naming who has the pid now
 */
int birth_root(struct restore *r, struct error *err);
