/* SPDX-License-Identifier: MIT
 * Who chooses numbers of threads and processes for tasks that have no privilege to: those that are
 * in a user namespace inside of that of the tree. A process in each pid namespace they are in, that
 * has it.
 */
#pragma once

#include "base/error.h"
#include "engine/context/restore.h"

struct birth;
struct restorer_args;

/** Where there have to be some, and in which user namespaces tasks are born. After births are
 *  planned. */
int givers_plan(struct restore *r, struct error *err);
/** The user namespace that a birth happens in: its number; 0: that of the root. */
uint32_t birth_users(const struct restore *r, size_t index);
/**
 * Bear somebody who is to have numbers that the caller may not choose, or not all of them.
 * @param users  the user namespace of the caller
 * @param b      what numbers; of a new pid namespace, the last one is 1
 * @param by     those of the caller
 * @return as clone(2), in both; -EBUSY: somebody has a number who may end soon; -errno
 */
pid_t given_birth(struct restore *r, uint32_t users, const struct birth *b, const struct birth *by,
		  uint64_t flags);
/** In who was born so: has it got its numbers? Tells who bore it. */
bool given_these(struct restore *r, size_t index);
/** In who bore it. @param pid  as that one knows it
 *  @return 0; 1: it has others, and ends; -ESRCH: it has died; -ECANCELED */
int given_await(struct restore *r, size_t index, pid_t pid);
/** Whom the restorer of a task asks. */
void givers_fill_args(const struct restore *r, const struct rtask *t, struct restorer_args *args);
/** Once the root is born: others may need them. */
int givers_start(struct restore *r, struct error *err);
/** Are all alive? Else whoever asks one would wait for ever. */
int givers_check(struct restore *r, struct error *err);
/** When all threads are there, or nothing more will be. Safe to call twice. */
void givers_end(struct restore *r);
void givers_free(struct givers *givers);
