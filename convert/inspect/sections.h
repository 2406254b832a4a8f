/* SPDX-License-Identifier: MIT
 * The parts of an inspection, for the files of this room.
 */
#pragma once

#include "convert/describe/container.h"
#include "convert/inspect/inspect.h"

/* What the files of the set are. */
struct set_facts {
	uint64_t total, images, pages, rootfs_diff, volumes; /* bytes, as stored */
	char written[TIME_LEN];                              /* the images; "": not known */
};
int set_facts_read(struct source *src, struct set_facts *out, struct error *err);

int inspect_metadata(struct checkpoint *cp, struct doc *doc, struct error *err);
int inspect_stats(struct checkpoint *cp, struct doc *doc, struct error *err);
int inspect_tree(struct checkpoint *cp, const struct inspect_options *options, struct doc *doc,
		 struct error *err);
int inspect_environment(struct checkpoint *cp, const struct inspect_options *options,
			struct doc *doc, struct error *err);
int inspect_files(struct checkpoint *cp, const struct inspect_options *options, struct doc *doc,
		  struct error *err);
int inspect_sockets(struct checkpoint *cp, const struct inspect_options *options, struct doc *doc,
		    struct error *err);
int inspect_tasks(struct checkpoint *cp, const struct inspect_options *options, struct doc *doc,
		  struct error *err);
int inspect_threads(struct checkpoint *cp, const struct inspect_options *options, struct doc *doc,
		    struct error *err);
/** Whether a process is one the options mean. */
bool inspect_means(const struct inspect_options *options, const struct process *p);
int inspect_mounts(struct checkpoint *cp, struct doc *doc, struct error *err);
