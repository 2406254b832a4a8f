/* SPDX-License-Identifier: MIT
 * Options of IPv4, IPv6, raw and TCP sockets, both directions: ip(7), ipv6(7), raw(7), tcp(7).
 */
#pragma once

#include "base/error.h"
#include "sockets.pb-c.h"

/** Fill sk->ip_opts and sk->tcp_opts; family, type and proto are set. @param what  for messages */
int inet_opts_dump(int fd, const char *what, InetSkEntry *sk, struct error *err);
int inet_opts_check(const InetSkEntry *sk, struct error *err);
int inet_opts_restore(int fd, const InetSkEntry *sk, struct error *err);
