/* SPDX-License-Identifier: MIT
 * Parser of /proc/PID/cgroup.
 * Source: cgroups(7): lines of hierarchy-ID:controller-list:path; the unified hierarchy has the ID
 * 0 and no controllers in its line, a named one "name=NAME". Another without is one that was
 * unmounted and goes with its last group: nobody can mount it.
 */
#include "engine/procfs/procfs.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void proc_cgroups_fini(struct proc_cgroups *list)
{
	free(list->items);
	free(list->text);
	*list = (struct proc_cgroups){ 0 };
}

static int compare(const void *left, const void *right)
{
	const struct proc_cgroup *a = left, *b = right;
	return strcmp(a->name, b->name);
}

static int parse_line(struct proc_cgroups *list, char *line, struct error *err)
{
	char *name = strchr(line, ':');
	char *path = name ? strchr(name + 1, ':') : NULL;
	if (!path || path[1] != '/')
		return error_set(err, EBADMSG, "/proc/PID/cgroup: line \"%s\"", line);
	bool unified = name - line == 1 && *line == '0';
	if (path == name + 1 && !unified)
		return 0;
	struct proc_cgroup *item = array_add(list);
	if (!item)
		return error_set(err, ENOMEM, "out of memory");
	*path = 0;
	*item = (struct proc_cgroup){ name + 1, path + 1 };
	return 0;
}

int proc_cgroups_parse(const char *buf, size_t len, struct proc_cgroups *out, struct error *err)
{
	struct proc_cgroups list = { .text = strndup(buf, len) };
	int rc = list.text ? 0 : error_set(err, ENOMEM, "out of memory");
	char *rest = list.text, *line;
	while (rc == 0 && rest && (line = strsep(&rest, "\n")) != NULL)
		rc = *line ? parse_line(&list, line, err) : 0;
	if (rc < 0) {
		proc_cgroups_fini(&list);
		return rc;
	}
	if (list.nr)
		qsort(list.items, list.nr, sizeof(*list.items), compare);
	*out = list;
	return 0;
}
