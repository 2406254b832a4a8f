/* SPDX-License-Identifier: MIT
 * Every image through its decoded form and back: do the same bytes come out?
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "convert/codec/image.h"
#include "convert/store/forms.h"
#include "convert/store/rewrite.h"
#include "images/damage.h"

enum { SMALL = 64 * 1024 }; /* bytes: an image is kept in memory, and so is its text */

/* Used for one image after the other; files that are nowhere but here. */
struct scratch {
	int text; /* of an image that is not small; -1 until there is one */
	int image;
	off_t len; /* of what is in `image`: behind it stands what was there before */
	char *bytes;
};

static void scratch_fini(struct scratch *scratch)
{
	fd_close(scratch->text);
	fd_close(scratch->image);
	free(scratch->bytes);
}
#define auto_scratch __attribute__((cleanup(scratch_fini))) struct scratch

static int scratch_init(struct scratch *scratch, struct error *err)
{
	scratch->image = memfd_create("image", MFD_CLOEXEC);
	if (scratch->image < 0)
		return error_sys(err, "scratch file");
	scratch->bytes = malloc(SMALL + 1);
	return scratch->bytes ? 0 : error_set(err, ENOMEM, "out of memory");
}

/* A member that is looked at several times. */
struct original {
	struct source *src;
	const char *name;
	const char *bytes; /* all of it; NULL: opened each time */
	size_t len;
};

static int original_read(struct original *o, const struct source_member *m, char *bytes,
			 struct error *err)
{
	auto_istream in = NULL;
	if (m->size > SMALL)
		return 0;
	int rc = source_open_member(o->src, o->name, &in, err);
	ssize_t n = rc < 0 ? rc : istream_read(in, bytes, SMALL + 1, err);
	if (n < 0)
		return (int)n;
	o->bytes = n > SMALL ? NULL : bytes; /* it has grown since it was listed */
	o->len = (size_t)n;
	return 0;
}

static int original_open(const struct original *o, struct istream **out, struct error *err)
{
	return o->bytes ? istream_open_memory(o->bytes, o->len, o->name, out, err)
			: source_open_member(o->src, o->name, out, err);
}

static int original_image(const struct original *o, struct image_reader **out, struct error *err)
{
	struct istream *in;
	int rc = original_open(o, &in, err);
	return rc < 0 ? rc : image_open_stream(in, o->name, out, err);
}

static int text_empty(struct scratch *scratch, struct error *err)
{
	if (scratch->text < 0)
		scratch->text = memfd_create("text", MFD_CLOEXEC);
	if (scratch->text < 0 || ftruncate(scratch->text, 0) < 0 ||
	    lseek(scratch->text, 0, SEEK_SET) < 0)
		return error_sys(err, "empty a scratch file");
	return 0;
}

/* Where it is written is the beginning again. */
static int image_begin(const struct scratch *scratch, struct error *err)
{
	return lseek(scratch->image, 0, SEEK_SET) < 0 ? error_sys(err, "empty a scratch file") : 0;
}

static int image_end(struct scratch *scratch, struct error *err)
{
	scratch->len = lseek(scratch->image, 0, SEEK_CUR);
	return scratch->len < 0 ? error_sys(err, "scratch file") : 0;
}

static int to_json(const struct original *o, struct json_out *out, struct error *err)
{
	auto_image_reader r = NULL;
	const struct image_json how = { 0 };
	int rc = original_image(o, &r, err);
	if (rc == 0)
		rc = image_to_json(r, &how, out, err);
	return rc < 0 ? rc : json_out_flush(out, err);
}

static int from_json(struct json_in *in, const char *name, struct scratch *scratch,
		     struct error *err)
{
	int rc = image_begin(scratch, err);
	if (rc == 0)
		rc = image_from_json(in, scratch->image, name, err);
	return rc < 0 ? rc : image_end(scratch, err);
}

/* By way of a file when the text may be long. */
static int through_json(const struct original *o, struct scratch *scratch, struct error *err)
{
	auto_json_out out = { .fd = -1 };
	auto_json_in in = { .fd = -1 };
	int rc = o->bytes ? 0 : text_empty(scratch, err);
	if (rc == 0)
		rc = json_out_init(&out, o->bytes ? -1 : scratch->text, o->name, false, err);
	if (rc == 0)
		rc = to_json(o, &out, err);
	if (rc == 0 && o->bytes)
		json_in_init_text(&in, out.buf, out.len, o->name);
	else if (rc == 0 && lseek(scratch->text, 0, SEEK_SET) < 0)
		rc = error_sys(err, "%s: read again", o->name);
	else if (rc == 0)
		rc = json_in_init(&in, scratch->text, o->name, err);
	return rc < 0 ? rc : from_json(&in, o->name, scratch, err);
}

