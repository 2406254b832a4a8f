/* SPDX-License-Identifier: MIT
 * Compressed page images as streams: one frame is decompressed to read any byte of it.
 */
#include "images/seekable.h"

#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "images/backend.h"
#include "images/image-type.h"

enum {
	HELD = 4,            /* frames kept decompressed: several walks side by side */
	CHUNK = 64 * 1024,   /* read at once when there is no going back */
	WINDOW_LOG_MAX = 23, /* of a stream: no frame is larger */
	PACKED_MAX = SEEKABLE_FRAME_MAX + 64 * 1024, /* what cannot be compressed, and headers */
};

static uint32_t word(const void *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

size_t seekable_name(const char *name)
{
	size_t len = strlen(name), suffix = strlen(SEEKABLE_SUFFIX);
	if (len <= suffix || strcmp(name + len - suffix, SEEKABLE_SUFFIX))
		return 0;
	char plain[64];
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;
	size_t base_len = strlen(base) - suffix;
	if (base_len >= sizeof(plain))
		return 0;
	memcpy(plain, base, base_len);
	plain[base_len] = '\0';
	const struct image_type *type = image_type_by_filename(plain);
	return type && type->id == IMG_PAGES ? len - suffix : 0;
}

void seekable_table_fini(struct seekable_table *table)
{
	free(table->frames);
	*table = (struct seekable_table){ 0 };
}

static int read_exactly(struct istream *in, void *buf, size_t len, uint64_t at, const char *name,
			struct error *err)
{
	ssize_t n = istream_pread(in, buf, len, at, err);
	if (n < 0)
		return (int)n;
	if ((size_t)n < len)
		return error_set(err, EBADMSG,
				 "%s: wanted %zu bytes at byte %" PRIu64 ", found %zd", name, len,
				 at, n);
	return 0;
}

static int table_fill(const unsigned char *entries, size_t entry_len, const char *name,
		      uint64_t end, struct seekable_table *out, struct error *err)
{
	out->frames = calloc((size_t)out->nr + 1, sizeof(*out->frames));
	if (!out->frames)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	for (uint32_t i = 0; i < out->nr; i++) {
		const unsigned char *entry = entries + i * entry_len;
		uint32_t packed = word(entry), plain = word(entry + 4);
		if (plain > SEEKABLE_FRAME_MAX || !packed || packed > PACKED_MAX)
			return error_set(err, EBADMSG,
					 "%s: frame %" PRIu32 ": %" PRIu32 " bytes in %" PRIu32
					 ", wanted at most %d",
					 name, i, plain, packed, SEEKABLE_FRAME_MAX);
		out->frames[i + 1].at = out->frames[i].at + packed;
		out->frames[i + 1].plain = out->frames[i].plain + plain;
	}
	if (out->frames[out->nr].at != end)
		return error_set(err, EBADMSG,
				 "%s: its table says frames of %" PRIu64 " bytes, found %" PRIu64,
				 name, out->frames[out->nr].at, end);
	return 0;
}

int seekable_table_read(struct istream *in, const char *name, struct seekable_table *out,
			struct error *err)
{
	*out = (struct seekable_table){ 0 };
	int64_t size = istream_size(in);
	unsigned char footer[SEEKABLE_FOOTER], head[8];
	if (size < (int64_t)(sizeof(head) + sizeof(footer)))
		return error_set(err, EBADMSG, "%s: %" PRId64 " bytes hold no table of frames",
				 name, size);
	uint64_t footer_at = (uint64_t)size - sizeof(footer);
	int rc = read_exactly(in, footer, sizeof(footer), footer_at, name, err);
	if (rc < 0)
		return rc;
	if (word(footer + 5) != SEEKABLE_MAGIC || footer[4] & 0x7c)
		return error_set(err, EBADMSG, "%s: no table of frames at its end", name);
	size_t entry_len = footer[4] & SEEKABLE_CHECKSUM ? 12 : 8;
	uint64_t len = (uint64_t)word(footer) * entry_len;
	if (len > footer_at - sizeof(head))
		return error_set(err, EBADMSG,
				 "%s: a table of %" PRIu32 " frames, but %" PRId64 " bytes", name,
				 word(footer), size);
	uint64_t start = footer_at - len - sizeof(head);
	rc = read_exactly(in, head, sizeof(head), start, name, err);
	if (rc == 0 && (word(head) != SEEKABLE_SKIPPABLE || word(head + 4) != len + sizeof(footer)))
		rc =
		    error_set(err, EBADMSG, "%s: no table of frames at byte %" PRIu64, name, start);
	if (rc < 0)
		return rc;
	auto_free unsigned char *entries = malloc(len + 1);
	if (!entries)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	rc = read_exactly(in, entries, len, start + sizeof(head), name, err);
	out->nr = word(footer);
	if (rc == 0)
		rc = table_fill(entries, entry_len, name, start, out, err);
	if (rc < 0)
		seekable_table_fini(out);
	return rc;
}

struct held {
	unsigned char *bytes;
	size_t cap;
	uint32_t frame;
	bool valid;
	uint64_t used; /* when it was read last */
};

struct seekable {
	struct istream *in;
	char *name;
	ZSTD_DCtx *dctx;
	struct seekable_table table;
	struct held held[HELD];
	uint64_t clock;
	unsigned char *packed; /* of one frame, or the window of a forward stream */
	size_t packed_cap;
	ZSTD_inBuffer window; /* forward */
	bool ended;
};

static void seekable_close(void *ctx)
{
	struct seekable *s = ctx;
	if (s->dctx)
		ZSTD_freeDCtx(s->dctx);
	for (int i = 0; i < HELD; i++)
		free(s->held[i].bytes);
	seekable_table_fini(&s->table);
	istream_close(s->in);
	free(s->packed);
	free(s->name);
	free(s);
}

static int frame_read(struct seekable *s, uint32_t i, struct held *h, struct error *err)
{
	const struct seekable_frame *f = &s->table.frames[i];
	size_t packed = (size_t)(f[1].at - f->at), plain = (size_t)(f[1].plain - f->plain);
	h->valid = false;
	if (packed > s->packed_cap) {
		/* A table may claim what it likes, but its sum was compared with the file's size.
		 */
		free(s->packed);
		s->packed_cap = 0;
		s->packed = io_buffer(packed);
		if (!s->packed)
			return error_set(err, ENOMEM, "out of memory");
		s->packed_cap = packed;
	}
	if (plain > h->cap || !h->bytes) {
		free(h->bytes);
		h->cap = 0;
		h->bytes = io_buffer(plain ? plain : 1);
		if (!h->bytes)
			return error_set(err, ENOMEM, "out of memory");
		h->cap = plain;
	}
	int rc = read_exactly(s->in, s->packed, packed, f->at, s->name, err);
	if (rc < 0)
		return rc;
	size_t n = ZSTD_decompressDCtx(s->dctx, h->bytes, plain, s->packed, packed);
	if (ZSTD_isError(n))
		return error_set(err, EBADMSG, "frame %" PRIu32 " at byte %" PRIu64 ": %s", i,
				 f->at, ZSTD_getErrorName(n));
	if (n != plain)
		return error_set(err, EBADMSG, "frame %" PRIu32 ": wanted %zu bytes, found %zu", i,
				 plain, n);
	h->frame = i;
	h->valid = true;
	return 0;
}

/* The frame a byte is in. */
static uint32_t frame_find(const struct seekable_table *t, uint64_t offset)
{
	uint32_t low = 0, high = t->nr;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;
		if (t->frames[mid].plain <= offset)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static int frame_get(struct seekable *s, uint32_t i, struct held **out, struct error *err)
{
	struct held *oldest = &s->held[0];
	for (int k = 0; k < HELD; k++) {
		struct held *h = &s->held[k];
		if (h->valid && h->frame == i) {
			h->used = ++s->clock;
			*out = h;
			return 0;
		}
		if (h->used < oldest->used)
			oldest = h;
	}
	oldest->used = ++s->clock;
	*out = oldest;
	return frame_read(s, i, oldest, err);
}

static ssize_t seekable_pread(void *ctx, void *buf, size_t len, uint64_t offset, struct error *err)
{
	struct seekable *s = ctx;
	if (offset >= s->table.frames[s->table.nr].plain)
		return 0;
	uint32_t i = frame_find(&s->table, offset);
	struct held *h;
	int rc = frame_get(s, i, &h, err);
	if (rc < 0)
		return rc;
	uint64_t left = s->table.frames[i + 1].plain - offset;
	if (len > left)
		len = (size_t)left;
	memcpy(buf, h->bytes + (offset - s->table.frames[i].plain), len);
	return (ssize_t)len;
}

static ssize_t seekable_read(void *ctx, void *buf, size_t len, struct error *err)
{
	struct seekable *s = ctx;
	ZSTD_outBuffer out = { buf, len, 0 };
	while (out.pos == 0) {
		if (s->window.pos == s->window.size) {
			ssize_t n = istream_read(s->in, s->packed, CHUNK, err);
			if (n < 0)
				return n;
			if (n == 0 && !s->ended)
				return error_set(err, EBADMSG, "the last frame is cut short");
			if (n == 0)
				return 0;
			s->window = (ZSTD_inBuffer){ s->packed, (size_t)n, 0 };
		}
		size_t rc = ZSTD_decompressStream(s->dctx, &out, &s->window);
		if (ZSTD_isError(rc))
			return error_set(err, EBADMSG, "%s", ZSTD_getErrorName(rc));
		s->ended = rc == 0;
	}
	return (ssize_t)out.pos;
}

static const struct istream_ops any_order_ops = { .pread = seekable_pread,
						  .close = seekable_close };
static const struct istream_ops forward_ops = { .read = seekable_read, .close = seekable_close };

static int seekable_prepare(struct seekable *s, struct error *err)
{
	s->dctx = ZSTD_createDCtx();
	if (!s->dctx)
		return error_set(err, ENOMEM, "%s: out of memory", s->name);
	if (istream_seekable(s->in))
		return seekable_table_read(s->in, s->name, &s->table, err);
	s->ended = true;
	s->packed = io_buffer(CHUNK);
	ZSTD_DCtx_setParameter(s->dctx, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	return s->packed ? 0 : error_set(err, ENOMEM, "%s: out of memory", s->name);
}

int istream_open_seekable(struct istream *in, const char *name, struct istream **out,
			  struct error *err)
{
	struct seekable *s = calloc(1, sizeof(*s));
	if (!s) {
		istream_close(in);
		return error_set(err, ENOMEM, "%s: out of memory", name);
	}
	s->in = in;
	s->name = strdup(name);
	int rc =
	    s->name ? seekable_prepare(s, err) : error_set(err, ENOMEM, "%s: out of memory", name);
	if (rc < 0) {
		seekable_close(s);
		return rc;
	}
	bool any_order = s->table.frames != NULL;
	int64_t size = any_order ? (int64_t)s->table.frames[s->table.nr].plain : -1;
	return istream_new(any_order ? &any_order_ops : &forward_ops, s, name, size, out, err);
}
