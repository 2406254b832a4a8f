/* SPDX-License-Identifier: MIT
 * The same where the root has one of its own.
 *
 * live-skip: grep -q " - cgroup .*freezer" /proc/self/mountinfo
 * live-unshare: --pid --cgroup
 * live-modes: SS RR 2S
 */
#include "tests/live/ns_cgroup_nested.c"
