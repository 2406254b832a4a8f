/* SPDX-License-Identifier: MIT
 * JSON into an image and back. Text that encodes must give a fixed point: decoding the image and
 * encoding that gives the same image. Input that does not start with '{' is an image: what can be
 * decoded must encode, to an image that decodes to the same text.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "convert/codec/image.h"

struct bytes {
	uint8_t *data;
	size_t len;
};

static void fail(const char *what, const char *text)
{
	fprintf(stderr, "%s: %s\n", what, text);
	abort();
}

/* @return 0 or the error of image_from_json(). */
static int encode(const char *text, size_t len, struct bytes *out, struct error *err)
{
	auto_fd fd = memfd_create("image", MFD_CLOEXEC);
	if (fd < 0)
		exit(1);
	struct json_in in;
	json_in_init_text(&in, text, len, "text");
	int rc = image_from_json(&in, fd, "image", err);
	json_in_fini(&in);
	if (rc < 0)
		return rc;
	out->len = (size_t)lseek(fd, 0, SEEK_CUR);
	out->data = malloc(out->len + 1);
	if (fd_pread_full(fd, out->data, out->len, 0) != (ssize_t)out->len)
		exit(1);
	return 0;
}

struct again {
	const struct bytes *image;
	const char *name;
};

static int reopen(void *arg, struct image_reader **out, struct error *err)
{
	const struct again *again = arg;
	struct istream *in;
	int rc = istream_open_memory(again->image->data, again->image->len, "image", &in, err);
	return rc < 0 ? rc : image_open_stream(in, again->name, out, err);
}

static int decode(const struct bytes *image, const char *name, bool pretty, struct json_out *out,
		  struct error *err)
{
	struct again again = { image, name };
	const struct image_json how = { .raw = { .reopen = reopen, .arg = &again } };
	auto_image_reader r = NULL;
	int rc = reopen(&again, &r, err);
	if (rc == 0)
		rc = json_out_init(out, -1, "text", pretty, err);
	return rc < 0 ? rc : image_to_json(r, &how, out, err);
}

/* Raw images have no magic: their type is in their name, which the JSON starts with. */
static const char *name_of(const char *text, size_t len)
{
	static char name[64];
	for (size_t i = 0; i < IMG_NR_TYPES; i++) {
		char quoted[64];
		snprintf(quoted, sizeof(quoted), "\"%s\"", image_types[i].name);
		if (image_types[i].entry || !memmem(text, len, quoted, strlen(quoted)))
			continue;
		return image_filename(&image_types[i], 1, name, sizeof(name));
	}
	return "image";
}

static void check_text(const char *text, size_t len)
{
	struct error err = { 0 };
	struct bytes first = { 0 }, second = { 0 };
	if (encode(text, len, &first, &err) < 0)
		return;
	for (int pretty = 0; pretty < 2; pretty++) {
		auto_json_out out = { .fd = -1 };
		const char *name = name_of(text, len);
		/* what a raw image claims to hold need not be there */
		if (decode(&first, name, pretty, &out, &err) < 0) {
			if (!strcmp(name, "image"))
				fail("decode", err.text);
			continue;
		}
		if (pretty && memmem(out.buf, out.len, "\"zero_pages\"", 12))
			continue;
		if (encode(out.buf, out.len, &second, &err) < 0)
			fail("encode again", err.text);
		if (second.len != first.len || memcmp(first.data, second.data, first.len))
			fail("images differ", "");
		free(second.data);
	}
	free(first.data);
}

static void check_image(const uint8_t *data, size_t len)
{
	struct error err = { 0 };
	struct bytes image = { (uint8_t *)data, len }, back = { 0 };
	auto_json_out text = { .fd = -1 };
	auto_json_out again = { .fd = -1 };
	if (decode(&image, "image", false, &text, &err) < 0)
		return;
	if (encode(text.buf, text.len, &back, &err) < 0)
		fail("encode of what was decoded", err.text);
	if (decode(&back, "image", false, &again, &err) < 0)
		fail("decode again", err.text);
	if (again.len != text.len || memcmp(again.buf, text.buf, text.len))
		fail("texts differ", "");
	free(back.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] == '{')
		check_text((const char *)data, size);
	else
		check_image(data, size);
	return 0;
}
