/* SPDX-License-Identifier: MIT
 * An audit under way, for the files of this room.
 */
#pragma once

#include "convert/audit/audit.h"
#include "convert/describe/container.h"
#include "convert/describe/file.h"
#include "convert/describe/mounts.h"
#include "images/memory-view.h"

struct audit {
	struct checkpoint *cp;
	const struct audit_options *options;
	struct progress *progress;
	struct findings *out;
	struct file_describer *files;
	struct container_facts container;
	struct mount_list mounts;
	int sysroot; /* -1: none */
	struct {
		struct code_file { /* a program, or a file mapped as code */
			uint32_t id, pid;
			const RegFileEntry *reg;
			char comm[32];
		} * items; /* each once */
		size_t nr, cap;
	} code;
};

/* The process at hand. */
struct audit_process {
	const struct process *process;
	CoreEntry *core; /* of the leader */
	TaskKobjIdsEntry *ids;
	const char *comm;
	struct memory_view *memory; /* NULL: none, as in a pre-dump */
	bool contained;             /* has a mount namespace of its own; false without ids */
	bool mapped_users;          /* and a user namespace; false without ids */
};

/** @param fmt  of the evidence */
int audit_add(struct audit *audit, enum rule_id rule, enum severity severity,
	      const struct finding_place *at, const char *object, struct error *err,
	      const char *fmt, ...) __attribute__((format(printf, 7, 8)));
/** What is broken was noted, and the audit goes on. @return 0, or rc with *err set */
int audit_pass(struct audit *audit, int rc, const struct error *why, struct error *err);
/** A place in an image of a process. */
struct finding_place place_in(const struct audit_process *p, enum image_id image, uint64_t number);
/** The place of an open file. */
struct finding_place place_of_file(struct audit *audit, const struct audit_process *p, FdTypes type,
				   uint32_t id);
/** Does the set have this image, broken or not? */
bool has_image(struct audit *audit, enum image_id image, uint64_t number);

int check_credentials(struct audit *audit, const struct audit_process *p, struct error *err);
int check_memory(struct audit *audit, const struct audit_process *p, struct error *err);
int check_program(struct audit *audit, const struct audit_process *p, struct error *err);
int check_code_bytes(struct audit *audit, const struct audit_process *p, struct error *err);
int check_files(struct audit *audit, const struct audit_process *p, struct error *err);
int check_mounts(struct audit *audit, struct error *err);
/** What was collected in audit->code, against the sysroot and the container's changed files. */
int check_code(struct audit *audit, struct error *err);

/* secrets-search.c */
struct search;
int search_new(struct audit *audit, struct search **out, struct error *err);
void search_free(struct search *s);
/** Environment and private memory of one process. */
int search_process(struct search *s, const struct audit_process *p, struct error *err);
/** Everything that belongs to no single process: shared segments, pipes, sockets, deleted files. */
int search_shared(struct search *s, struct error *err);
