/* SPDX-License-Identifier: MIT
 * Sockets that need another group than the engine's.
 * Source: icmp(7), /proc/sys/net/ipv4/ping_group_range.
 */
#include "engine/net/sock-new.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/ns/user.h"
#include "engine/procfs/root.h"

static int group_of_ping(gid_t *out)
{
	char text[64];
	auto_fd fd = procfs_open("sys/net/ipv4/ping_group_range", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = 0;
	return sscanf(text, "%u", out) == 1 ? 0 : -EACCES;
}

/* Not through libc, which would change all threads. */
static long be_in_groups(const gid_t *groups, int nr)
{
	return syscall(SYS_setgroups, nr, groups);
}

static int make_as(gid_t group, int family, int type, int protocol)
{
	int nr = getgroups(0, NULL);
	gid_t *before = nr < 0 ? NULL : calloc((size_t)nr + 1, sizeof(*before));
	int fd = -1;
	if (before && (nr = getgroups(nr, before)) >= 0 && be_in_groups(&group, 1) == 0) {
		fd = socket(family, type | SOCK_CLOEXEC, protocol);
		be_in_groups(before, nr);
	}
	free(before);
	return fd;
}

int sock_new(int family, int type, int protocol)
{
	gid_t group = 0;
	bool ping = (type & ~SOCK_NONBLOCK) == SOCK_DGRAM &&
		    (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6);
	int fd = socket(family, type | SOCK_CLOEXEC, protocol);
	if (fd < 0 && ping && errno == EACCES && group_of_ping(&group) == 0)
		fd = make_as(group, family, type, protocol);
	if (fd < 0 && ping)
		errno = EACCES;
	return fd;
}

void sock_owner_begin(const struct restore *r, const SkOptsEntry *opts, struct sock_owner *before)
{
	before->gid = (gid_t)setfsgid((gid_t)-1);
	before->uid = (uid_t)setfsuid((uid_t)-1);
	if (!opts->has_uid || !opts->has_gid)
		return;
	uid_t uid = id_outside(r->users, ID_USER, opts->uid);
	gid_t gid = id_outside(r->users, ID_GROUP, opts->gid);
	setfsgid(gid);
	setfsuid(uid);
	/* they tell of no error */
	if ((uid_t)setfsuid((uid_t)-1) != uid || (gid_t)setfsgid((gid_t)-1) != gid)
		log_warn(
		    "a socket of user %u and group %u cannot be made as theirs: packet filters "
		    "take it for one of user %u",
		    uid, gid, (unsigned)setfsuid((uid_t)-1));
}

void sock_owner_end(const struct sock_owner *before)
{
	setfsuid(before->uid);
	setfsgid(before->gid);
}
