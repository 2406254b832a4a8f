/* SPDX-License-Identifier: MIT
 * Whole sets at once: from one form into another, through a sink.
 */
#pragma once

#include "images/sink.h"
#include "images/source.h"

/** Called after each member with what became of it; may be NULL. */
typedef void (*set_report)(void *arg, const char *name, const char *what);

struct set_job {
	struct source *src;
	struct sink *sink;
	set_report report;
	/** By set_recode() of what cannot be decoded, at once. NULL: that ends it. */
	set_report broken;
	void *arg;
};

/**
 * Every image as NAME.json, in the folder an archive has it in; what is no sequence of messages,
 * and what an archive has beside its images, stays as it is.
 */
int set_to_json(const struct set_job *job, struct error *err);
/** The same bytes again. @param path  the directory, with all its folders */
int set_from_json(const char *path, struct sink *sink, struct error *err);

enum page_counts {
	COUNTS_4_2,    /* nr_pages, and compat_nr_pages 0 */
	COUNTS_LEGACY, /* compat_nr_pages alone, as before 4.2 */
};
/** Page maps with the other way to count pages; a count that does not fit is -ERANGE. */
int set_convert_counts(const struct set_job *job, enum page_counts to, struct error *err);

/**
 * Every image decoded and encoded again, which has to give the same bytes; and written anew, which
 * gives others when fields stand in another order, or numbers are longer than they have to be.
 * @param sink  of the job: NULL only checks
 * @param nr_different  images that came out with other bytes, or cannot be decoded: with a sink
 * that is an error once all were looked at
 */
int set_recode(const struct set_job *job, size_t *nr_different, struct error *err);
