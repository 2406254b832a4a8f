/* SPDX-License-Identifier: MIT
 * Where bytes come from.
 */
#include "viewer/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "convert/memory/map.h"
#include "viewer/app.h"

enum { PAGE = 4096, PIECE = 1 << 20 };

static int memory_read(struct bytes *b, uint64_t at, void *buf, size_t len, uint8_t *known,
		       struct error *err)
{
	uint8_t pages[PIECE / PAGE + 2];
	for (size_t done = 0; done < len;) {
		size_t part = len - done < PIECE ? len - done : PIECE;
		int rc = memory_view_read(b->memory->mv, at + done, (char *)buf + done, part, pages,
					  err);
		if (rc < 0)
			return rc;
		for (size_t i = 0; known && i < part; i++)
			known[done + i] = pages[((at + done) % PAGE + i) / PAGE];
		done += part;
	}
	return 0;
}

static bool memory_stretch(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end)
{
	const struct area *area = memory_view_find(b->memory->mv, at);
	if (!area)
		return false;
	*start = area->vma->start;
	*end = area->vma->end;
	return true;
}

static bool memory_stretch_below(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end)
{
	const struct area *areas;
	size_t low = 0, high = memory_view_areas(b->memory->mv, &areas);
	while (low < high) { /* the first that begins above */
		size_t middle = low + (high - low) / 2;
		if (areas[middle].vma->start <= at)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	*start = areas[low - 1].vma->start;
	*end = areas[low - 1].vma->end;
	return true;
}

static bool memory_data(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end)
{
	const struct area *area;
	while ((area = memory_view_find(b->memory->mv, at))) {
		struct memory_run run;
		at = at > area->vma->start ? at : area->vma->start;
		if (memory_view_run(b->memory->mv, area, at, &run, NULL) < 0) {
			at = area->vma->end; /* the pages of this one cannot be read */
			continue;
		}
		if (run.state == PG_STORED || run.state == PG_PARENT || run.state == PG_FILE) {
			*start = at;
			*end = run.end;
			return true;
		}
		at = run.end;
	}
	return false;
}

static void memory_about(struct bytes *b, uint64_t at, struct strbuf *out)
{
	static const char *const states[] = {
		[PG_HOLE] = "never touched",   [PG_ZERO] = "zero",
		[PG_STORED] = "stored",        [PG_PARENT] = "in the parent set",
		[PG_LAZY] = "left behind",     [PG_FILE] = "as in its file",
		[PG_GUARD] = "behind a guard",
	};
	const struct area *area = memory_view_find(b->memory->mv, at);
	struct memory_run run = { .state = PG_HOLE };
	char prot[5];
	if (!area || at < area->vma->start)
		return;
	int rc = memory_view_run(b->memory->mv, area, at, &run, NULL);
	strbuf_printf(out, "%s %s, %s", area_prot_text(area, prot), area_kind_names[area->kind],
		      rc < 0 ? "cannot be read" : states[run.state]);
	if (area->path[0])
		strbuf_printf(out, ", %s+%#" PRIx64, area->path,
			      area->vma->pgoff + (at - area->vma->start));
}

static void memory_command(struct bytes *b, uint64_t start, uint64_t end, struct strbuf *out)
{
	strbuf_printf(out, "pages -p %u --hexdump {} %#" PRIx64 "-%#" PRIx64, b->process->pid,
		      start, end);
}

static void memory_close(struct bytes *b)
{
	memory_unref(b->app, b->memory);
	free(b);
}

static const struct bytes_ops memory_bytes = {
	.read = memory_read,
	.stretch = memory_stretch,
	.stretch_below = memory_stretch_below,
	.data = memory_data,
	.about = memory_about,
	.command = memory_command,
	.close = memory_close,
};

int bytes_of_memory(struct app *app, const struct process *p, struct bytes **out, struct error *err)
{
	struct bytes *b = calloc(1, sizeof(*b));
	if (!b)
		return error_set(err, ENOMEM, "out of memory");
	int rc = memory_ref(app, p, &b->memory, err);
	if (rc < 0) {
		free(b);
		return rc;
	}
	b->ops = &memory_bytes;
	b->app = app;
	b->process = p;
	snprintf(b->title, sizeof(b->title), "memory of %u", p->pid);
	*out = b;
	return 0;
}

/* A stream that may only go forward; going back opens it again. */
struct stream {
	struct bytes base;
	char *image;
	size_t entry, part; /* entry SIZE_MAX: the file as a whole */
	struct image_reader *reader;
	struct istream *in; /* of a whole file */
	uint64_t at, size;
};

static void stream_shut(struct stream *s)
{
	image_reader_close(s->reader);
	istream_close(s->in);
	s->reader = NULL;
	s->in = NULL;
	s->at = 0;
}

/* To the start of the part. */
static int part_open(struct stream *s, struct error *err)
{
	struct payload_part part = { 0 };
	int rc = image_open(s->base.app->src, s->image, &s->reader, err);
	for (size_t i = 0; rc >= 0 && i <= s->entry; i++) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(s->reader, &msg, err);
		if (rc == 0)
			return error_set(err, ENOENT, "%s has no entry %zu", s->image, s->entry);
	}
	for (size_t i = 0; rc >= 0 && i <= s->part; i++) {
		rc = image_payload_next(s->reader, &part, err);
		if (rc == 0)
			return error_set(err, ENOENT, "nothing follows this entry");
	}
	if (rc < 0)
		return rc;
	s->size = part.len;
	return 0;
}

