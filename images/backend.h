/* SPDX-License-Identifier: MIT
 * What a kind of stream or source has to provide; only the files that implement one include this.
 */
#pragma once

#include "images/source.h"

struct istream_ops {
	/** At least one byte unless at the end. @return bytes, 0 at the end, -errno (no message).
	 */
	ssize_t (*read)(void *ctx, void *buf, size_t len, struct error *err);
	/** The same at an absolute offset; NULL when the stream only moves forward. */
	ssize_t (*pread)(void *ctx, void *buf, size_t len, uint64_t offset, struct error *err);
	/** Where that cannot be told by the offset alone, but faster than by reading; or NULL.
	 * @return bytes passed over, fewer at the end; -errno (no message) */
	int64_t (*skip)(void *ctx, uint64_t len, struct error *err);
	/** The next bytes that are stored, at or behind `at`; what lies before them is a hole.
	 * NULL: it has none. @return false: nothing but a hole is left */
	bool (*data)(void *ctx, uint64_t at, uint64_t *start, uint64_t *end);
	/** Descriptor whose byte 0 is the stream's byte 0; NULL or -1: none. */
	int (*fd)(void *ctx);
	void (*close)(void *ctx);
};

/**
 * @param ctx   handed to the operations; owned by the stream, closed also when this fails
 * @param size  bytes in the stream, or -1 when unknown
 */
int istream_new(const struct istream_ops *ops, void *ctx, const char *name, int64_t size,
		struct istream **out, struct error *err);

/** A plain file from its first byte on. @param fd  taken, also when this fails */
int istream_open_file(int fd, int64_t size, const char *name, struct istream **out,
		      struct error *err);

struct source_ops {
	ssize_t (*list)(struct source *src, struct source_member **out, struct error *err);
	int (*open_member)(struct source *src, const char *name, struct istream **out,
			   struct error *err);
	int (*open_parent)(struct source *src, struct source **out, struct error *err);
	int (*empty_folders)(struct source *src, source_folder_fn found, void *arg,
			     struct error *err); /* NULL: has no folders */
	int (*doubles)(struct source *src, source_folder_fn found, void *arg,
		       struct error *err); /* NULL: has none */
	int (*lacks_nothing)(struct source *src, bool folders, struct error *err);
	const char *(*choice)(const struct source *src); /* NULL: has one set at most */
	void (*close)(struct source *src);
	bool is_archive;
};

/* First member of every kind of source. */
struct source {
	const struct source_ops *ops;
	char *name; /* for messages; freed by source_close() */
	struct {
		char **items;
		size_t nr, cap;
	} shown; /* names of members that are listed under another one; source.c's own */
	struct source_member *listed; /* once it was asked for; source.c too */
	ssize_t nr_listed;
	const struct pid_map *pids; /* source_set_pids() */
	struct damage_list *damage; /* source_pass_damage() */
};

/** Both take the descriptor, also when they fail. */
int source_dir_open(int dirfd, const char *name, struct source **out, struct error *err);
/** @param damage  as source_open_damaged(), @param progress  as source_open_watched(); or NULL */
int source_archive_open(int fd, const char *name, struct error *damage, struct progress *progress,
			struct source **out, struct error *err);
