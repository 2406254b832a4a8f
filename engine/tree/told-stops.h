/* SPDX-License-Identifier: MIT
 * Children that stand stopped, and whose parents have been told of that before the dump.
 */
#pragma once

#include "base/error.h"
#include "engine/context/restore.h"

bool told_stop(const struct rtask *t);
/** Stop them, while nobody is traced yet. */
int told_stops_make(struct restore *r, struct error *err);
/** Tell their parents, who stand stopped under this tracer, and do not notice. */
int told_stops_tell(struct restore *r, struct error *err);
