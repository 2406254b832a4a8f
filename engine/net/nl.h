/* SPDX-License-Identifier: MIT
 * Requests to the kernel over netlink, through libmnl: questions with many answers, and changes.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"

struct nl;

/** A socket in the network namespace of the caller. @param bus  NETLINK_ROUTE, … */
int nl_open(int bus, struct nl **out, struct error *err);
void nl_close(struct nl *nl); /* NULL is fine */

/* A request being made. One that does not fit is noticed when it is sent. */
struct nl_request {
	bool too_long;
	union {
		struct nlmsghdr header;
		char bytes[16384];
	};
};
/** @return the header of the protocol, `len` zero bytes */
void *nl_begin(struct nl_request *ask, unsigned type, unsigned flags, size_t len);
void nl_put(struct nl_request *ask, unsigned type, const void *bytes, size_t len);
void nl_put_u8(struct nl_request *ask, unsigned type, uint8_t value);
void nl_put_u16(struct nl_request *ask, unsigned type, uint16_t value);
void nl_put_u32(struct nl_request *ask, unsigned type, uint32_t value);
void nl_put_str(struct nl_request *ask, unsigned type, const char *text);
/** Attributes put until nl_nest_end() are inside of this one. */
struct nlattr *nl_nest(struct nl_request *ask, unsigned type);
void nl_nest_end(struct nl_request *ask, struct nlattr *nest);
/** Bytes that are no attribute, in the middle of attributes. @return zeroed; NULL: no room */
void *nl_put_raw(struct nl_request *ask, size_t len);

/**
 * Ask, and hand each answer to `each`, which sets errno when it returns MNL_CB_ERROR. What changes
 * meanwhile may be missing.
 * @param ask  NLM_F_REQUEST | NLM_F_DUMP are added
 * @return 0; -errno
 */
int nl_each(struct nl *nl, struct nl_request *ask, mnl_cb_t each, void *arg);
/** All answers as they came, one behind the other; asked again when something changes meanwhile. */
int nl_dump(struct nl *nl, struct nl_request *ask, struct strbuf *out);
/** A question with one answer. @return 0; -errno, -ENODATA: there was none */
int nl_get(struct nl *nl, struct nl_request *ask, struct strbuf *out);
/**
 * Change something. @param ask  NLM_F_REQUEST | NLM_F_ACK are added
 * @return 0; -errno, in the kernel's own words where it has some
 */
int nl_do(struct nl *nl, struct nl_request *ask, struct error *err);

/**
 * Changes of netfilter, as one transaction: all of them or none.
 * @param subsys    NFNL_SUBSYS_…; @param messages  one behind the other
 * @return 0; -errno, of the first that failed
 */
int nl_batch(struct nl *nl, unsigned subsys, const struct strbuf *messages, struct error *err);

/** The message behind `at`, or the first one. @return NULL: no more whole ones */
struct nlmsghdr *nl_next(const struct strbuf *bytes, const struct nlmsghdr *at);
/** Attributes of a message, by type: `max` + 1 of them, NULL where there is none. */
void nl_attrs(const struct nlmsghdr *msg, size_t header_len, const struct nlattr **tb,
	      unsigned max);
void nl_nested(const struct nlattr *attr, const struct nlattr **tb, unsigned max);
/** A number of 1, 2 or 4 bytes; 0: no such attribute */
uint32_t nl_number(const struct nlattr *attr);
/** The string in an attribute; NULL: it does not end there */
const char *nl_string(const struct nlattr *attr);

static inline void nl_cleanup_(struct nl **nl)
{
	nl_close(*nl);
}
#define auto_nl __attribute__((cleanup(nl_cleanup_))) struct nl *
