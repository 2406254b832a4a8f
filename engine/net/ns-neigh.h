/* SPDX-License-Identifier: MIT
 * Inside of net/: neighbours of a network namespace that somebody has entered, as the messages that
 * enter them: netns_entry.neighbours.
 */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"

struct nl;

int net_neighbours_read(struct nl *rt, struct strbuf *out, struct error *err);
/** @return 0; -EBADMSG: they are something else */
int net_neighbours_check(const struct strbuf *messages, struct error *err);
int net_neighbours_set(const struct strbuf *messages, struct nl *rt, struct error *err);
