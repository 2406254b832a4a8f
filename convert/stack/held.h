/* SPDX-License-Identifier: MIT
 * Mapped files that an archive carries: what a container changed in its root file system.
 */
#pragma once

#include "files.pb-c.h"
#include "images/source.h"

#define HELD_MAX (512u << 20) /* a larger file is not taken out of the archive */

/**
 * A mapped file out of rootfs-diff.tar, if it is the one that was dumped.
 * @return a descriptor of a copy without a name; -ENOENT: not in there, or no such archive;
 *         -ESTALE; -EBADMSG: the archive is broken
 */
int held_open(struct source *src, const RegFileEntry *reg, struct error *err);
