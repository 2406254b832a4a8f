/* SPDX-License-Identifier: MIT
 * Pages of an incremental chain that a later set has anew: nobody reads them any more.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/page.h"
#include "convert/store/squash.h"
#include "images/image-type.h"
#include "images/page-store.h"

enum { PIECE = 32 * PAGE, CHAIN_MAX = 256 };

struct range {
	uint64_t start, end;
};
struct ranges {
	struct range *items;
	size_t nr, cap;
};

/* A process or segment whose pages are followed down the chain. */
struct memory {
	uint64_t number;
	bool shared;
	struct ranges newer; /* what the sets above have themselves: sorted, apart */
	uint64_t digest;     /* of all its bytes */
};

struct chain {
	const struct dedup *how;
	bool punch; /* else only count, or look whether it may be done */
	struct {
		struct memory *items;
		size_t nr, cap;
	} memories;
};

static int store_open(struct source *src, const struct memory *m, struct page_store **out,
		      struct error *err)
{
	return m->shared ? page_store_open_shmem(src, m->number, out, err)
			 : page_store_open(src, (uint32_t)m->number, out, err);
}

static int memories_find(struct chain *c, struct source *src, struct error *err)
{
	const struct source_member *members;
	ssize_t nr = source_list(src, &members, err);
	for (ssize_t i = 0; i < nr; i++) {
		const char *name = members[i].name;
		const struct image_type *type = image_type_by_filename(name);
		if (!type || !members[i].own ||
		    (type->id != IMG_PAGEMAP && type->id != IMG_SHMEM_PAGEMAP))
			continue;
		struct memory *m = array_add(&c->memories);
		if (!m)
			return error_set(err, ENOMEM, "out of memory");
		m->number = strtoull(name + strcspn(name, "0123456789"), NULL, 10);
		m->shared = type->id == IMG_SHMEM_PAGEMAP;
	}
	return nr < 0 ? (int)nr : 0;
}

static uint64_t mix(uint64_t digest, const unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t word;
		memcpy(&word, bytes + i, sizeof(word));
		digest = (digest ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		digest ^= digest >> 29;
	}
	return digest;
}

/* A number that stands for all bytes of a memory, read through the chain. */
static int memory_digest(struct chain *c, struct source *src, const struct memory *m, uint64_t *out,
			 struct error *err)
{
	auto_page_store ps = NULL;
	auto_free unsigned char *buf = io_buffer(PIECE);
	int rc = buf ? store_open(src, m, &ps, err) : error_set(err, ENOMEM, "out of memory");
	struct page_run run;
	*out = 0;
	while (rc == 0 && (rc = page_store_next(ps, &run, err)) == 1) {
		rc = 0;
		for (uint64_t done = 0, len = run.nr_pages * PAGE; done < len && rc == 0;) {
			size_t part = len - done < PIECE ? (size_t)(len - done) : PIECE;
			rc = page_store_read(ps, run.addr + done, buf, part, NULL, err);
			*out = mix(*out ^ (run.addr + done), buf, part);
			done += part;
			progress_add(c->how->progress, part);
		}
	}
	return rc;
}

static int ranges_add(struct ranges *ranges, uint64_t start, uint64_t end)
{
	struct range *last = ranges->nr ? &ranges->items[ranges->nr - 1] : NULL;
	if (last && last->end >= start) {
		last->end = end > last->end ? end : last->end;
		return 0;
	}
	struct range *r = array_add(ranges);
	if (!r)
		return -ENOMEM;
	*r = (struct range){ start, end };
	return 0;
}

/* Pages of this set join those of the sets above it. */
static int newer_join(struct memory *m, struct page_store *ps, struct error *err)
{
	struct ranges all = { 0 };
	struct page_run run;
	size_t i = 0;
	int rc = page_store_rewind(ps, err);
	while (rc == 0 && (rc = page_store_next(ps, &run, err)) == 1) {
		rc = 0;
		for (; rc == 0 && i < m->newer.nr && m->newer.items[i].start <= run.addr; i++)
			rc = ranges_add(&all, m->newer.items[i].start, m->newer.items[i].end);
		if (rc == 0 && run.kind != PAGE_PARENT)
			rc = ranges_add(&all, run.addr, run.addr + run.nr_pages * PAGE);
		if (rc == -ENOMEM)
			rc = error_set(err, ENOMEM, "out of memory");
	}
	for (; rc == 0 && i < m->newer.nr; i++)
		rc = ranges_add(&all, m->newer.items[i].start, m->newer.items[i].end);
	free(m->newer.items);
	m->newer = all;
	return rc;
}

/* Pages of [at, end) that are no hole yet. */
static uint64_t pages_stored(int fd, off_t at, off_t end)
{
	uint64_t nr = 0;
	while (at < end) {
		off_t data = lseek(fd, at, SEEK_DATA);
		if (data >= end || (data < 0 && errno == ENXIO))
			break;
		off_t hole = data < 0 ? end : lseek(fd, data, SEEK_HOLE);
		data = data < 0 ? at : data - data % (off_t)PAGE;
		hole = hole < 0 || hole > end ? end : hole;
		nr += ((uint64_t)(hole - data) + PAGE - 1) / PAGE;
		at = data + (off_t)(((uint64_t)(hole - data) + PAGE - 1) / PAGE * PAGE);
	}
	return nr;
}

