/* SPDX-License-Identifier: MIT
 * What descriptions of files are made of, for the files of this room.
 */
#pragma once

#include "convert/describe/file.h"

struct amount {
	uint64_t key, bytes;
};

/* Bytes by key: a pipe's, a socket's file id. */
struct amounts {
	struct amount *items; /* sorted by key */
	size_t nr, cap;
};

struct remap {
	uint32_t id;
	RemapType type;
};

struct file_describer {
	struct checkpoint *cp;
	struct error damage; /* code 0: none */
	struct amounts pipes, packets;
	struct {
		struct remap *items; /* sorted by id */
		size_t nr, cap;
	} remaps;
	struct {
		struct peer {
			uint32_t inode;
			const UnixSkEntry *sk;
		} * items; /* unix sockets, sorted by inode */
		size_t nr, cap;
	} unix_sockets;
};

/** 0 when there is none. */
uint64_t amounts_find(const struct amounts *amounts, uint64_t key);

/** The name a field's number goes by (images/hints), or NULL. */
const char *field_word(const char *message, const char *field, uint64_t value);

/** The socket a file is; sets out->is_socket. @return 0 also for what is none */
int socket_describe(struct file_describer *fd, const FileEntry *file, struct file_facts *out,
		    struct error *err);
