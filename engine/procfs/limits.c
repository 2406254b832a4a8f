/* SPDX-License-Identifier: MIT
 * Parser of /proc/PID/limits.
 * Source: fs/proc/base.c, proc_pid_limits(): a heading, then one line per limit, in order.
 */
#include "engine/procfs/limits.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

static const char *const names[PROC_NR_LIMITS] = {
	[RLIMIT_CPU] = "Max cpu time",
	[RLIMIT_FSIZE] = "Max file size",
	[RLIMIT_DATA] = "Max data size",
	[RLIMIT_STACK] = "Max stack size",
	[RLIMIT_CORE] = "Max core file size",
	[RLIMIT_RSS] = "Max resident set",
	[RLIMIT_NPROC] = "Max processes",
	[RLIMIT_NOFILE] = "Max open files",
	[RLIMIT_MEMLOCK] = "Max locked memory",
	[RLIMIT_AS] = "Max address space",
	[RLIMIT_LOCKS] = "Max file locks",
	[RLIMIT_SIGPENDING] = "Max pending signals",
	[RLIMIT_MSGQUEUE] = "Max msgqueue size",
	[RLIMIT_NICE] = "Max nice priority",
	[RLIMIT_RTPRIO] = "Max realtime priority",
	[RLIMIT_RTTIME] = "Max realtime timeout",
};

const char *proc_limit_name(unsigned resource)
{
	return resource < PROC_NR_LIMITS ? names[resource] : NULL;
}

/* One word of blanks and a value; moves *p behind it. */
static int parse_value(const char **p, const char *end, rlim_t *out)
{
	static const char unlimited[] = "unlimited";
	const size_t ulen = sizeof(unlimited) - 1;
	const char *s = *p;
	while (s < end && *s == ' ')
		s++;
	if ((size_t)(end - s) >= ulen && memcmp(s, unlimited, ulen) == 0) {
		*out = RLIM_INFINITY;
		*p = s + ulen;
		return 0;
	}
	uint64_t v = 0;
	const char *start = s;
	for (; s < end && isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -EBADMSG;
	if (s == start || (s < end && *s != ' '))
		return -EBADMSG;
	*out = v;
	*p = s;
	return 0;
}

static int parse_line(const char *line, const char *end, struct rlimit out[PROC_NR_LIMITS],
		      uint32_t *seen, struct error *err)
{
	for (unsigned i = 0; i < PROC_NR_LIMITS; i++) {
		size_t n = strlen(names[i]);
		if ((size_t)(end - line) <= n || memcmp(line, names[i], n) || line[n] != ' ')
			continue;
		const char *p = line + n;
		if (parse_value(&p, end, &out[i].rlim_cur) < 0 ||
		    parse_value(&p, end, &out[i].rlim_max) < 0)
			return error_set(err, EBADMSG, "limits: %s: not two numbers", names[i]);
		*seen |= 1u << i;
		return 0;
	}
	return 0; /* the heading, or a limit of a newer kernel */
}

int proc_limits_parse(const char *buf, size_t len, struct rlimit out[PROC_NR_LIMITS],
		      struct error *err)
{
	uint32_t seen = 0;
	const char *end = buf + len;
	for (const char *line = buf; line < end;) {
		const char *nl = memchr(line, '\n', (size_t)(end - line));
		if (!nl)
			nl = end;
		int rc = parse_line(line, nl, out, &seen, err);
		if (rc < 0)
			return rc;
		line = nl + 1;
	}
	for (unsigned i = 0; i < PROC_NR_LIMITS; i++)
		if (!(seen & (1u << i)))
			return error_set(err, EBADMSG, "limits: %s: missing", names[i]);
	return 0;
}
