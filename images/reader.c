/* SPDX-License-Identifier: MIT
 * Reading one image: one entry in memory at a time, every length checked before it is believed.
 */
#include "images/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pool.h"
#include "images/damage.h"
#include "images/payload.h"
#include "images/pid-map.h"
#include "images/roles.h"
#include "images/wire.h"

#define GROW_STEP (64 * 1024) /* what a length that is not yet proven may cost */
#define SMALL     512         /* bytes: too few for a nesting that matters, a level takes two */

struct image_reader {
	struct istream *in;
	const struct image_type *type;
	enum image_head head;
	bool framed; /* the bytes of the last message were there, whatever they say */
	const struct pid_map *pids; /* what ids in it become; NULL: they stay */
	ProtobufCAllocator pool;    /* where entries come from; no data: from malloc(3) */
	char *name;
	uint64_t nr_entries; /* read so far; the current entry is the one before */
	uint64_t entry_offset;

	uint8_t *packed; /* the current entry as it stands in the file */
	size_t packed_len, packed_cap;
	const ProtobufCFieldDescriptor *lazy; /* field left to image_element_next(); NULL: none */
	const uint8_t *lazy_at;               /* in packed */

	struct payload_plan plan;
	uint64_t next_part;
	uint64_t part_left; /* bytes of the current part; PAYLOAD_TO_END */
	size_t part_padding;
	ProtobufCMessage *part_msg;
};

const struct image_type *image_reader_type(const struct image_reader *r)
{
	return r->type;
}

enum image_head image_reader_head(const struct image_reader *r)
{
	return r->head;
}

const char *image_reader_name(const struct image_reader *r)
{
	return r->name;
}

uint64_t image_reader_entry(const struct image_reader *r)
{
	return r->nr_entries - 1;
}

uint64_t image_reader_entry_offset(const struct image_reader *r)
{
	return r->entry_offset;
}

uint64_t image_payload_offset(const struct image_reader *r)
{
	return istream_offset(r->in);
}

const void *image_entry_bytes(const struct image_reader *r, size_t *len)
{
	*len = r->packed_len;
	return r->packed;
}

static void *from_pool(void *pool, size_t size)
{
	return pool_alloc(pool, size);
}

static void goes_with_pool(void *pool, void *bytes)
{
	(void)pool, (void)bytes;
}

void image_reader_pool(struct image_reader *r, struct pool *pool)
{
	r->pool = (ProtobufCAllocator){ from_pool, goes_with_pool, pool };
}

/* @param entry  what the caller gets; else it is the reader's own */
static ProtobufCAllocator *allocator_of(struct image_reader *r, bool entry)
{
	return entry && r->pool.allocator_data ? &r->pool : NULL;
}

void image_reader_close(struct image_reader *r)
{
	if (!r)
		return;
	if (r->part_msg)
		protobuf_c_message_free_unpacked(r->part_msg, NULL);
	istream_close(r->in);
	free(r->packed);
	free(r->name);
	free(r);
}

static uint32_t get_u32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* PAGEMAP and SHMEM_PAGEMAP share a magic, SIGNAL and PSIGNAL too: the name tells them apart. */
static const struct image_type *type_of(uint32_t magic, const struct image_type *by_name)
{
	if (by_name && by_name->magic == magic && magic)
		return by_name;
	return image_type_by_magic(magic);
}

static int read_head(struct image_reader *r, struct error *err)
{
	const struct image_type *by_name = image_type_by_filename(r->name);
	if (by_name && by_name->head == HEAD_RAW) {
		r->type = by_name;
		r->head = HEAD_RAW;
		return 0;
	}
	unsigned char words[8];
	ssize_t n = istream_read(r->in, words, 4, err);
	if (n < 0)
		return (int)n;
	if (n < 4)
		return error_set(err, EBADMSG, "%s: header is %zd bytes, want at least 4", r->name,
				 n);
	uint32_t magic = get_u32(words);
	r->head = magic == IMG_COMMON_MAGIC    ? HEAD_COMMON
		  : magic == IMG_SERVICE_MAGIC ? HEAD_SERVICE
					       : HEAD_MAGIC;
	if (r->head != HEAD_MAGIC) {
		n = istream_read(r->in, words + 4, 4, err);
		if (n < 0)
			return (int)n;
		if (n < 4)
			return error_set(err, EBADMSG, "%s: header is %zd bytes, want 8", r->name,
					 4 + n);
		magic = get_u32(words + 4);
	}
	r->type = type_of(magic, by_name);
	if (!r->type)
		return error_set(err, EBADMSG,
				 "%s: unknown magic %#010" PRIx32
				 " at byte %d (images without one, as iptables-9.img, are known by "
				 "their names)",
				 r->name, magic, r->head == HEAD_MAGIC ? 0 : 4);
	return 0;
}

