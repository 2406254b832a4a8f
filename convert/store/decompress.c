/* SPDX-License-Identifier: MIT
 * Decompressing page images: every thread reads frames and writes their bytes to their place.
 */
#include <inttypes.h>
#include <string.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "convert/store/compress.h"
#include "convert/store/ordered.h"
#include "images/seekable.h"

struct decompress {
	struct istream *in;
	int fd;
	const char *name;
	const struct compress_how *how;
	struct seekable_table table;
	uint32_t next;
};

struct slot {
	ZSTD_DCtx *dctx;
	unsigned char *plain, *packed;
	size_t plain_cap, packed_cap;
	size_t plain_len, packed_len;
	uint32_t frame;
};

static void slot_free(void *slot_)
{
	struct slot *slot = slot_;
	ZSTD_freeDCtx(slot->dctx);
	free(slot->plain);
	free(slot->packed);
	free(slot);
}

static void *slot_new(void *ctx)
{
	(void)ctx;
	struct slot *slot = calloc(1, sizeof(*slot));
	if (!slot)
		return NULL;
	slot->dctx = ZSTD_createDCtx();
	if (slot->dctx)
		return slot;
	free(slot);
	return NULL;
}

static int grow(unsigned char **buf, size_t *cap, size_t want)
{
	if (want <= *cap)
		return 0;
	free(*buf); /* what is in it is of no more use */
	*buf = io_buffer(want);
	*cap = 0;
	if (!*buf)
		return -ENOMEM;
	*cap = want;
	return 0;
}

static int take(void *ctx, void *slot_, struct error *err)
{
	struct decompress *d = ctx;
	struct slot *slot = slot_;
	if (d->next == d->table.nr)
		return 0;
	const struct seekable_frame *f = &d->table.frames[d->next];
	slot->frame = d->next++;
	slot->packed_len = (size_t)(f[1].at - f->at);
	slot->plain_len = (size_t)(f[1].plain - f->plain);
	if (grow(&slot->packed, &slot->packed_cap, slot->packed_len) < 0 ||
	    grow(&slot->plain, &slot->plain_cap, slot->plain_len + 1) < 0)
		return error_set(err, ENOMEM, "%s: out of memory", d->name);
	ssize_t n = istream_pread(d->in, slot->packed, slot->packed_len, f->at, err);
	if (n < 0)
		return (int)n;
	if ((size_t)n < slot->packed_len)
		return error_set(err, EBADMSG, "%s: cut short at byte %" PRIu64, d->name,
				 f->at + (uint64_t)n);
	return 1;
}

/* Of the name of what is read: the part that is also that of what is written. */
static int plain_len(const char *name)
{
	return (int)(seekable_name(name) ?: strlen(name));
}

static int work(void *ctx, void *slot_, struct error *err)
{
	const struct decompress *d = ctx;
	struct slot *slot = slot_;
	size_t n = ZSTD_decompressDCtx(slot->dctx, slot->plain, slot->plain_len, slot->packed,
				       slot->packed_len);
	if (ZSTD_isError(n))
		return error_set(err, EBADMSG, "%s: frame %" PRIu32 ": %s", d->name, slot->frame,
				 ZSTD_getErrorName(n));
	if (n != slot->plain_len)
		return error_set(err, EBADMSG, "%s: frame %" PRIu32 ": wanted %zu bytes, found %zu",
				 d->name, slot->frame, slot->plain_len, n);
	off_t at = (off_t)d->table.frames[slot->frame].plain;
	int rc = fd_pwrite_sparse(d->fd, slot->plain, slot->plain_len, at);
	return rc < 0 ? error_code(err, rc, "write %.*s", plain_len(d->name), d->name) : 0;
}

static int give(void *ctx, void *slot_, struct error *err)
{
	(void)err;
	const struct decompress *d = ctx;
	const struct slot *slot = slot_;
	progress_add(d->how->progress, slot->plain_len);
	return 0;
}

static int decompress_frames(struct decompress *d, struct error *err)
{
	static const struct ordered_ops ops = {
		.slot_new = slot_new,
		.slot_free = slot_free,
		.take = take,
		.work = work,
		.give = give,
	};
	uint64_t size = d->table.frames[d->table.nr].plain;
	if (d->how->max_size && size > d->how->max_size)
		return error_set(err, EFBIG, "%s: %" PRIu64 " bytes, more than --max-size", d->name,
				 size);
	if (ftruncate(d->fd, (off_t)size) < 0)
		return error_sys(err, "write %.*s", plain_len(d->name), d->name);
	return ordered_run(&ops, d, d->how->nr_threads, err);
}

int pages_decompress(struct istream *in, int fd, const char *name, const struct compress_how *how,
		     struct error *err)
{
	struct decompress d = { .in = in, .fd = fd, .name = name, .how = how };
	int rc = seekable_table_read(in, name, &d.table, err);
	if (rc == 0)
		rc = decompress_frames(&d, err);
	seekable_table_fini(&d.table);
	return rc;
}

static int decompress_member(const struct set_job *job, const struct source_member *m,
			     const struct compress_how *how, struct error *err)
{
	auto_istream in = NULL;
	auto_free char *file = dup_member_file(m);
	int rc = file ? source_open_member(job->src, m->path, &in, err)
		      : error_set(err, ENOMEM, "out of memory");
	if (rc == 0 && !istream_seekable(in))
		rc = error_set(err, EINVAL, "%s: compressed twice: `crit unpack` it first",
			       source_name(job->src));
	int fd = rc < 0 ? rc : sink_begin(job->sink, m->name, err);
	if (fd < 0)
		return fd;
	rc = pages_decompress(in, fd, m->path, how, err);
	if (rc == 0)
		rc = sink_end(job->sink, err);
	return rc < 0 ? rc : sink_remove(job->sink, file, err);
}

int set_decompress(const struct set_job *job, const struct compress_how *how, struct error *err)
{
	const struct source_member *members;
	ssize_t nr = source_list(job->src, &members, err);
	int rc = nr < 0 ? (int)nr : 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		if (members[i].packed && members[i].own)
			rc = decompress_member(job, &members[i], how, err);
	}
	return rc;
}
