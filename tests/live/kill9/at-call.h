/* SPDX-License-Identifier: MIT
 * Killing a program at a chosen moment: just before one of the system calls that change others.
 */
#pragma once

#include <stdbool.h>
#include <sys/user.h>

/**
 * Run a program and kill it in place of its n-th ptrace(2) or pwrite(2).
 * @return its wait status: killed, or ended before it came so far
 */
int run_until_call(char *const argv[], long n);

/** The same with calls of a kind of one's own, told by the registers at their entry. */
int run_until(char *const argv[], bool (*is_it)(const struct user_regs_struct *), long n);
