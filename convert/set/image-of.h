/* SPDX-License-Identifier: MIT
 * Inside set/: members of a source that are sequences of messages, and the others.
 */
#pragma once

#include <stdbool.h>

#include "images/image-type.h"

/** NULL: raw pages, netlink dumps, archives, or no image at all. */
const struct image_type *message_image_of(const char *name);
