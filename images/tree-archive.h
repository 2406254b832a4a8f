/* SPDX-License-Identifier: MIT
 * A directory and all below it as a .tar.gz, and back: what tmpfs-dev-N.tar.gz.img holds.
 */
#pragma once

#include "images/source.h"

/**
 * Names, bytes, holes, owners (by number), modes, times, hard links, devices, FIFOs, extended
 * attributes and ACLs; no sockets, and nothing of file systems mounted below. The current
 * directory is another one meanwhile.
 * @param fd  to write to; @param name  of the image, for messages
 */
int tree_archive_write(int dir, int fd, const char *name, struct error *err);
/** @param dir  an empty directory, which gets the mode and owner of the stored one, too */
int tree_archive_extract(struct istream *in, int dir, const char *name, struct error *err);
