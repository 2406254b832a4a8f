/* SPDX-License-Identifier: MIT
 * Saying no: what a descriptor that cannot be dumped is, whose it is, and what would help.
 */
#include <ctype.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/array.h"
#include "base/strbuf.h"
#include "engine/files/external.h"
#include "engine/files/table.h"

struct unsupported {
	const char *name;
	bool (*match)(const struct open_file *f);
	void (*describe)(const struct open_file *f, char *out, size_t len); /* NULL: the name */
	const char *help;                                                   /* NULL: close it */
};

#define CLOSE_IT "close it before the dump"

const char *file_holder(const struct open_file *f, char *out, size_t len)
{
	if (f->task->pid == getpid()) {
		snprintf(out, len, "a descriptor in flight");
		return out;
	}
	int n = snprintf(out, len, "pid %d (%s): ", f->task->pid, f->task->stat.comm);
	if (n < 0 || (size_t)n >= len)
		return out;
	out += n;
	len -= (size_t)n;
	switch (f->task_fd) {
	case FILE_CWD:
		snprintf(out, len, "current directory");
		break;
	case FILE_ROOT:
		snprintf(out, len, "root directory");
		break;
	case FILE_EXE:
		snprintf(out, len, "executable");
		break;
	case FILE_MAPPED:
		snprintf(out, len, "mapping at %#lx", (unsigned long)f->addr);
		break;
	default:
		snprintf(out, len, "fd %d", f->task_fd);
	}
	return out - n;
}

static bool is_path_only(const struct open_file *f)
{
	return f->flags & O_PATH;
}

static bool is_socket(const struct open_file *f)
{
	return S_ISSOCK(f->st.st_mode) && !is_path_only(f);
}

static const char *socket_type(int type)
{
	return type == SOCK_STREAM      ? "stream "
	       : type == SOCK_DGRAM     ? "datagram "
	       : type == SOCK_SEQPACKET ? "sequential packet "
	       : type == SOCK_RAW       ? "raw "
					: "";
}

static void socket_describe(const struct open_file *f, char *out, size_t len)
{
	static const struct {
		int family;
		const char *name;
	} families[] = {
		{ AF_INET, "IPv4" },     { AF_INET6, "IPv6" },          { AF_NETLINK, "netlink" },
		{ AF_PACKET, "packet" }, { AF_VSOCK, "vsock" },         { AF_ALG, "crypto" },
		{ AF_XDP, "XDP" },       { AF_BLUETOOTH, "bluetooth" }, { AF_CAN, "CAN" },
		{ AF_TIPC, "TIPC" },
	};
	int family = -1, type = 0, protocol = 0;
	socklen_t size = sizeof(int);
	getsockopt(f->fd, SOL_SOCKET, SO_DOMAIN, &family, &size);
	getsockopt(f->fd, SOL_SOCKET, SO_TYPE, &type, &size);
	getsockopt(f->fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size);
	const char *name = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (families[i].family == family)
			name = families[i].name;
	bool inet = family == AF_INET || family == AF_INET6;
	if (inet && (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP))
		snprintf(out, len, "%s %s socket", name, protocol == IPPROTO_TCP ? "TCP" : "UDP");
	else if (name)
		snprintf(out, len, "%s %ssocket", name, socket_type(type));
	else
		snprintf(out, len, "socket of family %d", family);
}

static bool is_block_device(const struct open_file *f)
{
	return S_ISBLK(f->st.st_mode) && !is_path_only(f);
}

static void device_describe(const struct open_file *f, char *out, size_t len)
{
	snprintf(out, len, "%s device %u:%u", S_ISBLK(f->st.st_mode) ? "block" : "character",
		 major(f->st.st_rdev), minor(f->st.st_rdev));
}

static bool is_anon_inode(const struct open_file *f)
{
	return !strncmp(f->path, "anon_inode:", 11) || !strncmp(f->path, "pidfd:", 6);
}

static void anon_inode_describe(const struct open_file *f, char *out, size_t len)
{
	static const struct {
		const char *link, *name;
	} kinds[] = {
		{ "eventpoll", "epoll descriptor" },    { "bpf_link", "BPF link" },
		{ "bpf-prog", "BPF program" },          { "perf_event", "perf event" },
		{ "fscontext", "file system context" },
	};
	const char *link = strchr(f->path, ':') + 1;
	if (!strncmp(f->path, "pidfd:", 6))
		link = "pidfd";
	size_t skip = *link == '[', n = strcspn(link + skip, "]");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].link) == n && !strncmp(link + skip, kinds[i].link, n)) {
			snprintf(out, len, "%s", kinds[i].name);
			return;
		}
	snprintf(out, len, "%.*s", (int)n, link + skip); /* eventfd, timerfd, inotify … */
}