static int stream_open(struct stream *s, struct error *err)
{
	stream_shut(s);
	if (s->entry != SIZE_MAX)
		return part_open(s, err);
	return source_open_member(s->base.app->src, s->image, &s->in, err);
}

static ssize_t stream_take(struct stream *s, void *buf, size_t len, struct error *err)
{
	ssize_t n = s->in ? istream_read(s->in, buf, len, err)
			  : image_payload_read(s->reader, buf, len, err);
	s->at += n > 0 ? (uint64_t)n : 0;
	return n;
}

static int stream_seek(struct stream *s, uint64_t at, struct error *err)
{
	char drop[16384];
	int rc = at < s->at || (!s->in && !s->reader) ? stream_open(s, err) : 0;
	if (rc == 0 && s->in && at > s->at) {
		rc = istream_skip(s->in, at - s->at, err);
		s->at = at;
	}
	while (rc == 0 && s->at < at) {
		uint64_t left = at - s->at;
		ssize_t n = stream_take(s, drop, left < sizeof(drop) ? left : sizeof(drop), err);
		if (n <= 0)
			return n < 0 ? (int)n : error_set(err, EBADMSG, "%s ends early", s->image);
	}
	return rc;
}

static int stream_read(struct bytes *b, uint64_t at, void *buf, size_t len, uint8_t *known,
		       struct error *err)
{
	struct stream *s = (struct stream *)b;
	size_t done = 0;
	memset(buf, 0, len);
	if (known)
		memset(known, 0, len);
	if (at >= s->size)
		return 0;
	len = s->size - at < len ? (size_t)(s->size - at) : len;
	if (s->in && istream_seekable(s->in)) {
		ssize_t n = istream_pread(s->in, buf, len, at, err);
		done = n > 0 ? (size_t)n : 0;
		if (n < 0)
			return (int)n;
	} else {
		int rc = stream_seek(s, at, err);
		while (rc == 0 && done < len) {
			ssize_t n = stream_take(s, (char *)buf + done, len - done, err);
			if (n <= 0) {
				rc = (int)n;
				break;
			}
			done += (size_t)n;
		}
		if (rc < 0)
			return rc;
	}
	if (known)
		memset(known, 1, done);
	return 0;
}

static bool stream_stretch(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end)
{
	const struct stream *s = (struct stream *)b;
	*start = 0;
	*end = s->size;
	return at < s->size;
}

static bool stream_below(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end)
{
	return stream_stretch(b, 0, start, end) && at >= *start;
}

static bool stream_data(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end)
{
	if (!stream_stretch(b, at, start, end))
		return false;
	*start = at;
	return true;
}

static void stream_about(struct bytes *b, uint64_t at, struct strbuf *out)
{
	const struct stream *s = (struct stream *)b;
	strbuf_printf(out, "byte %" PRIu64 " of %" PRIu64, at, s->size);
}

static void stream_command(struct bytes *b, uint64_t start, uint64_t end, struct strbuf *out)
{
	const struct stream *s = (struct stream *)b;
	(void)start;
	(void)end;
	strbuf_printf(out, "show %s%s", source_is_archive(b->app->src) ? "{}:" : "{}/", s->image);
}

static void stream_close(struct bytes *b)
{
	struct stream *s = (struct stream *)b;
	stream_shut(s);
	free(s->image);
	free(s);
}

static const struct bytes_ops stream_bytes = {
	.read = stream_read,
	.stretch = stream_stretch,
	.stretch_below = stream_below,
	.data = stream_data,
	.about = stream_about,
	.command = stream_command,
	.close = stream_close,
};

static struct stream *stream_new(struct app *app, const char *image, size_t entry, size_t part)
{
	struct stream *s = calloc(1, sizeof(*s));
	char *copy = strdup(image);
	if (!s || !copy) {
		free(s);
		free(copy);
		return NULL;
	}
	s->base.ops = &stream_bytes;
	s->base.app = app;
	s->image = copy;
	s->entry = entry;
	s->part = part;
	return s;
}

/* What reaches to the end of the file has no length of its own: read it once. */
static int stream_measure(struct stream *s, struct error *err)
{
	char drop[65536];
	ssize_t n;
	if (s->size != UINT64_MAX)
		return 0;
	while ((n = stream_take(s, drop, sizeof(drop), err)) > 0)
		;
	s->size = s->at;
	return (int)n;
}

static int stream_finish(struct stream *s, struct bytes **out, struct error *err)
{
	int rc = stream_open(s, err);
	if (rc == 0 && s->in) {
		int64_t size = istream_size(s->in);
		s->size = size < 0 ? UINT64_MAX : (uint64_t)size;
	}
	if (rc == 0)
		rc = stream_measure(s, err);
	if (rc < 0)
		stream_close(&s->base);
	else
		*out = &s->base;
	return rc;
}

int bytes_of_payload(struct app *app, const char *image, size_t entry, size_t part,
		     struct bytes **out, struct error *err)
{
	struct stream *s = stream_new(app, image, entry, part);
	if (!s)
		return error_set(err, ENOMEM, "out of memory");
	snprintf(s->base.title, sizeof(s->base.title), "%s, what follows entry %zu%s", image, entry,
		 part ? ", second part" : "");
	return stream_finish(s, out, err);
}

int bytes_of_member(struct app *app, const char *name, struct bytes **out, struct error *err)
{
	struct stream *s = stream_new(app, name, SIZE_MAX, 0);
	if (!s)
		return error_set(err, ENOMEM, "out of memory");
	snprintf(s->base.title, sizeof(s->base.title), "%s", name);
	return stream_finish(s, out, err);
}
