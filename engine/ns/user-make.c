/* SPDX-License-Identifier: MIT
 * Making user namespaces: by who had made them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/idle-child.h"
#include "engine/ns/aside.h"
#include "engine/ns/nested.h"
#include "engine/ns/set.h"
#include "engine/procfs/root.h"

struct making {
	const struct user_maps *maps;
	const struct ns_nested *around; /* NULL: that of the tree */
	int fd;
};

/* Who makes one has to have a group in what is around it, nobody sees which. */
static int take_a_group(const struct ns_nested *around, struct error *err)
{
	const struct id_map *map = &around->users->kinds[ID_GROUP];
	return map->nr && syscall(SYS_setresgid, -1, map->items[0].inside, -1) < 0
		   ? error_sys(err, "take a group of it")
		   : 0;
}

/* Not every kernel lets users without privilege make one, so what one may is kept. */
static int become_owner(const struct user_maps *maps, struct error *err)
{
	if (!maps->owner)
		return 0;
	if (syscall(SYS_setresuid, -1, maps->owner, -1) < 0)
		return error_sys(err, "become user %u, who owns a user namespace", maps->owner);
	return userns_raise_capabilities(err);
}

static int enter_around(const struct ns_nested *around, struct error *err)
{
	if (setns(around->fd, CLONE_NEWUSER) < 0)
		return error_sys(err, "enter user namespace %u, around it", around->id);
	return take_a_group(around, err);
}

static pid_t bear_inhabitant(void)
{
	struct clone_args ca = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	pid_t maker = getpid();
	pid_t pid = (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
	if (pid == 0)
		idle_while_child_of(maker);
	return pid;
}

static int make(void *ctx, struct error *err)
{
	struct making *m = ctx;
	char path[32];
	int rc = become_owner(m->maps, err);
	if (rc == 0 && m->around)
		rc = enter_around(m->around, err);
	prctl(PR_SET_DUMPABLE, 1); /* the memory is that of the builder */
	if (rc < 0)
		return rc;
	pid_t pid = bear_inhabitant();
	if (pid < 0)
		return error_sys(err, "make it");
	snprintf(path, sizeof(path), "%d/ns/user", pid);
	m->fd = procfs_open(path, O_RDONLY);
	rc = m->fd < 0 ? error_sys(err, "open /proc/%s", path) : 0;
	if (rc == 0)
		rc = userns_write_maps(m->maps, pid, err);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return rc;
}

int userns_make_nested(struct restore *r, uint32_t id, struct error *err)
{
	const struct user_maps *maps = ns_nested_find(r, NS_USER, id)->users;
	struct making m = { maps, ns_nested_find(r, NS_USER, maps->around), -1 };
	int rc = ns_aside(make, &m, err);
	if (rc == 0)
		return m.fd;
	fd_close(m.fd);
	return rc;
}

int userns_make(const struct user_maps *maps, struct error *err)
{
	int rc = become_owner(maps, err);
	if (rc == 0 && unshare(CLONE_NEWUSER) < 0)
		rc = error_sys(err, "make a user namespace (needs CAP_SYS_ADMIN)");
	prctl(PR_SET_DUMPABLE, 1); /* else its files in /proc are those of root outside */
	return rc;
}
