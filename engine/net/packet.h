/* SPDX-License-Identifier: MIT
 * Packet sockets: those seen by a dump, and their rings, which a task may have mapped.
 */
#pragma once

#include "engine/context/dump.h"

struct packet_list;

/** NULL is fine. */
void packet_list_free(struct packet_list *list);
/** The file id of a socket that somebody has mapped, by inode; 0: no descriptor leads to it. */
uint32_t packet_mapped_id(const struct dump *d, uint32_t ino);
