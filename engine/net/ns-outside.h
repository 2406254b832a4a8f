/* SPDX-License-Identifier: MIT
 * Inside of net/: devices of a network namespace that are connected with the outside.
 */
#pragma once

#include "engine/context/options.h"
#include "engine/net/ns-set.h"

/** Was --external KIND[NAME] given, with or without a value? */
bool netns_is_external(const struct options *opts, const char *kind, const char *name);
/**
 * By the coordinator, outside: make the devices that take something of the outside, or move those
 * that were made for it.
 * @param fd  the namespace they belong to
 */
int netns_connect(struct restore *r, const struct netns *ns, int fd, struct error *err);
