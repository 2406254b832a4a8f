/* SPDX-License-Identifier: MIT
 * Pages that show bytes.
 */
#pragma once

#include "viewer/bytes.h"

/** Open a page that shows bytes. Takes b. @param at  where to begin */
void hex_open(struct app *app, struct bytes *b, uint64_t at);
/**
 * The same for memory of a process; says why when it cannot.
 * @param match  bytes there that were looked for; 0: none
 */
void hex_open_memory(struct app *app, const struct process *p, uint64_t at, uint64_t match);
/** The same for what may be an address, or says that it is none. */
void hex_follow(struct app *app, const struct process *p, uint64_t at);
/** The same for an address that was typed. */
void hex_go_to(struct app *app, const struct process *p, uint64_t at);
