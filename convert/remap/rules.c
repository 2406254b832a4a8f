/* SPDX-License-Identifier: MIT
 * Rules: parsing and lookups.
 */
#include "convert/remap/rules.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/args.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/pid-limit.h"

#define V4_BITS  96 /* in front of an IPv4 address */
#define COMM_MAX 15
#define HOST_MAX 64

const char *const remap_options[NR_REMAP_KINDS] = {
	[REMAP_IP] = "--ip",     [REMAP_PORT] = "--port",         [REMAP_PATH] = "--path",
	[REMAP_UID] = "--uid",   [REMAP_GID] = "--gid",           [REMAP_PID] = "--pid",
	[REMAP_COMM] = "--comm", [REMAP_HOSTNAME] = "--hostname",
};

static const struct ip v4_prefix = { { [10] = 0xff, [11] = 0xff } };

struct ip ip_from_bytes(const void *bytes, size_t len)
{
	struct ip ip = v4_prefix;
	if (len == sizeof(ip.bytes))
		memcpy(ip.bytes, bytes, sizeof(ip.bytes));
	else
		memcpy(ip.bytes + 12, bytes, 4);
	return ip;
}

bool ip_equal(const struct ip *a, const struct ip *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	if (memcmp(a->bytes, b->bytes, whole) != 0)
		return false;
	return !rest || !((a->bytes[whole] ^ b->bytes[whole]) & (0xff00 >> rest) & 0xff);
}

bool ip_is_v4(const struct ip *ip)
{
	return ip_equal(ip, &v4_prefix, V4_BITS);
}

bool ip_is_any(const struct ip *ip)
{
	static const struct ip any = { { 0 } };
	return ip_equal(ip, &any, IP_BITS) || ip_equal(ip, &v4_prefix, IP_BITS);
}

bool ip_is_loopback(const struct ip *ip)
{
	static const struct ip one = { { [15] = 1 } };
	return ip_is_v4(ip) ? ip->bytes[12] == 127 : ip_equal(ip, &one, IP_BITS);
}

static bool ip_is_multicast(const struct ip *ip)
{
	return ip_is_v4(ip) ? (ip->bytes[12] & 0xf0) == 0xe0 : ip->bytes[0] == 0xff;
}

const char *ip_text(const struct ip *ip, char *out)
{
	bool v4 = ip_is_v4(ip);
	return inet_ntop(v4 ? AF_INET : AF_INET6, ip->bytes + (v4 ? 12 : 0), out, INET6_ADDRSTRLEN);
}

bool ip_parse(const char *text, size_t len, struct ip *out)
{
	char copy[INET6_ADDRSTRLEN];
	uint8_t bytes[16];
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = 0;
	bool v4 = inet_pton(AF_INET, copy, bytes) == 1;
	if (!v4 && inet_pton(AF_INET6, copy, bytes) != 1)
		return false;
	*out = ip_from_bytes(bytes, v4 ? 4 : 16);
	return true;
}

/* "10.0.0.0/24": the prefix counts from the end of what IPv4 stands behind. */
static int network_parse(const char *text, size_t len, struct ip *ip, unsigned *bits,
			 struct error *err)
{
	const char *slash = memchr(text, '/', len);
	char number[8] = "";
	int prefix;
	if (!ip_parse(text, slash ? (size_t)(slash - text) : len, ip))
		return error_set(err, EINVAL, "%.*s is no address", (int)len, text);
	unsigned base = ip_is_v4(ip) && memchr(text, '.', len) ? V4_BITS : 0;
	*bits = IP_BITS;
	if (!slash)
		return 0;
	snprintf(number, sizeof(number), "%.*s", (int)(text + len - slash - 1), slash + 1);
	if (parse_int(number, &prefix) < 0 || prefix < 1 || (unsigned)prefix > IP_BITS - base)
		return error_set(err, EINVAL, "%.*s: no network of such a length", (int)len, text);
	*bits = base + (unsigned)prefix;
	return 0;
}

bool ip_has_host_bits(const struct ip *ip, unsigned bits)
{
	for (unsigned i = bits; i < IP_BITS; i++) {
		if (ip->bytes[i / 8] & (0x80 >> i % 8))
			return true;
	}
	return false;
}

bool ip_parse_in_network(const char *text, struct ip *out, unsigned *bits)
{
	return strchr(text, '/') && network_parse(text, strlen(text), out, bits, NULL) == 0;
}

struct ip ip_network(const struct ip *ip, unsigned bits)
{
	struct ip out = *ip;
	for (unsigned i = bits; i < IP_BITS; i++)
		out.bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	return out;
}

