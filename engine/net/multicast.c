/* SPDX-License-Identifier: MIT
 * Multicast memberships. No list of a socket's groups can be read, but the filter of one can
 * (MCAST_MSFILTER, RFC 3678); the groups of the host stand in /proc/net/igmp and igmp6.
 */
#include "engine/net/multicast.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/io.h"
#include "engine/net/inet-addr.h"
#include "engine/net/sock-more.h"
#include "engine/procfs/root.h"

#define SOURCES_MAX     512
#define FILTER_SIZE(nr) (GROUP_FILTER_SIZE(nr))

static int level_of(int family)
{
	return family == AF_INET6 ? SOL_IPV6 : SOL_IP;
}

/* Is the socket a member? Then it is noted, with the sources it wants or does not want. */
static int try_group(int fd, int family, unsigned ifindex, const union inet_addr *group,
		     SkOptsEntry *opts, struct error *err)
{
	socklen_t len = FILTER_SIZE(SOURCES_MAX);
	auto_free struct group_filter *f = calloc(1, len);
	if (!f)
		return error_set(err, ENOMEM, "out of memory");
	f->gf_interface = ifindex;
	f->gf_numsrc = SOURCES_MAX;
	memcpy(&f->gf_group, group, sizeof(*group));
	if (getsockopt(fd, level_of(family), MCAST_MSFILTER, f, &len) < 0)
		return 0;
	if (f->gf_numsrc > SOURCES_MAX)
		return error_set(
		    err, ENOTSUP,
		    "it is in a multicast group with %u sources, at most %u are supported: "
		    "leave it before the dump",
		    f->gf_numsrc, SOURCES_MAX);
	return sock_more_add(opts, level_of(family), MCAST_MSFILTER, f, FILTER_SIZE(f->gf_numsrc),
			     err);
}

/* "2  eth0 …" in front of its groups, "    010000E0 …" */
static int igmp_line(int fd, const char *line, unsigned *ifindex, SkOptsEntry *opts,
		     struct error *err)
{
	unsigned word;
	if (line[0] >= '0' && line[0] <= '9') {
		sscanf(line, "%u", ifindex);
		return 0;
	}
	if (!*ifindex || sscanf(line, " %8x", &word) != 1)
		return 0;
	union inet_addr group;
	inet_addr_set(&group, AF_INET, &(uint32_t){ word }, 0, 0);
	return try_group(fd, AF_INET, *ifindex, &group, opts, err);
}

/* "2 eth0 ff02…0001 …" */
static int igmp6_line(int fd, const char *line, unsigned *ifindex, SkOptsEntry *opts,
		      struct error *err)
{
	char hex[33];
	uint32_t words[4];
	if (sscanf(line, "%u %*s %32[0-9a-fA-F]", ifindex, hex) != 2 || strlen(hex) != 32)
		return 0;
	for (size_t i = 0; i < 4; i++) {
		char part[9] = "";
		memcpy(part, hex + 8 * i, 8);
		words[i] = htonl((uint32_t)strtoul(part, NULL, 16));
	}
	union inet_addr group;
	inet_addr_set(&group, AF_INET6, words, 0, 0);
	return try_group(fd, AF_INET6, *ifindex, &group, opts, err);
}

typedef int line_fn(int fd, const char *line, unsigned *ifindex, SkOptsEntry *opts,
		    struct error *err);

static int try_groups(int fd, const char *path, line_fn *try_line, SkOptsEntry *opts,
		      struct error *err)
{
	auto_strbuf text = { 0 };
	unsigned ifindex = 0;
	if (file_read_at(procfs_fd(), path, &text, NULL) < 0)
		return 0; /* a kernel without multicast */
	int rc = 0;
	char *line, *rest = text.data;
	while (rc == 0 && rest && (line = strsep(&rest, "\n")) != NULL)
		rc = try_line(fd, line, &ifindex, opts, err);
	return rc;
}

/* A socket of IPv6 may be in groups of IPv4 as well, but for a raw one, which is in none. */
int multicast_dump(int fd, int family, SkOptsEntry *opts, struct error *err)
{
	int rc = try_groups(fd, "self/net/igmp", igmp_line, opts, err);
	return rc == 0 && family == AF_INET6
		   ? try_groups(fd, "self/net/igmp6", igmp6_line, opts, err)
		   : rc;
}

bool multicast_is_one(const SkOptionEntry *e)
{
	return (e->level == SOL_IP || e->level == SOL_IPV6) && e->option == MCAST_MSFILTER;
}

bool multicast_is_sane(const SkOptionEntry *e)
{
	const struct group_filter *f = (const struct group_filter *)e->value.data;
	return e->value.len >= FILTER_SIZE(0) && f->gf_numsrc <= SOURCES_MAX &&
	       e->value.len == FILTER_SIZE(f->gf_numsrc);
}

int multicast_restore(int fd, const SkOptionEntry *e, struct error *err)
{
	const struct group_filter *f = (const struct group_filter *)e->value.data;
	struct group_req join = { .gr_interface = f->gf_interface, .gr_group = f->gf_group };
	if (setsockopt(fd, (int)e->level, MCAST_JOIN_GROUP, &join, sizeof(join)) < 0 &&
	    errno != EADDRINUSE)
		return error_sys(err, "join a multicast group on interface %u", f->gf_interface);
	if (f->gf_fmode == MCAST_EXCLUDE && !f->gf_numsrc)
		return 0;
	if (setsockopt(fd, (int)e->level, MCAST_MSFILTER, f, (socklen_t)e->value.len) < 0)
		return error_sys(err, "set the sources of a multicast group");
	return 0;
}
