/* SPDX-License-Identifier: MIT
 * Keys of files, memory, processes, mounts and networks.
 */
#include "convert/verify/keys.h"

#include <fcntl.h>
#include <string.h>

#include "files.pb-c.h"
#include "images/vma-status.h"
#include "ipc.pb-c.h"
#include "memory.pb-c.h"
#include "mounts.pb-c.h"
#include "network.pb-c.h"
#include "security.pb-c.h"
#include "sockets.pb-c.h"
#include "task.pb-c.h"

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
