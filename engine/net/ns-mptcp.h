/* SPDX-License-Identifier: MIT
 * Inside of net/: limits and endpoints of MPTCP, netns_entry.mptcp.
 */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"

/** In a namespace. @param out  the messages that make them; nothing where the kernel has none */
int mptcp_read(struct strbuf *out, struct error *err);
/** @return 0; -EBADMSG: they are something else */
int mptcp_check(const struct strbuf *messages, struct error *err);
/** When there are devices and addresses. */
int mptcp_set(const struct strbuf *messages, struct error *err);
