/* SPDX-License-Identifier: MIT
 * Inside of net/: what else a network namespace has that no image of CRIU tells of, as the messages
 * that make it: netns_entry.objects.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/strbuf.h"

struct nl;

/** In a namespace: what can be carried is added to `out`; NULL: what cannot be is refused. */
int net_objects_read(struct strbuf *out, struct error *err);
/** Has IPVS a service? @param text  of /proc/net/ip_vs */
bool net_ipvs_is_used(const char *text);
/** @return 0; -EBADMSG: they are something else */
int net_objects_check(const struct strbuf *messages, struct error *err);
/** @param early  those that routes need, else the others */
int net_objects_set(const struct strbuf *messages, bool early, struct nl *rt, struct error *err);
