/* SPDX-License-Identifier: MIT
 * The builder, and the coordinator's way into what it builds.
 *
 * A process of its own, because a half-built namespace goes with it, and because the mounts and
 * devices of a user namespace have to be made from inside, where the coordinator cannot go and
 * come back.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/context/hooks.h"
#include "engine/files/file.h"
#include "engine/net/ns.h"
#include "engine/ns/aside.h"
#include "engine/ns/cgroup.h"
#include "engine/ns/mnt-pids.h"
#include "engine/ns/mnt-tree.h"
#include "engine/ns/mnt.h"
#include "engine/ns/nested.h"
#include "engine/ns/pid-held.h"
#include "engine/ns/set.h"
#include "engine/ns/user.h"
#include "engine/procfs/root.h"

/* What the coordinator tells the builder to do; it answers each with a struct error. */
enum order {
	ORDER_MAKE,   /* all but the user namespace, whose ids are mapped now */
	ORDER_FILL,   /* bring the namespaces to the state they had */
	ORDER_FINISH, /* file systems that show the processes of the tree */
	ORDER_HOLD,   /* a descriptor, for tasks to fetch */
};

struct message {
	enum order order;
	pid_t root; /* ORDER_FINISH: the root task, as the coordinator knows it */
	int fd;     /* ORDER_HOLD: the number it is to have; it comes along */
};

