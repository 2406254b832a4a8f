/* SPDX-License-Identifier: MIT
 * Devices of a network namespace that are connected with the outside.
 */
#pragma once

#include "engine/options.h"

/** Was --external KIND[NAME] given, with or without a value? */
bool netns_is_external(const struct options *opts, const char *kind, const char *name);
