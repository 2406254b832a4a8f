/* SPDX-License-Identifier: MIT
 * What an open file is, in plain words: for tables, reports and views alike.
 */
#pragma once

#include "base/strbuf.h"
#include "images/checkpoint.h"

/* Bytes that wait in both directions. */
struct queue_facts {
	bool known; /* false: the checkpoint does not say */
	uint64_t received,
	    sent; /* bytes; what the peer of a pair has not read counts as received */
};

struct socket_facts {
	const char *family;   /* "inet", "inet6", "unix", "packet", "netlink" */
	const char *type;     /* "STREAM", …; NULL: the checkpoint does not say */
	const char *protocol; /* "tcp", "udp", …; NULL: none that has a name */
	const char *state;    /* "LISTEN", …; NULL: has none */
	char local[112];      /* "[::1]:80", a path, "@abstract"; "": none */
	char peer[112];
	uint32_t inode, peer_inode; /* 0: none; of unix sockets the peer's */
	uint32_t backlog;
	uint32_t net_ns; /* 0: not known */
	struct queue_facts queue;
};

struct file_facts {
	FdTypes type;
	uint32_t id;
	const char *kind;     /* "file", "directory", "pipe", "tcp", "eventfd", …; "?": missing */
	struct strbuf target; /* path, "pipe:[7]", "127.0.0.1:80"; may be empty (data NULL) */
	struct strbuf detail; /* what else there is to say: "deleted", "counter 3"; may be empty */
	const char *gone;     /* why the name of a file leads nowhere; NULL: it does lead there */
	RemapType remap;      /* with gone: how the file is reached instead */
	bool has_flags, has_position, is_socket;
	uint32_t flags; /* of open(2) */
	uint64_t position;
	struct socket_facts socket; /* when is_socket */
};

/* Reads once what belongs to many files: queues, names that are gone. */
struct file_describer;

/** @param cp  borrowed */
int file_describer_new(struct checkpoint *cp, struct file_describer **out, struct error *err);
void file_describer_free(struct file_describer *fd);
/** What was passed over of the images it reads once (images/damage.h); NULL: nothing. */
const struct error *file_describer_damage(const struct file_describer *fd);

/**
 * Describe one file. A file that the checkpoint does not have is described as such.
 * @param out  strings are static, borrowed from the checkpoint's life time, or its own:
 *             file_facts_fini()
 * @return 0; -EBADMSG, -ENOMEM
 */
int file_describe(struct file_describer *fd, FdTypes type, uint32_t id, struct file_facts *out,
		  struct error *err);
void file_facts_fini(struct file_facts *facts);
#define auto_file_facts __attribute__((cleanup(file_facts_fini))) struct file_facts

/** Called with a descriptor of a process and what it leads to. */
typedef void file_visit_fn(void *arg, const struct process *p, const FdinfoEntry *entry,
			   const struct file_facts *file);
/** Describe the files of all descriptors of a process; a zombie has none. */
int file_describe_each(struct file_describer *fd, const struct process *p, file_visit_fn *visit,
		       void *arg, struct error *err);

/** "rw append nonblock": how a file was opened. @return out */
const char *file_flags_text(uint32_t flags, char *out, size_t len);

static inline void file_describer_cleanup_(struct file_describer **fd)
{
	file_describer_free(*fd);
}
#define auto_file_describer                                                                        \
	__attribute__((cleanup(file_describer_cleanup_))) struct file_describer *
