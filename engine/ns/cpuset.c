/* SPDX-License-Identifier: MIT
 * Which CPUs a task may be given.
 * Source: cpuset(7), Documentation/admin-guide/cgroup-v2.rst.
 */
#include "engine/ns/cpuset.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "engine/ns/cgroup-fs.h"
#include "engine/procfs/procfs.h"
#include "engine/procfs/scan.h"

bool cpu_list_parse(const char *text, size_t len, uint8_t mask[CPU_MASK_MAX])
{
	struct scan s = scan_of(text, len);
	memset(mask, 0, CPU_MASK_MAX);
	while (s.end > s.p && s.end[-1] == '\n')
		s.end--;
	while (s.p < s.end) {
		uint32_t first, last;
		if (!scan_u32(&s, 10, &first))
			return false;
		last = first;
		if (scan_literal(&s, "-") && !scan_u32(&s, 10, &last))
			return false;
		if (last < first || last >= CPU_MASK_MAX * 8)
			return false;
		for (uint32_t cpu = first; cpu <= last; cpu++)
			mask[cpu / 8] |= (uint8_t)(1u << cpu % 8);
		if (s.p < s.end && !scan_literal(&s, ","))
			return false;
	}
	return true;
}

static bool read_list(int dirfd, const char *path, uint8_t mask[CPU_MASK_MAX])
{
	auto_strbuf text = { 0 };
	return file_read_at(dirfd, path, &text, NULL) == 0 && text.len &&
	       cpu_list_parse(text.data, text.len, mask);
}

/* Where a group has no such file, the one above it counts. */
static bool read_group(int root, const char *path, const char *file, uint8_t mask[CPU_MASK_MAX])
{
	char dir[4096], name[4200];
	snprintf(dir, sizeof(dir), "%s", path);
	for (;;) {
		snprintf(name, sizeof(name), "%s/%s", cgroup_fs_relative(dir), file);
		if (read_list(root, name, mask))
			return true;
		char *slash = strrchr(dir, '/');
		if (!slash || !dir[1])
			return false;
		slash[slash == dir] = 0;
	}
}

static bool has_cpuset(const char *controllers)
{
	const char *at = strstr(controllers, "cpuset");
	return at && (at == controllers || at[-1] == ',') && (at[6] == 0 || at[6] == ',');
}

static const struct proc_cgroup *find_cpuset(const struct proc_cgroups *members)
{
	const struct proc_cgroup *unified = NULL;
	for (size_t i = 0; i < members->nr; i++) {
		if (has_cpuset(members->items[i].name))
			return &members->items[i];
		if (!*members->items[i].name)
			unified = &members->items[i];
	}
	return unified;
}

static bool read_cpuset(pid_t tid, uint8_t mask[CPU_MASK_MAX])
{
	char path[48];
	auto_strbuf text = { 0 };
	struct proc_cgroups members = { 0 };
	snprintf(path, sizeof(path), "/proc/%d/cgroup", tid);
	if (file_read_at(AT_FDCWD, path, &text, NULL) < 0 ||
	    proc_cgroups_parse(text.data ? text.data : "", text.len, &members, NULL) < 0)
		return false;
	const struct proc_cgroup *group = find_cpuset(&members);
	auto_fd root = group ? cgroup_fs_open(group->name, -1, NULL) : -1;
	bool found =
	    root >= 0 &&
	    read_group(root, group->path,
		       *group->name ? "cpuset.effective_cpus" : "cpuset.cpus.effective", mask);
	proc_cgroups_fini(&members);
	return found;
}

static bool lacks(const uint8_t *mask, size_t len, const uint8_t wanted[CPU_MASK_MAX])
{
	for (size_t i = 0; i < CPU_MASK_MAX; i++)
		if (wanted[i] & ~(i < len ? mask[i] : 0))
			return true;
	return false;
}

void cpuset_online(struct cpu_mask *out)
{
	out->known = read_list(AT_FDCWD, "/sys/devices/system/cpu/online", out->bits);
}

bool cpuset_is_narrowed(const struct cpu_mask *online, pid_t tid, const uint8_t *mask, size_t len)
{
	uint8_t all[CPU_MASK_MAX];
	if (!online->known || !lacks(mask, len, online->bits))
		return false;
	return !read_cpuset(tid, all) || lacks(mask, len, all);
}
