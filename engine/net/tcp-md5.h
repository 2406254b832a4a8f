/* SPDX-License-Identifier: MIT
 * Keys for signatures of TCP segments (TCP_MD5SIG, RFC 2385), both directions. No option reads
 * them; sock_diag(7) tells them to who has CAP_NET_ADMIN.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "sockets.pb-c.h"

/**
 * Note them among the options of a socket.
 * @param family  its own; @param keys, len  an array of struct tcp_diag_md5sig, from the kernel
 */
int tcp_md5_dump(int family, const void *keys, size_t len, SkOptsEntry *opts, struct error *err);
bool tcp_md5_is_one(const SkOptionEntry *e);
bool tcp_md5_is_sane(const SkOptionEntry *e);
/** Has it any? */
bool tcp_md5_signs(const SkOptsEntry *opts);
/** Set them; before the socket listens or connects, so that no segment goes without. */
int tcp_md5_restore(int fd, const SkOptsEntry *opts, struct error *err);
