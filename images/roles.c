/* SPDX-License-Identifier: MIT
 * The table of roles.
 */
#include "images/roles.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "files.pb-c.h"
#include "fown.pb-c.h"
#include "namespaces.pb-c.h"
#include "network.pb-c.h"
#include "sockets.pb-c.h"

/* The "port" of a raw socket is its protocol. */
static bool has_ports(const ProtobufCMessage *msg)
{
	return ((const InetSkEntry *)msg)->type != SOCK_RAW;
}

/* Of a file that has no owner the ids say nothing. */
static bool has_owner(const ProtobufCMessage *msg)
{
	return ((const FownEntry *)msg)->pid != 0;
}

/* A name that begins with a NUL is in no file system. */
static bool is_pathname(const ProtobufCMessage *msg)
{
	const UnixSkEntry *sk = (const UnixSkEntry *)msg;
	return sk->name.len && sk->name.data[0] == '/';
}

/* A file of /proc/PID whose process is dead. */
static bool is_dead_process(const ProtobufCMessage *msg)
{
	const RemapFilePathEntry *remap = (const RemapFilePathEntry *)msg;
	return remap->has_remap_type && remap->remap_type == REMAP_TYPE__PROCFS;
}

static bool is_vxlan(const ProtobufCMessage *msg)
{
	const char *kind = ((const NetDeviceEntry *)msg)->kind;
	return kind && !strcmp(kind, "vxlan");
}

/* The owner of that of the tree is outside. */
static bool is_inside(const ProtobufCMessage *msg)
{
	return ((const UsernsEntry *)msg)->has_parent_ns;
}

