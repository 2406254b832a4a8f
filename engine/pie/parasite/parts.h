/* SPDX-License-Identifier: MIT
 * Parts of the parasite.
 */
#pragma once

#include "engine/pie/parasite-area.h"

/** @return LANDLOCK_*, of the calling thread */
int32_t ask_landlock(const struct parasite_request *req);
/** The engine is gone: send the other threads away and wait until none runs in the mapping. */
void leave_wait_for_threads(struct parasite_area *area);
