/* SPDX-License-Identifier: MIT
 * Every image through its decoded form and back: do the same bytes come out?
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "convert/codec/image.h"
#include "convert/store/forms.h"
#include "convert/store/rewrite.h"

/* Files that are nowhere but here, used for one image after the other. */
struct scratch {
	int text, image;
};

static void scratch_fini(struct scratch *scratch)
{
	fd_close(scratch->text);
	fd_close(scratch->image);
}
#define auto_scratch __attribute__((cleanup(scratch_fini))) struct scratch

static int scratch_init(struct scratch *scratch, struct error *err)
{
	scratch->text = memfd_create("text", MFD_CLOEXEC);
	scratch->image = memfd_create("image", MFD_CLOEXEC);
	return scratch->text < 0 || scratch->image < 0 ? error_sys(err, "scratch file") : 0;
}

static int scratch_empty(int fd, struct error *err)
{
	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_sys(err, "empty a scratch file");
	return 0;
}

static int to_json(struct source *src, const char *name, int fd, struct error *err)
{
	auto_image_reader r = NULL;
	auto_json_out out = { .fd = -1 };
	const struct image_json how = { 0 };
	int rc = scratch_empty(fd, err);
	if (rc == 0)
		rc = image_open(src, name, &r, err);
	if (rc == 0)
		rc = json_out_init(&out, fd, name, false, err);
	if (rc == 0)
		rc = image_to_json(r, &how, &out, err);
	return rc < 0 ? rc : json_out_flush(&out, err);
}

static int from_json(int text, int fd, const char *name, struct error *err)
{
	auto_json_in in;
	if (lseek(text, 0, SEEK_SET) < 0)
		return error_sys(err, "%s: read again", name);
	int rc = json_in_init(&in, text, name, err);
	if (rc == 0)
		rc = scratch_empty(fd, err);
	return rc < 0 ? rc : image_from_json(&in, fd, name, err);
}

/* @return 1 the same, 0 not, -errno */
static int same_bytes(struct source *src, const char *name, int fd, struct error *err)
{
	auto_istream in = NULL;
	char a[16384], b[16384];
	int rc = source_open_member(src, name, &in, err);
	if (rc < 0)
		return rc;
	off_t at = 0;
	for (;;) {
		ssize_t n = istream_read(in, a, sizeof(a), err);
		if (n < 0)
			return (int)n;
		ssize_t m = fd_pread_full(fd, b, sizeof(b), at);
		if (m < 0)
			return error_code(err, (int)m, "%s: compare", name);
		if (n != m || memcmp(a, b, (size_t)n))
			return 0;
		if (n == 0)
			return 1;
		at += n;
	}
}

static int copy_to_sink(const struct set_job *job, const char *name, int from, struct error *err)
{
	char buf[16384];
	int fd = sink_begin(job->sink, name, err);
	if (fd < 0)
		return fd;
	ssize_t n;
	for (off_t at = 0; (n = fd_pread_full(from, buf, sizeof(buf), at)) > 0; at += n) {
		int rc = fd_write_full(fd, buf, (size_t)n);
		if (rc < 0)
			return error_code(err, rc, "write %s", name);
	}
	return n < 0 ? error_code(err, (int)n, "%s: copy", name) : sink_end(job->sink, err);
}

static int write_anew(void *ctx, ProtobufCMessage *msg, struct error *err)
{
	(void)ctx;
	(void)msg;
	(void)err;
	return ENTRY_WRITE;
}

/* As this program writes the same messages: fields in order, numbers as short as they go. */
static int write_canonical(struct source *src, const char *name, int fd, struct error *err)
{
	const struct image_edit edit = { .entry = write_anew };
	auto_image_reader r = NULL;
	int rc = scratch_empty(fd, err);
	if (rc == 0)
		rc = image_open(src, name, &r, err);
	return rc < 0 ? rc : image_rewrite(r, fd, name, &edit, err);
}

/* @return 1 when decode and encode give back the same bytes */
static int survives_json(struct source *src, const char *name, const struct scratch *scratch,
			 struct error *err)
{
	int rc = to_json(src, name, scratch->text, err);
	if (rc == 0)
		rc = from_json(scratch->text, scratch->image, name, err);
	return rc < 0 ? rc : same_bytes(src, name, scratch->image, err);
}

static int recode_member(const struct set_job *job, const char *name, const struct scratch *scratch,
			 size_t *nr_different, struct error *err)
{
	int rc = survives_json(job->src, name, scratch, err);
	bool survives = rc > 0;
	if (rc >= 0)
		rc = write_canonical(job->src, name, scratch->image, err);
	if (rc == 0)
		rc = same_bytes(job->src, name, scratch->image, err);
	if (rc < 0)
		return rc;
	*nr_different += rc == 0 || !survives;
	if (job->report)
		job->report(job->arg, name,
			    !survives ? "does not survive decode and encode"
			    : rc      ? "same"
				      : "comes out different");
	return rc == 0 && job->sink ? copy_to_sink(job, name, scratch->image, err) : 0;
}

int set_recode(const struct set_job *job, size_t *nr_different, struct error *err)
{
	auto_scratch scratch = { -1, -1 };
	const struct source_member *members;
	ssize_t nr = source_list(job->src, &members, err);
	int rc = nr < 0 ? (int)nr : scratch_init(&scratch, err);
	*nr_different = 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		if (image_type_of_messages(members[i].name) && members[i].size)
			rc = recode_member(job, members[i].name, &scratch, nr_different, err);
	}
	return rc;
}
