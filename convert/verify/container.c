/* SPDX-License-Identifier: MIT
 * What a container engine put beside the images: documents are read, tars walked to their end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/describe/container.h"
#include "convert/raw/tar-read.h"
#include "convert/verify/check.h"

enum { TAR_END = 1024 }; /* bytes of zeros that end a tar */

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static const struct source_member *member_of_base(const struct check *check, const char *base)
{
	for (size_t i = 0; i < check->nr_members; i++) {
		if (!strcmp(base_of(check->members[i].name), base))
			return &check->members[i];
	}
	return NULL;
}

/* @param out  of what is there and whole, for the caller to release */
static int document_check(struct check *check, const char *name, struct flat *out,
			  struct error *err)
{
	struct error why;
	int rc = container_document(check->src, name, out, &why);
	if (rc == -ENOMEM)
		return error_set(err, rc, "%s", why.text);
	if (rc < 0) /* in a check of framing it is noted already */
		finding_at(check, name, NULL, NULL, "%s", damage_reason(name, why.text));
	return 0;
}

/* A tar as it is read, and how many zeros it ended with so far. */
struct tar_stream {
	struct istream *in;
	uint64_t len, zeros;
	unsigned char first[2];
};

static ssize_t tar_stream_read(void *from, void *buf, size_t len, struct error *err)
{
	struct tar_stream *s = from;
	const unsigned char *bytes = buf;
	ssize_t n = istream_read(s->in, buf, len, err);
	size_t tail = 0;
	for (size_t i = 0; n > 0 && i < (size_t)n && s->len + i < sizeof(s->first); i++)
		s->first[s->len + i] = bytes[i];
	while (n > 0 && tail < (size_t)n && !bytes[(size_t)n - 1 - tail])
		tail++;
	if (n > 0) {
		s->zeros = tail == (size_t)n ? s->zeros + tail : tail;
		s->len += (uint64_t)n;
	}
	return n;
}

/* Compressed ones have an end of their own. */
static bool is_compressed(const struct tar_stream *s)
{
	static const unsigned char gzip[] = { 0x1f, 0x8b }, zstd[] = { 0x28, 0xb5 };
	return !memcmp(s->first, gzip, sizeof(gzip)) || !memcmp(s->first, zstd, sizeof(zstd));
}

/* What is behind its last member; holes are zeros that nobody has to read. */
static ssize_t tail_read(struct tar_stream *s, char *buf, size_t len, struct error *err)
{
	uint64_t at = istream_offset(s->in), size = (uint64_t)istream_size(s->in), hole = size - at;
	if (istream_size(s->in) <= 0 || at >= size || !istream_hole(s->in, at, &hole))
		return tar_stream_read(s, buf, len, err);
	int rc = istream_skip(s->in, hole, err);
	s->zeros += hole;
	s->len += hole;
	return rc < 0 ? rc : 1;
}

static int tar_read_to_end(struct tar_stream *s, const char *name, struct error *why)
{
	auto_tar_reader tar = NULL;
	struct tar_member member;
	auto_free char *rest = malloc(TAR_END * 64);
	if (!rest)
		return error_set(why, ENOMEM, "out of memory");
	int rc = tar_reader_open(tar_stream_read, s, name, &tar, why);
	while (rc == 0 && (rc = tar_next(tar, &member, why)) == 1)
		rc = 0;
	ssize_t n = rc;
	while (rc == 0 && (n = tail_read(s, rest, TAR_END * 64, why)) > 0)
		continue;
	if (rc < 0 || n < 0)
		return rc < 0 ? rc : (int)n;
	if (s->zeros < TAR_END && !is_compressed(s))
		return error_set(why, EBADMSG, "cut after %" PRIu64 " bytes: no end of a tar",
				 s->len);
	return 0;
}

static int tar_check(struct check *check, const struct source_member *m, struct error *err)
{
	auto_istream in = NULL;
	struct error why;
	int rc = source_open_member(check->src, m->path, &in, &why);
	struct tar_stream s = { .in = in };
	if (rc == 0 && !m->size)
		rc = error_set(&why, EBADMSG, "is empty");
	if (rc == 0)
		rc = tar_read_to_end(&s, m->name, &why);
	if (rc == -ENOMEM)
		return error_set(err, rc, "%s", why.text);
	if (rc < 0)
		finding_at(check, m->name, NULL, NULL, "%s", damage_reason(m->name, why.text));
	return 0;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), tail = strlen(suffix);
	return len > tail && !strcmp(name + len - tail, suffix);
}

/* Volumes may have been left out, but all of them then. */
static void volumes_check(struct check *check, const struct flat *config)
{
	bool some = false;
	for (size_t i = 0; i < check->nr_members; i++)
		some = some || strstr(check->members[i].name, "volumes/");
	for (size_t i = 0; some && i < config->nr; i++) {
		const struct flat_item *item = &config->items[i];
		auto_free char *tar = NULL;
		if (strncmp(item->path, "namedVolumes[", strlen("namedVolumes[")) != 0 ||
		    !has_suffix(item->path, "].volumeName"))
			continue;
		if (asprintf(&tar, "%s.tar", item->value) < 0)
			tar = NULL;
		if (tar && !member_of_base(check, tar))
			finding_at(check, "config.dump", NULL, item->path, "no volumes/%s", tar);
	}
}

static int double_found(void *arg, const char *path, struct error *err)
{
	(void)err;
	finding_at(arg, path, NULL, NULL, "is in the archive twice, the last one counts");
	return 0;
}

static int tars_check(struct check *check, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < check->nr_members; i++) {
		if (has_suffix(check->members[i].name, ".tar"))
			rc = tar_check(check, &check->members[i], err);
	}
	return rc;
}

/* Of what an engine writes one with the other, only one is there. */
static void pair_check(struct check *check)
{
	bool has_config = member_of_base(check, "config.dump");
	bool has_spec = member_of_base(check, "spec.dump");
	if (has_config != has_spec)
		finding_at(check, has_config ? "spec.dump" : "config.dump", NULL, NULL,
			   "missing, and %s is there", has_config ? "config.dump" : "spec.dump");
}

int check_container(struct check *check, struct error *err)
{
	static const char *const more[] = { "spec.dump", "network.status", "deleted.files",
					    "descriptors.json" };
	auto_flat config = { 0 };
	int rc = check->doc ? source_doubles(check->src, double_found, check, err) : 0;
	if (check->doc)
		pair_check(check);
	if (rc == 0)
		rc = document_check(check, "config.dump", &config, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(more); i++) {
		auto_flat other = { 0 };
		rc = document_check(check, more[i], &other, err);
	}
	if (rc == 0)
		rc = tars_check(check, err);
	if (rc == 0 && check->doc)
		volumes_check(check, &config);
	return rc;
}
