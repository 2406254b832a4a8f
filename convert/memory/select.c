/* SPDX-License-Identifier: MIT
 * Queries of memory into ranges.
 */
#include "convert/memory/select.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/args.h"
#include "base/array.h"
#include "base/page.h"

/* Addresses are hexadecimal, with or without 0x. @return what follows, or NULL */
static const char *parse_address(const char *text, uint64_t *out)
{
	char *end;
	if (!strncmp(text, "0x", 2) || !strncmp(text, "0X", 2))
		text += 2;
	if (!*text || strspn(text, "0123456789abcdefABCDEF") > 16 || *text == '-' || *text == '+')
		return NULL;
	errno = 0;
	*out = strtoull(text, &end, 16);
	return errno || end == text ? NULL : end;
}

static int parse_range(const char *text, struct memory_range *out, struct error *err)
{
	const char *end = parse_address(text, &out->start);
	if (end && !*end) {
		out->start &= ~(PAGE - 1);
		out->end = out->start > UINT64_MAX - PAGE ? UINT64_MAX : out->start + PAGE;
		return 0;
	}
	if (end && *end == '-')
		end = parse_address(end + 1, &out->end);
	if (!end || *end || out->end <= out->start)
		return error_set(err, EINVAL, "%s: want an address or START-END, in hexadecimal",
				 text);
	return 0;
}

static int parse_kind(const char *text, int *out, struct error *err)
{
	char names[256] = "";
	for (int i = 0; i < NR_AREA_KINDS; i++) {
		if (!strcmp(text, area_kind_names[i])) {
			*out = i;
			return 0;
		}
		size_t len = strlen(names);
		snprintf(names + len, sizeof(names) - len, " %s", area_kind_names[i]);
	}
	return error_set(err, EINVAL, "no kind of memory is called %s: there are%s", text, names);
}

static int check_prot(const char *prot, struct error *err)
{
	bool exact = strchr(prot, '-') != NULL;
	bool good = exact ? strlen(prot) == 3 && strchr("r-", prot[0]) && strchr("w-", prot[1]) &&
				strchr("x-", prot[2])
			  : *prot && !prot[strspn(prot, "rwx")];
	return good ? 0
		    : error_set(err, EINVAL,
				"protection %s: want letters of rwx, or three as in r-x", prot);
}

static bool prot_fits(const char *want, uint32_t prot)
{
	static const struct {
		char letter;
		uint32_t bit;
	} bits[] = { { 'r', PROT_READ }, { 'w', PROT_WRITE }, { 'x', PROT_EXEC } };
	bool exact = strchr(want, '-') != NULL;
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		bool wanted = strchr(want, bits[i].letter) != NULL;
		bool has = prot & bits[i].bit;
		if ((wanted && !has) || (exact && has && !wanted))
			return false;
	}
	return true;
}

bool memory_query_fits(const struct memory_query *query, const struct area *area)
{
	if (query->prot && !prot_fits(query->prot, area->vma->prot))
		return false;
	if (!query->file || area->unknown)
		return true;
	const char *base = strrchr(area->path, '/');
	return area->path[0] && (!fnmatch(query->file, area->path, 0) ||
				 (base && !fnmatch(query->file, base + 1, 0)));
}

static int range_add(struct memory_ranges *out, uint64_t start, uint64_t end, struct error *err)
{
	struct memory_range *range = array_add(out);
	if (!range)
		return error_set(err, ENOMEM, "out of memory");
	*range = (struct memory_range){ start, end };
	return 0;
}

/* A query as numbers. */
struct wanted {
	struct memory_range range;
	int kind;        /* -1: any */
	uint64_t number; /* of the area, when the query has one */
};

static int query_parse(const struct memory_query *query, struct wanted *out, struct error *err)
{
	*out = (struct wanted){ .range = { 0, UINT64_MAX }, .kind = -1 };
	int rc = query->range ? parse_range(query->range, &out->range, err) : 0;
	if (rc == 0 && query->kind)
		rc = parse_kind(query->kind, &out->kind, err);
	if (rc == 0 && query->prot)
		rc = check_prot(query->prot, err);
	if (rc == 0 && query->area && parse_u64(query->area, &out->number) < 0)
		rc = error_set(err, EINVAL, "--vma %s: want a number from 0", query->area);
	return rc;
}

int memory_query_check(const struct memory_query *query, struct error *err)
{
	struct wanted want;
	return query_parse(query, &want, err);
}

int memory_select(struct memory_view *mv, const struct memory_query *query,
		  struct memory_ranges *out, struct error *err)
{
	struct wanted want;
	const struct area *areas;
	size_t nr = memory_view_areas(mv, &areas);
	*out = (struct memory_ranges){ 0 };
	int rc = query_parse(query, &want, err);
	if (rc == 0 && query->area && want.number >= nr)
		rc = error_set(err, EINVAL, "--vma %s: there %s %zu area%s, counted from 0",
			       query->area, nr == 1 ? "is" : "are", nr, nr == 1 ? "" : "s");
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		uint64_t start = areas[i].vma->start, end = areas[i].vma->end;
		start = start > want.range.start ? start : want.range.start;
		end = end < want.range.end ? end : want.range.end;
		if (start >= end ||
		    (want.kind >= 0 && areas[i].kind != (enum area_kind)want.kind) ||
		    (query->area && i != want.number) || !memory_query_fits(query, &areas[i]))
			continue;
		rc = range_add(out, start, end, err);
	}
	if (rc == 0 && !out->nr)
		rc = error_set(err, ENOENT,
			       "nothing is selected: no area of memory is all that was asked for");
	if (rc < 0)
		memory_ranges_fini(out);
	return rc;
}

void memory_ranges_fini(struct memory_ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct memory_ranges){ 0 };
}
