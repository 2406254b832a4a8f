/* SPDX-License-Identifier: MIT
 * clone3(2) of who is to have certain numbers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/context/birth.h"

/** With all numbers of its place. @return as clone(2), in both */
pid_t birth_clone(const struct birth *b, uint64_t flags);
/** The same of a helper, which gets others, noted in `b`, when its own are refused. */
pid_t birth_clone_any(struct birth *b, uint64_t flags);

#define BIRTH_ANY_TRIES 1000 /* numbers to try for who may have any */
/** An errno that other numbers may help against (birth_choose_next()). */
bool birth_number_is_refused(int code);
