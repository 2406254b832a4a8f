/* SPDX-License-Identifier: MIT
 * The two directories and the log every command of the engine opens first.
 */
#include "engine/dirs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/options.h"

static int open_dir(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_sys(err, "open directory %s", path) : fd;
}

/* As fs.protected_symlinks has it, which is off on some hosts: where anybody may make a link, only
 * one's own is followed, or that of whom the directory belongs to. */
static bool is_foreign_link(int work_fd, const char *path)
{
	struct stat link, dir;
	const char *slash = strrchr(path, '/');
	auto_free char *parent = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (!parent || fstatat(work_fd, path, &link, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatat(work_fd, parent, &dir, 0) < 0)
		return false; /* opening it will tell */
	return S_ISLNK(link.st_mode) && (dir.st_mode & S_ISVTX) && (dir.st_mode & S_IWOTH) &&
	       link.st_uid != geteuid() && link.st_uid != dir.st_uid;
}

/* The log outlives the command: it is closed by the next one of a session, or the process ends. */
static int open_log(const struct options *opts, int work_fd, struct error *err)
{
	int fd = STDERR_FILENO;
	if (opts->log_file) {
		if (is_foreign_link(work_fd, opts->log_file))
			return error_set(err, EACCES,
					 "log file %s is a link that another user has made in a "
					 "directory of everybody: remove it",
					 opts->log_file);
		fd = openat(work_fd, opts->log_file,
			    O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
		if (fd < 0)
			return error_sys(err, "open log file %s", opts->log_file);
	}
	log_to(fd, (enum log_level)options_log_level(opts));
	return 0;
}

int dirs_open(const struct options *opts, int *images_fd, int *work_fd, struct error *err)
{
	const char *images = opts->images_dir ? opts->images_dir : ".";
	auto_fd images_dir = open_dir(images, err);
	if (images_dir < 0)
		return images_dir;
	auto_fd work_dir = open_dir(opts->work_dir ? opts->work_dir : images, err);
	if (work_dir < 0)
		return work_dir;
	int rc = open_log(opts, work_dir, err);
	if (rc < 0)
		return rc;
	*images_fd = take_fd(images_dir);
	*work_fd = take_fd(work_dir);
	return 0;
}

int dirs_write_pidfile(const struct options *opts, int work_fd, pid_t pid, struct error *err)
{
	const char *name = opts->pidfile;
	if (!name)
		return 0;
	auto_fd fd = openat(work_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_sys(err, "pidfile %s", name);
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", pid);
	int rc = fd_write_full(fd, text, (size_t)len);
	if (rc < 0) {
		unlinkat(work_fd, name, 0);
		return error_code(err, rc, "pidfile %s", name);
	}
	return 0;
}

void dirs_log_failure(const struct options *opts, const struct error *err)
{
	if (opts->log_file && log_fd() != STDERR_FILENO)
		log_error("%s", err->text);
}
