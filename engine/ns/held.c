/* SPDX-License-Identifier: MIT
 * Namespaces that are only held.
 */
#include "engine/ns/held.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "engine/mem/sysv.h"
#include "engine/net/sock-ns.h"
#include "engine/ns/pid-held.h"
#include "engine/ns/user.h"
#include "engine/procfs/read.h"
#include "engine/procfs/root.h"

static bool is_in(int proc, const char *pid, const char *name, ino_t ino)
{
	char path[300];
	struct stat st;
	snprintf(path, sizeof(path), "%s/ns/%s", pid, name);
	return fstatat(proc, path, &st, 0) == 0 && st.st_ino == ino;
}

/* A dead process is still known to be of a user namespace. */
static bool has(int proc, const char *pid, const struct ns_row *row, ino_t ino)
{
	return (is_in(proc, pid, row->name, ino) ||
		(row->fresh && is_in(proc, pid, row->fresh, ino))) &&
	       !proc_is_dead(atoi(pid));
}

/* @return a process that is in it, or bears children into it; 0: none */
static pid_t find_inhabitant(enum ns_kind kind, ino_t ino)
{
	const struct ns_row *row = &ns_rows[kind];
	auto_dir dir = NULL;
	int fd = procfs_open(".", O_RDONLY | O_DIRECTORY);
	const struct dirent *entry;
	if (fd < 0 || !(dir = fdopendir(fd))) {
		fd_close(fd);
		return 0;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    has(fd, entry->d_name, row, ino))
			return atoi(entry->d_name);
	}
	return 0;
}

/* As ip-netns(8) does. Where it is bound inside of the tree is for its mounts to tell. */
static bool is_mounted(const char *kind, ino_t ino)
{
	char mark[48];
	auto_strbuf text = { 0 };
	snprintf(mark, sizeof(mark), " %s:[%lu] ", kind, (unsigned long)ino);
	return file_read_at(procfs_fd(), "1/mountinfo", &text, NULL) == 0 && text.data &&
	       strstr(text.data, mark);
}

static const char *said_of(enum ns_kind kind)
{
	return kind == NS_NET ? "network" : ns_rows[kind].name;
}

/* Who has made it from inside of another user namespace than the tree's is master of it; one of
 * mounts that was made outside of that has all of them locked to each other. */
static int check_master(const struct dump *d, enum ns_kind kind, int fd, const char *what,
			struct error *err)
{
	struct stat st;
	bool tells = kind == NS_USER; /* by itself */
	auto_fd master = tells ? -1 : ioctl(fd, NS_GET_USERNS);
	if (!d->ns || master < 0 || fstat(master, &st) < 0)
		return 0; /* from outside of the engine's, which nobody here can be in */
	if (st.st_ino == d->ns->own[NS_USER] && kind != NS_MNT)
		return 0;
	const struct ns_seen *seen = ns_find(d, NS_USER, st.st_ino);
	bool alone = ns_rows[kind].owned && kind != NS_PID; /* whose pid 1 would be born in it */
	bool inside =
	    seen && (seen->users || (kind == NS_MNT && seen->member)); /* looked at later */
	return seen && (seen->id == userns_home(d) || (inside && alone))
		   ? 0
		   : error_set(err, ENOTSUP,
			       "%s leads to a %s namespace that belongs to user namespace %lu: "
			       "not supported; close it before the dump",
			       what, said_of(kind), (unsigned long)st.st_ino);
}

int ns_held_check(const struct dump *d, enum ns_kind kind, int fd, const char *what,
		  struct error *err)
{
	const char *name = ns_rows[kind].name;
	char who[64] = "a mount of the host (ip netns) keeps";
	struct stat st;
	if (fstat(fd, &st) < 0)
		return error_sys(err, "%s: look at a namespace", what);
	ino_t ino = st.st_ino;
	pid_t pid = d->ns && ino == d->ns->own[kind] ? getpid() : find_inhabitant(kind, ino);
	if (pid == getpid())
		snprintf(who, sizeof(who), "the dump itself is in");
	else if (pid)
		snprintf(who, sizeof(who), "pid %d outside of the tree is in", pid);
	else if (!is_mounted(name, ino))
		return check_master(d, kind, fd, what, err);
	return error_set(err, ENOTSUP,
			 "%s leads to %s namespace %lu, which no task of the tree is in, but %s: "
			 "close it before the dump",
			 what, said_of(kind), (unsigned long)ino, who);
}

/* What is around one comes to those of the tree, too, and first: it gets the lower number. */
static int hold_pids_around(struct dump *d, int fd, const char *what, struct error *err)
{
	uint32_t id;
	auto_fd around = ioctl(fd, NS_GET_PARENT);
	return around < 0 ? error_sys(err, "%s: find the pid namespace around its own", what)
			  : ns_held_around(d, NS_PID, around, what, &id, err);
}

static int add_held(struct dump *d, enum ns_kind kind, int fd, const char *what,
		    const struct ns_seen **out, struct error *err)
{
	uint32_t id = 0;
	int rc = ns_held_check(d, kind, fd, what, err);
	if (rc == 0 && kind == NS_PID)
		rc = pid_held_check(fd, what, err);
	if (rc == 0 && kind == NS_PID)
		rc = hold_pids_around(d, fd, what, err);
	if (rc == 0)
		rc = ns_add_held(d, kind, fd, out, err);
	if (rc == 0)
		id = (*out)->id;
	if (rc == 0 && ns_rows[kind].collect && (rc = ns_rows[kind].collect(d, *out, err)) < 0)
		return error_wrap(err, rc, "%s", what);
	if (rc == 0) {
		*out = ns_find_id(d, kind, id); /* what is around it may have come along */
		ns_note_holder(d, *out, what);
	}
	return rc == 0 && kind == NS_IPC ? sysv_note_detached(d, *out, err) : rc;
}

int ns_held_around(struct dump *d, enum ns_kind kind, int fd, const char *what, uint32_t *out,
		   struct error *err)
{
	char said[320];
	snprintf(said, sizeof(said), "%.255s: what is around its %s namespace", what,
		 ns_rows[kind].name);
	return ns_held(d, kind, fd, said, out, err);
}

int ns_held(struct dump *d, enum ns_kind kind, int fd, const char *what, uint32_t *out,
	    struct error *err)
{
	struct stat st;
	if (kind == NS_NET)
		return sock_ns_held(d, fd, what, out, err);
	const struct ns_seen *ns = fstat(fd, &st) == 0 ? ns_find(d, kind, st.st_ino) : NULL;
	if (!ns && !ns_rows[kind].held)
		return error_set(err, ENOTSUP,
				 "%s leads to a %s namespace that no task of the tree is in: it "
				 "cannot be made again; close it before the dump",
				 what, ns_rows[kind].name);
	int rc = ns ? 0 : add_held(d, kind, fd, what, &ns, err);
	if (rc == 0)
		*out = ns->id;
	return rc;
}
