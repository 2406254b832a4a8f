/* SPDX-License-Identifier: MIT
 * Whether a set of images is whole and coherent: every image can be read to its end, everything
 * that is referred to is there, and every page has its bytes.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "convert/doc/doc.h"
#include "images/source.h"

/**
 * A row of the table "findings" for each thing that is wrong, then their number. The parents of an
 * incremental set are looked at as far as their pages are needed.
 * @param progress  in bytes of images, or NULL
 * @return 0 when nothing was found, 1 when something was; -errno when it could not be looked at
 */
int verify_source(struct source *src, struct doc *doc, struct progress *progress,
		  struct error *err);
/**
 * Only whether every image can be read to its end, every page has its bytes, and what a container's
 * engine put beside them can be read: what is not so is noted in the list of source_pass_damage().
 */
int verify_framing(struct source *src, struct error *err);
