/* SPDX-License-Identifier: MIT
 * Packet filters, both directions. Rules of nftables are text, those of iptables over nftables
 * among them. Tables of the older iptables are carried as the kernel has them, which takes no
 * program; for CRIU they are text as well, where there is the program that makes it.
 */
#include "engine/net/ns-filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/net/nft.h"
#include "engine/net/ns-nftables.h"
#include "engine/net/ns-save.h"
#include "engine/net/program.h"
#include "images/writer.h"

static const struct text_row {
	enum image_id image;
	uint32_t family;
	const char *save, *restore;
} text_rows[2] = {
	{ IMG_IPTABLES, AF_INET, "iptables-legacy-save", "iptables-legacy-restore" },
	{ IMG_IP6TABLES, AF_INET6, "ip6tables-legacy-save", "ip6tables-legacy-restore" },
};

/* Reading. */

/* Some rules of iptables have no words in nftables. */
static const char *without_words(const struct strbuf *text)
{
	const char *match = text->data ? strstr(text->data, "xt match ") : NULL;
	return !match && text->data ? strstr(text->data, "xt target ") : match;
}

static int read_nft(struct net_filters *f, struct error *err)
{
	auto_nft nft = NULL;
	struct error why = { 0 };
	int rc = nftables_read(&f->nft, err);
	if (rc < 0 || !f->nft.len)
		return rc;
	if (nft_open(&nft, &why) < 0 || nft_print(nft, "list ruleset", &f->words, &why) < 0) {
		log_warn("%s: CRIU would restore the set without these rules", why.text);
		f->words.len = 0;
	}
	const char *lost = without_words(&f->words);
	if (lost)
		log_warn("a rule of iptables has no words in nftables (%.*s): CRIU could not "
			 "restore the set",
			 (int)strcspn(lost, "\n"), lost);
	return 0;
}

static int read_text(struct net_filters *f, size_t which, struct error *err)
{
	static const char *const args[] = { NULL };
	const struct text_row *row = &text_rows[which];
	bool any = false;
	for (size_t i = 0; i < f->tables.nr; i++)
		any = any || f->tables.items[i]->family == row->family;
	if (!any)
		return 0;
	if (program_found(row->save))
		return program_run(row->save, args, "", &f->text[which], err);
	log_warn("there is no %s: CRIU would restore the set without these tables of iptables",
		 row->save);
	return 0;
}

int net_filters_read(struct net_filters *f, struct error *err)
{
	int rc = read_nft(f, err);
	if (rc == 0)
		rc = xtables_read(&f->tables, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(text_rows); i++)
		rc = read_text(f, i, err);
	return rc;
}

void net_filters_fini(struct net_filters *f)
{
	strbuf_fini(&f->nft);
	strbuf_fini(&f->words);
	for (size_t i = 0; i < ARRAY_SIZE(f->text); i++)
		strbuf_fini(&f->text[i]);
	xtables_fini(&f->tables);
}

static int write_text(struct dump *d, enum image_id image, uint32_t id, const struct strbuf *text,
		      struct error *err)
{
	auto_image_writer w = NULL;
	if (!text->len)
		return 0;
	int rc = image_create(d->images_fd, image, id, &w, err);
	if (rc == 0)
		rc = image_write_bytes(w, text->data, text->len, err);
	return rc < 0 ? rc : image_finish(w, err);
}

int net_filters_write(struct dump *d, struct net_filters *f, NetnsEntry *e, struct error *err)
{
	int rc = write_text(d, IMG_NFTABLES, f->id, &f->words, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(text_rows); i++)
		rc = write_text(d, text_rows[i].image, f->id, &f->text[i], err);
	e->xtables = f->tables.items;
	e->n_xtables = f->tables.nr;
	f->tables = (struct xtables){ 0 };
	e->has_nf_tables = f->nft.len > 0;
	e->nf_tables.len = f->nft.len;
	e->nf_tables.data = (uint8_t *)f->nft.data;
	f->nft = (struct strbuf){ 0 };
	return rc;
}

/* Restore. */

static bool has_tables(const NetnsEntry *e, uint32_t family)
{
	for (size_t i = 0; e && i < e->n_xtables; i++)
		if (e->xtables[i]->family == family)
			return true;
	return false;
}

