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
	/** The image they are in, borrowed, and the entry they follow; SIZE_MAX: none. */
	const char *(*entry)(struct bytes *b, uint64_t at, size_t *entry);
	void (*close)(struct bytes *b);
};

struct bytes {
	const struct bytes_ops *ops;
	struct app *app;
	char title[160];
	const struct process *process; /* pointers lead into its memory; NULL: nowhere */
	struct memory *memory;         /* when it is that memory; else NULL */
	bool other;                    /* of the checkpoint that is compared with */
	char image[32];                /* of memory: its page map */
	struct error trouble;          /* code < 0: the first part that could not be read */
};

/** Whether a byte is there, be it known or not. */
bool bytes_have(struct bytes *b, uint64_t at);
/** Remember it, when it is the first. */
void bytes_trouble(struct bytes *b, const struct error *err);

/** @return 0 or -errno; close with ops->close */
int bytes_of_memory(struct app *app, const struct process *p, struct bytes **out,
		    struct error *err);
/* Which payload is meant: of one entry, or of all that fit. */
struct payload_query {
	const char *image;
	size_t entry; /* SIZE_MAX: those that fit */
	bool (*fits)(const void *arg, const ProtobufCMessage *msg);
	const void *arg;
	const char *title; /* NULL: made of the image's name */
};
/**
 * What follows entries of an image. Several parts follow each other at multiples of 4 GiB, chunks
 * of a file stand where they are in it.
 * @param p  whose memory pointers in it lead to, or NULL
 * @return -ENOENT: there are none
 */
int bytes_of_payload(struct app *app, const struct process *p, const struct payload_query *query,
		     struct bytes **out, struct error *err);
/** A whole file of the set. */
int bytes_of_member(struct app *app, const char *name, struct bytes **out, struct error *err);
/** A shared segment: what a memfd holds. @param size  bytes */
int bytes_of_segment(struct app *app, const struct process *p, uint64_t shmid, uint64_t size,
		     const char *title, struct bytes **out, struct error *err);
