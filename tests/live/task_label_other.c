/* SPDX-License-Identifier: MIT
 * The same, restored with another profile.
 * live-restore: --lsm-profile apparmor:stasis-other
 * live-modes: SS
 * live-skip: grep -q '^stasis-live ' /sys/kernel/security/apparmor/profiles
 */
#define RESTORED_AS "stasis-other"
#include "tests/live/task_label.c"
