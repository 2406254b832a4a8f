/* SPDX-License-Identifier: MIT
 * Netlink dumps: which messages and attributes they have, a message at a time.
 */
#pragma once

#include <linux/netlink.h>
#include <protobuf-c/protobuf-c.h>

#include "base/strbuf.h"
#include "convert/json/emit.h"
#include "images/hints.h"
#include "images/reader.h"

#define NETLINK_NEST_MAX 8

enum netlink_form {
	ATTR_ADDRESS,
	ATTR_TARGET, /* an address with the header's dst_len */
	ATTR_ORIGIN, /* with its src_len */
	ATTR_U8,
	ATTR_U32,
	ATTR_HEX, /* u32 */
	ATTR_NAME,
	ATTR_SPORT, /* of a flow, u16 in network order */
	ATTR_DPORT,
	ATTR_BE32,
	ATTR_BE_HEX,
	ATTR_DICT,     /* u8 or u32 */
	ATTR_NEST,     /* attributes again */
	ATTR_NEXTHOPS, /* struct rtnexthop, each with attributes */
	ATTR_VIA,      /* u16 family, then an address */
	ATTR_UIDS,     /* first and last, u32 */
	ATTR_PORTS,    /* first and last, u16 */
	ATTR_PORT,     /* u16 */
};

struct attr_row {
	uint16_t type;
	const char *key;
	enum netlink_form form;
	const struct attr_row *nested; /* of ATTR_NEST and ATTR_NEXTHOPS, ends with a NULL key */
	const struct hint *dict;
};

/* What attributes need from the header of their message: prefix lengths, bits. */
struct netlink_prefixes {
	uint8_t dst, src;
};

struct netlink_row {
	uint16_t type;
	const char *name;
	size_t header_len;
	size_t dst_len_at, src_len_at; /* of the prefix lengths in it; 0: none */
	bool hosts;                    /* a prefix is only said: the addresses are of hosts */
	void (*header)(const uint8_t *header, struct json_out *out);
	const struct attr_row *attrs;
	const char *absent; /* member that is "default" when the attribute 1 is missing */
};

/* What is in other images: messages of MPTCP, whose type each kernel chooses, and attributes
 * without a message, of a device (IFLA_INFO_DATA). */
extern const struct netlink_row netlink_mptcp, netlink_vxlan;

/** The row of a message; NULL: an unknown one, or one too short for its header. */
const struct netlink_row *netlink_row(uint16_t type, size_t len);
struct netlink_prefixes netlink_prefixes(const struct netlink_row *row, const uint8_t *header);

/* A dump that is read: set r, the rest is zero. */
struct netlink_in {
	struct image_reader *r;
	uint32_t magic;        /* the word in front; 0: none */
	uint64_t at;           /* bytes read */
	struct strbuf message; /* the current one: header, body, padding as far as it is there */
	struct nlmsghdr header;
};
/** Read the word in front. @return 1; 0: the image is empty; -EBADMSG */
int netlink_begin(struct netlink_in *in, struct error *err);
/** @return 1 with the next message; 0 at the end; -EBADMSG */
int netlink_next(struct netlink_in *in, struct error *err);

/**
 * The messages of a field one after the other. @param at  begins as 0, becomes where the next one
 * is
 * @return its body, h its header; NULL: there is no more, or at *at < len none that is whole
 */
uint8_t *netlink_message(const ProtobufCBinaryData *data, size_t *at, struct nlmsghdr *h);

/* One attribute where it stands. */
struct netlink_attr {
	const struct netlink_row *message;
	const struct attr_row *row;
	uint8_t *bytes; /* may be changed */
	size_t len;
	unsigned prefix; /* of an address: bits that count */
};
typedef int netlink_visit_fn(void *arg, const struct netlink_attr *attr, struct error *err);
/** Every attribute of the current message that a row knows, nested ones too, in their order. */
int netlink_visit(struct netlink_in *in, netlink_visit_fn *visit, void *arg, struct error *err);
/** The same of what is in memory. @param body  of a message: a header as the row has it, attributes
 */
int netlink_visit_body(const struct netlink_row *row, uint8_t *body, size_t len,
		       netlink_visit_fn *visit, void *arg, struct error *err);
