/* SPDX-License-Identifier: MIT
 * User namespaces that no task is in, both directions. Their maps are in ids of the one around
 * each, which is that of the tree or another of these.
 */
#include "engine/ns/user-held.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "engine/ns/aside.h"
#include "engine/ns/nested.h"
#include "engine/ns/set.h"
#include "engine/ns/user.h"
#include "engine/procfs/root.h"
#include "images/message.h"
#include "images/reader.h"
#include "images/writer.h"

/* A list of extents each, in the entry and in /proc. */
static const struct map_row {
	const char *name;
	size_t list, nr; /* offsets */
} map_rows[] = {
	{ "uid_map", offsetof(UsernsEntry, uid_map), offsetof(UsernsEntry, n_uid_map) },
	{ "gid_map", offsetof(UsernsEntry, gid_map), offsetof(UsernsEntry, n_gid_map) },
	{ "projid_map", offsetof(UsernsEntry, projid_map), offsetof(UsernsEntry, n_projid_map) },
};

static UidGidExtent ***list_of(UsernsEntry *e, const struct map_row *row)
{
	return (UidGidExtent ***)((char *)e + row->list);
}

static size_t *nr_of(UsernsEntry *e, const struct map_row *row)
{
	return (size_t *)((char *)e + row->nr);
}

struct look {
	int fd;
	UsernsEntry *e;
};

static int look_inside(void *ctx, struct error *err)
{
	const struct look *look = ctx;
	UsernsEntry *e = look->e;
	bool kept = false;
	if (setns(look->fd, CLONE_NEWUSER) < 0)
		return error_sys(err, "enter it (needs CAP_SYS_ADMIN there)");
	prctl(PR_SET_DUMPABLE, 1); /* the memory is that of the dump */
	auto_fd self = procfs_open("self", O_PATH | O_DIRECTORY);
	int rc = self < 0 ? error_sys(err, "open /proc/self") : 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(map_rows); i++) {
		const struct map_row *row = &map_rows[i];
		struct id_map map = { 0 };
		rc = id_map_read(self, row->name, &map, err);
		if (rc == 0)
			rc = id_map_store(&map, list_of(e, row), nr_of(e, row), err);
		free(map.items);
	}
	if (rc == 0)
		rc = user_groups_read(self, &kept, err);
	e->has_keeps_groups = e->keeps_groups = kept;
	return rc;
}

int user_held_dump(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	auto_message UsernsEntry *e = message_new(&userns_entry__descriptor);
	struct look look = { ns->fd, e };
	uid_t owner;
	struct stat st;
	auto_fd around = ioctl(ns->fd, NS_GET_PARENT);
	if (!e)
		return error_set(err, ENOMEM, "out of memory");
	if (around < 0 || fstat(around, &st) < 0 || ioctl(ns->fd, NS_GET_OWNER_UID, &owner) < 0)
		return error_sys(err, "find what is around it, and its owner");
	const struct ns_seen *seen = ns_find(d, NS_USER, st.st_ino);
	e->has_parent_ns = e->has_owner = true;
	e->parent_ns = seen ? seen->id : 0;
	e->owner = id_inside(d->users, ID_USER, owner);
	int rc = ns_aside(look_inside, &look, err);
	return rc < 0 ? rc : image_write_one(d->images_fd, IMG_USERNS, ns->id, &e->base, err);
}

/* Restore. */

static int load_maps(UsernsEntry *e, struct id_map maps[ARRAY_SIZE(map_rows)], struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(map_rows); i++)
		rc = id_map_load(*list_of(e, &map_rows[i]), *nr_of(e, &map_rows[i]), &maps[i], err);
	return rc;
}

static void free_maps(struct id_map maps[ARRAY_SIZE(map_rows)])
{
	for (size_t i = 0; i < ARRAY_SIZE(map_rows); i++)
		free(maps[i].items);
}

int user_held_load(struct restore *r, uint32_t id, struct error *err)
{
	struct id_map maps[ARRAY_SIZE(map_rows)] = { 0 };
	auto_message ProtobufCMessage *msg = NULL;
	int rc = image_read_one(r->images, IMG_USERNS, id, &msg, err);
	if (rc < 0)
		return rc;
	UsernsEntry *e = (UsernsEntry *)msg;
	if (!e->has_parent_ns || !e->has_owner || e->parent_ns >= id) /* so there are no circles */
		return error_set(err, EBADMSG, "userns-%u.img does not tell what is around it", id);
	rc = load_maps(e, maps, err);
	free_maps(maps);
	return rc < 0 ? error_wrap(err, rc, "userns-%u.img", id)
		      : ns_nested_load_around(r, NS_USER, e->parent_ns, id, err);
}

/* Made by who had made it, in what is around it. */
static int become_owner(const struct restore *r, const UsernsEntry *e, struct error *err)
{
	int around = ns_nested_fd(r, NS_USER, e->parent_ns);
	if (syscall(SYS_setresuid, -1, e->owner, -1) < 0)
		return error_sys(err, "become its owner, user %u", e->owner);
	int rc = userns_raise_capabilities(err);
	if (rc == 0 && around >= 0 && setns(around, CLONE_NEWUSER) < 0)
		rc = error_sys(err, "enter what is around it");
	prctl(PR_SET_DUMPABLE, 1); /* the memory is that of the builder */
	return rc;
}

static pid_t bear_inhabitant(void)
{
	struct clone_args ca = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	pid_t maker = getpid();
	pid_t pid = (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == maker)
		pause();
	_exit(0);
}

static int write_maps(const UsernsEntry *e, const struct id_map *maps, pid_t inhabitant,
		      struct error *err)
{
	char path[32];
	int rc = 0;
	snprintf(path, sizeof(path), "%d/setgroups", inhabitant);
	auto_fd groups = e->keeps_groups ? procfs_open(path, O_WRONLY) : -1;
	if (e->keeps_groups && (groups < 0 || write(groups, "deny", 4) != 4))
		return error_sys(err, "write /proc/%s", path);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(map_rows); i++)
		rc = maps[i].nr ? id_map_write(&maps[i], inhabitant, map_rows[i].name, err) : 0;
	return rc;
}

struct making {
	const struct restore *r;
	UsernsEntry *e;
	struct id_map maps[ARRAY_SIZE(map_rows)];
	int fd;
};

static int make(void *ctx, struct error *err)
{
	struct making *m = ctx;
	char path[32];
	int rc = become_owner(m->r, m->e, err);
	if (rc < 0)
		return rc;
	pid_t pid = bear_inhabitant();
	if (pid < 0)
		return error_sys(err, "make it");
	snprintf(path, sizeof(path), "%d/ns/user", pid);
	m->fd = procfs_open(path, O_RDONLY);
	rc =
	    m->fd < 0 ? error_sys(err, "open /proc/%s", path) : write_maps(m->e, m->maps, pid, err);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return rc;
}

int user_held_make(struct restore *r, uint32_t id, struct error *err)
{
	auto_message ProtobufCMessage *msg = NULL;
	int rc = image_read_one(r->images, IMG_USERNS, id, &msg, err);
	if (rc < 0)
		return rc;
	struct making m = { .r = r, .e = (UsernsEntry *)msg, .fd = -1 };
	rc = load_maps(m.e, m.maps, err);
	if (rc == 0)
		rc = ns_aside(make, &m, err);
	free_maps(m.maps);
	if (rc == 0)
		return m.fd;
	fd_close(m.fd);
	return rc;
}
