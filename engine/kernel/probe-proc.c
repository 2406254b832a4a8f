/* SPDX-License-Identifier: MIT
 * Features that are files of /proc, or lines in them.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "engine/kernel/feature.h"

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static bool file_has(const char *path, const char *text)
{
	auto_strbuf sb = { 0 };
	return file_read_at(AT_FDCWD, path, &sb, NULL) == 0 && sb.data && strstr(sb.data, text);
}

bool probe_children_file(void)
{
	return exists("/proc/thread-self/children");
}

/* Listing it is not enough: following a link takes CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE. */
bool probe_map_files(void)
{
	auto_dir dir = opendir("/proc/self/map_files");
	struct dirent *de;
	while (dir && (de = readdir(dir))) {
		if (de->d_name[0] == '.')
			continue;
		auto_fd fd = openat(dirfd(dir), de->d_name, O_PATH | O_CLOEXEC);
		return fd >= 0;
	}
	return false;
}

bool probe_mnt_id(void)
{
	auto_fd fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return file_has(path, "mnt_id:");
}

bool probe_fdinfo_lock(void)
{
	auto_fd fd = memfd_create("probe", MFD_CLOEXEC);
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return fd >= 0 && flock(fd, LOCK_EX) == 0 && file_has(path, "lock:");
}

bool probe_ns_pid(void)
{
	return file_has("/proc/self/status", "NSpid:");
}

bool probe_userns(void)
{
	return exists("/proc/self/ns/user");
}

bool probe_cgroupns(void)
{
	return exists("/proc/self/ns/cgroup");
}

bool probe_timens(void)
{
	return exists("/proc/self/timens_offsets");
}

bool probe_loginuid(void)
{
	return exists("/proc/self/loginuid");
}

bool probe_timers_file(void)
{
	return exists("/proc/self/timers");
}
