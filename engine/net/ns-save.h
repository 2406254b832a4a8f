/* SPDX-License-Identifier: MIT
 * Inside of net/: images of a network namespace that are no messages.
 */
#pragma once

#include "base/strbuf.h"
#include "engine/net/nl.h"
#include "engine/restore.h"
#include "images/image-type.h"

/** A raw image as a whole; one that is not there is empty. */
int netns_raw_read(struct restore *r, enum image_id id, uint32_t number, struct strbuf *out,
		   struct error *err);

/** Check ifaddr-N.img, route-N.img, route6-N.img and rule-N.img. */
int netns_save_load(struct restore *r, uint32_t id, struct error *err);
/** Addresses, routes and rules become those of the images. */
int netns_save_fill(struct restore *r, uint32_t id, struct nl *rt, struct error *err);
