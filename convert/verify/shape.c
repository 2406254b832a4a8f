/* SPDX-License-Identifier: MIT
 * What has to be true inside one message, whatever the rest of the set says: a row per message.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/page.h"
#include "cgroup.pb-c.h"
#include "convert/verify/check.h"
#include "files.pb-c.h"
#include "images/namespace-kind.h"
#include "images/vma-status.h"
#include "inventory.pb-c.h"
#include "ipc.pb-c.h"
#include "memory.pb-c.h"
#include "mounts.pb-c.h"
#include "namespaces.pb-c.h"
#include "network.pb-c.h"
#include "security.pb-c.h"
#include "sockets.pb-c.h"
#include "task.pb-c.h"
#include "tty.pb-c.h"

enum { NR_SIGNALS = 62, NR_SIGNALS_MIPS = 125 };

static bool is_page_multiple(uint64_t n)
{
	return n % PAGE == 0;
}

static void inventory_shape(struct check *check, const struct place *at,
			    const ProtobufCMessage *msg)
{
	const InventoryEntry *inventory = (const InventoryEntry *)msg;
	if (inventory->img_version > 2)
		finding(check, at, "img_version", "%" PRIu32 " is no version of the format",
			inventory->img_version);
}

/* The dumper's own namespaces are numbered first, each with a number of its own. */
static void root_ids_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	uint32_t seen = 0;
	for (size_t i = 0; i < NR_NAMESPACE_KINDS && at->type->id == IMG_INVENTORY; i++) {
		const struct namespace_kind *kind = &namespace_kinds[i];
		uint32_t id = namespace_id(kind, (const TaskKobjIdsEntry *)msg);
		char field[32];
		snprintf(field, sizeof(field), "%s_ns_id", kind->name);
		if (id > NR_NAMESPACE_KINDS ||
		    (!id && *((const protobuf_c_boolean *)((const char *)msg + kind->has))))
			finding(check, at, field,
				"%" PRIu32 " is none of the dumper's own namespaces, 1 to %d", id,
				NR_NAMESPACE_KINDS);
		else if (id && seen & 1u << id)
			finding(check, at, field, "%" PRIu32 " is that of another kind", id);
		else
			seen |= 1u << id;
	}
}

static void pstree_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const PstreeEntry *p = (const PstreeEntry *)msg;
	bool leads = false;
	for (size_t i = 0; i < p->n_threads; i++)
		leads |= p->threads[i] == p->pid || p->threads[i] == 0;
	if (p->pid == 0)
		finding(check, at, "pid", "is 0");
	else if (p->ppid && !object_set_has(&check->objects, OBJ_PROCESS, p->ppid))
		finding(check, at, "ppid", "process %" PRIu32 " does not come before its child",
			p->ppid);
	else if (p->ppid == p->pid)
		finding(check, at, "ppid", "process %" PRIu32 " is its own parent", p->pid);
	if (!leads)
		finding(check, at, "threads", "thread %" PRIu32 ", the leader, is not among them",
			p->pid);
}

/* The member of a core that holds the registers of its machine. */
static const void *core_registers(const CoreEntry *core)
{
	switch (core->mtype) {
	case CORE_ENTRY__MARCH__X86_64:
		return core->thread_info;
	case CORE_ENTRY__MARCH__ARM:
		return core->ti_arm;
	case CORE_ENTRY__MARCH__AARCH64:
		return core->ti_aarch64;
	case CORE_ENTRY__MARCH__PPC64:
		return core->ti_ppc64;
	case CORE_ENTRY__MARCH__S390:
		return core->ti_s390;
	case CORE_ENTRY__MARCH__MIPS:
		return core->ti_mips;
	case CORE_ENTRY__MARCH__LOONGARCH64:
		return core->ti_loongarch64;
	case CORE_ENTRY__MARCH__RISCV64:
		return core->ti_riscv64;
	default:
		return NULL;
	}
}

enum { TASK_DEAD_STATE = 2, TASK_ZOMBIE_STATE = 6, TASK_STATE_MAX = 7 };

