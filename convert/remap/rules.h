/* SPDX-License-Identifier: MIT
 * What is to become of which value: OLD=NEW, parsed and looked up. Rules apply to old values, so
 * two may swap theirs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"

enum remap_kind {
	REMAP_IP, /* addresses, or networks: 10.0.0.0/24=10.9.0.0/24 */
	REMAP_PORT,
	REMAP_PATH, /* of a file, and of everything below it */
	REMAP_UID,
	REMAP_GID,
	REMAP_PID, /* of processes, threads, groups and sessions */
	REMAP_COMM,
	REMAP_HOSTNAME, /* NEW alone */
	NR_REMAP_KINDS
};
extern const char *const remap_options[NR_REMAP_KINDS]; /* "--ip", … */

/* IPv4 stands as ::ffff:a.b.c.d, so that one rule meets both forms. */
#define IP_BITS 128
struct ip {
	uint8_t bytes[16];
};

struct remap_rule {
	enum remap_kind kind;
	const char *text; /* as it was given, borrowed */
	uint32_t from, to;
	struct ip from_ip, to_ip;
	unsigned bits; /* of an address that have to be equal */
	char *from_text, *to_text;
	size_t found;
};

struct remap_rules {
	struct remap_rule *items;
	size_t nr, cap;
};

/** @return 0; -EINVAL saying what OLD or NEW cannot be */
int remap_rules_add(struct remap_rules *rules, enum remap_kind kind, const char *text,
		    struct error *err);
void remap_rules_fini(struct remap_rules *rules);
bool remap_rules_have(const struct remap_rules *rules, enum remap_kind kind);

/** The rule for a number; NULL: none. */
struct remap_rule *rule_for_number(struct remap_rules *rules, enum remap_kind kind, uint32_t value);
/** @param bits  that count: IP_BITS of a host, fewer of a network, which has to be inside OLD */
struct remap_rule *rule_for_ip(struct remap_rules *rules, const struct ip *ip, unsigned bits);
/**
 * What the rules make of an address in bytes. The rule counts as found.
 * @param len  4 or 16. @param old, new  set. @return true: the bytes are others now
 */
bool rules_turn_ip(struct remap_rules *rules, void *bytes, size_t len, unsigned bits,
		   struct ip *old, struct ip *new);
/** The longest OLD that is the path or above it. @param len  of the path */
struct remap_rule *rule_for_path(struct remap_rules *rules, const char *path, size_t len);
struct remap_rule *rule_for_text(struct remap_rules *rules, enum remap_kind kind, const char *text);

/** What a rule makes of an address. */
struct ip rule_new_ip(const struct remap_rule *rule, const struct ip *ip);
/** What a rule makes of a path it is for, appended. @return 0 or -ENOMEM */
int rule_new_path(const struct remap_rule *rule, const char *path, size_t len, struct strbuf *out);

/** From 4 or 16 bytes in network order. */
struct ip ip_from_bytes(const void *bytes, size_t len);
bool ip_is_v4(const struct ip *ip);
/** Nobody's: 0.0.0.0 and ::. */
bool ip_is_any(const struct ip *ip);
bool ip_is_loopback(const struct ip *ip);
bool ip_equal(const struct ip *a, const struct ip *b, unsigned bits);
/** "10.0.0.2/24" is an address in a network, not one. */
bool ip_has_host_bits(const struct ip *ip, unsigned bits);
/** Without the bits of the host. */
struct ip ip_network(const struct ip *ip, unsigned bits);
/** @return out, of at least INET6_ADDRSTRLEN bytes */
const char *ip_text(const struct ip *ip, char *out);
/** One address, nothing behind it. */
bool ip_parse(const char *text, size_t len, struct ip *out);
/** "10.0.0.2/24": an address in a network. @return false: it is none, or no network is said */
bool ip_parse_in_network(const char *text, struct ip *out, unsigned *bits);
