/* SPDX-License-Identifier: MIT
 * Inside of net/: connections the packet filter tracks, and those it expects: netns-ct-N.img and
 * netns-exp-N.img. All work in the namespace of the caller.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/context/restore.h"

int conntrack_dump(struct dump *d, uint32_t id, struct error *err);
int conntrack_load(struct restore *r, uint32_t id, struct error *err);
/** Once rules and addresses are there. */
int conntrack_fill(struct restore *r, uint32_t id, struct error *err);
