/* SPDX-License-Identifier: MIT
 * The one table of what an image set defines and refers to, and its resolution: a reference is
 * looked up at once, and once more at the end when its object comes later.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "cgroup.pb-c.h"
#include "convert/verify/check.h"
#include "files.pb-c.h"
#include "images/vma-status.h"
#include "ipc.pb-c.h"
#include "memory.pb-c.h"
#include "mounts.pb-c.h"
#include "namespaces.pb-c.h"
#include "network.pb-c.h"
#include "security.pb-c.h"
#include "sockets.pb-c.h"
#include "task.pb-c.h"
#include "tty.pb-c.h"

enum role { DEFINES, REFERS };

/* From a field's value to the number of an object. @return false: it refers to nothing. */
typedef bool key_fn(const struct check *check, const struct place *at, const ProtobufCMessage *msg,
		    uint64_t value, uint64_t *key);

struct reference {
	const ProtobufCMessageDescriptor *in;
	const char *field;
	enum role role;
	unsigned kind; /* enum object_kind, or an enum image_id */
	key_fn *key;   /* NULL: the value */
};

#define KEY(name)                                                                                  \
	static bool name(const struct check *check __attribute__((unused)),                        \
			 const struct place *at __attribute__((unused)),                           \
			 const ProtobufCMessage *msg __attribute__((unused)),                      \
			 uint64_t value __attribute__((unused)), uint64_t *key)

KEY(key_not_zero)
{
	*key = value;
	return value != 0;
}

KEY(key_index)
{
	*key = at->depth ? at->steps[at->depth - 1].index : at->entry;
	return true;
}

KEY(key_within)
{
	*key = object_within(at->number, (uint32_t)value);
	return true;
}

/* A TUN device that goes with its descriptor stands there. */
KEY(key_device)
{
	*key = object_within(at->number, (uint32_t)value);
	return at->type->id == IMG_NETDEV;
}

/* The other end of a pair, in this network or one that is in the set, too. */
KEY(key_peer)
{
	const NetDeviceEntry *device = (const NetDeviceEntry *)msg;
	*key = object_within(device->peer_nsid, (uint32_t)value);
	return device->type == ND_TYPE__VETH && device->has_peer_nsid && value &&
	       object_set_has(&check->objects, IMG_NETDEV, device->peer_nsid);
}

KEY(key_within_not_zero)
{
	*key = object_within(at->number, (uint32_t)value);
	return value != 0;
}

KEY(key_socket)
{
	FdTypes type = ((const FileEntry *)msg)->type;
	*key = value;
	return type == FD_TYPES__UNIXSK || type == FD_TYPES__INETSK || type == FD_TYPES__PACKETSK ||
	       type == FD_TYPES__NETLINKSK;
}

/* Until CRIU 3.3, see key_reg_alone. */
KEY(key_alone)
{
	*key = value;
	return at->depth == 0;
}

KEY(key_entry_file)
{
	*key = object_file(((const FileEntry *)msg)->type, (uint32_t)value);
	return true;
}

/* Images of one type each, until CRIU 3.3: the message's own id. */
KEY(key_reg_alone)
{
	*key = object_file(FD_TYPES__REG, (uint32_t)value);
	return at->type->id == IMG_REG_FILES;
}

KEY(key_fdinfo)
{
	*key = object_file(((const FdinfoEntry *)msg)->type, (uint32_t)value);
	return true;
}

KEY(key_reg)
{
	*key = object_file(FD_TYPES__REG, (uint32_t)value);
	return true;
}

/* In images of their own these say whose they are; inside their file they need not. */
KEY(key_epoll)
{
	*key = object_file(FD_TYPES__EVENTPOLL, (uint32_t)value);
	return at->depth == 0;
}

/* Inside their file, what is watched has an id where no descriptor of the process leads to it. */
static bool is_by_id(const struct place *at, const ProtobufCMessage *msg)
{
	return at->depth && ((const EventpollTfdEntry *)msg)->id;
}

KEY(key_watched_fd)
{
	*key = value;
	return !is_by_id(at, msg);
}

KEY(key_watched_file)
{
	*key = value;
	return is_by_id(at, msg);
}

KEY(key_inotify)
{
	*key = object_file(FD_TYPES__INOTIFY, (uint32_t)value);
	return at->depth == 0;
}

KEY(key_fanotify)
{
	*key = object_file(FD_TYPES__FANOTIFY, (uint32_t)value);
	return at->depth == 0;
}

/* Mount ids count only where mounts were dumped; -1 is none. */
KEY(key_mount)
{
	*key = value;
	return check->has_mounts && (int64_t)value >= 0;
}

/* The root of a namespace hangs on a mount that is not in the set. */
KEY(key_mount_parent)
{
	*key = value;
	return strcmp(((const MntEntry *)msg)->mountpoint, "/") != 0;
}