static void core_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const CoreEntry *core = (const CoreEntry *)msg;
	bool gone = core->tc && (core->tc->task_state == TASK_DEAD_STATE ||
				 core->tc->task_state == TASK_ZOMBIE_STATE);
	if (!gone && !core_registers(core))
		finding(check, at, "mtype", "no registers of this machine");
	if (core->tc && (core->tc->task_state < 1 || core->tc->task_state > TASK_STATE_MAX))
		finding(check, at, "tc.task_state", "%" PRIu32 " is no state of a task",
			core->tc->task_state);
	if (!core->tc && check->has_tree &&
	    object_set_has(&check->objects, OBJ_PROCESS, at->number))
		finding(check, at, "tc", "missing in the core of a process");
	if (!core->thread_core && !gone)
		finding(check, at, "thread_core", "missing");
	/* once credentials had an image of their own */
	else if (!gone && !core->thread_core->creds &&
		 !object_set_has(&check->objects, IMG_CREDS, at->number))
		finding(check, at, "thread_core.creds", "missing");
	if (check->has_tree && !object_set_has(&check->objects, OBJ_THREAD, at->number) &&
	    !object_set_has(&check->objects, OBJ_PROCESS, at->number))
		finding(check, at, NULL, "no thread %" PRIu64 " in pstree.img", at->number);
}

static void task_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const TaskCoreEntry *tc = (const TaskCoreEntry *)msg;
	if (tc->n_sigactions && tc->n_sigactions != NR_SIGNALS &&
	    tc->n_sigactions != NR_SIGNALS_MIPS)
		finding(check, at, "sigactions", "%zu of them, want %d", tc->n_sigactions,
			NR_SIGNALS);
}

static void limits_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	enum { NR_LIMITS = 16 };
	const TaskRlimitsEntry *limits = (const TaskRlimitsEntry *)msg;
	if (limits->n_rlimits > NR_LIMITS)
		finding(check, at, "rlimits", "%zu of them, there are %d", limits->n_rlimits,
			NR_LIMITS);
	for (size_t i = 0; i < limits->n_rlimits; i++) {
		if (limits->rlimits[i]->cur > limits->rlimits[i]->max)
			finding(check, at, "rlimits", "limit %zu is above its maximum", i);
	}
}

static void creds_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const CredsEntry *creds = (const CredsEntry *)msg;
	const uint32_t ids[] = { creds->uid,  creds->gid,  creds->euid,  creds->egid,
				 creds->suid, creds->sgid, creds->fsuid, creds->fsgid };
	size_t n = creds->n_cap_prm;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		if (ids[i] == UINT32_MAX) {
			finding(check, at, "uid", "%u is no id of a user or group", ids[i]);
			break;
		}
	if (creds->n_cap_inh != n || creds->n_cap_eff != n || creds->n_cap_bnd != n || n > 2)
		finding(check, at, "cap_prm", "capability sets of different sizes");
	for (size_t i = 0; i < creds->n_cap_amb && i < n && i < creds->n_cap_inh; i++) {
		if (creds->cap_amb[i] & ~(creds->cap_prm[i] & creds->cap_inh[i])) {
			finding(check, at, "cap_amb",
				"has capabilities that are not permitted, or not inheritable");
			break;
		}
	}
	for (size_t i = 0; i < n && i < creds->n_cap_eff; i++) {
		if (creds->cap_eff[i] & ~creds->cap_prm[i]) {
			finding(check, at, "cap_eff", "has capabilities that are not permitted");
			break;
		}
	}
}

static void siginfo_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	enum { SIGINFO_SIZE = 128 };
	const SiginfoEntry *signal = (const SiginfoEntry *)msg;
	if (signal->siginfo.len != SIGINFO_SIZE)
		finding(check, at, "siginfo", "%zu bytes, want %d", signal->siginfo.len,
			SIGINFO_SIZE);
}

/* Of a timer that signals nobody it is what its owner left there. */
static void timer_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	enum { NONE = 1, LAST = 127 }; /* SIGEV_NONE */
	const PosixTimerEntry *timer = (const PosixTimerEntry *)msg;
	if (timer->it_sigev_notify != NONE && timer->si_signo > LAST)
		finding(check, at, "si_signo", "%" PRIu32 " is no signal", timer->si_signo);
}

