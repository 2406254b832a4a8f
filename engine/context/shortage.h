/* SPDX-License-Identifier: MIT
 * What the kernel has too little of, in words that go between what failed and why.
 */
#pragma once

/**
 * When a task or thread cannot be made: which limit to look at.
 * @param code  errno, positive or negative
 * @return " (…)", static; "" where the code does not tell
 * Source: clone(2), EAGAIN and ENOMEM; Documentation/admin-guide/cgroup-v1/pids.rst.
 */
const char *shortage_of_tasks(int code);
/** The same when memory cannot be mapped. Source: mmap(2), ENOMEM. */
const char *shortage_of_maps(int code);
/** The same when nothing more can be opened. Source: open(2), EMFILE and ENFILE. */
const char *shortage_of_files(int code);
