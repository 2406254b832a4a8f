/* SPDX-License-Identifier: MIT
 * Bytes to be looked at: the memory of a process, what follows an entry of an image, a file of the
 * set.
 */
#pragma once

#include "images/source.h"
#include "viewer/memory.h"

struct bytes;

struct bytes_ops {
	/** @param known  one per byte: 0 where it is not to be had (0 stands there) */
	int (*read)(struct bytes *b, uint64_t at, void *buf, size_t len, uint8_t *known,
		    struct error *err);
	/** The stretch at an address, or the next above it. @return false: there is none */
	bool (*stretch)(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end);
	/** The same downwards: the one at an address, or the next below it. */
	bool (*stretch_below)(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end);
	/** The next part of a stretch that has bytes of its own, for searching. */
	bool (*data)(struct bytes *b, uint64_t at, uint64_t *start, uint64_t *end);
	/** What is at an address: "heap rw-p /path". */
	void (*about)(struct bytes *b, uint64_t at, struct strbuf *out);
	/** Arguments of crit that print [start, end); as view_ops.command. */
	void (*command)(struct bytes *b, uint64_t start, uint64_t end, struct strbuf *out);
	void (*close)(struct bytes *b);
};

struct bytes {
	const struct bytes_ops *ops;
	struct app *app;
	char title[160];
	const struct process *process; /* of memory, or NULL */
	struct memory *memory;
};

/** @return 0 or -errno; close with ops->close */
int bytes_of_memory(struct app *app, const struct process *p, struct bytes **out,
		    struct error *err);
/**
 * Part `part` of what follows entry `entry` of an image.
 * @return -ENOENT: there is no such part
 */
int bytes_of_payload(struct app *app, const char *image, size_t entry, size_t part,
		     struct bytes **out, struct error *err);
/** A whole file of the set. */
int bytes_of_member(struct app *app, const char *name, struct bytes **out, struct error *err);

/** Open a page that shows them. Takes b. @param at  where to begin */
void hex_open(struct app *app, struct bytes *b, uint64_t at);
/** The same for memory of a process; says why when it cannot. */
void hex_open_memory(struct app *app, const struct process *p, uint64_t at);
