/* SPDX-License-Identifier: MIT
 * The input is a set and its parent: two lengths, a page map, the parent's page map, and the pages
 * of both. The walk and the reads must stay inside them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "images/backend.h"
#include "images/page-store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
	const uint8_t *at;
	size_t len;
};

struct set {
	struct source base;
	struct bytes map, pages;
	const struct bytes *parent_map; /* NULL: no parent */
};

static int set_new(struct bytes map, struct bytes pages, const struct bytes *parent,
		   const struct source_ops *ops, struct source **out)
{
	struct set *set = calloc(1, sizeof(*set));
	if (!set)
		return -ENOMEM;
	set->base = (struct source){ .ops = ops, .name = strdup("set") };
	set->map = map;
	set->pages = pages;
	set->parent_map = parent;
	*out = &set->base;
	return 0;
}

static int set_open(struct source *src, const char *name, struct istream **out, struct error *err)
{
	const struct set *set = (struct set *)src;
	if (!strncmp(name, "pagemap-", 8))
		return istream_open_memory(set->map.at, set->map.len, name, out, err);
	if (!strncmp(name, "pages-", 6) && set->pages.len)
		return istream_open_memory(set->pages.at, set->pages.len, name, out, err);
	return error_set(err, ENOENT, "no %s", name);
}

static int set_parent(struct source *src, struct source **out, struct error *err)
{
	(void)err;
	const struct set *set = (struct set *)src;
	if (!set->parent_map)
		return 0;
	return set_new(*set->parent_map, set->pages, NULL, src->ops, out);
}

static void set_close(struct source *src)
{
	free(src);
}

static const struct source_ops set_ops = {
	.open_member = set_open,
	.open_parent = set_parent,
	.close = set_close,
};

static struct bytes cut(struct bytes *from, size_t len)
{
	struct bytes part = { from->at, len < from->len ? len : from->len };
	from->at += part.len;
	from->len -= part.len;
	return part;
}

static void read_around(struct page_store *ps, const struct page_run *run, struct error *err)
{
	enum { LEN = 3 * 4096 };
	uint8_t present[5];
	uint8_t *buf = malloc(LEN);
	uint64_t end = run->addr + run->nr_pages * 4096;
	page_store_read(ps, run->addr, buf, 4096, present, err);
	page_store_read(ps, run->addr > 100 ? run->addr - 100 : 0, buf, LEN, present, err);
	page_store_read(ps, end - 1, buf, LEN, present, err);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	struct bytes head = cut(&in, 4);
	if (head.len < 4)
		return 0;
	struct bytes map = cut(&in, head.at[0] | (size_t)head.at[1] << 8);
	struct bytes parent_map = cut(&in, head.at[2] | (size_t)head.at[3] << 8);
	struct error err = { 0 };
	auto_source src = NULL;
	auto_page_store ps = NULL;
	if (set_new(map, in, parent_map.len ? &parent_map : NULL, &set_ops, &src) < 0 ||
	    page_store_open(src, 1, &ps, &err) < 0)
		return 0;
	struct page_run run;
	uint64_t next = 0;
	int rc;
	while ((rc = page_store_next(ps, &run, &err)) == 1) {
		if (run.addr < next || !run.nr_pages || run.addr % 4096)
			abort();
		if (run.kind == PAGE_PRESENT && run.offset + run.nr_pages * 4096 > in.len)
			abort();
		next = run.addr + run.nr_pages * 4096;
		read_around(ps, &run, &err);
	}
	return 0;
}
