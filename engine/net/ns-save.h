/* SPDX-License-Identifier: MIT
 * Inside of net/: images of a network namespace that are no messages.
 */
#pragma once

#include "base/strbuf.h"
#include "engine/context/restore.h"
#include "engine/net/nl.h"
#include "images/image-type.h"
#include "network.pb-c.h"

/** A raw image as a whole; one that is not there is empty. */
int netns_raw_read(struct restore *r, enum image_id id, uint32_t number, struct strbuf *out,
		   struct error *err);

/** The bytes of a field, borrowed; none: NULL, or a field that is not there */
struct strbuf netns_bytes(const ProtobufCBinaryData *field);

/** Check ifaddr-N.img, route-N.img, route6-N.img and rule-N.img.
 *  @param conf  whoever has written that has written those as well; NULL: one of old */
int netns_save_load(struct restore *r, uint32_t id, const NetnsEntry *conf, struct error *err);
int netns_refuse_missing(const char *name, uint32_t id, struct error *err);
/** Addresses and routes of one device, message behind message. */
int netns_save_device_dump(struct nl *rt, uint32_t ifindex, struct strbuf *out, struct error *err);
/** Give it those. @param bytes  as dumped */
int netns_save_device_fill(struct nl *rt, const void *bytes, size_t len, struct error *err);
/** Addresses, routes and rules become those of the images. @param objects  of ns-objects.h */
int netns_save_fill(struct restore *r, uint32_t id, const struct strbuf *objects, struct nl *rt,
		    struct error *err);
