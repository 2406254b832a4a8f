/* SPDX-License-Identifier: MIT
 * The same where the task may look into no task outside anyway.
 * live-user: nobody
 * live-refuse: Landlock restricts it
 * live-skip: grep -q landlock_create_ruleset /proc/kallsyms
 */
#include "tests/live/task_refuse_landlock.c"