static int parse_ips(struct remap_rule *rule, const char *from, size_t len, const char *to,
		     struct error *err)
{
	unsigned bits;
	int rc = network_parse(from, len, &rule->from_ip, &rule->bits, err);
	if (rc == 0)
		rc = network_parse(to, strlen(to), &rule->to_ip, &bits, err);
	if (rc < 0)
		return rc;
	if (ip_is_v4(&rule->from_ip) != ip_is_v4(&rule->to_ip))
		return error_set(err, EINVAL,
				 "a socket cannot change its address family: %.*s and %s", (int)len,
				 from, to);
	if (bits != rule->bits)
		return error_set(err, EINVAL, "networks of different lengths");
	if (ip_has_host_bits(&rule->from_ip, bits) || ip_has_host_bits(&rule->to_ip, bits))
		return error_set(err, EINVAL, "a network with bits behind its prefix");
	if (ip_is_any(&rule->from_ip) || ip_is_any(&rule->to_ip))
		return error_set(err, EINVAL, "an address that means all, or none, is no host's");
	if (ip_is_multicast(&rule->from_ip) != ip_is_multicast(&rule->to_ip))
		return error_set(err, EINVAL, "an address of a group and one of a host");
	return 0;
}

static const struct {
	uint32_t min, max;
	const char *what;
} ranges[NR_REMAP_KINDS] = {
	[REMAP_PORT] = { 1, 65535, "a port" },
	[REMAP_UID] = { 0, UINT32_MAX - 1, "a user id" },
	[REMAP_GID] = { 0, UINT32_MAX - 1, "a group id" },
	[REMAP_PID] = { 2, PID_LIMIT, "a process id; 1 belongs to the first of a pid namespace" },
};

static int parse_number(enum remap_kind kind, const char *text, size_t len, uint32_t *out,
			struct error *err)
{
	char number[24];
	char *end;
	snprintf(number, sizeof(number), "%.*s", (int)len, text);
	unsigned long long value = strtoull(number, &end, 10);
	if (*number < '0' || *number > '9' || *end || len >= sizeof(number) ||
	    value < ranges[kind].min || value > ranges[kind].max)
		return error_set(err, EINVAL, "%.*s is not %s", (int)len, text, ranges[kind].what);
	*out = (uint32_t)value;
	return 0;
}

static int check_path(const char *path, struct error *err)
{
	if (*path != '/' || !path[1])
		return error_set(err, EINVAL, "\"%s\": want an absolute path below /", path);
	if (strstr(path, "//") || strstr(path, "/./") || strstr(path, "/../"))
		return error_set(err, EINVAL, "%s: want a path without . and ..", path);
	return strlen(path) < PATH_MAX ? 0 : error_set(err, EINVAL, "a path that is too long");
}

static int check_text(enum remap_kind kind, const char *text, struct error *err)
{
	if (kind == REMAP_PATH)
		return check_path(text, err);
	size_t max = kind == REMAP_COMM ? COMM_MAX : HOST_MAX;
	if (!*text || strlen(text) > max)
		return error_set(err, EINVAL, "\"%s\": want 1 to %zu bytes", text, max);
	return 0;
}

static void cut_slashes(char *path)
{
	for (size_t len = strlen(path); len > 1 && path[len - 1] == '/';)
		path[--len] = 0;
}

static int parse_texts(struct remap_rule *rule, const char *from, size_t len, const char *to,
		       struct error *err)
{
	rule->from_text = from ? strndup(from, len) : NULL;
	rule->to_text = strdup(to);
	if ((from && !rule->from_text) || !rule->to_text)
		return error_set(err, ENOMEM, "out of memory");
	if (rule->kind == REMAP_PATH) {
		cut_slashes(rule->from_text);
		cut_slashes(rule->to_text);
	}
	int rc = rule->from_text ? check_text(rule->kind, rule->from_text, err) : 0;
	return rc < 0 ? rc : check_text(rule->kind, rule->to_text, err);
}

static int rule_parse(struct remap_rule *rule, struct error *err)
{
	const char *equals = rule->kind == REMAP_HOSTNAME ? NULL : strchr(rule->text, '=');
	size_t len = equals ? (size_t)(equals - rule->text) : 0;
	if (rule->kind == REMAP_HOSTNAME)
		return parse_texts(rule, NULL, 0, rule->text, err);
	if (!equals)
		return error_set(err, EINVAL, "want OLD=NEW");
	if (rule->kind == REMAP_IP)
		return parse_ips(rule, rule->text, len, equals + 1, err);
	if (!ranges[rule->kind].what)
		return parse_texts(rule, rule->text, len, equals + 1, err);
	int rc = parse_number(rule->kind, rule->text, len, &rule->from, err);
	if (rc < 0)
		return rc;
	return parse_number(rule->kind, equals + 1, strlen(equals + 1), &rule->to, err);
}

