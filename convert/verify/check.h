/* SPDX-License-Identifier: MIT
 * A check under way, for the files of this room.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/strbuf.h"
#include "convert/verify/objects.h"
#include "convert/verify/verify.h"
#include "images/damage.h"
#include "images/reader.h"
#include "images/source.h"
#include "inventory.pb-c.h"

enum { DEPTH_MAX = 12 };

/* Where the walk is: an image, an entry, and the fields down from its message. */
struct place {
	const char *image;
	const struct image_type *type;
	uint64_t number; /* in the image's file name, 0: none */
	uint64_t entry;
	unsigned depth;
	struct step {
		const ProtobufCFieldDescriptor *field;
		size_t index;
	} steps[DEPTH_MAX];
};

/* Bytes of a shared segment, by the number its pages go by: the largest that anything says. */
struct segment {
	uint64_t id, size;
};

struct check {
	struct source *src;
	struct doc *doc; /* NULL: verify_framing() */
	struct progress *progress;
	const struct source_member *members; /* of src */
	size_t nr_members;
	const struct source_member *first; /* of the set's own; NULL: there is none */
	bool *broken;                      /* by member: cannot be read to its end */
	uint64_t nr_findings;

	InventoryEntry *inventory; /* NULL: none, or broken */
	bool has_run_id;           /* as of CRIU 4.1, and of Stasis */
	uint32_t root;             /* the first of pstree.img; 0: not known */
	bool has_cgroups, has_mounts, has_networks, has_tree;
	struct object_set objects;
	struct object_set used; /* images that something refers to */
	struct {
		struct segment *items;
		size_t nr, cap;
	} segments;

	/* References to what was not seen yet. */
	struct {
		struct pending {
			char *image, *path;
			uint64_t entry, key;
			unsigned kind;
		} * items;
		size_t nr, cap;
	} pending;

	const struct reference *rows; /* the table, and the field of each of its rows */
	const ProtobufCFieldDescriptor **fields;
	const ProtobufCFieldDescriptor **value_fields; /* the same of values.c */
};

/** Which namespaces are the dumper's own; the oldest sets do not say it. */
static inline bool own_are_known(const struct check *check)
{
	return check->inventory && check->inventory->root_ids;
}

/** One row of the findings. @param path  of the field, "" or NULL: the entry as a whole */
void finding_at(struct check *check, const char *image, const uint64_t *entry, const char *path,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/** At a field of a message the walk is at. @param field  NULL: the message as a whole */
void finding(struct check *check, const struct place *at, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/** "vmas[3].shmid" */
int place_path(const struct place *at, const char *field, struct strbuf *out);

/* references.c: the table of what refers to what. */
int references_init(struct check *check, struct error *err);
void references_fini(struct check *check);
/** Everything one message defines and refers to. */
int references_of(struct check *check, const struct place *at, const ProtobufCMessage *msg,
		  struct error *err);
/** What is still missing when all images were read. */
void references_finish(struct check *check);

/* shape.c: what has to be true inside one message. */
int shape_of(struct check *check, const struct place *at, const ProtobufCMessage *msg,
	     struct error *err);
int segment_add(struct check *check, uint64_t id, uint64_t size);

/* values.c: what a field can say at all. */
int values_init(struct check *check, struct error *err);
void values_of(struct check *check, const struct place *at, const ProtobufCMessage *msg);

/* walk.c: every image, to its end. */
int walk_images(struct check *check, struct error *err);

/* processes.c: what each process needs. */
int check_processes(struct check *check, struct error *err);

/* sessions.c: groups and sessions of a tree as the kernel lets them be. */
struct checkpoint;
/** @param reapers  by place in pstree.img: orphans below it become its children */
int check_sessions(struct check *check, const struct checkpoint *cp, const bool *reapers,
		   struct error *err);

/* needs.c: images that go with another, and images that nothing leads to. */
void needs_of(struct check *check, const struct place *at, const ProtobufCMessage *msg);
void needs_finish(struct check *check);

/* contents.c: what two images say of the same file. */
int check_contents(struct check *check, struct checkpoint *cp, struct error *err);

/* mounts.c: the tree of each namespace. */
int check_mount_trees(struct check *check, struct error *err);

/* network.c: devices of addresses and routes. */
int check_networks(struct check *check, struct error *err);

/* container.c: documents and tars of a container's engine; what of them is missing or there twice,
 * which is no matter of framing. */
int check_container(struct check *check, struct error *err);

/* pages.c: page maps, page data, parents. */
int check_pages(struct check *check, struct error *err);
