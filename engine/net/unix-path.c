/* SPDX-License-Identifier: MIT
 * Names of unix sockets, both directions.
 */
#include "engine/net/unix-path.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/files/remap.h"
#include "engine/ns/mnt.h"
#include "engine/procfs/root.h"

#ifndef SIOCUNIXFILE
#define SIOCUNIXFILE 0x89E0
#endif

#define DELETED " (deleted)"

/* A descriptor of the socket's file, as far as it is one (O_PATH). */
static int open_file_of(int fd, struct error *err)
{
	int file = ioctl(fd, SIOCUNIXFILE);
	return file < 0 ? error_sys(err, "find the file of a unix socket (SIOCUNIXFILE)") : file;
}

static int read_link(int fd, char *out, size_t len, struct error *err)
{
	char link[32];
	snprintf(link, sizeof(link), "self/fd/%d", fd);
	ssize_t n = readlinkat(procfs_fd(), link, out, len);
	if (n < 0)
		return error_sys(err, "read /proc/%s", link);
	if ((size_t)n >= len)
		return error_set(err, ENAMETOOLONG, "path of a unix socket");
	out[n] = 0;
	return 0;
}

static bool leads_to(int dirfd, const char *name, const struct stat *file)
{
	struct stat st;
	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == file->st_ino &&
	       st.st_dev == file->st_dev;
}

/* The directory a relative name was bound in: the task's own, most likely, or what is left of
   the path without the name. */
static int find_dir(const struct open_file *f, const char *name, const char *path,
		    struct unix_path *out, struct error *err)
{
	auto_fd cwd = openat(f->task->proc_fd, "cwd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cwd >= 0 && leads_to(cwd, name, &out->st))
		return read_link(cwd, out->dir, sizeof(out->dir), err);
	size_t len = strlen(path), tail = strlen(name);
	if (len > tail + 1 && path[len - tail - 1] == '/' && !strcmp(path + len - tail, name)) {
		snprintf(out->dir, sizeof(out->dir), "%.*s", (int)(len - tail - 1), path);
		return 0;
	}
	const char *slash = strrchr(path, '/');
	if (!strchr(name, '/') && slash && slash > path && leads_to(-1, path, &out->st)) {
		snprintf(out->dir, sizeof(out->dir), "%.*s", (int)(slash - path), path);
		return 0; /* renamed, where it was most likely */
	}
	return error_set(err, ENOTSUP,
			 "is a unix socket bound to %s, relative to a directory nobody knows any "
			 "more (its file is %.800s)",
			 name, path);
}

static int find_inside(const struct open_file *f, const char *name, char *path,
		       struct unix_path *out, struct error *err)
{
	int rc = 0;
	size_t len = strlen(path), tail = strlen(DELETED);
	if (len > tail && !strcmp(path + len - tail, DELETED))
		path[len - tail] = 0;
	if (name[0] != '/')
		rc = find_dir(f, name, path, out, err);
	if (rc < 0)
		return rc;
	auto_fd dir = out->dir[0] ? open(out->dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	out->deleted = !leads_to(dir, name, &out->st);
	if (!out->deleted ||
	    (!leads_to(-1, path, &out->st) && !name_beside(path, PATH_MAX, &out->st)))
		return 0;
	out->renamed = strdup(path);
	return out->renamed ? 0 : error_set(err, ENOMEM, "out of memory");
}

int unix_path_find(const struct dump *d, const struct open_file *f, const struct unix_info *info,
		   struct unix_path *out, struct error *err)
{
	char name[sizeof(info->name) + 1], path[PATH_MAX + sizeof(DELETED)];
	struct ns_mount_place back;
	struct error late;
	memcpy(name, info->name, info->name_len);
	name[info->name_len] = 0;
	out->dir[0] = 0;
	out->renamed = NULL;
	auto_fd file = open_file_of(f->fd, err);
	if (file < 0)
		return file;
	if (fstat(file, &out->st) < 0)
		return error_sys(err, "stat %s", name);
	out->mnt_id = mntns_id_of(d, file);
	int rc = read_link(file, path, sizeof(path), err);
	if (rc == 0)
		rc = mntns_enter(d, f->task, out->mnt_id, path, &back, err);
	if (rc < 0)
		return rc;
	rc = find_inside(f, name, path, out, err);
	int left = ns_mount_leave(&back, rc < 0 ? &late : err);
	return rc < 0 ? rc : left;
}

static socklen_t address_of(const UnixSkEntry *sk, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(out->sun_path, sk->name.data, sk->name.len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sk->name.len);
}

/* Enter the directory a relative name means. @return where we were, or -1; -errno */
static int enter_dir(const UnixSkEntry *sk, struct error *err)
{
	if (!sk->name_dir || !sk->name_dir[0])
		return -1;
	auto_fd back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (back < 0 || chdir(sk->name_dir) < 0)
		return error_sys(err, "enter %s", sk->name_dir);
	return take_fd(back);
}

static int leave_dir(int back, int rc, struct error *err)
{
	if (back < 0)
		return rc;
	if (fchdir(back) < 0 && rc >= 0)
		rc = error_sys(err, "go back to the working directory");
	close(back);
	return rc;
}

/* Make room at a path. @param aside  where what lies there and has to stay was moved; "" */
static int make_room(const UnixSkEntry *sk, const char *path, char *aside, size_t len,
		     struct error *err)
{
	struct stat st;
	aside[0] = 0;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : error_sys(err, "stat %s", path);
	if (sk->has_deleted && sk->deleted) {
		snprintf(aside, len, "%s.%d", path, getpid());
		return rename(path, aside) < 0 ? error_sys(err, "move %s aside", path) : 0;
	}
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, EEXIST,
				 "%s is no socket now: a unix socket was there at the dump; move "
				 "it away",
				 path);
	return unlink(path) < 0 ? error_sys(err, "replace %s", path) : 0;
}

/* The directories above a deleted name may be gone too: they are made for the moment of the bind.
   @return how many bytes of the path were there before; -errno */
static ssize_t make_parents(const char *path, struct error *err)
{
	char part[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	ssize_t there = 0;
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdir(part, 0700) == 0)
			continue;
		if (errno != EEXIST)
			return error_sys(err, "make %s for a moment", part);
		there = slash - path;
	}
	return there;
}