union rights {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* A process or user namespace is made at the birth of the root, time by ns/time.c. */
static bool is_built(const struct ns_set *set, enum ns_kind kind)
{
	return set->ids[kind] && kind != NS_PID && kind != NS_TIME;
}

/* In this order: what is mounted shows the others. */
static const enum ns_kind order_of_fill[] = { NS_UTS, NS_IPC, NS_NET, NS_CGROUP, NS_MNT };

struct ns_set *ns_set_new(void)
{
	struct ns_set *set = calloc(1, sizeof(*set));
	if (!set)
		return NULL;
	set->channel = set->user_fd = set->net_fd = set->time_back = -1;
	set->place.ns = set->place.root = set->place.cwd = -1;
	for (int i = 0; i < NS_KINDS; i++)
		set->back[i] = set->given[i] = -1;
	return set;
}

int ns_place_enter(int ns, struct ns_mount_place *back, struct error *err)
{
	auto_fd own = procfs_open("self/ns/mnt", O_RDONLY);
	auto_fd root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (own < 0 || root < 0 || cwd < 0)
		return error_sys(err, "open the mount namespace, the root and the current "
				      "directory of this process");
	if (setns(ns, CLONE_NEWNS) < 0)
		return error_sys(err, "enter a mount namespace (needs CAP_SYS_ADMIN and "
				      "CAP_SYS_CHROOT)");
	*back = (struct ns_mount_place){ take_fd(own), take_fd(root), take_fd(cwd) };
	return 0;
}

int ns_place_leave(struct ns_mount_place *back, struct error *err)
{
	int rc = 0;
	if (setns(back->ns, CLONE_NEWNS) < 0 || fchdir(back->root) < 0 || chroot(".") < 0 ||
	    fchdir(back->cwd) < 0)
		rc = error_sys(err, "leave a mount namespace");
	close(back->ns);
	close(back->root);
	close(back->cwd);
	*back = (struct ns_mount_place){ -1, -1, -1 };
	return rc;
}

/* The builder. */

/* Those of the caller, while this process is not in a user namespace yet. */
static int enter_given(const struct ns_set *set, struct error *err)
{
	for (int i = 0; i < NS_KINDS; i++)
		if (i != NS_PID && i != NS_USER && set->given[i] >= 0 &&
		    setns(set->given[i], ns_rows[i].flag) < 0)
			return error_sys(err, "enter the %s namespace that is given",
					 ns_rows[i].name);
	return 0;
}

struct making {
	struct restore *r;
	enum ns_kind kind;
	int fd;
};

static int make_one(struct restore *r, enum ns_kind kind, struct error *err)
{
	const struct ns_row *row = &ns_rows[kind];
	if (kind == NS_CGROUP)
		return cgroups_unshare(r, r->ns->ids[kind], err);
	/* what mounts are made in is the builder's, whoever owns the namespace */
	int rc = kind == NS_MNT ? 0 : userns_enter_owner(r, kind, r->ns->ids[kind], err);
	if (rc < 0)
		return rc;
	return unshare(row->flag) < 0
		   ? error_sys(err, "make a %s namespace (needs CAP_SYS_ADMIN)", row->name)
		   : 0;
}

static int make_aside(void *ctx, struct error *err)
{
	char path[32];
	struct making *making = ctx;
	int rc = make_one(making->r, making->kind, err);
	snprintf(path, sizeof(path), "self/ns/%s", ns_rows[making->kind].name);
	making->fd = rc < 0 ? -1 : procfs_open(path, O_RDONLY);
	return rc == 0 && making->fd < 0 ? error_sys(err, "open /proc/%s", path) : rc;
}

/* For who belongs to a user namespace from which there is no way back. */
static int make_for_owner(struct restore *r, enum ns_kind kind, struct error *err)
{
	struct making making = { r, kind, -1 };
	if (kind == NS_MNT || !userns_owner_id(r, kind, r->ns->ids[kind]))
		return make_one(r, kind, err);
	int rc = ns_aside(make_aside, &making, err);
	auto_fd fd = making.fd;
	if (rc == 0 && setns(fd, ns_rows[kind].flag) < 0)
		rc = error_sys(err, "enter a %s namespace", ns_rows[kind].name);
	return rc;
}

static int unshare_all(struct restore *r, struct error *err)
{
	const struct ns_set *set = r->ns;
	int rc = r->users ? userns_become_root(r->users, err) : 0;
	if (rc == 0)
		rc = ns_nested_make_users(r, err);
	if (rc < 0)
		return rc;
	for (int i = 0; rc == 0 && i < NS_KINDS; i++)
		if (is_built(set, (enum ns_kind)i) && set->given[i] < 0 && i != NS_USER)
			rc = make_for_owner(r, (enum ns_kind)i, err);
	return rc < 0 ? rc : netns_make_nested(r, err);
}

static int fill_one(void *ctx, struct error *err)
{
	const struct making *making = ctx;
	uint32_t id = making->r->ns->ids[making->kind];
	/* only there does it matter who does it */
	const struct ns_nested *owner =
	    making->kind == NS_IPC ? userns_owner_of(making->r, making->kind, id) : NULL;
	int rc = owner ? userns_act_for(making->r, owner, err) : 0;
	return rc < 0 ? rc : ns_rows[making->kind].fill(making->r, id, err);
}

static int fill_all(struct restore *r, struct error *err)
{
	int rc = ns_nested_fill(r, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(order_of_fill); i++) {
		enum ns_kind kind = order_of_fill[i];
		const struct ns_row *row = &ns_rows[kind];
		bool built = is_built(r->ns, kind) && r->ns->given[kind] < 0;
		if (!row->fill || (!built && !(kind == NS_NET && netns_has_nested(r))))
			continue;
		struct making making = { r, kind, -1 };
		bool aside = kind == NS_IPC && userns_owner_id(r, kind, r->ns->ids[kind]);
		rc = aside ? ns_aside(fill_one, &making, err) : fill_one(&making, err);
		if (rc < 0)
			return error_wrap(err, rc, "%s namespace", row->name);
	}
	return rc;
}

static int finish_one(struct restore *r, enum ns_kind kind, struct error *err)
{
	bool wanted = ns_rows[kind].finish && is_built(r->ns, kind) && r->ns->given[kind] < 0;
	return wanted ? ns_rows[kind].finish(r, r->ns->ids[kind], err) : 0;
}

static int finish_all(struct restore *r, pid_t root, struct error *err)
{
	char path[32];
	auto_fd pids = -1;
	int rc = ns_nested_finish(r, err);
	for (int i = 0; rc == 0 && i < NS_KINDS; i++)
		if (i != NS_USER)
			rc = finish_one(r, (enum ns_kind)i, err);
	snprintf(path, sizeof(path), "%d/ns/pid", root);
	if (rc == 0 && r->mounts && r->ns->ids[NS_PID] && (pids = procfs_open(path, O_RDONLY)) < 0)
		return error_sys(err, "open /proc/%s", path);
	if (rc == 0 && r->mounts)
		rc = mntns_finish(r, pids, err);
	/* its limits are for what is still to be made, too */
	return rc < 0 ? rc : finish_one(r, NS_USER, err);
}

/* Nothing of its own is needed any more then but the channel, which moves out of the way. */
static int hold(struct restore *r, int *channel, int fd, int number, struct error *err)
{
	unsigned int first, last;
	files_window(r, &first, &last);
	if (*channel <= (int)last) {
		int moved = fcntl(*channel, F_DUPFD_CLOEXEC, (int)last + 1);
		if (moved < 0)
			return error_sys(err, "move a descriptor");
		*channel = moved;
	}
	if (fd == number) /* as it was received */
		return 0;
	if (fd < 0 || dup3(fd, number, O_CLOEXEC) < 0)
		return error_sys(err, "take over descriptor %d", number);
	close(fd);
	return 0;
}

static int obey(struct restore *r, const struct message *m, int fd, int *channel, struct error *err)
{
	switch (m->order) {
	case ORDER_MAKE:
		return unshare_all(r, err);
	case ORDER_FILL:
		return fill_all(r, err);
	case ORDER_FINISH:
		return finish_all(r, m->root, err);
	case ORDER_HOLD:
		return hold(r, channel, fd, m->fd, err);
	}
	return error_set(err, EINVAL, "no such order: %d", m->order);
}

/* Images that namespaces are filled from. */
static bool is_of_namespace(const char *name)
{
	static const char *const begins[] = { "utsns-",    "userns-",    "ipcns-",    "timens-",
					      "net",       "ifaddr-",    "route",     "rule-",
					      "iptables-", "ip6tables-", "nftables-", "autofs-" };
	for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
		if (!strncmp(name, begins[i], strlen(begins[i])))
			return true;
	return false;
}

static int begin_users(const struct ns_set *set, const struct user_maps *maps, struct error *err)
{
	int given = set->given[NS_USER];
	if (given < 0)
		return userns_make(maps, err);
	return setns(given, CLONE_NEWUSER) < 0
		   ? error_sys(err, "enter a user namespace (needs CAP_SYS_ADMIN)")
		   : 0;
}

/* What is outside of the tree is opened by who is outside, too. */
static int begin(struct restore *r, struct error *err)
{
	int rc = r->mounts ? mntns_open(r, err) : 0;
	if (rc == 0 && r->users)
		rc = source_hold(r->images, is_of_namespace, err);
	if (rc == 0)
		rc = enter_given(r->ns, err);
	return rc < 0 || !r->users ? rc : begin_users(r->ns, r->users, err);
}

static void answer(int channel, int rc, const struct error *err)
{
	static const struct error fine = { 0 };
	if (send(channel, rc < 0 ? err : &fine, sizeof(*err), MSG_NOSIGNAL) < 0)
		_exit(1);
}

/* @param fd  set to what came along, or -1 */
static bool receive(int channel, struct message *m, int *fd)
{
	union rights rights = { 0 };
	struct iovec part = { m, sizeof(*m) };
	struct msghdr msg = { .msg_iov = &part,
			      .msg_iovlen = 1,
			      .msg_control = &rights,
			      .msg_controllen = sizeof(rights) };
	ssize_t n = recvmsg(channel, &msg, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	*fd = -1;
	if (n > 0 && c && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return n == (ssize_t)sizeof(*m);
}

static _Noreturn void build(struct restore *r, int channel)
{
	struct error err = { 0 };
	struct message m;
	int fd;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	answer(channel, begin(r, &err), &err);
	while (receive(channel, &m, &fd)) {
		int rc = obey(r, &m, fd, &channel, &err);
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of ids has taken it away */
		answer(channel, rc, &err);
	}
	_exit(0);
}

/* The coordinator. */

static int hear(const struct ns_set *set, struct error *err)
{
	struct error why;
	ssize_t n;
	do
		n = recv(set->channel, &why, sizeof(why), 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(why))
		return error_set(err, ECHILD,
				 "the process that makes the namespaces has died "
				 "(killed from outside, or out of memory?)");
	why.text[sizeof(why.text) - 1] = 0;
	return why.code ? error_set(err, why.code, "%s", why.text) : 0;
}

static int tell(const struct ns_set *set, enum order order, pid_t root, struct error *err)
{
	const struct message m = { .order = order, .root = root };
	if (send(set->channel, &m, sizeof(m), MSG_NOSIGNAL) < 0)
		return error_sys(err, "tell the builder of namespaces");
	return hear(set, err);
}

static int start_builder(struct restore *r, struct error *err)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_sys(err, "make a pair of sockets");
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		build(r, ends[1]);
	}
	close(ends[1]);
	r->ns->channel = ends[0];
	if (pid < 0)
		return error_sys(err, "start the builder of namespaces");
	r->ns->builder = pid;
	return hear(r->ns, err);
}

static void end_builder(struct ns_set *set)
{
	fd_close(set->channel);
	set->channel = -1;
	if (!set->builder)
		return;
	kill(set->builder, SIGKILL);
	while (waitpid(set->builder, NULL, 0) < 0 && errno == EINTR)
		;
	set->builder = 0;
}

static int open_built(const struct ns_set *set, const struct ns_row *row, struct error *err)
{
	char path[48];
	snprintf(path, sizeof(path), "%d/ns/%s", set->builder, row->name);
	int fd = procfs_open(path, O_RDONLY);
	return fd < 0 ? error_sys(err, "open /proc/%s", path) : fd;
}

static int enter_kind(struct ns_set *set, enum ns_kind kind, struct error *err)
{
	const struct ns_row *row = &ns_rows[kind];
	char path[32];
	auto_fd there = open_built(set, row, err);
	if (there < 0)
		return there;
	if (kind == NS_MNT)
		return ns_place_enter(there, &set->place, err);
	snprintf(path, sizeof(path), "self/ns/%s", row->name);
	auto_fd back = procfs_open(path, O_RDONLY);
	if (back < 0)
		return error_sys(err, "open /proc/%s", path);
	if (setns(there, row->flag) < 0)
		return error_sys(err, "enter the %s namespace of the tree", row->name);
	set->back[kind] = take_fd(back);
	if (kind == NS_NET)
		set->net_fd = take_fd(there);
	return 0;
}

static int enter_all(struct restore *r, struct error *err)
{
	struct ns_set *set = r->ns;
	int rc = 0;
	if (set->ids[NS_USER]) { /* tasks are born into it; the coordinator could not come back */
		set->user_fd = open_built(set, &ns_rows[NS_USER], err);
		rc = set->user_fd < 0 ? set->user_fd : userns_open_images(r, set->user_fd, err);
	}
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(order_of_fill); i++)
		rc = is_built(set, order_of_fill[i]) ? enter_kind(set, order_of_fill[i], err) : 0;
	return rc;
}

