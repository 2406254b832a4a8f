/* SPDX-License-Identifier: MIT
 * A thread that has left the cgroup namespace of its task.
 * live-link: -pthread
 * live-refuse: is in another cgroup namespace
 */
#include <sched.h>

#define LEAVES CLONE_NEWCGROUP
#include "tests/live/ns_refuse_thread.c"
