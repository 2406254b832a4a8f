/* SPDX-License-Identifier: MIT
 * Page counts of page maps: as CRIU 4.2 writes them, and as its readers before 4.2 know them.
 */
#include <inttypes.h>

#include "convert/store/forms.h"
#include "convert/store/rewrite.h"
#include "memory.pb-c.h"

struct counts {
	enum page_counts to;
	const char *name;
	bool changed; /* something had the other form */
};

static int change_count(void *ctx, ProtobufCMessage *msg, struct error *err)
{
	struct counts *c = ctx;
	if (msg->descriptor != &pagemap_entry__descriptor)
		return ENTRY_KEEP;
	PagemapEntry *e = (PagemapEntry *)msg;
	uint64_t nr = e->has_nr_pages ? e->nr_pages : e->compat_nr_pages;
	if (c->to == COUNTS_LEGACY && nr > UINT32_MAX)
		return error_set(err, ERANGE,
				 "%s: %" PRIu64 " pages at %#" PRIx64
				 " are more than the old count can say",
				 c->name, nr, e->vaddr);
	if (e->has_nr_pages == (c->to == COUNTS_4_2) && !(e->has_nr_pages && e->compat_nr_pages))
		return ENTRY_KEEP;
	c->changed = true;
	e->has_nr_pages = c->to == COUNTS_4_2;
	e->nr_pages = c->to == COUNTS_4_2 ? nr : 0;
	e->compat_nr_pages = c->to == COUNTS_4_2 ? 0 : (uint32_t)nr;
	return ENTRY_WRITE;
}

static int convert_member(const struct set_job *job, const char *name, enum page_counts to,
			  struct error *err)
{
	struct counts counts = { .to = to, .name = name };
	const struct image_edit edit = { .entry = change_count, .ctx = &counts };
	auto_image_reader r = NULL;
	int rc = image_open(job->src, name, &r, err);
	int fd = rc < 0 ? rc : sink_begin(job->sink, name, err);
	if (fd < 0)
		return fd;
	rc = image_rewrite(r, fd, name, &edit, err);
	if (rc == 0)
		rc = sink_end(job->sink, err);
	if (rc == 0 && counts.changed && job->report)
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
