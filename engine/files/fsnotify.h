/* SPDX-License-Identifier: MIT
 * Inside files/: what inotify and fanotify descriptors watch.
 */
#pragma once

#include "engine/files/file.h"

/** When all descriptors are known: are the deleted files that are watched among them? */
int watches_settle(struct dump *d, struct error *err);