/* A guard region lies inside another area. */
static void areas_shape(struct check *check, const struct place *at, const MmEntry *mm)
{
	uint64_t next = 0;
	for (size_t i = 0; i < mm->n_vmas; i++) {
		const VmaEntry *vma = mm->vmas[i];
		if (vma->status & VMA_AREA_GUARD)
			continue;
		if (vma->start < next)
			finding(check, at, "vmas",
				"area %zu at %#" PRIx64 " starts below the end of the one before",
				i, vma->start);
		if (vma->end > next)
			next = vma->end;
	}
}

static void mm_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const MmEntry *mm = (const MmEntry *)msg;
	areas_shape(check, at, mm);
	if (mm->n_mm_saved_auxv % 2)
		finding(check, at, "mm_saved_auxv", "%zu words, want pairs", mm->n_mm_saved_auxv);
	if (mm->mm_start_code > mm->mm_end_code)
		finding(check, at, "mm_start_code", "is above mm_end_code");
	if (mm->mm_start_data > mm->mm_end_data)
		finding(check, at, "mm_start_data", "is above mm_end_data");
	if (mm->mm_start_brk > mm->mm_brk)
		finding(check, at, "mm_start_brk", "is above mm_brk");
	if (mm->mm_arg_start > mm->mm_arg_end)
		finding(check, at, "mm_arg_start", "is above mm_arg_end");
	if (mm->mm_env_start > mm->mm_env_end)
		finding(check, at, "mm_env_start", "is above mm_env_end");
	if (check->has_tree && at->number &&
	    !object_set_has(&check->objects, OBJ_PROCESS, at->number))
		finding(check, at, NULL, "no process %" PRIu64 " in pstree.img", at->number);
}

/* What is none of these is not mapped again. */
static void vma_kind(struct check *check, const struct place *at, const VmaEntry *vma)
{
	enum { DROPPABLE = 8 }; /* MAP_DROPPABLE, Linux 6.11 */
	const uint32_t of_file = VMA_FILE_PRIVATE | VMA_FILE_SHARED;
	const uint32_t kinds = of_file | VMA_ANON_PRIVATE | VMA_ANON_SHARED | VMA_AREA_SYSVIPC |
			       VMA_AREA_SOCKET | VMA_AREA_VVAR | VMA_AREA_VDSO | VMA_AREA_VSYSCALL |
			       VMA_AREA_AIORING | VMA_AREA_MEMFD | VMA_AREA_GUARD | VMA_AREA_SHSTK |
			       VMA_AREA_UPROBES;
	uint32_t more = VMA_AREA_REGULAR | VMA_AREA_STACK | VMA_AREA_HEAP | VMA_EXT_PLUGIN;
	if (vma->status & VMA_EXT_PLUGIN)
		more |= VMA_UNSUPP;
	if (!(vma->status & kinds) || vma->status & ~(kinds | more))
		finding(check, at, "status", "%#" PRIx32 " is no kind of area", vma->status);
	uint32_t type = vma->flags & MAP_TYPE;
	if (vma->status & VMA_AREA_REGULAR && type != MAP_SHARED && type != MAP_PRIVATE &&
	    type != MAP_SHARED_VALIDATE && type != DROPPABLE)
		finding(check, at, "flags", "neither shared nor private");
	if (vma->has_fdflags && vma->status & of_file && (vma->fdflags & O_ACCMODE) == O_WRONLY)
		finding(check, at, "fdflags",
			"nothing can be mapped that is open for writing alone");
	if (vma->status & of_file && !is_page_multiple(vma->pgoff))
		finding(check, at, "pgoff", "%#" PRIx64 " is inside a page", vma->pgoff);
	if (vma->status & of_file && vma->shmid > UINT32_MAX)
		finding(check, at, "shmid", "%" PRIu64 " is no id of a file", vma->shmid);
}