static bool any_built(const struct ns_set *set)
{
	for (int i = 0; i < NS_KINDS; i++)
		if (is_built(set, (enum ns_kind)i))
			return true;
	return false;
}

static int prepare_all(struct restore *r, struct error *err)
{
	int rc = 0;
	for (int i = 0; rc == 0 && i < NS_KINDS; i++) {
		const struct ns_row *row = &ns_rows[i];
		if (!is_built(r->ns, (enum ns_kind)i) || !row->prepare)
			continue;
		auto_fd there = open_built(r->ns, row, err);
		rc = there < 0 ? there : row->prepare(r, r->ns->ids[i], there, err);
	}
	return rc < 0 ? rc : netns_adopt(r, r->ns->builder, err);
}

int ns_make(struct restore *r, struct error *err)
{
	if (!any_built(r->ns) && !netns_has_nested(r) && !ns_has_nested(r))
		return 0;
	int rc = netns_share(r, err);
	if (rc == 0)
		rc = ns_nested_share(r, err);
	if (rc == 0)
		rc = start_builder(r, err);
	if (rc == 0 && r->users && r->ns->given[NS_USER] < 0)
		rc = userns_write_maps(r->users, r->ns->builder, err);
	if (rc == 0)
		rc = tell(r->ns, ORDER_MAKE, 0, err);
	if (rc == 0)
		rc = hook_call(r->opts, HOOK_SETUP_NAMESPACES, r->images_fd, r->ns->builder, err);
	if (rc == 0)
		rc = prepare_all(r, err);
	if (rc == 0)
		rc = tell(r->ns, ORDER_FILL, 0, err);
	if (rc == 0)
		rc = hook_call(r->opts, HOOK_POST_SETUP_NAMESPACES, r->images_fd, r->ns->builder,
			       err);
	if (rc == 0)
		rc = ns_nested_adopt(r, r->ns->builder, err);
	if (rc == 0)
		rc = mntns_adopt(r, r->ns->builder, err);
	if (rc == 0)
		rc = enter_all(r, err);
	return rc < 0 ? rc : userns_files_as_root(r->users, r->ns->files_as, err);
}

