/* SPDX-License-Identifier: MIT
 * Rule sets that netns-N.img has as the kernel's own messages and tables. Where the words beside
 * them change, those go: a restore takes the words when there is nothing else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/remap/remapping.h"

struct rule_set {
	enum image_id words; /* the image that has it in words */
	const char *field;   /* of netns_entry */
	const char *raw;     /* what goes */
	uint32_t family;     /* of xtables */
};

static const struct rule_set nf_tables = { IMG_NFTABLES, "nf_tables", "messages of the kernel", 0 };
static const struct rule_set xtables[] = {
	{ IMG_IPTABLES, "xtables", "tables of the kernel, with what they counted", AF_INET },
	{ IMG_IP6TABLES, "xtables", "tables of the kernel, with what they counted", AF_INET6 },
};

/* The name of the image with the words. @return out */
static const char *words_name(const struct remapping *r, const struct rule_set *set, char out[64])
{
	return image_filename(&image_types[set->words], r->number, out, 64);
}

/* What came from an extension of iptables may have no words. */
static const char *without_words(const struct strbuf *words)
{
	const char *match = words->len ? strstr(words->data, "xt match ") : NULL;
	return !match && words->len ? strstr(words->data, "xt target ") : match;
}

/* @return 1: the words become others; 0: they stay. Nothing is noted: their own image does. */
static int words_change(struct remapping *r, const char *name, const struct strbuf *words,
			struct error *err)
{
	auto_strbuf new = { 0 };
	const char *image = r->image;
	const uint64_t entry = r->entry;
	const size_t nr_changes = r->nr_changes;
	const bool looking = r->looking;
	r->image = name;
	r->looking = false;
	int rc = words->len ? remap_filter(r, words->data, words->len, &new, err) : 0;
	bool changed = r->nr_changes > nr_changes;
	r->image = image;
	r->entry = entry;
	r->nr_changes = nr_changes;
	r->looking = looking;
	return rc < 0 ? rc : changed;
}

/* The bytes by which an old value would stand there. @return how many; 0: it is of another kind */
static size_t old_bytes(const struct remap_rule *rule, bool network_order, uint8_t out[16])
{
	const uint16_t port = network_order ? htons((uint16_t)rule->from) : (uint16_t)rule->from;
	const size_t skip = rule->kind == REMAP_IP && ip_is_v4(&rule->from_ip) ? 12 : 0;
	switch (rule->kind) {
	case REMAP_IP:
		memcpy(out, rule->from_ip.bytes + skip, sizeof(rule->from_ip.bytes) - skip);
		return rule->bits / 8 > skip ? rule->bits / 8 - skip : 1;
	case REMAP_PORT:
		memcpy(out, &port, sizeof(port));
		return sizeof(port);
	case REMAP_UID:
	case REMAP_GID:
		memcpy(out, &rule->from, sizeof(rule->from));
		return sizeof(rule->from);
	default:
		return 0;
	}
}

/* What has no words is searched for the bytes of old values. @return the rule; NULL: it has none */
static const struct remap_rule *may_hold(const struct remapping *r, const ProtobufCBinaryData *raw)
{
	uint8_t old[16];
	for (size_t i = 0; i < r->rules->nr; i++) {
		const struct remap_rule *rule = &r->rules->items[i];
		for (int order = 0; order < 2; order++) {
			size_t len = old_bytes(rule, order, old);
			if (len && raw->len && memmem(raw->data, raw->len, old, len))
				return rule;
		}
	}
	return NULL;
}

/* @return 1: the words take its place; 0: it stays; -EINVAL */
static int decide(struct remapping *r, const struct rule_set *set, const ProtobufCBinaryData *raw,
		  struct error *err)
{
	char name[64];
	auto_strbuf words = { 0 };
	struct error why = { 0 };
	int rc = remapping_text(r, words_name(r, set, name), &words, &why);
	if (rc < 0 && rc != -ENOENT)
		return error_code(err, rc, "%s", why.text);
	const char *lost = without_words(&words);
	rc = words_change(r, name, &words, err);
	if (rc < 0 || (words.len && !lost))
		return rc;
	const struct remap_rule *rule = may_hold(r, raw);
	if (!rule && !rc)
		return 0;
	return lost ? error_set(
			  err, EINVAL,
			  "%s: %s has a rule without words in %s (%.*s): it would keep old values",
			  r->image, set->field, name, (int)strcspn(lost, "\n"), lost)
		    : error_set(err, EINVAL,
				"%s %s: %s: %s may have the old value, and there is no %s with the "
				"rules in words",
				remap_options[rule->kind], rule->text, r->image, set->field, name);
}

static int note(struct remapping *r, const struct rule_set *set, struct error *err)
{
	char name[64], to[96];
	snprintf(to, sizeof(to), "the words of %s", words_name(r, set, name));
	return remapping_note(r, set->field, set->raw, to, err);
}

static int messages(struct remapping *r, NetnsEntry *e, struct error *err)
{
	int rc = e->has_nf_tables ? decide(r, &nf_tables, &e->nf_tables, err) : 0;
	if (rc <= 0)
		return rc;
	free(e->nf_tables.data);
	e->nf_tables = (ProtobufCBinaryData){ 0 };
	e->has_nf_tables = false;
	return note(r, &nf_tables, err);
}

/* The words have all tables of a family. */
static int tables(struct remapping *r, const struct rule_set *set, NetnsEntry *e, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < e->n_xtables; i++)
		if (e->xtables[i]->family == set->family)
			rc = decide(r, set, &e->xtables[i]->entries, err);
	if (rc <= 0)
		return rc;
	size_t kept = 0;
	for (size_t i = 0; i < e->n_xtables; i++) {
		if (e->xtables[i]->family == set->family)
			xtables_entry__free_unpacked(e->xtables[i], NULL);
		else
			e->xtables[kept++] = e->xtables[i];
	}
	e->n_xtables = kept;
	return note(r, set, err);
}

int remap_rule_sets(struct remapping *r, NetnsEntry *e, struct error *err)
{
	int rc = messages(r, e, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(xtables); i++)
		rc = tables(r, &xtables[i], e, err);
	return rc;
}