static int vma_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const VmaEntry *vma = (const VmaEntry *)msg;
	vma_kind(check, at, vma);
	if (vma->start >= vma->end)
		finding(check, at, "end", "area %#" PRIx64 "-%#" PRIx64 " is empty", vma->start,
			vma->end);
	else if (!is_page_multiple(vma->start) || !is_page_multiple(vma->end))
		finding(check, at, "start", "area %#" PRIx64 "-%#" PRIx64 " is not whole pages",
			vma->start, vma->end);
	if (vma->prot & ~0x0f00000fu) /* access, growth, the tagging bits of other machines */
		finding(check, at, "prot", "%#" PRIx32 " is no protection", vma->prot);
	if (!(vma->status & VMA_ANON_SHARED) || vma->end < vma->start)
		return 0;
	return segment_add(check, vma->shmid, vma->pgoff + (vma->end - vma->start));
}

static int memfd_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	(void)at;
	const MemfdInodeEntry *memfd = (const MemfdInodeEntry *)msg;
	return segment_add(check, memfd->shmid, memfd->size);
}

static int shm_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	(void)at;
	const IpcShmEntry *shm = (const IpcShmEntry *)msg;
	return shm->in_pagemaps ? segment_add(check, shm->desc->id, shm->size) : 0;
}

static int device_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const NetDeviceEntry *device = (const NetDeviceEntry *)msg;
	if (device->type != ND_TYPE__TUN || at->type->id != IMG_NETDEV)
		return 0;
	return object_set_add(&check->objects, OBJ_TUN, object_named(at->number, device->name));
}

/* The dumper's own set is no set of the tree; they are numbered from 1. */
static void cgroup_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const CgroupEntry *cgroup = (const CgroupEntry *)msg;
	const InventoryEntry *inventory = check->inventory;
	bool wrong =
	    inventory && inventory->has_root_cg_set && inventory->root_cg_set > cgroup->n_sets + 1;
	uint64_t entry = 0;
	(void)at;
	for (size_t i = 0; inventory && inventory->has_root_cg_set && i < cgroup->n_sets; i++)
		wrong = wrong || cgroup->sets[i]->id == inventory->root_cg_set;
	if (wrong)
		finding_at(check, "inventory.img", &entry, "root_cg_set",
			   "%" PRIu32 " is not that of the dumper, as cgroup.img has them",
			   inventory->root_cg_set);
}

/* Which member of a file_entry its type needs. */
static const struct {
	FdTypes type;
	const char *member;
} file_members[] = {
	{ FD_TYPES__REG, "reg" },        { FD_TYPES__PIPE, "pipe" },
	{ FD_TYPES__FIFO, "fifo" },      { FD_TYPES__INETSK, "isk" },
	{ FD_TYPES__UNIXSK, "usk" },     { FD_TYPES__EVENTFD, "efd" },
	{ FD_TYPES__EVENTPOLL, "epfd" }, { FD_TYPES__INOTIFY, "ify" },
	{ FD_TYPES__SIGNALFD, "sgfd" },  { FD_TYPES__PACKETSK, "psk" },
	{ FD_TYPES__TTY, "tty" },        { FD_TYPES__FANOTIFY, "ffy" },
	{ FD_TYPES__NETLINKSK, "nlsk" }, { FD_TYPES__NS, "nsf" },
	{ FD_TYPES__TUNF, "tunf" },      { FD_TYPES__EXT, "ext" },
	{ FD_TYPES__TIMERFD, "tfd" },    { FD_TYPES__MEMFD, "memfd" },
	{ FD_TYPES__BPFMAP, "bpf" },     { FD_TYPES__PIDFD, "pidfd" },
};

