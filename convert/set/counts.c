/* SPDX-License-Identifier: MIT
 * Page counts of page maps: as CRIU 4.2 writes them, and as its readers before 4.2 know them.
 */
#include <inttypes.h>

#include "base/cleanup.h"
#include "convert/set/set.h"
#include "images/reader.h"
#include "images/writer.h"
#include "memory.pb-c.h"

static int change_count(PagemapEntry *e, enum page_counts to, const char *name, struct error *err)
{
	uint64_t nr = e->has_nr_pages ? e->nr_pages : e->compat_nr_pages;
	if (to == COUNTS_LEGACY && nr > UINT32_MAX)
		return error_set(err, ERANGE,
				 "%s: %" PRIu64 " pages at %#" PRIx64
				 " are more than the old count can say",
				 name, nr, e->vaddr);
	e->has_nr_pages = to == COUNTS_4_2;
	e->nr_pages = to == COUNTS_4_2 ? nr : 0;
	e->compat_nr_pages = to == COUNTS_4_2 ? 0 : (uint32_t)nr;
	return 0;
}

static int convert_entries(struct image_reader *r, struct image_writer *w, enum page_counts to,
			   const char *name, struct error *err)
{
	for (bool head = true;; head = false) {
		auto_message ProtobufCMessage *msg = NULL;
		int rc = image_next(r, &msg, err);
		if (rc <= 0)
			return rc;
		if (!head && msg->descriptor == &pagemap_entry__descriptor)
			rc = change_count((PagemapEntry *)msg, to, name, err);
		if (rc >= 0)
			rc = image_write(w, msg, err);
		if (rc < 0)
			return rc;
	}
}

static int convert_member(const struct set_job *job, const char *name, enum page_counts to,
			  struct error *err)
{
	auto_image_reader r = NULL;
	auto_image_writer w = NULL;
	int rc = image_open(job->src, name, &r, err);
	int fd = rc < 0 ? rc : sink_begin(job->sink, name, err);
	if (fd < 0)
		return fd;
	rc = image_writer_open_fd(fd, name, image_reader_type(r), image_reader_head(r), &w, err);
	if (rc == 0)
		rc = convert_entries(r, w, to, name, err);
	if (rc == 0)
		rc = image_finish(w, err);
	if (rc == 0)
		rc = sink_end(job->sink, err);
	if (rc == 0 && job->report)
		job->report(job->arg, name, "converted");
	return rc;
}

int set_convert_counts(const struct set_job *job, enum page_counts to, struct error *err)
{
	const struct source_member *members;
	ssize_t nr = source_list(job->src, &members, err);
	int rc = nr < 0 ? (int)nr : 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		const struct image_type *type = image_type_by_filename(members[i].name);
		bool pagemap = type && (type->id == IMG_PAGEMAP || type->id == IMG_SHMEM_PAGEMAP);
		if (pagemap)
			rc = convert_member(job, members[i].name, to, err);
	}
	return rc;
}
