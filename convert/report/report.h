/* SPDX-License-Identifier: MIT
 * A checkpoint as one HTML page that needs nothing else: no network, no other file.
 */
#pragma once

#include "images/checkpoint.h"

/**
 * Write the page as it is made; memory does not grow with the checkpoint. What cannot be read is
 * marked where it would stand.
 * @param only  this process and its descendants; NULL: all
 * @param name  of the output, for messages
 */
int report_write(struct checkpoint *cp, const struct process *only, int fd, const char *name,
		 struct error *err);
