/* SPDX-License-Identifier: MIT
 * Inside net/: netlink sockets as the kernel tells them.
 */
#pragma once

struct netlink_list;

/** NULL is fine. */
void netlink_list_free(struct netlink_list *list);
