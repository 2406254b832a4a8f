/* SPDX-License-Identifier: MIT
 * The reports of `crit x`, each on standard output.
 */
#pragma once

#include "images/checkpoint.h"

int explore_ps(struct checkpoint *cp, struct error *err);
int explore_fds(struct checkpoint *cp, struct error *err);
int explore_mems(struct checkpoint *cp, struct error *err);
int explore_rss(struct checkpoint *cp, struct error *err);

/**
 * What reading an image of a process gave: zombies have none, and a line that says so is printed.
 * @return 1; 0 for a zombie; -errno
 */
int explore_image_read(const struct checkpoint *cp, const struct process *p, int rc);