static void remove_parents(const char *path, ssize_t there)
{
	char part[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strrchr(part, '/'); slash && slash - part > there;
	     slash = strrchr(part, '/')) {
		*slash = 0;
		rmdir(part);
	}
}

/* @param path  begins with a zero byte: of no file, but a name */
static int bind_refused(const char *path, struct error *err)
{
	const char *remedy = errno == EADDRINUSE
				 ? ": end the program that has it (ss -xlp tells which)"
			     : errno == ENOENT ? ": make its directory before the restore"
					       : "";
	return error_set(err, errno, "bind to %s%s: %s%s", *path ? path : "@",
			 *path ? "" : path + 1, strerror(errno), remedy);
}

/* Where it has another name than it was bound to. */
static int give_name(const char *path, const UnixSkEntry *sk, struct error *err)
{
	struct stat st;
	const char *to = sk->renamed;
	if (lstat(to, &st) == 0 && !S_ISSOCK(st.st_mode))
		return error_set(err, EEXIST,
				 "%s is no socket now: a unix socket was there at the dump; move "
				 "it away",
				 to);
	return rename(path, to) < 0 ? error_sys(err, "rename the unix socket %s to %s", path, to)
				    : 0;
}

static int bind_here(int fd, const UnixSkEntry *sk, struct error *err)
{
	struct sockaddr_un addr;
	socklen_t len = address_of(sk, &addr);
	char path[sizeof(addr.sun_path) + 1] = "", aside[sizeof(path) + 16] = "";
	memcpy(path, sk->name.data, sk->name.len);
	bool in_files = path[0] != 0, deleted = in_files && sk->has_deleted && sk->deleted;
	ssize_t there = deleted ? make_parents(path, err) : 0;
	int rc = there < 0 ? (int)there : 0;
	if (rc == 0 && in_files)
		rc = make_room(sk, path, aside, sizeof(aside), err);
	if (rc < 0)
		return rc;
	if (bind(fd, (struct sockaddr *)&addr, len) < 0)
		rc = bind_refused(path, err);
	const FilePermsEntry *perms = sk->file_perms;
	if (rc == 0 && in_files && perms &&
	    (chmod(path, perms->mode & 07777) < 0 || lchown(path, perms->uid, perms->gid) < 0))
		rc = error_sys(err, "give %s its mode and owner", path);
	if (deleted && rc == 0 && sk->renamed)
		rc = give_name(path, sk, err);
	if (deleted && rc == 0 && !sk->renamed)
		unlink(path);
	if (aside[0] && rename(aside, path) < 0 && rc == 0)
		rc = error_sys(err, "move %s back to %s", aside, path);
	if (deleted)
		remove_parents(path, there);
	return rc;
}

