/* SPDX-License-Identifier: MIT
 * The browser: on a terminal, or a single screen of it on paper.
 */
#pragma once

#include <stdint.h>

#include "images/damage.h"

struct viewer_options {
	const char *path, *diff, *sysroot; /* as struct app_options */
	uint32_t pid;
	bool edit;
	const char *theme; /* "dark", "light", "mono"; NULL: as the terminal is */
	const char *keys;  /* pressed first; NULL: none */
	const char *print; /* "text", "svg": print the screen after them; "keys": the keymap,
			      without a checkpoint; NULL: use the terminal */
	const char *size;  /* "WIDTHxHEIGHT" of such a screen; NULL: 80x24 */
};

/**
 * @param passed  what could not be read of what stands on a screen that was printed; the caller's
 * @return 0; -EINVAL for options that cannot be read; -errno. A signal that ends it is raised again
 *         when the terminal is as before.
 */
int viewer_run(const struct viewer_options *options, struct damage_list *passed, struct error *err);