static bool shows_all(const MntEntry *mnt)
{
	return !strcmp(mnt->root, "/");
}

/* A file system that is given at the restore, as a whole and not a part of it, or that the root of
 * a namespace is, has its contents elsewhere. */
KEY(key_mount_given)
{
	const MntEntry *mnt = (const MntEntry *)msg;
	*key = value;
	return shows_all(mnt) && (mnt->ext_mount || mnt->ext_key || mnt->with_plugin ||
				  !strcmp(mnt->mountpoint, "/"));
}

/* By the number of the mount until CRIU 1.7. */
KEY(key_tmpfs)
{
	const MntEntry *mnt = (const MntEntry *)msg;
	*key = value;
	return mnt->fstype == FSTYPE__TMPFS && shows_all(mnt) &&
	       !object_set_has(&check->objects, IMG_TMPFS_IMG, mnt->mnt_id);
}

KEY(key_autofs)
{
	*key = value;
	return ((const MntEntry *)msg)->fstype == FSTYPE__AUTOFS &&
	       shows_all((const MntEntry *)msg);
}

/* The dumper's own set is not dumped; who may not look at sets writes 0. Old sets do not say which
 * is the dumper's. */
KEY(key_cgroup)
{
	const InventoryEntry *inventory = check->inventory;
	*key = value;
	if (!inventory || !inventory->has_root_cg_set)
		return check->has_cgroups;
	return value && inventory->root_cg_set != value;
}

KEY(key_remap_ghost)
{
	const RemapFilePathEntry *remap = (const RemapFilePathEntry *)msg;
	*key = value;
	return !remap->has_remap_type ? (value & 0x80000000u) != 0
				      : remap->remap_type == REMAP_TYPE__GHOST;
}

KEY(key_remap_linked)
{
	const RemapFilePathEntry *remap = (const RemapFilePathEntry *)msg;
	*key = object_file(FD_TYPES__REG, (uint32_t)value);
	return remap->has_remap_type && remap->remap_type == REMAP_TYPE__LINKED;
}

KEY(key_pipe_data)
{
	*key = value;
	return at->type->id == IMG_PIPES_DATA;
}

KEY(key_fifo_data)
{
	*key = value;
	return at->type->id == IMG_FIFO_DATA;
}

/* Whoever can be read has an entry, an empty one, too, since its size is told. */
KEY(key_pipe_read)
{
	*key = value;
	return check->has_run_id && !(((const PipeEntry *)msg)->flags & O_WRONLY);
}

/* A connection has its queues in an image of its own, unless it was to be closed. */
KEY(key_tcp_stream)
{
	enum { TCP_ESTABLISHED = 1, TCP_CLOSE = 7, TCP_LISTEN = 10, SOCK_STREAM_TYPE = 1 };
	const InetSkEntry *sk = (const InetSkEntry *)msg;
	*key = value;
	return sk->type == SOCK_STREAM_TYPE && sk->proto == 6 && sk->state != TCP_CLOSE &&
	       sk->state != TCP_LISTEN &&
	       !(check->inventory && check->inventory->has_tcp_close &&
		 check->inventory->tcp_close);
}

static bool vma_maps(const VmaEntry *vma, uint32_t bits)
{
	return (vma->status & VMA_AREA_REGULAR) && (vma->status & bits);
}

KEY(key_vma_file)
{
	const VmaEntry *vma = (const VmaEntry *)msg;
	bool memfd = vma->status & VMA_AREA_MEMFD;
	*key = object_file(memfd ? FD_TYPES__MEMFD : FD_TYPES__REG, (uint32_t)value);
	return vma_maps(vma, VMA_FILE_PRIVATE | VMA_FILE_SHARED) ||
	       (memfd && vma_maps(vma, VMA_AREA_MEMFD));
}

KEY(key_vma_segment)
{
	const VmaEntry *vma = (const VmaEntry *)msg;
	*key = value;
	return vma_maps(vma, VMA_ANON_SHARED) &&
	       !(vma->status & (VMA_AREA_SYSVIPC | VMA_AREA_MEMFD));
}

KEY(key_vma_socket)
{
	*key = object_file(FD_TYPES__PACKETSK, (uint32_t)value);
	return ((const VmaEntry *)msg)->status & VMA_AREA_SOCKET;
}

KEY(key_vma_sysv)
{
	*key = value;
	return ((const VmaEntry *)msg)->status & VMA_AREA_SYSVIPC;
}

/* What mappings and page maps know a segment by. */
static uint64_t shm_number(const ProtobufCMessage *msg)
{
	const IpcShmEntry *e = (const IpcShmEntry *)msg;
	return e->has_shmid ? e->shmid : e->desc->id;
}

KEY(key_shm)
{
	*key = shm_number(msg);
	return true;
}

KEY(key_shm_pages)
{
	*key = shm_number(msg);
	return value != 0;
}

