/* SPDX-License-Identifier: MIT
 * A thread that has left the IPC namespace of its task.
 * live-link: -pthread
 * live-refuse: is in another ipc namespace
 */
#include <sched.h>

#define LEAVES CLONE_NEWIPC
#include "tests/live/ns_refuse_thread.c"
