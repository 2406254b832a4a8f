/* SPDX-License-Identifier: MIT
 * Namespaces that are there already: --join-ns KIND:FILE, or user:FILE,UID,GID.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "engine/context/ns-kinds.h"
#include "engine/context/options.h"

/** Is every --join-ns of a kind that can be joined? @return 0; -EINVAL naming it */
int ns_join_check(const struct options *opts, struct error *err);
/** What --join-ns user:FILE,UID,GID says; 0 and 0 without. */
void ns_join_user_ids(const struct options *opts, uint32_t ids[2]);
/** @param fd  set to a descriptor of the one to join. @return 1; 0: none is to be joined; -errno */
int ns_join_open(const struct options *opts, enum ns_kind kind, int *fd, struct error *err);