KEY(key_seccomp)
{
	const ThreadCoreEntry *thread = (const ThreadCoreEntry *)msg;
	*key = value;
	return thread->has_seccomp_mode && thread->seccomp_mode == SECCOMP_MODE__filter;
}

KEY(key_old_seccomp)
{
	const TaskCoreEntry *task = (const TaskCoreEntry *)msg;
	*key = value;
	return task->has_old_seccomp_mode && task->old_seccomp_mode == SECCOMP_MODE__filter;
}

enum { SIGEV_THREAD_ID_BIT = 4 };

KEY(key_timer_thread)
{
	*key = value;
	return ((const PosixTimerEntry *)msg)->it_sigev_notify & SIGEV_THREAD_ID_BIT;
}

/*
 * Namespaces. What differs from the dumper's own was dumped; inventory.root_ids says which those
 * are, and names no images itself.
 */
static bool ns_dumped(const struct check *check, const struct place *at, uint64_t value,
		      size_t root_offset, uint64_t *key)
{
	const TaskKobjIdsEntry *root = check->inventory ? check->inventory->root_ids : NULL;
	*key = value;
	return root && at->type->id != IMG_INVENTORY && value &&
	       value != *(const uint32_t *)((const char *)root + root_offset);
}

#define KEY_NS(name)                                                                               \
	KEY(key_##name)                                                                            \
	{                                                                                          \
		return ns_dumped(check, at, value, offsetof(TaskKobjIdsEntry, name##_ns_id), key); \
	}
KEY_NS(ipc)
KEY_NS(uts)
KEY_NS(mnt)
KEY_NS(user)

/* The clocks of the dumper's own are in the set as well, when the tree's root is in it. */
KEY(key_time)
{
	bool apart = ns_dumped(check, at, value, offsetof(TaskKobjIdsEntry, time_ns_id), key);
	if (!apart)
		*key = 0;
	return apart || (check->has_run_id && at->type->id == IMG_IDS && at->number == check->root);
}

KEY(key_children_time)
{
	return ns_dumped(check, at, value, offsetof(TaskKobjIdsEntry, time_ns_id), key);
}

/* A network that was told to come back empty has no images. */
KEY(key_net)
{
	return check->has_networks &&
	       ns_dumped(check, at, value, offsetof(TaskKobjIdsEntry, net_ns_id), key);
}

/* All namespaces that processes are in, the dumper's own as well: an open one is among them. */
#define KEY_IN_NS(name, flag)                                                                      \
	KEY(key_in_##name)                                                                         \
	{                                                                                          \
		*key = object_namespace(flag, (uint32_t)value);                                    \
		return value != 0;                                                                 \
	}
KEY_IN_NS(pid, CLONE_NEWPID)
KEY_IN_NS(net, CLONE_NEWNET)
KEY_IN_NS(ipc, CLONE_NEWIPC)
KEY_IN_NS(uts, CLONE_NEWUTS)
KEY_IN_NS(mnt, CLONE_NEWNS)
KEY_IN_NS(user, CLONE_NEWUSER)
KEY_IN_NS(cgroup, CLONE_NEWCGROUP)
KEY_IN_NS(time, CLONE_NEWTIME)

/*
 * Of pid and cgroup namespaces there are no images: the root task's, the dumper's own, and those
 * that are told of elsewhere are all.
 */
static bool of_root(const struct check *check, const struct place *at)
{
	return at->type->id == IMG_INVENTORY ||
	       (at->type->id == IMG_IDS && at->number == check->root);
}

#define KEY_ROOT_NS(name)                                                                          \
	KEY(key_root_##name)                                                                       \
	{                                                                                          \
		return of_root(check, at) && key_in_##name(check, at, msg, value, key);            \
	}                                                                                          \
	KEY(key_other_##name)                                                                      \
	{                                                                                          \
		return check->inventory && check->inventory->root_ids &&                           \
		       at->type->id == IMG_IDS && !of_root(check, at) &&                           \
		       key_in_##name(check, at, msg, value, key);                                  \
	}
KEY_ROOT_NS(pid)
KEY_ROOT_NS(cgroup)

/* A socket's: one that a process is in, or that has images. */
KEY(key_socket_net)
{
	return check->inventory && check->inventory->root_ids &&
	       key_in_net(check, at, msg, value, key);
}

/* A pid namespace whose tasks are dead: the image is its own. */
KEY(key_dead_pid)
{
	*key = object_namespace(CLONE_NEWPID, (uint32_t)at->number);
	return true;
}

/* What descriptors and mounts lead to, and user namespaces own; some kinds are dumped without
 * anybody in them. */
static bool is_held(const ProtobufCMessage *msg, uint32_t flag)
{
	if (msg->descriptor == &ns_file_entry__descriptor)
		return ((const NsFileEntry *)msg)->ns_cflag == flag;
	if (msg->descriptor == &namespace_entry__descriptor)
		return ((const NamespaceEntry *)msg)->cflag == flag;
	return ((const MntEntry *)msg)->nsfs_cflag == flag;
}

#define KEY_HELD(name, flag)                                                                       \
	KEY(key_held_##name)                                                                       \
	{                                                                                          \
		return is_held(msg, flag) && key_##name(check, at, msg, value, key);               \
	}
KEY_HELD(net, CLONE_NEWNET)
KEY_HELD(ipc, CLONE_NEWIPC)
KEY_HELD(uts, CLONE_NEWUTS)
KEY_HELD(user, CLONE_NEWUSER)
KEY_HELD(children_time, CLONE_NEWTIME)
KEY_HELD(in_cgroup, CLONE_NEWCGROUP)

/* Without root_ids the dumper's own are not known. */
KEY(key_held_pid)
{
	return is_held(msg, CLONE_NEWPID) && check->inventory && check->inventory->root_ids &&
	       key_in_pid(check, at, msg, value, key);
}

KEY(key_ns_file)
{
	uint32_t flag = ((const NsFileEntry *)msg)->ns_cflag;
	*key = object_namespace(flag, (uint32_t)value);
	return value && check->inventory && check->inventory->root_ids &&
	       !(flag & (CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWUSER |
			 CLONE_NEWTIME | CLONE_NEWCGROUP));
}

/* Without images of networks, those are as good as told of that the dumper and the root are in. */
KEY(key_root_net)
{
	return of_root(check, at) && key_in_net(check, at, msg, value, key);
}

KEY(key_other_net)
{
	return !check->has_networks && check->inventory && check->inventory->root_ids &&
	       at->type->id == IMG_IDS && !of_root(check, at) &&
	       key_in_net(check, at, msg, value, key);
}

KEY(key_open_net)
{
	return !check->has_networks && is_held(msg, CLONE_NEWNET) &&
	       key_socket_net(check, at, msg, value, key);
}

/* Descriptors in the root task's namespace do not say which that is. */
KEY(key_mqueue)
{
	*key = object_named(at->number, ((const MqueueEntry *)msg)->name);
	return true;
}

KEY(key_mqueue_any)
{
	*key = object_named(0, ((const MqueueEntry *)msg)->name);
	return true;
}

KEY(key_mqueue_file)
{
	const MqueueFileEntry *file = (const MqueueFileEntry *)msg;
	*key = object_named(file->has_ns_id ? file->ns_id : 0, file->name);
	return true;
}

/* A process that is gone may have none. */
KEY(key_level_thread)
{
	*key = object_within(((const PstreeLevel *)msg)->ns_id, (uint32_t)value);
	return value != 0;
}

/* -1: of a process that is gone. */
KEY(key_pidfd)
{
	*key = value;
	return (int64_t)value > 0 && !(((const PidfdEntry *)msg)->flags & O_EXCL);
}

/* PIDFD_THREAD, which is O_EXCL. */
KEY(key_pidfd_thread)
{
	*key = value;
	return (int64_t)value > 0 && ((const PidfdEntry *)msg)->flags & O_EXCL;
}

KEY(key_fd_table)
{
	*key = value;
	return at->type->id != IMG_INVENTORY;
}

#define IN(name) &name##__descriptor

static const struct reference references[] = {
	/* what there is */
	{ IN(file_entry), "id", DEFINES, OBJ_FILE, key_entry_file },
	{ IN(file_entry), "id", DEFINES, OBJ_ANY_FILE },
	{ IN(file_entry), "id", DEFINES, OBJ_SOCKET, key_socket },
	{ IN(unix_sk_entry), "id", DEFINES, OBJ_SOCKET, key_alone },
	{ IN(inet_sk_entry), "id", DEFINES, OBJ_SOCKET, key_alone },
	{ IN(reg_file_entry), "id", DEFINES, OBJ_FILE, key_reg_alone },
	{ IN(pstree_entry), "pid", DEFINES, OBJ_PROCESS },
	{ IN(pstree_entry), "threads", DEFINES, OBJ_THREAD, key_not_zero },
	{ IN(cg_set_entry), "id", DEFINES, OBJ_CGROUP_SET },
	{ IN(mnt_entry), "mnt_id", DEFINES, OBJ_MOUNT },
	{ IN(tty_info_entry), "id", DEFINES, OBJ_TTY },
	{ IN(pipe_entry), "pipe_id", DEFINES, OBJ_PIPE },
	{ IN(fifo_entry), "pipe_id", DEFINES, OBJ_FIFO },
	{ IN(unix_sk_entry), "ino", DEFINES, OBJ_UNIX, key_not_zero },
	{ IN(inet_sk_entry), "ino", DEFINES, OBJ_INET },
	{ IN(memfd_inode_entry), "inode_id", DEFINES, OBJ_MEMFD },
	{ IN(bpfmap_file_entry), "map_id", DEFINES, OBJ_BPFMAP },
	{ IN(fdinfo_entry), "fd", DEFINES, OBJ_FD, key_within },
	{ IN(fdinfo_entry), "fd", DEFINES, OBJ_FD_NUMBER },
	{ IN(net_device_entry), "ifindex", DEFINES, OBJ_NETDEV, key_device },
	{ IN(seccomp_filter), "filter", DEFINES, OBJ_SECCOMP, key_index },
	{ IN(remap_file_path_entry), "orig_id", DEFINES, OBJ_REMAPPED },
	{ IN(ipc_shm_entry), "size", DEFINES, OBJ_SYSV_SHM, key_shm },
	{ IN(task_kobj_ids_entry), "pid_ns_id", DEFINES, OBJ_NAMESPACE, key_in_pid },
	{ IN(task_kobj_ids_entry), "net_ns_id", DEFINES, OBJ_NAMESPACE, key_in_net },
	{ IN(task_kobj_ids_entry), "ipc_ns_id", DEFINES, OBJ_NAMESPACE, key_in_ipc },
	{ IN(task_kobj_ids_entry), "uts_ns_id", DEFINES, OBJ_NAMESPACE, key_in_uts },
	{ IN(task_kobj_ids_entry), "mnt_ns_id", DEFINES, OBJ_NAMESPACE, key_in_mnt },
	{ IN(task_kobj_ids_entry), "user_ns_id", DEFINES, OBJ_NAMESPACE, key_in_user },
	{ IN(task_kobj_ids_entry), "cgroup_ns_id", DEFINES, OBJ_NAMESPACE, key_in_cgroup },
	{ IN(task_kobj_ids_entry), "time_ns_id", DEFINES, OBJ_NAMESPACE, key_in_time },
	{ IN(task_kobj_ids_entry), "pid_ns_id", DEFINES, OBJ_TOLD_NAMESPACE, key_root_pid },
	{ IN(task_kobj_ids_entry), "cgroup_ns_id", DEFINES, OBJ_TOLD_NAMESPACE, key_root_cgroup },
	{ IN(pstree_entry), "children_ns", DEFINES, OBJ_TOLD_NAMESPACE, key_in_pid },
	{ IN(pstree_level), "ns_id", DEFINES, OBJ_TOLD_NAMESPACE, key_in_pid },
	{ IN(pstree_level), "threads", DEFINES, OBJ_LEVEL_THREAD, key_level_thread },
	{ IN(task_kobj_ids_entry), "net_ns_id", DEFINES, OBJ_TOLD_NAMESPACE, key_root_net },
	{ IN(mqueue_entry), "name", DEFINES, OBJ_MQUEUE, key_mqueue },
	{ IN(mqueue_entry), "name", DEFINES, OBJ_MQUEUE, key_mqueue_any },
	{ IN(pidns_entry), "parent_ns", DEFINES, OBJ_TOLD_NAMESPACE, key_dead_pid },
	{ IN(mnt_entry), "held", DEFINES, OBJ_NAMESPACE, key_in_mnt },
	{ IN(cg_namespace_entry), "id", DEFINES, OBJ_TOLD_NAMESPACE, key_in_cgroup },
	{ IN(pipe_data_entry), "pipe_id", DEFINES, OBJ_PIPE_DATA, key_pipe_data },
	{ IN(pipe_data_entry), "pipe_id", DEFINES, OBJ_FIFO_DATA, key_fifo_data },
	{ IN(bpfmap_data_entry), "map_id", DEFINES, OBJ_BPFMAP_DATA },
	{ IN(mnt_entry), "root_dev", DEFINES, IMG_TMPFS_DEV, key_mount_given },
	{ IN(mnt_entry), "root_dev", DEFINES, IMG_AUTOFS, key_mount_given },

	/* what belongs together */
	{ IN(pstree_entry), "ppid", REFERS, OBJ_PROCESS, key_not_zero },
	{ IN(pstree_entry), "threads", REFERS, IMG_CORE, key_not_zero },
	{ IN(task_core_entry), "cg_set", REFERS, OBJ_CGROUP_SET, key_cgroup },
	{ IN(thread_core_entry), "cg_set", REFERS, OBJ_CGROUP_SET, key_cgroup },
	{ IN(thread_core_entry), "seccomp_filter", REFERS, OBJ_SECCOMP, key_seccomp },
	{ IN(task_core_entry), "old_seccomp_filter", REFERS, OBJ_SECCOMP, key_old_seccomp },
	{ IN(seccomp_filter), "prev", REFERS, OBJ_SECCOMP },
	{ IN(posix_timer_entry), "notify_thread_id", REFERS, OBJ_THREAD, key_timer_thread },
	{ IN(fs_entry), "cwd_id", REFERS, OBJ_FILE, key_reg },
	{ IN(fs_entry), "root_id", REFERS, OBJ_FILE, key_reg },
	{ IN(mm_entry), "exe_file_id", REFERS, OBJ_FILE, key_reg },
	{ IN(vma_entry), "shmid", REFERS, OBJ_FILE, key_vma_file },
	{ IN(vma_entry), "shmid", REFERS, IMG_SHMEM_PAGEMAP, key_vma_segment },
	{ IN(vma_entry), "shmid", REFERS, OBJ_SYSV_SHM, key_vma_sysv },
	{ IN(vma_entry), "shmid", REFERS, OBJ_FILE, key_vma_socket },
	{ IN(task_kobj_ids_entry), "pid_ns_id", REFERS, OBJ_TOLD_NAMESPACE, key_other_pid },
	{ IN(task_kobj_ids_entry), "cgroup_ns_id", REFERS, OBJ_TOLD_NAMESPACE, key_other_cgroup },
	{ IN(task_kobj_ids_entry), "files_id", REFERS, IMG_FDINFO, key_fd_table },
	{ IN(task_kobj_ids_entry), "net_ns_id", REFERS, IMG_NETNS, key_net },
	{ IN(task_kobj_ids_entry), "net_ns_id", REFERS, OBJ_TOLD_NAMESPACE, key_other_net },
	{ IN(task_kobj_ids_entry), "ipc_ns_id", REFERS, IMG_IPC_VAR, key_ipc },
	{ IN(task_kobj_ids_entry), "uts_ns_id", REFERS, IMG_UTSNS, key_uts },
	{ IN(task_kobj_ids_entry), "mnt_ns_id", REFERS, IMG_MNTS, key_mnt },
	{ IN(task_kobj_ids_entry), "user_ns_id", REFERS, IMG_USERNS, key_user },
	{ IN(task_kobj_ids_entry), "time_ns_id", REFERS, IMG_TIMENS, key_time },
	{ IN(task_kobj_ids_entry), "children_time_ns_id", REFERS, IMG_TIMENS, key_children_time },
	{ IN(pidns_entry), "parent_ns", REFERS, OBJ_TOLD_NAMESPACE, key_in_pid },
	{ IN(userns_entry), "parent_ns", REFERS, IMG_USERNS, key_user },
	{ IN(namespace_entry), "id", REFERS, IMG_NETNS, key_held_net },
	{ IN(namespace_entry), "id", REFERS, IMG_IPC_VAR, key_held_ipc },
	{ IN(namespace_entry), "id", REFERS, IMG_UTSNS, key_held_uts },
	{ IN(namespace_entry), "id", REFERS, IMG_TIMENS, key_held_children_time },
	{ IN(namespace_entry), "id", REFERS, OBJ_TOLD_NAMESPACE, key_held_pid },
	{ IN(namespace_entry), "id", REFERS, OBJ_TOLD_NAMESPACE, key_held_in_cgroup },
	{ IN(mnt_entry), "held", REFERS, IMG_MNTS },

	/* files */
	{ IN(fdinfo_entry), "id", REFERS, OBJ_FILE, key_fdinfo },
	{ IN(reg_file_entry), "mnt_id", REFERS, OBJ_MOUNT, key_mount },
	{ IN(unix_sk_entry), "mnt_id", REFERS, OBJ_MOUNT, key_mount },
	{ IN(bpfmap_file_entry), "mnt_id", REFERS, OBJ_MOUNT, key_mount },
	{ IN(fanotify_mount_mark_entry), "mnt_id", REFERS, OBJ_MOUNT, key_mount },
	{ IN(remap_file_path_entry), "orig_id", REFERS, OBJ_ANY_FILE },
	{ IN(remap_file_path_entry), "remap_id", REFERS, IMG_GHOST_FILE, key_remap_ghost },
	{ IN(remap_file_path_entry), "remap_id", REFERS, OBJ_FILE, key_remap_linked },
	{ IN(eventpoll_tfd_entry), "id", REFERS, OBJ_FILE, key_epoll },
	{ IN(eventpoll_tfd_entry), "id", REFERS, OBJ_ANY_FILE, key_watched_file },
	{ IN(eventpoll_tfd_entry), "tfd", REFERS, OBJ_FD_NUMBER, key_watched_fd },
	{ IN(inotify_wd_entry), "id", REFERS, OBJ_FILE, key_inotify },
	{ IN(fanotify_mark_entry), "id", REFERS, OBJ_FILE, key_fanotify },
	{ IN(fifo_entry), "regf_id", REFERS, OBJ_FILE, key_reg },
	{ IN(pipe_entry), "pipe_id", REFERS, OBJ_PIPE_DATA, key_pipe_read },
	{ IN(pipe_data_entry), "pipe_id", REFERS, OBJ_PIPE, key_pipe_data },
	{ IN(pipe_data_entry), "pipe_id", REFERS, OBJ_FIFO, key_fifo_data },
	{ IN(tty_file_entry), "tty_info_id", REFERS, OBJ_TTY },
	{ IN(tty_file_entry), "regf_id", REFERS, OBJ_FILE, key_reg },
	{ IN(tty_data_entry), "tty_id", REFERS, OBJ_TTY },
	{ IN(memfd_file_entry), "inode_id", REFERS, OBJ_MEMFD },
	{ IN(memfd_inode_entry), "shmid", REFERS, IMG_SHMEM_PAGEMAP },
	{ IN(ipc_shm_entry), "in_pagemaps", REFERS, IMG_SHMEM_PAGEMAP, key_shm_pages },
	{ IN(bpfmap_file_entry), "map_id", REFERS, OBJ_BPFMAP_DATA },
	{ IN(bpfmap_data_entry), "map_id", REFERS, OBJ_BPFMAP },
	{ IN(ns_file_entry), "ns_id", REFERS, OBJ_NAMESPACE, key_ns_file },
	{ IN(ns_file_entry), "ns_id", REFERS, IMG_NETNS, key_held_net },
	{ IN(ns_file_entry), "ns_id", REFERS, OBJ_NAMESPACE, key_open_net },
	{ IN(ns_file_entry), "ns_id", REFERS, IMG_IPC_VAR, key_held_ipc },
	{ IN(ns_file_entry), "ns_id", REFERS, IMG_UTSNS, key_held_uts },
	{ IN(ns_file_entry), "ns_id", REFERS, IMG_USERNS, key_held_user },
	{ IN(ns_file_entry), "ns_id", REFERS, IMG_TIMENS, key_held_children_time },
	{ IN(ns_file_entry), "ns_id", REFERS, OBJ_TOLD_NAMESPACE, key_held_pid },
	{ IN(ns_file_entry), "ns_id", REFERS, OBJ_TOLD_NAMESPACE, key_held_in_cgroup },
	{ IN(mnt_entry), "nsfs_id", REFERS, IMG_NETNS, key_held_net },
	{ IN(mnt_entry), "nsfs_id", REFERS, IMG_IPC_VAR, key_held_ipc },
	{ IN(mnt_entry), "nsfs_id", REFERS, IMG_UTSNS, key_held_uts },
	{ IN(mnt_entry), "nsfs_id", REFERS, IMG_USERNS, key_held_user },
	{ IN(mnt_entry), "nsfs_id", REFERS, IMG_TIMENS, key_held_children_time },
	{ IN(mnt_entry), "nsfs_id", REFERS, OBJ_TOLD_NAMESPACE, key_held_in_cgroup },
	{ IN(mnt_entry), "pid_ns", REFERS, OBJ_TOLD_NAMESPACE, key_in_pid },
	{ IN(mnt_entry), "ipc_ns", REFERS, IMG_IPC_VAR, key_ipc },
	{ IN(mnt_entry), "net_ns", REFERS, IMG_NETNS, key_net },
	{ IN(mqueue_file_entry), "ns_id", REFERS, IMG_IPC_VAR, key_ipc },
	{ IN(mqueue_file_entry), "name", REFERS, OBJ_MQUEUE, key_mqueue_file },
	{ IN(pidfd_entry), "nspid", REFERS, OBJ_PROCESS, key_pidfd },
	{ IN(pidfd_entry), "nspid", REFERS, OBJ_THREAD, key_pidfd_thread },
	{ IN(file_lock_entry), "pid", REFERS, OBJ_PROCESS },
	{ IN(file_lock_entry), "fd", REFERS, OBJ_FD_NUMBER },

	/* sockets and networks */
	{ IN(unix_sk_entry), "peer", REFERS, OBJ_UNIX, key_not_zero },
	{ IN(sk_packet_entry), "id_for", REFERS, OBJ_SOCKET },
	{ IN(scm_entry), "rights", REFERS, OBJ_ANY_FILE },
	{ IN(inet_sk_entry), "ino", REFERS, IMG_TCP_STREAM, key_tcp_stream },
	{ IN(inet_sk_entry), "ns_id", REFERS, OBJ_NAMESPACE, key_socket_net },
	{ IN(unix_sk_entry), "ns_id", REFERS, OBJ_NAMESPACE, key_socket_net },
	{ IN(packet_sock_entry), "ns_id", REFERS, OBJ_NAMESPACE, key_socket_net },
	{ IN(netlink_sk_entry), "ns_id", REFERS, OBJ_NAMESPACE, key_socket_net },
	{ IN(tunfile_entry), "ns_id", REFERS, OBJ_NAMESPACE, key_socket_net },
	{ IN(netns_id), "target_ns_id", REFERS, IMG_NETNS, key_net },
	{ IN(net_device_entry), "master", REFERS, OBJ_NETDEV, key_within_not_zero },
	{ IN(net_device_entry), "peer_ifindex", REFERS, OBJ_NETDEV, key_peer },

	/* mounts */
	{ IN(mnt_entry), "parent_mnt_id", REFERS, OBJ_MOUNT, key_mount_parent },
	{ IN(mnt_entry), "root_dev", REFERS, IMG_TMPFS_DEV, key_tmpfs },
	{ IN(mnt_entry), "root_dev", REFERS, IMG_AUTOFS, key_autofs },
};

int references_init(struct check *check, struct error *err)
{
	check->rows = references;
	check->fields = calloc(ARRAY_SIZE(references), sizeof(void *));
	if (!check->fields)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < ARRAY_SIZE(references); i++)
		check->fields[i] = protobuf_c_message_descriptor_get_field_by_name(
		    references[i].in, references[i].field);
	return 0;
}

void references_fini(struct check *check)
{
	for (size_t i = 0; i < check->pending.nr; i++) {
		free(check->pending.items[i].image);
		free(check->pending.items[i].path);
	}
	free(check->pending.items);
	free(check->fields);
	object_set_fini(&check->objects);
	object_set_fini(&check->used);
}

static void not_there(struct check *check, const struct pending *p)
{
	char name[96];
	finding_at(check, p->image, &p->entry, p->path, "no %s",
		   object_name(p->kind, p->key, name, sizeof(name)));
}

static int refer(struct check *check, const struct place *at, const struct reference *row,
		 uint64_t key, struct error *err)
{
	if (row->kind < IMG_NR_TYPES && object_set_add(&check->used, row->kind, key) < 0)
		return error_set(err, ENOMEM, "%s: out of memory", at->image);
	if (object_set_has(&check->objects, row->kind, key))
		return 0;
	auto_strbuf path = { 0 };
	struct pending *p = array_add(&check->pending);
	if (!p || place_path(at, row->field, &path) < 0)
		return error_set(err, ENOMEM, "%s: out of memory", at->image);
	*p = (struct pending){
		.image = strdup(at->image), .entry = at->entry, .key = key, .kind = row->kind
	};
	p->path = take_ptr(path.data);
	return p->image ? 0 : error_set(err, ENOMEM, "%s: out of memory", at->image);
}

static int resolve(struct check *check, const struct place *at, const struct reference *row,
		   const ProtobufCMessage *msg, uint64_t value, struct error *err)
{
	uint64_t key = value;
	if (row->key && !row->key(check, at, msg, value, &key))
		return 0;
	if (row->role == REFERS)
		return refer(check, at, row, key, err);
	int rc = object_set_add(&check->objects, row->kind, key);
	if (rc == 0 && object_is_unique(row->kind)) {
		char name[96];
		finding(check, at, row->field, "a second %s",
			object_name(row->kind, key, name, sizeof(name)));
	}
	return rc < 0 ? error_set(err, ENOMEM, "%s: out of memory", at->image) : 0;
}

/* An integer of a message; signed ones keep their sign. */
static uint64_t integer_at(const ProtobufCFieldDescriptor *field, const void *at)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
		return (uint64_t)(int64_t) * (const int32_t *)at;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_ENUM:
		return *(const uint32_t *)at;
	case PROTOBUF_C_TYPE_BOOL:
		return *(const protobuf_c_boolean *)at != 0;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
		return *(const uint64_t *)at;
	default: /* present, whatever it says: its place is what counts */
		return 0;
	}
}

static int row_apply(struct check *check, const struct place *at, size_t i,
		     const ProtobufCMessage *msg, struct error *err)
{
	const struct reference *row = &check->rows[i];
	const ProtobufCFieldDescriptor *field = check->fields[i];
	const char *base = (const char *)msg;
	if (field->label == PROTOBUF_C_LABEL_OPTIONAL &&
	    !*(const protobuf_c_boolean *)(base + field->quantifier_offset))
		return 0;
	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		return resolve(check, at, row, msg, integer_at(field, base + field->offset), err);
	size_t nr = *(const size_t *)(base + field->quantifier_offset);
	const uint32_t *values = *(uint32_t *const *)(base + field->offset);
	int rc = 0;
	for (size_t k = 0; rc == 0 && k < nr; k++)
		rc = resolve(check, at, row, msg, values[k], err);
	return rc;
}

int references_of(struct check *check, const struct place *at, const ProtobufCMessage *msg,
		  struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(references); i++) {
		if (references[i].in != msg->descriptor)
			continue;
		int rc = row_apply(check, at, i, msg, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

void references_finish(struct check *check)
{
	for (size_t i = 0; i < check->pending.nr; i++) {
		const struct pending *p = &check->pending.items[i];
		if (!object_set_has(&check->objects, p->kind, p->key))
			not_there(check, p);
	}
}