static void file_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const FileEntry *file = (const FileEntry *)msg;
	const char *member = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(file_members); i++) {
		if (file_members[i].type == file->type)
			member = file_members[i].member;
	}
	if (!member) {
		finding(check, at, "type", "%d is no type of a file", (int)file->type);
		return;
	}
	const ProtobufCFieldDescriptor *field =
	    protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, member);
	const ProtobufCMessage *sub =
	    *(ProtobufCMessage *const *)((const char *)msg + field->offset);
	if (!sub) {
		finding(check, at, member, "missing, as the type needs it");
		return;
	}
	const ProtobufCFieldDescriptor *id =
	    protobuf_c_message_descriptor_get_field_by_name(sub->descriptor, "id");
	uint32_t inner = *(const uint32_t *)((const char *)sub + id->offset);
	if (inner != file->id)
		finding(check, at, member, "has id %" PRIu32 ", its entry %" PRIu32, inner,
			file->id);
}

static void inet_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	enum { FAMILY_V4 = 2, FAMILY_V6 = 10, SOCK_STREAM_TYPE = 1 };
	enum { TCP_ESTABLISHED_STATE = 1, TCP_LISTEN_STATE = 10, PROTO_MPTCP = 262 };
	const InetSkEntry *sk = (const InetSkEntry *)msg;
	size_t want = sk->family == FAMILY_V4 ? 1 : sk->family == FAMILY_V6 ? 4 : 0;
	if (!want)
		finding(check, at, "family", "%" PRIu32 " is neither IPv4 nor IPv6", sk->family);
	else if (sk->n_src_addr != want || sk->n_dst_addr != want)
		finding(check, at, "src_addr", "an address of %zu and one of %zu words, want %zu",
			sk->n_src_addr, sk->n_dst_addr, want);
	if (sk->type == SOCK_STREAM_TYPE && sk->state == TCP_LISTEN_STATE && !sk->src_port)
		finding(check, at, "src_port", "0, and it listens");
	if (sk->type == SOCK_STREAM_TYPE && sk->state == TCP_LISTEN_STATE && sk->dst_port)
		finding(check, at, "dst_port", "%" PRIu32 ", and it listens", sk->dst_port);
	if (sk->type == SOCK_STREAM_TYPE && sk->proto != IPPROTO_TCP && sk->proto != IPPROTO_SCTP &&
	    sk->proto != PROTO_MPTCP)
		finding(check, at, "proto", "%" PRIu32 " has no streams", sk->proto);
	if (sk->type == SOCK_STREAM_TYPE && sk->state == TCP_ESTABLISHED_STATE &&
	    (!sk->src_port || !sk->dst_port))
		finding(check, at, sk->src_port ? "dst_port" : "src_port",
			"0, and it is connected");
}

static void handle_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const FhEntry *handle = (const FhEntry *)msg;
	if (handle->n_handle && handle->bytes > handle->n_handle * sizeof(uint64_t))
		finding(check, at, "bytes", "%" PRIu32 ", and there are %zu", handle->bytes,
			handle->n_handle * sizeof(uint64_t));
}

static int watch_compare(const void *a_, const void *b_)
{
	const uint32_t a = *(const uint32_t *)a_, b = *(const uint32_t *)b_;
	return (a > b) - (a < b);
}

static int inotify_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const InotifyFileEntry *file = (const InotifyFileEntry *)msg;
	auto_free uint32_t *watches = calloc(file->n_wd + 1, sizeof(*watches));
	if (!watches)
		return -ENOMEM;
	for (size_t i = 0; i < file->n_wd; i++) {
		watches[i] = file->wd[i]->wd;
		if (!file->wd[i]->mask)
			finding(check, at, "wd", "watch %" PRIu32 " is for nothing", watches[i]);
	}
	qsort(watches, file->n_wd, sizeof(*watches), watch_compare);
	for (size_t i = 1; i < file->n_wd; i++) {
		if (watches[i] == watches[i - 1])
			finding(check, at, "wd", "a second watch %" PRIu32, watches[i]);
	}
	return 0;
}

/* S_IFREG and its like; of sockets and others without an inode of their own there is none. */
static void mode_look(struct check *check, const struct place *at, uint32_t mode)
{
	static const uint32_t kinds[] = { S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR,
					  S_IFBLK, S_IFIFO, S_IFSOCK };
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if ((mode & S_IFMT) == kinds[i])
			return;
	}
	finding(check, at, "mode", "%#" PRIo32 " is no kind of file", mode);
}

