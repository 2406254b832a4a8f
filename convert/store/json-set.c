/* SPDX-License-Identifier: MIT
 * A set as a directory of JSON and back.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "convert/json/image.h"
#include "convert/store/forms.h"

#define SUFFIX ".json"

static int decode_member(const struct set_job *job, const char *name, struct error *err)
{
	auto_image_reader r = NULL;
	auto_free char *out_name = NULL;
	if (asprintf(&out_name, "%s" SUFFIX, name) < 0) {
		out_name = NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	int rc = image_open(job->src, name, &r, err);
	int fd = rc < 0 ? rc : sink_begin(job->sink, out_name, err);
	if (fd < 0)
		return fd;
	auto_json_out out = { .fd = -1 };
	const struct image_json how = { 0 };
	rc = json_out_init(&out, fd, out_name, true, err);
	if (rc == 0)
		rc = image_to_json(r, &how, &out, err);
	if (rc == 0)
		json_raw(&out, "\n", 1);
	if (rc == 0)
		rc = json_out_flush(&out, err);
	return rc < 0 ? rc : sink_end(job->sink, err);
}

/* The image a file of JSON stands for. @return false: it is none */
static bool image_name(const char *name, char *out, size_t size)
{
	size_t len = strlen(name), tail = strlen(SUFFIX);
	if (len <= tail || strcmp(name + len - tail, SUFFIX) != 0)
		return false;
	snprintf(out, size, "%.*s", (int)(len - tail), name);
	return image_type_of_messages(out) != NULL;
}

static int encode_member(const struct set_job *job, const char *name, const char *image,
			 struct error *err)
{
	auto_istream in = NULL;
	int rc = source_open_member(job->src, name, &in, err);
	int fd = rc < 0 ? rc : sink_begin(job->sink, image, err);
	if (fd < 0)
		return fd;
	auto_fd text = istream_fd(in) < 0 ? -1 : dup(istream_fd(in));
	if (text < 0)
		return error_set(err, ENOTSUP, "%s: JSON is read from a directory", name);
	auto_json_in json;
	rc = json_in_init(&json, text, name, err);
	if (rc == 0)
		rc = image_from_json(&json, fd, image, err);
	return rc < 0 ? rc : sink_end(job->sink, err);
}

static void tell(const struct set_job *job, const char *name, const char *what)
{
	if (job->report)
		job->report(job->arg, name, what);
}

int set_to_json(const struct set_job *job, struct error *err)
{
	const struct source_member *members;
	ssize_t nr = source_list(job->src, &members, err);
	int rc = nr < 0 ? (int)nr : 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		const char *name = members[i].name;
		bool decoded = image_type_of_messages(name) && members[i].size;
		if (!members[i].own)
			continue;
		rc = decoded ? decode_member(job, name, err)
			     : sink_copy(job->sink, job->src, &members[i], err);
		tell(job, name, decoded ? "decoded" : "copied");
	}
	return rc;
}

int set_from_json(const struct set_job *job, struct error *err)
{
	const struct source_member *members;
	char image[512];
	ssize_t nr = source_list(job->src, &members, err);
	int rc = nr < 0 ? (int)nr : 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		const char *name = members[i].name;
		bool encoded = image_name(name, image, sizeof(image));
		rc = encoded ? encode_member(job, name, image, err)
			     : sink_copy(job->sink, job->src, &members[i], err);
		tell(job, name, encoded ? "encoded" : "copied");
	}
	return rc;
}
