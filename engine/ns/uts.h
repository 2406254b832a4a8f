/* SPDX-License-Identifier: MIT
 * UTS namespaces: host and domain name. utsns-N.img.
 */
#pragma once

#include "engine/ns/ns.h"

int uts_dump(struct dump *d, const struct ns_seen *ns, struct error *err);
int uts_load(struct restore *r, uint32_t id, struct error *err);
int uts_fill(struct restore *r, uint32_t id, struct error *err);