/* Holes in the page image for what of a run is newer elsewhere. @param i  first range to look at */
static int punch_run(const struct chain *c, const struct memory *m, const struct page_run *run,
		     size_t *i, int fd, uint64_t *nr_pages)
{
	uint64_t end = run->addr + run->nr_pages * PAGE;
	while (*i < m->newer.nr && m->newer.items[*i].end <= run->addr)
		(*i)++;
	for (size_t k = *i; k < m->newer.nr && m->newer.items[k].start < end; k++) {
		const struct range *r = &m->newer.items[k];
		uint64_t from = r->start > run->addr ? r->start : run->addr;
		uint64_t to = r->end < end ? r->end : end;
		off_t at = (off_t)(run->offset + (from - run->addr));
		*nr_pages += pages_stored(fd, at, at + (off_t)(to - from));
		if (c->punch && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
					  (off_t)(to - from)) < 0)
			return -errno;
	}
	return 0;
}

/*
 * A page image that may be changed. For root every file can be written: who took the permission
 * away meant it all the same.
 */
static int pages_open(const struct chain *c, struct source *src, int dir_fd, const char *name,
		      struct error *err)
{
	struct stat st;
	auto_fd fd =
	    openat(dir_fd, name, (c->how->dry_run ? O_RDONLY : O_WRONLY) | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, EINVAL, "%s/%s is compressed: `crit decompress` it first",
				 source_name(src), name);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "open %s/%s", source_name(src), name);
	if (!(st.st_mode & 0222))
		return error_set(err, EACCES,
				 "%s/%s is read-only: give write permission if its pages may go",
				 source_name(src), name);
	return take_fd(fd);
}

static int dedup_memory(const struct chain *c, struct memory *m, struct source *src, int dir_fd,
			uint64_t *nr_pages, struct error *err)
{
	auto_page_store ps = NULL;
	int rc = store_open(src, m, &ps, NULL);
	if (rc == -ENOENT)
		return 0; /* it did not exist yet */
	if (rc < 0)
		return store_open(src, m, &ps, err);
	char name[40];
	image_filename(&image_types[IMG_PAGES], page_store_pages_id(ps), name, sizeof(name));
	auto_fd fd = -1;
	struct page_run run;
	size_t i = 0;
	while (dir_fd >= 0 && (rc = page_store_next(ps, &run, err)) == 1) {
		if (run.kind != PAGE_PRESENT)
			continue;
		if (fd < 0)
			fd = pages_open(c, src, dir_fd, name, err);
		if (fd < 0)
			return fd;
		rc = punch_run(c, m, &run, &i, fd, nr_pages);
		if (rc < 0)
			return error_code(err, rc, "punch holes into %s/%s", source_name(src),
					  name);
	}
	return rc < 0 ? rc : newer_join(m, ps, err);
}

/* @param dir_fd  of this set; -1: the newest, whose pages stay */
static int dedup_one(struct chain *c, struct source *src, int dir_fd, struct error *err)
{
	struct dedup_freed freed = { 0 };
	int rc = 0;
	for (size_t i = 0; i < c->memories.nr && rc == 0; i++)
		rc = dedup_memory(c, &c->memories.items[i], src, dir_fd, &freed.nr_pages, err);
	if (rc < 0 || dir_fd < 0 || (!c->punch && !c->how->dry_run))
		return rc;
	snprintf(freed.set, sizeof(freed.set), "%s", source_name(src));
	return c->how->freed(c->how->ctx, &freed, err);
}

static void newer_forget(struct chain *c)
{
	for (size_t i = 0; i < c->memories.nr; i++) {
		free(c->memories.items[i].newer.items);
		c->memories.items[i].newer = (struct ranges){ 0 };
	}
}

static int walk(struct chain *c, struct source *top, bool punch, struct error *err)
{
	auto_source owned = NULL;
	struct source *src = top;
	newer_forget(c);
	c->punch = punch;
	int rc = dedup_one(c, top, -1, err);
	for (unsigned depth = 0; rc == 0 && depth < CHAIN_MAX; depth++) {
		auto_source parent = NULL;
		rc = source_open_parent(src, &parent, err);
		if (rc < 0 || !parent)
			return rc;
		auto_fd fd = source_parent_fd(src, err);
		if (fd < 0)
			return fd;
		rc = dedup_one(c, parent, fd, err);
		source_close(owned);
		owned = src = take_ptr(parent);
	}
	return rc < 0 ? rc
		      : error_set(err, ELOOP, "%s: more than %d parent sets", source_name(top),
				  CHAIN_MAX);
}

static int digests(struct chain *c, struct source *src, bool compare, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; i < c->memories.nr && rc == 0; i++) {
		struct memory *m = &c->memories.items[i];
		uint64_t digest;
		rc = memory_digest(c, src, m, &digest, err);
		if (rc == 0 && compare && digest != m->digest)
			rc = error_set(
			    err, EBADMSG, "%s: the memory of %s %" PRIu64 " is another one now",
			    source_name(src), m->shared ? "segment" : "process", m->number);
		m->digest = digest;
	}
	return rc;
}

int dedup_chain(struct source *src, const struct dedup *how, struct error *err)
{
	struct chain c = { .how = how };
	int rc = memories_find(&c, src, err);
	/* once for nothing: whatever refuses, does so before a page is gone */
	if (rc == 0)
		rc = walk(&c, src, false, err);
	if (rc == 0 && !how->dry_run)
		rc = digests(&c, src, false, err);
	if (rc == 0 && !how->dry_run)
		rc = walk(&c, src, true, err);
	if (rc == 0 && !how->dry_run)
		rc = digests(&c, src, true, err);
	newer_forget(&c);
	free(c.memories.items);
	return rc;
}
