/* SPDX-License-Identifier: MIT
 * Stages of a restore: how tasks wait for each other, and how one's failure ends it for all.
 */
#pragma once

#include "base/error.h"
#include "engine/context/restore.h"
#include "engine/pie/restore-shared.h"

/** The shared page for a plan; r->shared is set. */
int stage_init(struct restore *r, struct error *err);
void stage_fini(struct restore *r);
/** Bytes of the shared mapping, a multiple of the page size. */
size_t stage_shared_size(const struct restore *r);

/* In a task. */
/** Tell the coordinator why, unless another task was first. */
void stage_fail(struct restore_shared *s, const struct error *err);
/* Who waits for anything else looks so often whether restore_is_over(). */
#define STAGE_LOOK_MS 1000
/**
 * Done with a stage: wait for all others. Exits the task when restore_is_over().
 * @param nr  of tasks that this one speaks for
 */
void stage_arrive(struct restore_shared *s, size_t slot, enum restore_stage stage, uint32_t nr);

/* In the coordinator. */
/** Before the first birth: how many will finish STAGE_BIRTH. */
void stage_start(struct restore *r, uint32_t expected);
/**
 * Wait until `expected` have finished a stage.
 * @return 0; -errno with the first failure, or naming a task that died
 */
int stage_wait(struct restore *r, enum restore_stage stage, struct error *err);
/** Look once: has somebody failed, or died? */
int stage_check(struct restore *r, enum restore_stage stage, struct error *err);
/** Let all go on after a stage. @param expected  how many will finish the next one */
void stage_pass(struct restore *r, enum restore_stage stage, uint32_t expected);
