/* SPDX-License-Identifier: MIT
 * Any text as one of the small files of /proc; the first byte picks which.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "engine/procfs/procfs.h"

static void parse_stat(const char *text, size_t len)
{
	struct proc_stat st = { 0 };
	struct error err = { 0 };
	if (proc_stat_parse(text, len, &st, &err) == 0 && !memchr(st.comm, '\0', sizeof(st.comm)))
		abort();
}

static void parse_status(const char *text, size_t len)
{
	struct proc_status st = { 0 };
	if (proc_status_parse(text, len, &st, NULL) < 0)
		return;
	if ((st.nr_groups && !st.groups) || !memchr(st.comm, '\0', sizeof(st.comm)))
		abort();
	proc_status_fini(&st);
}

static void parse_fdinfo(const char *text, size_t len)
{
	struct proc_fdinfo info;
	proc_fdinfo_parse(text, len, &info, NULL);
}

static void parse_timers(const char *text, size_t len)
{
	struct proc_timers timers = { 0 };
	if (proc_timers_parse(text, len, &timers, NULL) == 0)
		free(timers.items);
}

static void parse_mounts(const char *text, size_t len)
{
	struct proc_mounts list = { 0 };
	if (proc_mounts_parse(text, len, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.nr; i++)
		if (strlen(list.items[i].path) + strlen(list.items[i].options) > len)
			abort();
	proc_mounts_fini(&list);
}

static void parse_cgroups(const char *text, size_t len)
{
	struct proc_cgroups list = { 0 };
	if (proc_cgroups_parse(text, len, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.nr; i++) {
		if (list.items[i].path[0] != '/' || strchr(list.items[i].name, ':'))
			abort();
	}
	proc_cgroups_fini(&list);
}

static void parse_locks(const char *text, size_t len)
{
	struct proc_locks list = { 0 };
	if (proc_locks_parse(text, len, &list, NULL) == 0)
		proc_locks_fini(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(const char *, size_t) = {
		parse_stat,  parse_status, parse_fdinfo,  parse_timers,
		parse_locks, parse_mounts, parse_cgroups,
	};
	if (size == 0)
		return 0;
	/* An exact copy: a read past the end is seen. */
	char *text = malloc(size - 1 ? size - 1 : 1);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	parsers[(uint8_t)(data[0] - '0') % ARRAY_SIZE(parsers)](text, size - 1);
	free(text);
	return 0;
}
