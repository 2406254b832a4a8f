/* SPDX-License-Identifier: MIT
 * Which release this is, and of what the images and requests are.
 */
#pragma once

#define STASIS_VERSION "0.1"

/* CRIU's: scripts and clients tell by it what we can do. */
#define FORMAT_MAJOR   4
#define FORMAT_MINOR   2
#define FORMAT_VERSION "4.2"