int ns_enter_user(const struct restore *r, struct error *err)
{
	if (r->ns->user_fd < 0)
		return 0;
	userns_files_as(r->ns->files_as);
	int rc = userns_take_groups(r, err);
	if (rc < 0)
		return rc;
	if (setns(r->ns->user_fd, CLONE_NEWUSER) < 0)
		return error_sys(err, "enter the user namespace of the tree");
	/* It stays who it was, as it reads images. Who a task is, the restorer sets in the end. */
	prctl(PR_SET_DUMPABLE, 1);
	return 0;
}

pid_t ns_holder(const struct restore *r)
{
	return r->users && r->ns->builder ? r->ns->builder : getpid();
}

int ns_lend(struct restore *r, int fd, struct error *err)
{
	if (ns_holder(r) == getpid())
		return 0;
	struct message m = { .order = ORDER_HOLD, .fd = fd };
	union rights rights = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
					  .cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_RIGHTS } };
	memcpy(CMSG_DATA(&rights.head), &fd, sizeof(fd));
	struct iovec part = { &m, sizeof(m) };
	const struct msghdr msg = { .msg_iov = &part,
				    .msg_iovlen = 1,
				    .msg_control = &rights,
				    .msg_controllen = sizeof(rights) };
	if (sendmsg(r->ns->channel, &msg, MSG_NOSIGNAL) < 0)
		return error_sys(err, "give descriptor %d to the builder of namespaces", fd);
	return hear(r->ns, err);
}