static void ghost_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	mode_look(check, at, ((const GhostFileEntry *)msg)->mode);
}

static void reg_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const RegFileEntry *reg = (const RegFileEntry *)msg;
	if (reg->has_mode)
		mode_look(check, at, reg->mode);
}

static void ns_file_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const NsFileEntry *file = (const NsFileEntry *)msg;
	if (!namespace_kind_of(file->ns_cflag))
		finding(check, at, "ns_cflag", "%#" PRIx32 " is no kind of namespace",
			file->ns_cflag);
}

static void pipe_data_shape(struct check *check, const struct place *at,
			    const ProtobufCMessage *msg)
{
	const PipeDataEntry *data = (const PipeDataEntry *)msg;
	if (data->has_size && data->bytes > data->size)
		finding(check, at, "size", "%" PRIu32 " bytes are in a pipe for %" PRIu32,
			data->bytes, data->size);
}

static void tty_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	enum { PTY_SLAVE = 136 }; /* UNIX98_PTY_SLAVE_MAJOR */
	const TtyInfoEntry *tty = (const TtyInfoEntry *)msg;
	if (tty->type == TTY_TYPE__PTY && !tty->pty)
		finding(check, at, "pty", "missing, as the type needs it");
	else if (tty->type == TTY_TYPE__PTY && major(tty->rdev) == PTY_SLAVE &&
		 minor(tty->rdev) != tty->pty->index)
		finding(check, at, "rdev", "is /dev/pts/%u, pty.index %" PRIu32, minor(tty->rdev),
			tty->pty->index);
}

static void rseq_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	enum { RSEQ_ALIGN = 32 };
	const RseqEntry *rseq = (const RseqEntry *)msg;
	if (rseq->rseq_abi_pointer % RSEQ_ALIGN)
		finding(check, at, "rseq_abi_pointer", "%#" PRIx64 " is not a multiple of %d",
			rseq->rseq_abi_pointer, RSEQ_ALIGN);
	else if (rseq->rseq_abi_pointer && rseq->rseq_abi_size < RSEQ_ALIGN)
		finding(check, at, "rseq_abi_size", "%" PRIu32 ", want %d or more",
			rseq->rseq_abi_size, RSEQ_ALIGN);
}

static void stack_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	enum { DISABLED = 2, LEAST = 2048 }; /* SS_DISABLE, MINSIGSTKSZ */
	const ThreadSasEntry *stack = (const ThreadSasEntry *)msg;
	if (!(stack->ss_flags & DISABLED) && stack->ss_size < LEAST)
		finding(check, at, "ss_size", "%" PRIu64 " bytes, want %d for a stack of signals",
			stack->ss_size, LEAST);
}

static void sysctl_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const SysctlEntry *sysctl = (const SysctlEntry *)msg;
	if (sysctl->type == SYSCTL_TYPE__CTL_STR ? sysctl->has_iarg && !sysctl->sarg
						 : sysctl->sarg && !sysctl->has_iarg)
		finding(check, at, "type", "is not that of the value");
}

static void tcp_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const TcpStreamEntry *tcp = (const TcpStreamEntry *)msg;
	if (tcp->has_unsq_len && tcp->unsq_len > tcp->outq_len)
		finding(check, at, "unsq_len", "more unsent than the queue holds");
	/* What the kernel asks of struct tcp_repair_window; numbers wrap around. */
	if (!tcp->has_rcv_wnd)
		return;
	if (tcp->max_window < tcp->snd_wnd)
		finding(check, at, "max_window", "%" PRIu32 " is less than snd_wnd, %" PRIu32,
			tcp->max_window, tcp->snd_wnd);
	if ((int32_t)(tcp->inq_seq + tcp->rcv_wnd - tcp->snd_wl1) < 0)
		finding(check, at, "snd_wl1", "%" PRIu32 " is behind the window", tcp->snd_wl1);
	if ((int32_t)(tcp->inq_seq - tcp->rcv_wup) < 0)
		finding(check, at, "rcv_wup", "%" PRIu32 " is behind inq_seq, %" PRIu32,
			tcp->rcv_wup, tcp->inq_seq);
}