int image_open_stream(struct istream *in, const char *name, struct image_reader **out,
		      struct error *err)
{
	auto_image_reader r = calloc(1, sizeof(*r));
	if (r) {
		r->in = in;
		r->name = strdup(name);
	}
	if (!r || !r->name) {
		if (!r)
			istream_close(in);
		return error_set(err, ENOMEM, "%s: out of memory", name);
	}
	int rc = read_head(r, err);
	if (rc == 0)
		*out = take_ptr(r);
	return rc;
}

int image_open(struct source *src, const char *filename, struct image_reader **out,
	       struct error *err)
{
	struct istream *in;
	int rc = source_open_member(src, filename, &in, err);
	return rc < 0 ? rc : image_open_stream(in, filename, out, err);
}

int image_open_typed(struct source *src, enum image_id id, uint64_t number,
		     struct image_reader **out, struct error *err)
{
	char name[64];
	const struct pid_map *pids = source_pids(src);
	if (pids && image_named_by_pid(&image_types[id]))
		number = pid_map_old(pids, (uint32_t)number);
	image_filename(&image_types[id], number, name, sizeof(name));
	auto_image_reader r = NULL;
	int rc = image_open(src, name, &r, err);
	if (rc < 0)
		return rc;
	if (r->type->magic != image_types[id].magic)
		return error_set(err, EBADMSG, "%s: wanted a %s image, found %s", name,
				 image_types[id].name, r->type->name);
	r->type = &image_types[id];
	r->pids = pids;
	*out = take_ptr(r);
	return 0;
}

uint64_t image_bytes_left(const struct image_reader *r)
{
	int64_t size = istream_size(r->in);
	uint64_t at = istream_offset(r->in);
	if (size < 0)
		return UINT64_MAX;
	return (uint64_t)size > at ? (uint64_t)size - at : 0;
}

