/* SPDX-License-Identifier: MIT
 * Going to an address that is typed.
 */
#pragma once

#include "viewer/view.h"

/**
 * Hexadecimal, with or without 0x; "START+OFFSET", both hexadecimal.
 * @return 0 or -EINVAL
 */
int address_parse(const char *text, uint64_t *out);

/** Ask for one. @param done  of the prompt: reads it with address_typed() */
void address_ask(struct view *v, void (*done)(struct view *v, const char *text, size_t mode));
/** @return false: nothing was typed, or it says that this is none */
bool address_typed(struct view *v, const char *text, uint64_t *out);

/** Ask for an address of the view's process and show what is there. */
void goto_ask(struct view *v);