static void seccomp_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	enum { INSTRUCTION = 8 };
	const SeccompFilter *filter = (const SeccompFilter *)msg;
	if (!filter->filter.len || filter->filter.len % INSTRUCTION)
		finding(check, at, "filter", "%zu bytes, want instructions of %d",
			filter->filter.len, INSTRUCTION);
	if (filter->has_prev && filter->prev >= at->steps[at->depth - 1].index)
		finding(check, at, "prev", "filter %" PRIu32 " does not come before its user",
			filter->prev);
}

static void mount_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const MntEntry *mnt = (const MntEntry *)msg;
	if (mnt->mountpoint[0] != '/')
		finding(check, at, "mountpoint", "is not absolute");
	/* the first of all mounts is, where nothing took its place */
	if (mnt->parent_mnt_id == mnt->mnt_id && strcmp(mnt->mountpoint, "/") != 0)
		finding(check, at, "parent_mnt_id", "mount %" PRIu32 " is its own parent",
			mnt->mnt_id);
}

static void extent_shape(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	const UidGidExtent *extent = (const UidGidExtent *)msg;
	if (!extent->count || extent->first + (uint64_t)extent->count - 1 > UINT32_MAX ||
	    extent->lower_first + (uint64_t)extent->count - 1 > UINT32_MAX)
		finding(check, at, "count", "%" PRIu32 " ids do not fit", extent->count);
}

/* Rows with `make` can only fail for want of memory. */
static const struct shape {
	const ProtobufCMessageDescriptor *of;
	void (*look)(struct check *check, const struct place *at, const ProtobufCMessage *msg);
	int (*make)(struct check *check, const struct place *at, const ProtobufCMessage *msg);
} shapes[] = {
	{ &inventory_entry__descriptor, inventory_shape },
	{ &task_kobj_ids_entry__descriptor, root_ids_shape },
	{ &pstree_entry__descriptor, pstree_shape },
	{ &core_entry__descriptor, core_shape },
	{ &task_core_entry__descriptor, task_shape },
	{ &task_rlimits_entry__descriptor, limits_shape },
	{ &creds_entry__descriptor, creds_shape },
	{ &siginfo_entry__descriptor, siginfo_shape },
	{ &posix_timer_entry__descriptor, timer_shape },
	{ &mm_entry__descriptor, mm_shape },
	{ &vma_entry__descriptor, .make = vma_shape },
	{ &memfd_inode_entry__descriptor, .make = memfd_shape },
	{ &ipc_shm_entry__descriptor, .make = shm_shape },
	{ &net_device_entry__descriptor, .make = device_shape },
	{ &cgroup_entry__descriptor, cgroup_shape },
	{ &file_entry__descriptor, file_shape },
	{ &inet_sk_entry__descriptor, inet_shape },
	{ &tcp_stream_entry__descriptor, tcp_shape },
	{ &fh_entry__descriptor, handle_shape },
	{ &inotify_file_entry__descriptor, .make = inotify_shape },
	{ &ghost_file_entry__descriptor, ghost_shape },
	{ &reg_file_entry__descriptor, reg_shape },
	{ &ns_file_entry__descriptor, ns_file_shape },
	{ &pipe_data_entry__descriptor, pipe_data_shape },
	{ &tty_info_entry__descriptor, tty_shape },
	{ &rseq_entry__descriptor, rseq_shape },
	{ &sysctl_entry__descriptor, sysctl_shape },
	{ &thread_sas_entry__descriptor, stack_shape },
	{ &seccomp_filter__descriptor, seccomp_shape },
	{ &mnt_entry__descriptor, mount_shape },
	{ &uid_gid_extent__descriptor, extent_shape },
};

int shape_of(struct check *check, const struct place *at, const ProtobufCMessage *msg,
	     struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		if (shapes[i].of != msg->descriptor)
			continue;
		if (shapes[i].look)
			shapes[i].look(check, at, msg);
		else if (shapes[i].make(check, at, msg) < 0)
			return error_set(err, ENOMEM, "%s: out of memory", at->image);
	}
	return 0;
}