/* Where in the file something is wrong; entries count from 0 as in the JSON. */
#define BAD(r, err, fmt, ...)                                                                      \
	error_set(err, EBADMSG, "%s: entry %" PRIu64 " at byte %" PRIu64 ": " fmt, (r)->name,      \
		  (r)->nr_entries ? (r)->nr_entries - 1 : 0, (r)->entry_offset, ##__VA_ARGS__)

static int packed_grow(struct image_reader *r, size_t want)
{
	if (want <= r->packed_cap)
		return 0;
	size_t cap = r->packed_cap ? r->packed_cap : 512;
	while (cap < want)
		cap *= 2;
	uint8_t *grown = realloc(r->packed, cap);
	if (!grown)
		return -ENOMEM;
	r->packed = grown;
	r->packed_cap = cap;
	return 0;
}

/* `len` bytes of message into r->packed; memory grows only as the bytes really arrive. */
static int read_packed(struct image_reader *r, uint32_t len, struct error *err)
{
	uint64_t left = image_bytes_left(r);
	if (len > IMAGE_MESSAGE_MAX)
		return BAD(r, err, "message of %" PRIu32 " bytes, the limit is %d", len,
			   IMAGE_MESSAGE_MAX);
	if (len > left)
		return BAD(r, err, "wanted a message of %" PRIu32 " bytes, found %" PRIu64, len,
			   left);
	r->packed_len = 0;
	if (packed_grow(r, 1) < 0) /* an empty message has an address too */
		return BAD(r, err, "out of memory");
	size_t step = left == UINT64_MAX ? GROW_STEP : len;
	while (r->packed_len < len) {
		size_t part = len - r->packed_len;
		if (part > step)
			part = step;
		if (packed_grow(r, r->packed_len + part) < 0)
			return BAD(r, err, "out of memory for %" PRIu32 " bytes", len);
		ssize_t n = istream_read(r->in, r->packed + r->packed_len, part, err);
		if (n < 0)
			return (int)n;
		r->packed_len += (size_t)n;
		if ((size_t)n < part)
			return BAD(r, err, "wanted a message of %" PRIu32 " bytes, found %zu", len,
				   r->packed_len);
		step = r->packed_len;
	}
	return 0;
}

/* A sink for packing that only compares. */
struct compare {
	ProtobufCBuffer base;
	const uint8_t *at;
	size_t left;
	bool same;
};

static void compare_append(ProtobufCBuffer *buffer, size_t len, const uint8_t *bytes)
{
	struct compare *c = (struct compare *)buffer;
	c->same = c->same && len <= c->left && (!len || !memcmp(c->at, bytes, len));
	if (!c->same)
		return;
	c->at += len;
	c->left -= len;
}

static bool packs_to(const ProtobufCMessage *msg, const uint8_t *bytes, size_t len)
{
	struct compare c = { { compare_append }, bytes, len, true };
	protobuf_c_message_pack_to_buffer(msg, &c.base);
	return c.same && !c.left;
}

/* Most small messages are unpacked and packed again faster than they are looked at. */
static int unpack(struct image_reader *r, const ProtobufCMessageDescriptor *desc,
		  const uint8_t *bytes, size_t len, ProtobufCAllocator *allocator,
		  ProtobufCMessage **out, struct error *err)
{
	struct error why = { 0 };
	bool small = len <= SMALL;
	int rc = small ? 0 : wire_check(desc, bytes, len, &why);
	ProtobufCMessage *msg =
	    rc < 0 ? NULL : protobuf_c_message_unpack(desc, allocator, len, bytes);
	/* It does not unpack, or would not come back the same: find out why. */
	if (small && !(msg && packs_to(msg, bytes, len)))
		rc = wire_check(desc, bytes, len, &why);
	if (rc == 0 && msg) {
		*out = msg;
		return 0;
	}
	if (msg)
		protobuf_c_message_free_unpacked(msg, allocator);
	return BAD(r, err, "%s", rc < 0 ? why.text : "not a message, or out of memory");
}

/* All fields but r->lazy. */
static int unpack_lazy(struct image_reader *r, const ProtobufCMessageDescriptor *desc,
		       ProtobufCMessage **out, struct error *err)
{
	auto_free uint8_t *rest = malloc(r->packed_len + 1);
	const uint8_t *at = r->packed, *end = at + r->packed_len, *value;
	size_t rest_len = 0, len;
	uint32_t id;
	int rc;
	if (!rest)
		return BAD(r, err, "out of memory");
	for (const uint8_t *start = at; (rc = wire_field(&at, end, &id, &value, &len)) > 0;
	     start = at) {
		if (id == r->lazy->id && value)
			continue;
		memcpy(rest + rest_len, start, (size_t)(at - start));
		rest_len += (size_t)(at - start);
	}
	ProtobufCAllocator *allocator = allocator_of(r, true);
	if (rc < 0) /* say what is wrong with the whole */
		return unpack(r, desc, r->packed, r->packed_len, allocator, out, err);
	return unpack(r, desc, rest, rest_len, allocator, out, err);
}

/* A size word and a message. @return 1; 0 at the end of the file when that is fine. */
static int read_message(struct image_reader *r, const ProtobufCMessageDescriptor *desc, bool end_ok,
			ProtobufCAllocator *allocator, ProtobufCMessage **out, struct error *err)
{
	unsigned char word[4];
	r->framed = false;
	ssize_t n = istream_read(r->in, word, sizeof(word), err);
	if (n < 0)
		return (int)n;
	if (n == 0 && end_ok)
		return 0;
	if (n < (ssize_t)sizeof(word))
		return BAD(r, err, "wanted a size of 4 bytes, found %zd", n);
	int rc = read_packed(r, get_u32(word), err);
	r->framed = rc == 0;
	if (rc == 0)
		rc = r->lazy && desc == r->type->entry
			 ? unpack_lazy(r, desc, out, err)
			 : unpack(r, desc, r->packed, r->packed_len, allocator, out, err);
	return rc < 0 ? rc : 1;
}

static int skip(struct image_reader *r, uint64_t len, struct error *err)
{
	uint64_t left = image_bytes_left(r);
	if (len > left)
		return BAD(r, err, "wanted %" PRIu64 " bytes of payload, found %" PRIu64, len,
			   left);
	return istream_skip(r->in, len, err);
}

/* Leave the current part: its remaining bytes and padding. @return 1 at the end of the file. */
static int part_leave(struct image_reader *r, struct error *err)
{
	if (r->part_msg)
		protobuf_c_message_free_unpacked(r->part_msg, NULL);
	r->part_msg = NULL;
	if (r->part_left == PAYLOAD_TO_END)
		return 1;
	int rc = r->part_left ? skip(r, r->part_left, err) : 0;
	if (rc == 0 && r->part_padding)
		rc = skip(r, r->part_padding, err);
	r->part_left = r->part_padding = 0;
	return rc;
}

int image_payload_next(struct image_reader *r, struct payload_part *part, struct error *err)
{
	int rc = part_leave(r, err);
	if (rc)
		return rc < 0 ? rc : 0;
	if (r->next_part >= r->plan.nr_parts)
		return 0;
	if (r->plan.header) {
		rc = read_message(r, r->plan.header, r->plan.nr_parts == PAYLOAD_TO_END,
				  allocator_of(r, false), &r->part_msg, err);
		if (rc <= 0) {
			r->next_part = r->plan.nr_parts;
			return rc;
		}
	}
	uint64_t len = payload_part_len(&r->plan, r->next_part, r->part_msg);
	size_t padding = r->plan.to_end ? 0 : payload_padding(r->type->payload, len);
	uint64_t left = image_bytes_left(r);
	if (!r->plan.to_end && (len > PAYLOAD_MAX || len > left || padding > left - len))
		return BAD(r, err,
			   "part %" PRIu64 ": wanted %" PRIu64 " bytes of payload, found %" PRIu64,
			   r->next_part, len, left);
	r->next_part++;
	r->part_left = len;
	r->part_padding = padding;
	*part = (struct payload_part){ .msg = r->part_msg, .len = len };
	return 1;
}

ssize_t image_payload_read(struct image_reader *r, void *buf, size_t len, struct error *err)
{
	if (len > r->part_left)
		len = r->part_left;
	ssize_t n = istream_read(r->in, buf, len, err);
	if (n < 0 || r->part_left == PAYLOAD_TO_END)
		return n;
	if ((size_t)n < len)
		return BAD(r, err, "wanted %" PRIu64 " more bytes of payload, found %zd",
			   r->part_left, n);
	r->part_left -= (size_t)n;
	return n;
}

static int payload_skip(struct image_reader *r, struct error *err)
{
	struct payload_part part;
	int rc;
	do {
		rc = image_payload_next(r, &part, err);
	} while (rc == 1);
	return rc;
}

static int entry_next(struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	const ProtobufCMessageDescriptor *desc =
	    r->nr_entries == 0 && r->type->first ? r->type->first : r->type->entry;
	if (!desc)
		return error_set(err, EINVAL, "%s: a %s image has no entries, only bytes", r->name,
				 r->type->name);
	int rc = payload_skip(r, err);
	if (rc < 0)
		return rc;
	if (r->part_left == PAYLOAD_TO_END)
		return 0;
	uint64_t offset = istream_offset(r->in);
	uint64_t before = r->entry_offset;
	r->entry_offset = offset;
	r->nr_entries++;
	ProtobufCMessage *unpacked = NULL;
	ProtobufCAllocator *allocator = allocator_of(r, true);
	rc = read_message(r, desc, true, allocator, &unpacked, err);
	if (rc == 0) {
		r->entry_offset = before;
		r->nr_entries--;
	}
	if (rc <= 0)
		return rc;
	payload_plan(r->type->payload, unpacked, &r->plan);
	r->next_part = 0;
	if (r->pids && (rc = pid_map_message(r->pids, unpacked, allocator, err)) < 0) {
		protobuf_c_message_free_unpacked(unpacked, allocator);
		return rc;
	}
	*msg = unpacked;
	return 1;
}

int image_next(struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	r->lazy = NULL;
	return entry_next(r, msg, err);
}

int image_payload_take(struct image_reader *r, struct strbuf *out, struct error *err)
{
	struct payload_part part;
	char buf[16384];
	int rc = image_payload_next(r, &part, err);
	if (rc <= 0)
		return rc;
	for (;;) {
		ssize_t n = image_payload_read(r, buf, sizeof(buf), err);
		if (n <= 0)
			return (int)n;
		if (strbuf_add(out, buf, (size_t)n) < 0)
			return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	}
}

ssize_t image_read_raw(struct image_reader *r, void *buf, size_t len, struct error *err)
{
	return istream_read(r->in, buf, len, err);
}

/* The single entry of an image that is open. */
static int read_single(struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	ProtobufCMessage *first = NULL, *second = NULL;
	int rc = image_next(r, &first, err);
	if (rc == 0)
		return error_set(err, EBADMSG, "%s: wanted one entry, found none", r->name);
	if (rc > 0)
		rc = image_next(r, &second, err);
	if (rc > 0)
		rc = error_set(err, EBADMSG, "%s: wanted one entry, found more at byte %" PRIu64,
			       r->name, r->entry_offset);
	if (second)
		protobuf_c_message_free_unpacked(second, allocator_of(r, true));
	if (rc < 0 && first)
		protobuf_c_message_free_unpacked(first, allocator_of(r, true));
	if (rc == 0)
		*msg = first;
	return rc;
}

int image_read_pooled(struct source *src, enum image_id id, uint64_t number, struct pool *pool,
		      ProtobufCMessage **msg, struct error *err)
{
	auto_image_reader r = NULL;
	struct error why;
	int rc = image_open_typed(src, id, number, &r, &why);
	if (rc == 0) {
		image_reader_pool(r, pool);
		rc = read_single(r, msg, &why);
	}
	return damage_pass(src, rc, &why, err);
}

int image_read_one(struct source *src, enum image_id id, uint64_t number, ProtobufCMessage **msg,
		   struct error *err)
{
	return image_read_pooled(src, id, number, NULL, msg, err);
}

enum { BROKEN_MAX = 16 /* entries; then the image is no better than noise */ };

/* Behind an entry that says nothing: without a payload its length is enough. */
static bool has_next(const struct image_reader *r)
{
	return r->framed && r->type->payload == PAYLOAD_NONE;
}

int image_each(struct source *src, enum image_id id, uint64_t number, image_visit *visit, void *ctx,
	       struct error *err)
{
	auto_image_reader r = NULL;
	struct error why;
	unsigned broken = 0;
	int rc = image_open_typed(src, id, number, &r, &why);
	if (rc == -ENOENT)
		return 0;
	while (rc >= 0) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, &why);
		if (rc == 0)
			return 0;
		if (rc > 0)
			rc = visit(ctx, r, &msg, &why);
		else if (++broken < BROKEN_MAX && has_next(r) && damage_noted(src, rc, &why))
			rc = 0;
	}
	return damage_noted(src, rc, &why) ? 0 : error_set(err, rc, "%s", why.text);
}