/* In the directory a name means something in, and the namespace that has that. */
static int there(struct restore *r, int fd, const UnixSkEntry *sk,
		 int (*use)(int fd, const UnixSkEntry *sk, struct error *err), struct error *err)
{
	struct mnt_standing before;
	char path[2 * PATH_MAX];
	bool relative = sk->name_dir && sk->name_dir[0];
	snprintf(path, sizeof(path), "%s%s%.*s", relative ? sk->name_dir : "", relative ? "/" : "",
		 (int)sk->name.len, (const char *)sk->name.data);
	int rc = mntns_stand(r, sk->has_mnt_id ? sk->mnt_id : -1, path, &before, err);
	if (rc < 0)
		return rc;
	int dir = enter_dir(sk, err);
	rc = dir < -1 ? dir : leave_dir(dir, use(fd, sk, err), err);
	int back = mntns_stand_back(r, &before, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}

int unix_path_bind(struct restore *r, int fd, const UnixSkEntry *sk, struct error *err)
{
	return there(r, fd, sk, bind_here, err);
}

static int connect_to(int fd, const struct sockaddr_un *addr, socklen_t len, struct error *err)
{
	if (connect(fd, (const struct sockaddr *)addr, len) < 0)
		return error_sys(err, "connect");
	return 0;
}

static int send_to(int fd, const struct sockaddr_un *addr, socklen_t len, const struct msghdr *msg,
		   struct error *err)
{
	struct msghdr named = *msg;
	named.msg_name = (void *)(uintptr_t)addr;
	named.msg_namelen = len;
	ssize_t sent = sendmsg(fd, &named, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent < 0 ? error_sys(err, "send") : (int)sent;
}

/* @param msg  to be sent; NULL: connect */
static int reach(int fd, int to, const struct msghdr *msg, struct error *err)
{
	struct sockaddr_un addr = { 0 };
	socklen_t len = sizeof(addr);
	if (getsockname(to, (struct sockaddr *)&addr, &len) < 0)
		return error_sys(err, "read a name");
	if (len <= offsetof(struct sockaddr_un, sun_path))
		return error_set(err, ENOTSUP, "the socket it was connected to has no name");
	if (!addr.sun_path[0])
		return msg ? send_to(fd, &addr, len, msg, err) : connect_to(fd, &addr, len, err);
	/* by its file: the name may be relative, or gone */
	auto_fd file = open_file_of(to, err);
	if (file < 0)
		return file;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "self/fd/%d", file);
	int back = procfs_enter(err);
	if (back < 0)
		return back;
	int rc = msg ? send_to(fd, &addr, sizeof(addr), msg, err)
		     : connect_to(fd, &addr, sizeof(addr), err);
	int left = leave_dir(back, rc < 0 ? rc : 0, err);
	return left < 0 ? left : rc;
}

int unix_path_connect(int fd, int to, struct error *err)
{
	return reach(fd, to, NULL, err);
}

ssize_t unix_path_send(int fd, int to, const struct msghdr *msg, struct error *err)
{
	return reach(fd, to, msg, err);
}

static int connect_here(int fd, const UnixSkEntry *sk, struct error *err)
{
	struct sockaddr_un addr;
	socklen_t len = address_of(sk, &addr);
	return connect_to(fd, &addr, len, err);
}

int unix_path_connect_name(struct restore *r, int fd, const UnixSkEntry *sk, struct error *err)
{
	return there(r, fd, sk, connect_here, err);
}