int net_filters_load(struct restore *r, uint32_t id, const NetnsEntry *e, struct error *err)
{
	int rc = 0;
	const struct strbuf nft = netns_bytes(e ? &e->nf_tables : NULL);
	for (size_t i = 0; rc == 0 && e && i < e->n_xtables; i++)
		rc = xtables_check(e->xtables[i], err);
	if (rc == 0)
		rc = nftables_check(&nft, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(text_rows); i++) {
		const struct text_row *row = &text_rows[i];
		auto_strbuf text = { 0 };
		rc = netns_raw_read(r, row->image, id, &text, err);
		if (rc == 0 && text.len && !has_tables(e, row->family) &&
		    !program_found(row->restore))
			rc = error_set(
			    err, ENOTSUP,
			    "the images have tables of iptables as text alone: install %s "
			    "to restore them",
			    row->restore);
	}
	return rc;
}

/* CRIU locks by rules of its own, and then stores all that are there: what follows is its lock. */

static bool begins(const char *line, size_t len, const char *with)
{
	return len >= strlen(with) && !memcmp(line, with, strlen(with));
}

static bool ends(const char *line, size_t len, const char *with)
{
	size_t n = strlen(with);
	return len >= n && !memcmp(line + len - n, with, n);
}

/* @return what ends the block that begins here; NULL: it is no lock */
static const char *lock_block(const char *line, size_t len)
{
	if (begins(line, len, "table inet CRIU-") && ends(line, len, "{"))
		return "}";
	return len == strlen("\tchain CRIU {") && begins(line, len, "\tchain CRIU {") ? "\t}"
										      : NULL;
}

static bool is_lock_rule(const char *line, size_t len)
{
	return ends(line, len, " jump CRIU") || ends(line, len, " -j CRIU") ||
	       begins(line, len, ":CRIU ") || begins(line, len, "-A CRIU ");
}

int net_filters_unlocked(const char *text, struct strbuf *out)
{
	const char *until = NULL;
	int rc = 0;
	while (rc == 0 && *text) {
		size_t len = strcspn(text, "\n"), step = len + (text[len] == '\n');
		if (until) {
			if (len == strlen(until) && begins(text, len, until))
				until = NULL;
		} else if (!(until = lock_block(text, len)) && !is_lock_rule(text, len)) {
			rc = strbuf_add(out, text, step);
		}
		text += step;
	}
	return rc;
}

/* @return 1; 0: there is none */
static int read_rules(struct restore *r, enum image_id image, uint32_t id, struct strbuf *out,
		      struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = netns_raw_read(r, image, id, &text, err);
	if (rc < 0 || !text.len)
		return rc;
	return net_filters_unlocked(text.data, out) < 0 ? error_set(err, ENOMEM, "out of memory")
							: out->len > 0;
}

static int fill_nft(struct restore *r, uint32_t id, const NetnsEntry *e, struct error *err)
{
	auto_nft nft = NULL;
	auto_strbuf text = { 0 };
	const struct strbuf messages = netns_bytes(e ? &e->nf_tables : NULL);
	struct error why = { 0 };
	if (messages.len && nftables_set(&messages, &why) == 0)
		return 0;
	if (messages.len)
		log_info("%s: trying the rules in words", why.text);
	int rc = read_rules(r, IMG_NFTABLES, id, &text, err);
	if (rc == 0 && messages.len)
		rc = error_set(err, why.code, "%s", why.text);
	if (rc <= 0)
		return rc;
	rc = nft_open(&nft, err);
	return rc < 0 ? rc : nft_run(nft, text.data, err);
}

static int fill_text(struct restore *r, const struct text_row *row, uint32_t id, struct error *err)
{
	static const char *const args[] = { "-w", NULL };
	auto_strbuf text = { 0 };
	int rc = read_rules(r, row->image, id, &text, err);
	return rc <= 0 ? rc : program_run(row->restore, args, text.data, NULL, err);
}

int net_filters_fill(struct restore *r, uint32_t id, const NetnsEntry *e, struct error *err)
{
	int rc = 0;
	/* the kernel lists the latest first */
	for (size_t i = e ? e->n_xtables : 0; rc == 0 && i-- > 0;)
		rc = xtables_set(e->xtables[i], err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(text_rows); i++)
		if (!has_tables(e, text_rows[i].family))
			rc = fill_text(r, &text_rows[i], id, err);
	return rc < 0 ? rc : fill_nft(r, id, e, err);
}
