/* SPDX-License-Identifier: MIT
 * Inside of net/: tables of nftables as the kernel has them, in the namespace of the caller.
 */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"

/**
 * Everything there is, as the messages that make it again, in their order.
 * @return 0; -ENOTSUP: a table belongs to a program, which only that can set
 */
int nftables_read(struct strbuf *out, struct error *err);
/** Are these such messages? @return 0; -EBADMSG */
int nftables_check(const struct strbuf *messages, struct error *err);
/** Make it, all or nothing. */
int nftables_set(const struct strbuf *messages, struct error *err);
