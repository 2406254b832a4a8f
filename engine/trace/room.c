/* SPDX-License-Identifier: MIT
 * See room.h.
 */
#include "engine/trace/room.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "engine/procfs/read.h"

struct limit {
	int code;
	const char *name, *line; /* in /proc/PID/limits: "LINE  SOFT  HARD  UNIT" */
	const char *used;        /* in /proc/PID/status: "USED:  N kB" */
	const char *option;      /* of prlimit(1) */
};
static const struct limit limits[] = {
	{ ENOMEM, "RLIMIT_AS", "\nMax address space ", "\nVmSize:", "as" },
	{ ENOMEM, "RLIMIT_DATA", "\nMax data size ", "\nVmData:", "data" },
	{ EAGAIN, "RLIMIT_MEMLOCK", "\nMax locked memory ", "\nVmLck:", "memlock" },
};

/* The number behind the key. @return false: there is none, or it is no number ("unlimited") */
static bool number_behind(const char *text, const char *key, unsigned long long *out)
{
	const char *at = strstr(text, key);
	return at && sscanf(at + strlen(key), "%llu", out) == 1;
}

int room_error(const struct task *t, size_t len, int code, struct error *err)
{
	char status[8192], text[4096];
	unsigned long long used_kb, most;
	bool known = proc_record_read(t->proc_fd, "status", status, sizeof(status), NULL) > 0 &&
		     proc_record_read(t->proc_fd, "limits", text, sizeof(text), NULL) > 0;
	for (size_t i = 0; known && i < ARRAY_SIZE(limits); i++) {
		const struct limit *l = &limits[i];
		if (l->code != -code || !number_behind(status, l->used, &used_kb) ||
		    !number_behind(text, l->line, &most) || used_kb * 1024 + len <= most)
			continue;
		return error_set(err, code,
				 "map %zu bytes for the parasite in it: it has %llu, and its "
				 "limit %s is %llu: raise that for the dump (prlimit --pid %d "
				 "--%s=unlimited)",
				 len, used_kb * 1024, l->name, most, t->pid, l->option);
	}
	return error_code(err, code, "map %zu bytes for the parasite in it", len);
}
