/* SPDX-License-Identifier: MIT
 * The same where the root has one of its own.
 *
 * live-unshare: --pid --uts
 */
#include "tests/live/ns_uts_nested.c"
