/* SPDX-License-Identifier: MIT
 * The one table of what an image set defines and refers to, and its resolution: a reference is
 * looked up at once, and once more at the end when its object comes later.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "cgroup.pb-c.h"
#include "convert/verify/keys.h"
#include "files.pb-c.h"
#include "images/fields.h"
#include "ipc.pb-c.h"
#include "memory.pb-c.h"
#include "mounts.pb-c.h"
#include "namespaces.pb-c.h"
#include "network.pb-c.h"
#include "security.pb-c.h"
#include "sockets.pb-c.h"
#include "task.pb-c.h"
#include "tty.pb-c.h"

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
	{ IN(task_kobj_ids_entry), "pid_ns_id", DEFINES, OBJ_NAMESPACE, key_in, CLONE_NEWPID },
	{ IN(task_kobj_ids_entry), "net_ns_id", DEFINES, OBJ_NAMESPACE, key_in, CLONE_NEWNET },
	{ IN(task_kobj_ids_entry), "ipc_ns_id", DEFINES, OBJ_NAMESPACE, key_in, CLONE_NEWIPC },
	{ IN(task_kobj_ids_entry), "uts_ns_id", DEFINES, OBJ_NAMESPACE, key_in, CLONE_NEWUTS },
	{ IN(task_kobj_ids_entry), "mnt_ns_id", DEFINES, OBJ_NAMESPACE, key_in, CLONE_NEWNS },
	{ IN(task_kobj_ids_entry), "user_ns_id", DEFINES, OBJ_NAMESPACE, key_in, CLONE_NEWUSER },
	{ IN(task_kobj_ids_entry), "cgroup_ns_id", DEFINES, OBJ_NAMESPACE, key_in,
	  CLONE_NEWCGROUP },
	{ IN(task_kobj_ids_entry), "time_ns_id", DEFINES, OBJ_NAMESPACE, key_in, CLONE_NEWTIME },
	{ IN(task_kobj_ids_entry), "pid_ns_id", DEFINES, OBJ_TOLD_NAMESPACE, key_root,
	  CLONE_NEWPID },
	{ IN(task_kobj_ids_entry), "cgroup_ns_id", DEFINES, OBJ_TOLD_NAMESPACE, key_root,
	  CLONE_NEWCGROUP },
	{ IN(pstree_entry), "children_ns", DEFINES, OBJ_TOLD_NAMESPACE, key_in, CLONE_NEWPID },
	{ IN(pstree_level), "ns_id", DEFINES, OBJ_TOLD_NAMESPACE, key_in, CLONE_NEWPID },
	{ IN(pstree_level), "threads", DEFINES, OBJ_LEVEL_THREAD, key_level_thread },
	{ IN(task_kobj_ids_entry), "net_ns_id", DEFINES, OBJ_TOLD_NAMESPACE, key_root,
	  CLONE_NEWNET },
	{ IN(mqueue_entry), "name", DEFINES, OBJ_MQUEUE, key_mqueue },
	{ IN(mqueue_entry), "name", DEFINES, OBJ_MQUEUE, key_mqueue_any },
	{ IN(pidns_entry), "parent_ns", DEFINES, OBJ_TOLD_NAMESPACE, key_dead, CLONE_NEWPID },
	{ IN(mnt_entry), "held", DEFINES, OBJ_NAMESPACE, key_in, CLONE_NEWNS },
	{ IN(cg_namespace_entry), "id", DEFINES, OBJ_TOLD_NAMESPACE, key_in, CLONE_NEWCGROUP },
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
	{ IN(task_kobj_ids_entry), "pid_ns_id", REFERS, OBJ_TOLD_NAMESPACE, key_other,
	  CLONE_NEWPID },
	{ IN(task_kobj_ids_entry), "cgroup_ns_id", REFERS, OBJ_TOLD_NAMESPACE, key_other,
	  CLONE_NEWCGROUP },
	{ IN(task_kobj_ids_entry), "files_id", REFERS, IMG_FDINFO, key_fd_table },
	{ IN(task_kobj_ids_entry), "net_ns_id", REFERS, IMG_NETNS, key_dumped, CLONE_NEWNET },
	{ IN(task_kobj_ids_entry), "net_ns_id", REFERS, OBJ_TOLD_NAMESPACE, key_other,
	  CLONE_NEWNET },
	{ IN(task_kobj_ids_entry), "ipc_ns_id", REFERS, IMG_IPC_VAR, key_dumped, CLONE_NEWIPC },
	{ IN(task_kobj_ids_entry), "uts_ns_id", REFERS, IMG_UTSNS, key_dumped, CLONE_NEWUTS },
	{ IN(task_kobj_ids_entry), "mnt_ns_id", REFERS, IMG_MNTS, key_dumped, CLONE_NEWNS },
	{ IN(task_kobj_ids_entry), "user_ns_id", REFERS, IMG_USERNS, key_dumped, CLONE_NEWUSER },
	{ IN(task_kobj_ids_entry), "time_ns_id", REFERS, IMG_TIMENS, key_time, CLONE_NEWTIME },
	{ IN(task_kobj_ids_entry), "children_time_ns_id", REFERS, IMG_TIMENS, key_dumped,
	  CLONE_NEWTIME },
	{ IN(pidns_entry), "parent_ns", REFERS, OBJ_TOLD_NAMESPACE, key_in, CLONE_NEWPID },
	{ IN(userns_entry), "parent_ns", REFERS, IMG_USERNS, key_dumped, CLONE_NEWUSER },
	{ IN(namespace_entry), "id", REFERS, IMG_NETNS, key_held, CLONE_NEWNET },
	{ IN(namespace_entry), "id", REFERS, IMG_IPC_VAR, key_held, CLONE_NEWIPC },
	{ IN(namespace_entry), "id", REFERS, IMG_UTSNS, key_held, CLONE_NEWUTS },
	{ IN(namespace_entry), "id", REFERS, IMG_TIMENS, key_held, CLONE_NEWTIME },
	{ IN(namespace_entry), "id", REFERS, OBJ_TOLD_NAMESPACE, key_held_told, CLONE_NEWPID },
	{ IN(namespace_entry), "id", REFERS, OBJ_TOLD_NAMESPACE, key_held_told, CLONE_NEWCGROUP },
	{ IN(namespace_entry), "id", REFERS, IMG_MNTS, key_held, CLONE_NEWNS },
	{ IN(mnt_entry), "held", REFERS, IMG_MNTS },
	{ IN(mnt_entry), "user_ns", REFERS, IMG_USERNS },

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
	{ IN(ns_file_entry), "ns_id", REFERS, IMG_NETNS, key_held, CLONE_NEWNET },
	{ IN(ns_file_entry), "ns_id", REFERS, OBJ_NAMESPACE, key_open_net, CLONE_NEWNET },
	{ IN(ns_file_entry), "ns_id", REFERS, IMG_IPC_VAR, key_held, CLONE_NEWIPC },
	{ IN(ns_file_entry), "ns_id", REFERS, IMG_UTSNS, key_held, CLONE_NEWUTS },
	{ IN(ns_file_entry), "ns_id", REFERS, IMG_USERNS, key_held, CLONE_NEWUSER },
	{ IN(ns_file_entry), "ns_id", REFERS, IMG_TIMENS, key_held, CLONE_NEWTIME },
	{ IN(ns_file_entry), "ns_id", REFERS, OBJ_TOLD_NAMESPACE, key_held_told, CLONE_NEWPID },
	{ IN(ns_file_entry), "ns_id", REFERS, OBJ_TOLD_NAMESPACE, key_held_told, CLONE_NEWCGROUP },
	{ IN(mnt_entry), "nsfs_id", REFERS, IMG_NETNS, key_held, CLONE_NEWNET },
	{ IN(mnt_entry), "nsfs_id", REFERS, IMG_IPC_VAR, key_held, CLONE_NEWIPC },
	{ IN(mnt_entry), "nsfs_id", REFERS, IMG_UTSNS, key_held, CLONE_NEWUTS },
	{ IN(mnt_entry), "nsfs_id", REFERS, IMG_USERNS, key_held, CLONE_NEWUSER },
	{ IN(mnt_entry), "nsfs_id", REFERS, IMG_TIMENS, key_held, CLONE_NEWTIME },
	{ IN(mnt_entry), "nsfs_id", REFERS, OBJ_TOLD_NAMESPACE, key_held_told, CLONE_NEWCGROUP },
	{ IN(mnt_entry), "pid_ns", REFERS, OBJ_TOLD_NAMESPACE, key_in, CLONE_NEWPID },
	{ IN(mnt_entry), "ipc_ns", REFERS, IMG_IPC_VAR, key_dumped, CLONE_NEWIPC },
	{ IN(mnt_entry), "net_ns", REFERS, IMG_NETNS, key_dumped, CLONE_NEWNET },
	{ IN(mqueue_file_entry), "ns_id", REFERS, IMG_IPC_VAR, key_dumped, CLONE_NEWIPC },
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
	{ IN(inet_sk_entry), "ns_id", REFERS, OBJ_NAMESPACE, key_socket_net, CLONE_NEWNET },
	{ IN(unix_sk_entry), "ns_id", REFERS, OBJ_NAMESPACE, key_socket_net, CLONE_NEWNET },
	{ IN(packet_sock_entry), "ns_id", REFERS, OBJ_NAMESPACE, key_socket_net, CLONE_NEWNET },
	{ IN(netlink_sk_entry), "ns_id", REFERS, OBJ_NAMESPACE, key_socket_net, CLONE_NEWNET },
	{ IN(tunfile_entry), "ns_id", REFERS, OBJ_NAMESPACE, key_socket_net, CLONE_NEWNET },
	{ IN(netns_id), "target_ns_id", REFERS, IMG_NETNS, key_dumped, CLONE_NEWNET },
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
	/* a network may have sockets, and nobody in it */
	bool net = row->kind == OBJ_NAMESPACE && row->ns == CLONE_NEWNET;
	if ((row->kind < IMG_NR_TYPES && object_set_add(&check->used, row->kind, key) < 0) ||
	    (net && object_set_add(&check->used, IMG_NETNS, (uint32_t)key) < 0))
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
	if (row->key && !row->key(check, at, row, msg, value, &key))
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

static int row_apply(struct check *check, const struct place *at, size_t i,
		     const ProtobufCMessage *msg, struct error *err)
{
	const struct reference *row = &check->rows[i];
	const ProtobufCFieldDescriptor *field = check->fields[i];
	size_t nr = field_count(msg, field);
	int rc = 0;
	for (size_t k = 0; rc == 0 && k < nr; k++)
		rc = resolve(check, at, row, msg, field_integer(field, field_value(msg, field, k)),
			     err);
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
