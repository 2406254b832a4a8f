/* SPDX-License-Identifier: MIT
 * libdw and libelf of elfutils: linked in, or loaded when the first backtrace is asked for.
 */
#pragma once

#include <elfutils/libdwfl.h>

#include "base/error.h"

/* Every function used. */
#define LIBDW_FUNCTIONS(X)                                                                         \
	X(elf_version)                                                                             \
	X(elf_memory)                                                                              \
	X(elf_end)                                                                                 \
	X(dwfl_begin)                                                                              \
	X(dwfl_end)                                                                                \
	X(dwfl_errno)                                                                              \
	X(dwfl_errmsg)                                                                             \
	X(dwfl_report_begin)                                                                       \
	X(dwfl_report_module)                                                                      \
	X(dwfl_report_end)                                                                         \
	X(dwfl_module_info)                                                                        \
	X(dwfl_module_getelf)                                                                      \
	X(dwfl_module_build_id)                                                                    \
	X(dwfl_module_addrinfo)                                                                    \
	X(dwfl_module_getsrc)                                                                      \
	X(dwfl_lineinfo)                                                                           \
	X(dwfl_addrmodule)                                                                         \
	X(dwfl_attach_state)                                                                       \
	X(dwfl_thread_state_registers)                                                             \
	X(dwfl_thread_state_register_pc)                                                           \
	X(dwfl_getthread_frames)                                                                   \
	X(dwfl_frame_thread)                                                                       \
	X(dwfl_frame_pc)

struct libdw {
#define X(name) __typeof__(name) *name;
	LIBDW_FUNCTIONS(X)
#undef X
};

/**
 * It stays loaded. Takes DEBUGINFOD_URLS out of the environment: what crit finds is on this
 * machine. @return 0; -ENOTSUP when the library or one of its functions is missing
 */
int libdw_load(struct libdw *lib, struct error *err);