bool image_entry_wanted(const uint64_t *wanted, size_t nr, uint64_t entry)
{
	for (size_t i = 0; i < nr; i++) {
		if (wanted[i] == entry)
			return true;
	}
	return !wanted;
}

int image_entries_seen(const struct image_reader *r, const uint64_t *wanted, size_t nr,
		       uint64_t entries, struct error *err)
{
	for (size_t i = 0; i < nr; i++) {
		if (wanted[i] >= entries)
			return error_set(err, ENOENT,
					 "%s: no entry %" PRIu64 ", it has %" PRIu64 " from 0 on",
					 r->name, wanted[i], entries);
	}
	return 0;
}

int image_next_lazy(struct image_reader *r, const char *field, ProtobufCMessage **msg, size_t *nr,
		    struct error *err)
{
	const uint8_t *value;
	size_t len;
	uint32_t id;
	r->lazy = protobuf_c_message_descriptor_get_field_by_name(r->type->entry, field);
	int rc = entry_next(r, msg, err);
	*nr = 0;
	if (rc <= 0) {
		r->lazy = NULL;
		return rc;
	}
	r->lazy_at = r->packed;
	while (wire_field(&r->lazy_at, r->packed + r->packed_len, &id, &value, &len) > 0)
		*nr += id == r->lazy->id && value;
	r->lazy_at = r->packed;
	return 1;
}

int image_element_next(struct image_reader *r, ProtobufCMessage **element, struct error *err)
{
	const uint8_t *value;
	size_t len;
	uint32_t id;
	while (r->lazy &&
	       wire_field(&r->lazy_at, r->packed + r->packed_len, &id, &value, &len) > 0) {
		if (id != r->lazy->id || !value)
			continue;
		int rc =
		    unpack(r, r->lazy->descriptor, value, len, allocator_of(r, true), element, err);
		return rc < 0 ? rc : 1;
	}
	r->lazy = NULL;
	return 0;
}