/* @return 1 the same, 0 not, -errno */
static int same_bytes(const struct original *o, const struct scratch *scratch, struct error *err)
{
	auto_istream in = NULL;
	char a[16384], b[16384];
	int rc = original_open(o, &in, err);
	if (rc < 0)
		return rc;
	for (off_t at = 0;;) {
		ssize_t n = istream_read(in, a, sizeof(a), err);
		if (n <= 0)
			return n < 0 ? (int)n : at == scratch->len;
		if (n > scratch->len - at)
			return 0;
		ssize_t m = fd_pread_full(scratch->image, b, (size_t)n, at);
		if (m < 0)
			return error_code(err, (int)m, "%s: compare", o->name);
		if (m != n || memcmp(a, b, (size_t)n))
			return 0;
		at += n;
	}
}

static int copy_to_sink(const struct set_job *job, const char *name, const struct scratch *scratch,
			struct error *err)
{
	char buf[16384];
	int fd = sink_begin(job->sink, name, err);
	if (fd < 0)
		return fd;
	for (off_t at = 0; at < scratch->len;) {
		off_t left = scratch->len - at;
		size_t want = left < (off_t)sizeof(buf) ? (size_t)left : sizeof(buf);
		ssize_t n = fd_pread_full(scratch->image, buf, want, at);
		int rc =
		    n != (ssize_t)want ? (n < 0 ? (int)n : -EIO) : fd_write_full(fd, buf, want);
		if (rc < 0)
			return error_code(err, rc, "write %s", name);
		at += n;
	}
	return sink_end(job->sink, err);
}

static int write_anew(void *ctx, ProtobufCMessage *msg, struct error *err)
{
	(void)ctx;
	(void)msg;
	(void)err;
	return ENTRY_WRITE;
}

/* As this program writes the same messages: fields in order, numbers as short as they go. */
static int write_canonical(const struct original *o, struct scratch *scratch, struct error *err)
{
	const struct image_edit edit = { .entry = write_anew };
	auto_image_reader r = NULL;
	int rc = image_begin(scratch, err);
	if (rc == 0)
		rc = original_image(o, &r, err);
	if (rc == 0)
		rc = image_rewrite(r, scratch->image, o->name, &edit, err);
	return rc < 0 ? rc : image_end(scratch, err);
}

/* @return 0; 1 it cannot be decoded; -errno */
static int recode_member(const struct set_job *job, const struct source_member *m,
			 struct scratch *scratch, size_t *nr_different, struct error *err)
{
	struct original o = { .src = job->src, .name = m->name };
	struct error why;
	int rc = original_read(&o, m, scratch->bytes, &why);
	if (rc == 0)
		rc = through_json(&o, scratch, &why);
	if (rc == -EBADMSG && job->broken) {
		job->broken(job->arg, o.name, damage_reason(o.name, why.text));
		++*nr_different;
		return 1;
	}
	if (rc < 0)
		return error_set(err, rc, "%s", why.text);
	rc = same_bytes(&o, scratch, err);
	bool survives = rc > 0;
	if (rc >= 0)
		rc = write_canonical(&o, scratch, err);
	if (rc == 0)
		rc = same_bytes(&o, scratch, err);
	if (rc < 0)
		return rc;
	*nr_different += rc == 0 || !survives;
	if (job->report)
		job->report(job->arg, o.name,
			    !survives ? "does not survive decode and encode"
			    : rc      ? "same"
				      : "comes out different");
	return rc == 0 && job->sink ? copy_to_sink(job, o.name, scratch, err) : 0;
}

int set_recode(const struct set_job *job, size_t *nr_different, struct error *err)
{
	auto_scratch scratch = { .text = -1, .image = -1 };
	const struct source_member *members;
	ssize_t nr = source_list(job->src, &members, err);
	int rc = nr < 0 ? (int)nr : scratch_init(&scratch, err);
	size_t broken = 0;
	*nr_different = 0;
	for (ssize_t i = 0; rc >= 0 && i < nr; i++) {
		if (!image_type_of_messages(members[i].name))
			continue;
		rc = recode_member(job, &members[i], &scratch, nr_different, err);
		broken += rc > 0;
	}
	if (rc >= 0 && broken && job->sink)
		return error_set(err, EBADMSG,
				 "images that cannot be decoded, as said above: %zu; nothing is "
				 "written",
				 broken);
	return rc < 0 ? rc : 0;
}