const struct role_row role_rows[] = {
	/* sorted by message, then field */
	{ "autofs_entry", "gid", ROLE_GID },
	{ "autofs_entry", "pgrp", ROLE_PID },
	{ "autofs_entry", "uid", ROLE_UID },
	{ "binfmt_misc_entry", "interpreter", ROLE_PATH },
	{ "cgroup_perms", "gid", ROLE_GID },
	{ "cgroup_perms", "uid", ROLE_UID },
	{ "creds_entry", "egid", ROLE_GID },
	{ "creds_entry", "euid", ROLE_UID },
	{ "creds_entry", "fsgid", ROLE_GID },
	{ "creds_entry", "fsuid", ROLE_UID },
	{ "creds_entry", "gid", ROLE_GID },
	{ "creds_entry", "groups", ROLE_GID },
	{ "creds_entry", "sgid", ROLE_GID },
	{ "creds_entry", "suid", ROLE_UID },
	{ "creds_entry", "uid", ROLE_UID },
	{ "fanotify_mount_mark_entry", "path", ROLE_PATH },
	{ "fh_entry", "path", ROLE_PATH },
	{ "file_lock_entry", "pid", ROLE_PID },
	{ "file_perms_entry", "gid", ROLE_GID },
	{ "file_perms_entry", "uid", ROLE_UID },
	{ "fown_entry", "euid", ROLE_UID, has_owner },
	{ "fown_entry", "pid", ROLE_PID },
	{ "fown_entry", "uid", ROLE_UID, has_owner },
	{ "ghost_file_entry", "gid", ROLE_GID },
	{ "ghost_file_entry", "symlnk_target", ROLE_PATH },
	{ "ghost_file_entry", "uid", ROLE_UID },
	{ "inet_sk_entry", "dst_addr", ROLE_IP },
	{ "inet_sk_entry", "dst_port", ROLE_PEER_PORT, has_ports },
	{ "inet_sk_entry", "src_addr", ROLE_IP },
	{ "inet_sk_entry", "src_port", ROLE_PORT, has_ports },
	{ "ipc_desc_entry", "cgid", ROLE_GID },
	{ "ipc_desc_entry", "cuid", ROLE_UID },
	{ "ipc_desc_entry", "gid", ROLE_GID },
	{ "ipc_desc_entry", "uid", ROLE_UID },
	{ "irmap_cache_entry", "path", ROLE_PATH },
	{ "memfd_inode_entry", "gid", ROLE_GID },
	{ "memfd_inode_entry", "uid", ROLE_UID },
	{ "mnt_entry", "ext_key", ROLE_PATH },
	{ "mnt_entry", "mountpoint", ROLE_PATH },
	{ "mnt_entry", "options", ROLE_MOUNT_OPTIONS },
	{ "mnt_entry", "root", ROLE_PATH },
	{ "mnt_entry", "source", ROLE_PATH },
	{ "mqueue_entry", "gid", ROLE_GID },
	{ "mqueue_entry", "uid", ROLE_UID },
	{ "net_device_entry", "kind_data", ROLE_VXLAN, is_vxlan },
	{ "netns_entry", "mptcp", ROLE_MPTCP },
	{ "netns_entry", "objects", ROLE_NETLINK },
	{ "pidfd_entry", "nspid", ROLE_PID },
	{ "posix_timer_entry", "notify_thread_id", ROLE_PID },
	{ "pstree_entry", "pgid", ROLE_PID },
	{ "pstree_entry", "pid", ROLE_PID },
	{ "pstree_entry", "ppid", ROLE_PID },
	{ "pstree_entry", "sid", ROLE_PID },
	{ "pstree_entry", "threads", ROLE_PID },
	{ "reg_file_entry", "name", ROLE_PATH },
	{ "remap_file_path_entry", "remap_id", ROLE_PID, is_dead_process },
	{ "siginfo_entry", "siginfo", ROLE_SIGINFO },
	{ "sit_entry", "local", ROLE_IP },
	{ "sit_entry", "rd_prefix", ROLE_IP },
	{ "sit_entry", "relay_prefix", ROLE_IP },
	{ "sit_entry", "remote", ROLE_IP },
	{ "sk_option_entry", "value", ROLE_SOCK_OPTION },
	{ "sk_opts_entry", "gid", ROLE_GID },
	{ "sk_opts_entry", "uid", ROLE_UID },
	{ "sk_packet_entry", "gid", ROLE_GID },
	{ "sk_packet_entry", "sender", ROLE_SOCKADDR },
	{ "sk_packet_entry", "uid", ROLE_UID },
	{ "task_core_entry", "comm", ROLE_COMM },
	{ "task_core_entry", "loginuid", ROLE_UID },
	{ "thread_core_entry", "comm", ROLE_COMM },
	{ "thread_core_entry", "futex_rla", ROLE_ROBUST_LIST },
	{ "thread_info_aarch64", "clear_tid_addr", ROLE_TID_ADDR },
	{ "thread_info_arm", "clear_tid_addr", ROLE_TID_ADDR },
	{ "thread_info_loongarch64", "clear_tid_addr", ROLE_TID_ADDR },
	{ "thread_info_mips", "clear_tid_addr", ROLE_TID_ADDR },
	{ "thread_info_ppc64", "clear_tid_addr", ROLE_TID_ADDR },
	{ "thread_info_riscv64", "clear_tid_addr", ROLE_TID_ADDR },
	{ "thread_info_s390", "clear_tid_addr", ROLE_TID_ADDR },
	{ "thread_info_x86", "clear_tid_addr", ROLE_TID_ADDR },
	{ "tty_info_entry", "gid", ROLE_GID },
	{ "tty_info_entry", "pgrp", ROLE_PID },
	{ "tty_info_entry", "sid", ROLE_PID },
	{ "tty_info_entry", "uid", ROLE_UID },
	{ "tun_device_entry", "saved", ROLE_NETLINK },
	{ "tun_link_entry", "group", ROLE_GID },
	{ "tun_link_entry", "owner", ROLE_UID },
	{ "unix_cred_entry", "gid", ROLE_GID },
	{ "unix_cred_entry", "groups", ROLE_GID },
	{ "unix_cred_entry", "pid", ROLE_PID },
	{ "unix_cred_entry", "uid", ROLE_UID },
	{ "unix_sk_entry", "name", ROLE_PATH, is_pathname },
	{ "unix_sk_entry", "name_dir", ROLE_PATH },
	{ "unix_sk_entry", "renamed", ROLE_PATH },
	{ "userns_entry", "owner", ROLE_UID, is_inside },
	{ "utsns_entry", "nodename", ROLE_HOSTNAME },
};
const size_t nr_role_rows = sizeof(role_rows) / sizeof(role_rows[0]);

static int row_compare(const void *a, const void *b)
{
	const struct role_row *x = a, *y = b;
	int order = strcmp(x->message, y->message);
	return order ? order : strcmp(x->field, y->field);
}

const struct role_row *role_find(const ProtobufCMessage *msg, const char *field)
{
	const struct role_row key = { .message = msg->descriptor->name, .field = field };
	const struct role_row *row =
	    bsearch(&key, role_rows, nr_role_rows, sizeof(role_rows[0]), row_compare);
	return row && row->when && !row->when(msg) ? NULL : row;
}

bool image_named_by_pid(const struct image_type *type)
{
	switch (type->id) {
	case IMG_CORE:
	case IMG_IDS:
	case IMG_MM:
	case IMG_PAGEMAP:
	case IMG_VMAS:
	case IMG_SIGACT:
	case IMG_ITIMERS:
	case IMG_POSIX_TIMERS:
	case IMG_CREDS:
	case IMG_FS:
	case IMG_RLIMIT:
	case IMG_SIGNAL:
	case IMG_PSIGNAL:
		return true;
	default:
		return false;
	}
}
