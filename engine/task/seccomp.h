/* SPDX-License-Identifier: MIT
 * Seccomp: strict mode and chains of filters. They are lifted while we trace, and put back from
 * outside as the last thing of all: no code of ours has to pass them.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/context/restore.h"

/** Dump: lift it for a stopped thread and read its filters. -ENOTSUP for what cannot come back. */
int seccomp_collect(struct thread *th, struct error *err);
void seccomp_thread_fini(struct thread *th);
/** The filters of all threads go to seccomp.img later, under the numbers they get now. Where all
 * have the same, the first is to install them for all. */
int seccomp_number(struct dump *d, struct task *t, struct error *err);
/** Mode and chain of a thread, into its core. */
void seccomp_dump(const struct thread *th, ThreadCoreEntry *tc);
/** seccomp.img: every filter once. */
int seccomp_dump_finish(struct dump *d, struct error *err);

/** Read seccomp.img; chains and modes of all tasks are checked. After their cores are loaded. */
int seccomp_load(struct restore *r, struct error *err);
/** Does any thread of the task run under seccomp? */
bool seccomp_has(const struct rtask *t);
/** Bytes of the arena that seccomp_fill() takes. */
size_t seccomp_args_size(const struct restore *r, const struct rtask *t);
/** In the task: filters to where the coordinator has them installed from. What a thread needs to
 *  install its own it keeps until then. */
int seccomp_fill(struct restore *r, struct rtask *t, struct restorer_args *args, struct error *err);

struct seccomp_call { /* a system call of a thread that waits to be let go */
	long nr;
	uint64_t args[3];
};
/**
 * The calls that put a thread under seccomp again.
 * @param nth  from 0; @return false: there are no more
 */
bool seccomp_call(const struct restore *r, const struct rtask *t, size_t thread, size_t nth,
		  struct seccomp_call *out);
