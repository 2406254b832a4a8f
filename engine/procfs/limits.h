/* SPDX-License-Identifier: MIT
 * /proc/PID/limits: readable for any user's process without CAP_SYS_RESOURCE, unlike prlimit(2).
 */
#pragma once

#include <stddef.h>
#include <sys/resource.h>

#include "base/error.h"

#define PROC_NR_LIMITS 16 /* indexed by RLIMIT_* */

/** "unlimited" becomes RLIM_INFINITY. @return 0; -EBADMSG naming the line that is wrong */
int proc_limits_parse(const char *buf, size_t len, struct rlimit out[PROC_NR_LIMITS],
		      struct error *err);
/** "Max open files", for messages; NULL when there is no such limit. */
const char *proc_limit_name(unsigned resource);
