/* SPDX-License-Identifier: MIT
 * Compressing page images: frames of equal size, each on its own, and their table at the end.
 */
#include "convert/store/compress.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zstd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/strbuf.h"
#include "convert/store/ordered.h"
#include "images/image-type.h"
#include "images/seekable.h"

struct compress {
	struct istream *in;
	int fd;
	const char *name;
	const struct compress_how *how;
	struct strbuf table; /* entries so far */
	uint32_t nr;
};

struct slot {
	ZSTD_CCtx *cctx;
	unsigned char *plain, *packed;
	size_t plain_len, packed_len, packed_cap;
};

int compress_level_check(uint64_t level, struct error *err)
{
	int most = ZSTD_maxCLevel();
	if (level < 1 || level > (uint64_t)most)
		return error_set(err, EINVAL, "--level %" PRIu64 ": want 1 to %d", level, most);
	return 0;
}

static void slot_free(void *slot_)
{
	struct slot *slot = slot_;
	ZSTD_freeCCtx(slot->cctx);
	free(slot->plain);
	free(slot->packed);
	free(slot);
}

static void *slot_new(void *ctx)
{
	const struct compress *c = ctx;
	struct slot *slot = calloc(1, sizeof(*slot));
	if (!slot)
		return NULL;
	slot->cctx = ZSTD_createCCtx();
	slot->plain = io_buffer(SEEKABLE_FRAME);
	slot->packed_cap = ZSTD_compressBound(SEEKABLE_FRAME);
	slot->packed = malloc(slot->packed_cap);
	if (!slot->cctx || !slot->plain || !slot->packed) {
		slot_free(slot);
		return NULL;
	}
	ZSTD_CCtx_setParameter(slot->cctx, ZSTD_c_compressionLevel, c->how->level);
	ZSTD_CCtx_setParameter(slot->cctx, ZSTD_c_checksumFlag, 1);
	return slot;
}

static int take(void *ctx, void *slot_, struct error *err)
{
	struct compress *c = ctx;
	struct slot *slot = slot_;
	ssize_t n = istream_read(c->in, slot->plain, SEEKABLE_FRAME, err);
	if (n < 0)
		return (int)n;
	slot->plain_len = (size_t)n;
	return n > 0;
}

static int work(void *ctx, void *slot_, struct error *err)
{
	struct compress *c = ctx;
	struct slot *slot = slot_;
	slot->packed_len = ZSTD_compress2(slot->cctx, slot->packed, slot->packed_cap, slot->plain,
					  slot->plain_len);
	if (ZSTD_isError(slot->packed_len))
		return error_set(err, EIO, "%s: %s", c->name, ZSTD_getErrorName(slot->packed_len));
	return 0;
}

static int give(void *ctx, void *slot_, struct error *err)
{
	struct compress *c = ctx;
	struct slot *slot = slot_;
	uint32_t entry[2] = { htole32((uint32_t)slot->packed_len),
			      htole32((uint32_t)slot->plain_len) };
	int rc = strbuf_add(&c->table, entry, sizeof(entry));
	if (rc == 0)
		rc = fd_write_full(c->fd, slot->packed, slot->packed_len);
	if (rc < 0)
		return error_code(err, rc, "write %s", c->name);
	c->nr++;
	progress_add(c->how->progress, slot->plain_len);
	return 0;
}

static int table_write(struct compress *c, struct error *err)
{
	uint32_t head[2] = { htole32(SEEKABLE_SKIPPABLE),
			     htole32((uint32_t)c->table.len + SEEKABLE_FOOTER) };
	unsigned char footer[SEEKABLE_FOOTER] = { 0 };
	uint32_t nr = htole32(c->nr), magic = htole32(SEEKABLE_MAGIC);
	memcpy(footer, &nr, sizeof(nr));
	memcpy(footer + 5, &magic, sizeof(magic));
	int rc = fd_write_full(c->fd, head, sizeof(head));
	if (rc == 0)
		rc = fd_write_full(c->fd, c->table.data, c->table.len);
	if (rc == 0)
		rc = fd_write_full(c->fd, footer, sizeof(footer));
	return rc < 0 ? error_code(err, rc, "write %s", c->name) : 0;
}

int pages_compress(struct istream *in, int fd, const char *name, const struct compress_how *how,
		   struct error *err)
{
	static const struct ordered_ops ops = {
		.slot_new = slot_new,
		.slot_free = slot_free,
		.take = take,
		.work = work,
		.give = give,
	};
	struct compress c = { .in = in, .fd = fd, .name = name, .how = how };
	int rc = ordered_run(&ops, &c, how->nr_threads, err);
	if (rc == 0)
		rc = table_write(&c, err);
	strbuf_fini(&c.table);
	return rc;
}

static int compress_member(const struct set_job *job, const struct source_member *m,
			   const struct compress_how *how, struct error *err)
{
	char name[80];
	if (how->max_size && m->size > how->max_size)
		return error_set(err, EFBIG, "%s: %" PRIu64 " bytes, more than --max-size", m->name,
				 m->size);
	snprintf(name, sizeof(name), "%s" SEEKABLE_SUFFIX, m->name);
	auto_istream in = NULL;
	int rc = source_open_member(job->src, m->name, &in, err);
	int fd = rc < 0 ? rc : sink_begin(job->sink, name, err);
	if (fd < 0)
		return fd;
	rc = pages_compress(in, fd, name, how, err);
	if (rc == 0)
		rc = sink_end(job->sink, err);
	return rc < 0 ? rc : sink_remove(job->sink, m->name, err);
}

int set_compress(const struct set_job *job, const struct compress_how *how, struct error *err)
{
	const struct source_member *members;
	ssize_t nr = source_list(job->src, &members, err);
	int rc = nr < 0 ? (int)nr : 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		const struct image_type *type = image_type_by_filename(members[i].name);
		if (type && type->id == IMG_PAGES && members[i].own && !members[i].packed)
			rc = compress_member(job, &members[i], how, err);
	}
	return rc;
}
