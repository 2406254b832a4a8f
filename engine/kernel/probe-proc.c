/* SPDX-License-Identifier: MIT
 * Features that are files of /proc, or lines in them.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
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

bool probe_label_stacking(void)
{
	return file_has("/sys/kernel/security/apparmor/features/domain/stack", "yes");
}

#define OVERLAY "lowerdir=/tmp/low,upperdir=/tmp/up,workdir=/tmp/work"

/* A file of the lower directory, mapped through the overlay. In a process that ends then. */
static bool is_overlay_told(void)
{
	char told[64];
	struct stat st;
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/tmp", "tmpfs", 0, NULL) < 0 || mkdir("/tmp/low", 0700) < 0 ||
	    mkdir("/tmp/up", 0700) < 0 || mkdir("/tmp/work", 0700) < 0 ||
	    mkdir("/tmp/all", 0700) < 0)
		return false;
	auto_fd low = open("/tmp/low/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (low < 0 || ftruncate(low, 1) < 0 ||
	    mount("none", "/tmp/all", "overlay", 0, OVERLAY) < 0)
		return false;
	auto_fd fd = open("/tmp/all/file", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 ||
	    mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		return false;
	snprintf(told, sizeof(told), " %02x:%02x %lu ", major(st.st_dev), minor(st.st_dev),
		 (unsigned long)st.st_ino);
	return file_has("/proc/self/maps", told);
}

bool probe_overlay_maps(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(is_overlay_told() ? 0 : 1);
	int status = 1;
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}
