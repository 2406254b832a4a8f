/* SPDX-License-Identifier: MIT
 * A thread that has left the UTS namespace of its task.
 * live-link: -pthread
 * live-refuse: is in another uts namespace
 */
#include <sched.h>

#define LEAVES CLONE_NEWUTS
#include "tests/live/ns_refuse_thread.c"
