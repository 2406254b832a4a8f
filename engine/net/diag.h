/* SPDX-License-Identifier: MIT
 * Questions to the kernel about the sockets of this network namespace: sock_diag(7).
 */
#pragma once

#include <libmnl/libmnl.h>
#include <stddef.h>

/**
 * Send a request to NETLINK_SOCK_DIAG and hand each answer to `each`, which sets errno when it
 * returns MNL_CB_ERROR.
 * @param ask  a whole message, its nlmsghdr first; @param arg  for `each`
 * @return 0; -errno. A family this kernel knows nothing about has no answers, and is no error.
 */
int diag_ask(const void *ask, size_t len, mnl_cb_t each, void *arg);