int ns_visit_pids(const struct restore *r, struct ns_visit *visit, struct error *err)
{
	char path[32];
	const struct ns_row *row = &ns_rows[NS_PID];
	snprintf(path, sizeof(path), "%d/ns/pid", r->shared->slots[r->root->slot].real);
	auto_fd there = procfs_open(path, O_RDONLY);
	auto_fd back = procfs_open("self/ns/pid", O_RDONLY);
	if (there < 0 || back < 0 || setns(there, row->flag) < 0)
		return error_sys(err, "enter the pid namespace of the tree");
	*visit = (struct ns_visit){ .back = take_fd(back), .row = row };
	return 0;
}

int ns_finish(struct restore *r, struct error *err)
{
	pid_t root = r->shared->slots[r->root->slot].real;
	mnt_pids_tell(r);
	int rc = r->ns->builder ? tell(r->ns, ORDER_FINISH, root, err) : 0;
	if (r->mounts)
		r->mounts->finished = rc == 0;
	return rc;
}

static int leave_kind(struct ns_set *set, enum ns_kind kind, struct error *err)
{
	int rc = 0;
	if (kind == NS_MNT)
		return set->place.ns >= 0 ? ns_place_leave(&set->place, err) : 0;
	if (set->back[kind] >= 0 && setns(set->back[kind], ns_rows[kind].flag) < 0)
		rc = error_sys(err, "leave the %s namespace of the tree", ns_rows[kind].name);
	fd_close(set->back[kind]);
	set->back[kind] = -1;
	return rc;
}

int ns_leave_files(struct restore *r, struct error *err)
{
	int rc = 0;
	userns_files_as(r->ns->files_as);
	for (int i = 0; rc == 0 && i < NS_KINDS; i++)
		rc = leave_kind(r->ns, (enum ns_kind)i, err);
	end_builder(r->ns);
	return rc;
}

int ns_net_visit(struct restore *r, struct ns_visit *visit, struct error *err)
{
	return ns_visit_fd(r->ns->net_fd, NS_NET, visit, err);
}

void ns_leave(struct restore *r)
{
	struct error err;
	if (r->ns)
		userns_files_as(r->ns->files_as);
	for (int i = 0; r->ns && i < NS_KINDS; i++)
		if (leave_kind(r->ns, (enum ns_kind)i, &err) < 0)
			log_warn("%s", err.text);
	if (r->ns)
		end_builder(r->ns);
}

void ns_set_free(struct ns_set *set)
{
	if (!set)
		return;
	end_builder(set);
	fd_close(set->user_fd);
	fd_close(set->time_back);
	fd_close(set->net_fd);
	for (int i = 0; i < NS_KINDS; i++)
		fd_close(set->given[i]);
	for (size_t i = 0; i < set->nested.nr; i++) {
		fd_close(set->nested.items[i].fd);
		user_maps_free(set->nested.items[i].users);
	}
	if (set->nested.numbers)
		munmap(set->nested.numbers, set->nested.nr * sizeof(int));
	free(set->nested.items);
	pid_held_free(set);
	free(set);
}