static bool same_old(const struct remap_rule *a, const struct remap_rule *b)
{
	if (a->kind != b->kind || a->from != b->from || a->bits != b->bits ||
	    !ip_equal(&a->from_ip, &b->from_ip, IP_BITS))
		return false;
	return !a->from_text || !b->from_text ? a->from_text == b->from_text
					      : !strcmp(a->from_text, b->from_text);
}

int remap_rules_add(struct remap_rules *rules, enum remap_kind kind, const char *text,
		    struct error *err)
{
	struct error why = { 0 };
	struct remap_rule *rule = array_add(rules);
	if (!rule)
		return error_set(err, ENOMEM, "out of memory");
	rule->kind = kind;
	rule->text = text;
	int rc = rule_parse(rule, &why);
	for (size_t i = 0; rc == 0 && i + 1 < rules->nr; i++) {
		if (same_old(rule, &rules->items[i]))
			rc = error_set(&why, EINVAL, "the same value twice");
	}
	return rc < 0 ? error_set(err, rc, "%s %s: %s", remap_options[kind], text, why.text) : 0;
}

void remap_rules_fini(struct remap_rules *rules)
{
	for (size_t i = 0; i < rules->nr; i++) {
		free(rules->items[i].from_text);
		free(rules->items[i].to_text);
	}
	free(rules->items);
	*rules = (struct remap_rules){ 0 };
}

bool remap_rules_have(const struct remap_rules *rules, enum remap_kind kind)
{
	for (size_t i = 0; i < rules->nr; i++) {
		if (rules->items[i].kind == kind)
			return true;
	}
	return false;
}

struct remap_rule *rule_for_number(struct remap_rules *rules, enum remap_kind kind, uint32_t value)
{
	for (size_t i = 0; i < rules->nr; i++) {
		struct remap_rule *rule = &rules->items[i];
		if (rule->kind == kind && rule->from == value)
			return rule;
	}
	return NULL;
}

struct remap_rule *rule_for_ip(struct remap_rules *rules, const struct ip *ip, unsigned bits)
{
	struct remap_rule *best = NULL;
	for (size_t i = 0; i < rules->nr; i++) {
		struct remap_rule *rule = &rules->items[i];
		if (rule->kind == REMAP_IP && rule->bits <= bits &&
		    ip_equal(&rule->from_ip, ip, rule->bits) && (!best || rule->bits > best->bits))
			best = rule;
	}
	return best;
}

struct remap_rule *rule_for_path(struct remap_rules *rules, const char *path, size_t len)
{
	struct remap_rule *best = NULL;
	size_t best_len = 0;
	for (size_t i = 0; i < rules->nr; i++) {
		struct remap_rule *rule = &rules->items[i];
		size_t from = rule->kind == REMAP_PATH ? strlen(rule->from_text) : SIZE_MAX;
		if (from > len || from <= best_len || memcmp(path, rule->from_text, from) != 0 ||
		    (from < len && path[from] != '/'))
			continue;
		best = rule;
		best_len = from;
	}
	return best;
}

struct remap_rule *rule_for_text(struct remap_rules *rules, enum remap_kind kind, const char *text)
{
	for (size_t i = 0; i < rules->nr; i++) {
		struct remap_rule *rule = &rules->items[i];
		if (rule->kind == kind && (!rule->from_text || !strcmp(rule->from_text, text)))
			return rule;
	}
	return NULL;
}

struct ip rule_new_ip(const struct remap_rule *rule, const struct ip *ip)
{
	struct ip out = rule->to_ip;
	for (unsigned i = rule->bits; i < IP_BITS; i++)
		out.bytes[i / 8] |= ip->bytes[i / 8] & (0x80 >> i % 8);
	return out;
}

bool rules_turn_ip(struct remap_rules *rules, void *bytes, size_t len, unsigned bits,
		   struct ip *old, struct ip *new)
{
	*old = *new = ip_from_bytes(bytes, len);
	struct remap_rule *rule = rule_for_ip(rules, old, bits);
	if (!rule)
		return false;
	*new = rule_new_ip(rule, old);
	rule->found++;
	memcpy(bytes, new->bytes + sizeof(new->bytes) - len, len);
	return !ip_equal(old, new, IP_BITS);
}

int rule_new_path(const struct remap_rule *rule, const char *path, size_t len, struct strbuf *out)
{
	size_t from = strlen(rule->from_text);
	int rc = strbuf_str(out, rule->to_text);
	return rc < 0 ? rc : strbuf_add(out, path + from, len - from);
}