static bool is_unreachable(const struct open_file *f)
{
	return !strncmp(f->path, "(unreachable)", 13);
}

static bool is_secret(const struct open_file *f)
{
	return f->fs_type == SECRETMEM_MAGIC;
}

static const struct unsupported kinds[] = {
	{ "file of secret memory", is_secret, NULL, "unmap and close it before the dump" },
	{ "block device", is_block_device, device_describe, NULL },
	{ "file outside the root directory of the dump", is_unreachable, NULL,
	  "run the dump where its path can be seen" },
};

/* What no row has taken. */
static const struct unsupported others[] = {
	{ "socket", is_socket, socket_describe, NULL },
	{ "anonymous inode", is_anon_inode, anon_inode_describe, NULL },
	{ "O_PATH descriptor", is_path_only, NULL, NULL },
};

const char *file_external_name(const struct open_file *f, char *out, size_t len)
{
	struct statx st = { 0 };
	statx(f->fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st);
	snprintf(out, len, "file[%x:%lx]", (unsigned int)st.stx_mnt_id,
		 (unsigned long)f->st.st_ino);
	return out;
}

bool file_is_left_outside(const struct dump *d, const struct open_file *f)
{
	char name[64];
	return f->task_fd >= 0 && d->opts->external.nr &&
	       external_has(d->opts, file_external_name(f, name, sizeof(name)));
}

const struct unsupported *file_unsupported(const struct open_file *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].match(f))
			return &kinds[i];
	return NULL;
}

int file_refuse_as(const struct open_file *f, const struct unsupported *why, struct error *err)
{
	char what[96], holder[96], outside[64] = "";
	if (why->describe)
		why->describe(f, what, sizeof(what));
	else
		snprintf(what, sizeof(what), "%s", why->name);
	const char *article = strchr("aeioAEIO", what[0]) ? "an" : "a";
	if (!strncmp(what, "un", 2) || !strncmp(what, "eu", 2) || !strncmp(what, "us", 2))
		article = "a";
	bool has_path = f->task_fd >= 0 && (f->path[0] == '/' || is_unreachable(f));
	if (has_path)
		file_external_name(f, outside, sizeof(outside));
	return error_set(err, ENOTSUP, "%s is %s %s (%.800s): not supported yet; %s%s%s",
			 file_holder(f, holder, sizeof(holder)), article, what, f->path,
			 why->help ? why->help : CLOSE_IT,
			 has_path ? ", or leave it out with --external " : "", outside);
}

int file_refuse(const struct open_file *f, struct error *err)
{
	static const struct unsupported device = { "device", NULL, device_describe, NULL };
	static const struct unsupported other = { "file of unknown kind", NULL, NULL, NULL };
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i].match(f))
			return file_refuse_as(f, &others[i], err);
	return file_refuse_as(f, S_ISCHR(f->st.st_mode) ? &device : &other, err);
}

int file_refuse_moved(const struct open_file *f, struct error *err)
{
	char holder[96], outside[64];
	struct stat now;
	bool gone = fstatat(AT_FDCWD, f->path, &now, AT_SYMLINK_NOFOLLOW) < 0;
	return error_set(err, ENOTSUP,
			 "%s is %.800s, but %s: not supported yet; %s, or leave it out with "
			 "--external %s",
			 file_holder(f, holder, sizeof(holder)), f->path,
			 gone ? "that name was removed"
			      : "that name leads to another file now (renamed over, or covered by "
				"a mount)",
			 gone ? "give it its name back or close it" : CLOSE_IT,
			 file_external_name(f, outside, sizeof(outside)));
}

int file_refuse_unmounted(const struct open_file *f, struct error *err)
{
	char holder[96], outside[64] = "";
	bool can_leave = f->task_fd >= 0;
	if (can_leave)
		file_external_name(f, outside, sizeof(outside));
	return error_set(err, ENOTSUP,
			 "%s is %.800s, on a mount that the tree does not have: " CLOSE_IT "%s%s",
			 file_holder(f, holder, sizeof(holder)), f->path,
			 can_leave ? ", or leave it out with --external " : "", outside);
}
