/* SPDX-License-Identifier: MIT
 * See shortage.h.
 */
#include "engine/context/shortage.h"

#include <errno.h>
#include <stdlib.h>

const char *shortage_of_tasks(int code)
{
	switch (abs(code)) {
	case EAGAIN:
		return " (raise the limit of tasks: pids.max of the control group, ulimit -u, or "
		       "kernel.threads-max and kernel.pid_max by sysctl)";
	case ENOMEM:
		return " (the kernel has no memory for it, or pid 1 of its pid namespace has "
		       "ended)";
	default:
		return "";
	}
}

const char *shortage_of_files(int code)
{
	switch (abs(code)) {
	case EMFILE:
		return " (raise the limit of open files: ulimit -n, of root ulimit -Hn)";
	case ENFILE:
		return " (raise the limit of open files of the machine: fs.file-max by sysctl)";
	default:
		return "";
	}
}

const char *shortage_of_maps(int code)
{
	return abs(code) == ENOMEM ? " (is there enough memory? Or raise the limit: ulimit -v, or "
				     "vm.max_map_count by sysctl, which is that of mappings)"
				   : "";
}
