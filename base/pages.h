/* SPDX-License-Identifier: MIT
 * Pages of this process.
 */
#pragma once

#include <stddef.h>

/**
 * All of a large piece of memory will be written to: bring its pages in by one system call, as each
 * fault takes longer. Contents stay; a kernel before Linux 5.14 does nothing.
 */
void pages_bring_in(void *at, size_t len);
