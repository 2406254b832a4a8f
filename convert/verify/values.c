/* SPDX-License-Identifier: MIT
 * Values that a field can have at all: a restore would be refused by the kernel, or would make
 * something else. A row per field.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/page.h"
#include "base/pid-limit.h"
#include "convert/verify/check.h"
#include "files.pb-c.h"
#include "images/fields.h"
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

#define IN(name) &name##__descriptor
#define SECONDS  0, INT64_MAX
#define BELOW(n) 0, (n)-1
#define INTEGER  0, INT32_MAX
#define OFFSET   0, INT64_MAX
#define PIDS     0, PID_LIMIT
#define SIGNALS  0, 127             /* MIPS has as many, the others 64 */
#define FLAGS    .bits = 0x0fffffff /* O_RDONLY and its like */
#define ADDRESS  PAGE, INT64_MAX

static const struct value {
	const ProtobufCMessageDescriptor *in;
	const char *field;
	int64_t low, high; /* both 0: see bits */
	uint64_t bits;     /* no others are known */
	bool or_none;      /* all ones, too */
} values[] = {
	/* tasks */
	{ IN(pstree_entry), "pid", PIDS },
	{ IN(pstree_entry), "pgid", PIDS },
	{ IN(pstree_entry), "sid", PIDS },
	{ IN(pstree_entry), "threads", PIDS },
	{ IN(pstree_entry), "exit_signal", SIGNALS },
	{ IN(task_core_entry), "exit_code", 0, 0xffff },
	{ IN(task_core_entry), "stop_signo", SIGNALS },
	{ IN(task_core_entry), "oom_score_adj", -1000, 1000 },
	{ IN(task_core_entry), "autogroup_nice", -20, 19 },
	{ IN(thread_core_entry), "sched_nice", -20, 19 },
	{ IN(thread_core_entry), "sched_policy", .bits = 0x40000007 }, /* SCHED_RESET_ON_FORK */
	{ IN(thread_core_entry), "sched_prio", 0, 99 },
	{ IN(thread_core_entry), "pdeath_sig", SIGNALS },
	{ IN(thread_core_entry), "futex_rla_len", 0, 24 },
	{ IN(thread_sas_entry), "ss_flags", .bits = 0x80000003 }, /* SS_AUTODISARM */
	{ IN(rseq_entry), "rseq_abi_size", 0, PAGE },
	{ IN(creds_entry), "secbits", .bits = 0xfff },
	{ IN(creds_entry), "no_new_privs", 0, 1 },
	{ IN(seccomp_filter), "flags", .bits = 0xff },
	{ IN(itimer_entry), "isec", SECONDS },
	{ IN(itimer_entry), "iusec", BELOW(1000000) },
	{ IN(itimer_entry), "vsec", SECONDS },
	{ IN(itimer_entry), "vusec", BELOW(1000000) },
	{ IN(posix_timer_entry), "it_sigev_notify", 0, 4 },
	{ IN(posix_timer_entry), "it_id", INTEGER },
	{ IN(posix_timer_entry), "overrun", INTEGER },
	{ IN(posix_timer_entry), "isec", SECONDS },
	{ IN(posix_timer_entry), "insec", BELOW(1000000000) },
	{ IN(posix_timer_entry), "vsec", SECONDS },
	{ IN(posix_timer_entry), "vnsec", BELOW(1000000000) },
	{ IN(timespec), "tv_nsec", BELOW(1000000000) },
	{ IN(inventory_entry), "network_lock_method", 0, 3 },
	{ IN(fs_entry), "umask", .bits = 0777 },

	/* memory */
	{ IN(mm_entry), "mm_start_code", ADDRESS },
	{ IN(mm_entry), "mm_end_code", ADDRESS },
	{ IN(mm_entry), "mm_start_data", ADDRESS },
	{ IN(mm_entry), "mm_end_data", ADDRESS },
	{ IN(mm_entry), "mm_start_stack", ADDRESS },
	{ IN(mm_entry), "mm_start_brk", ADDRESS },
	{ IN(mm_entry), "mm_brk", ADDRESS },
	{ IN(mm_entry), "mm_arg_start", ADDRESS },
	{ IN(mm_entry), "mm_arg_end", ADDRESS },
	{ IN(mm_entry), "mm_env_start", ADDRESS },
	{ IN(mm_entry), "mm_env_end", ADDRESS },
	{ IN(mm_entry), "dumpable", 0, 2 },
	{ IN(vma_entry), "fdflags", FLAGS },
	{ IN(memfd_inode_entry), "size", OFFSET },
	{ IN(memfd_inode_entry), "seals", .bits = 0x3f },
	{ IN(memfd_inode_entry), "mode", BELOW(1 << 16) },

	/* files */
	{ IN(fdinfo_entry), "fd", INTEGER },
	{ IN(fdinfo_entry), "flags", .bits = 1 }, /* FD_CLOEXEC */
	{ IN(fown_entry), "pid_type", 0, 2 },
	{ IN(fown_entry), "signum", SIGNALS },
	{ IN(fown_entry), "pid", PIDS },
	{ IN(reg_file_entry), "flags", FLAGS },
	{ IN(reg_file_entry), "pos", OFFSET, .or_none = true }, /* it is not set then */
	{ IN(reg_file_entry), "size", OFFSET },
	{ IN(reg_file_entry), "mode", BELOW(1 << 16) },
	{ IN(memfd_file_entry), "flags", FLAGS },
	{ IN(memfd_file_entry), "pos", OFFSET },
	{ IN(pipe_entry), "flags", FLAGS },
	{ IN(fifo_entry), "regf_id", 1, UINT32_MAX },
	{ IN(eventfd_file_entry), "flags", FLAGS },
	{ IN(eventpoll_file_entry), "flags", FLAGS },
	{ IN(eventpoll_tfd_entry), "tfd", INTEGER },
	{ IN(signalfd_entry), "flags", FLAGS },
	{ IN(inotify_file_entry), "flags", FLAGS },
	{ IN(inotify_wd_entry), "wd", 1, INT32_MAX },
	{ IN(inotify_wd_entry), "mask", .bits = 0xff00ffff },
	{ IN(fh_entry), "bytes", 0, 128 },
	{ IN(timerfd_entry), "flags", FLAGS },
	{ IN(timerfd_entry), "clockid", 0, 11 },
	{ IN(timerfd_entry), "settime_flags", .bits = 3 },
	{ IN(timerfd_entry), "isec", SECONDS },
	{ IN(timerfd_entry), "insec", BELOW(1000000000) },
	{ IN(timerfd_entry), "vsec", SECONDS },
	{ IN(timerfd_entry), "vnsec", BELOW(1000000000) },
	{ IN(tty_file_entry), "flags", FLAGS },
	{ IN(pidfd_entry), "flags", FLAGS },
	{ IN(file_lock_entry), "flag", 1, 8 },
	/* F_WRLCK, a lease that is being broken, LOCK_MAND and its three until Linux 5.17 */
	{ IN(file_lock_entry), "type", .bits = 0xe7 },
	{ IN(file_lock_entry), "start", OFFSET },
	{ IN(file_lock_entry), "len", OFFSET },
	{ IN(ghost_file_entry), "mode", BELOW(1 << 16) },
	{ IN(timeval), "tv_usec", BELOW(1000000) },
	{ IN(pipe_data_entry), "size", PAGE, INT32_MAX },

	/* terminals */
	{ IN(tty_info_entry), "sid", PIDS },
	{ IN(tty_info_entry), "pgrp", PIDS },
	{ IN(tty_pty_entry), "index", BELOW(1 << 20) }, /* as many minor numbers */
	{ IN(termios_entry), "c_line", 0, 255 },
	{ IN(winsize_entry), "ws_row", 0, 65535 },
	{ IN(winsize_entry), "ws_col", 0, 65535 },
	{ IN(winsize_entry), "ws_xpixel", 0, 65535 },
	{ IN(winsize_entry), "ws_ypixel", 0, 65535 },

	/* sockets */
	{ IN(inet_sk_entry), "type", 1, 3 },
	{ IN(inet_sk_entry), "proto", 0, 262 },
	{ IN(inet_sk_entry), "state", 1, 12 },
	{ IN(inet_sk_entry), "src_port", 0, 65535 },
	{ IN(inet_sk_entry), "dst_port", 0, 65535 },
	{ IN(inet_sk_entry), "flags", FLAGS },
	{ IN(unix_sk_entry), "type", 1, 5 },
	{ IN(unix_sk_entry), "state", 1, 12 },
	{ IN(unix_sk_entry), "flags", FLAGS },
	{ IN(packet_sock_entry), "flags", FLAGS },
	{ IN(netlink_sk_entry), "flags", FLAGS },
	{ IN(file_perms_entry), "mode", BELOW(1 << 16) },
	{ IN(sk_opts_entry), "so_sndbuf", INTEGER },
	{ IN(sk_opts_entry), "so_rcvbuf", INTEGER },
	{ IN(sk_opts_entry), "so_snd_tmo_sec", SECONDS },
	{ IN(sk_opts_entry), "so_snd_tmo_usec", BELOW(1000000) },
	{ IN(sk_opts_entry), "so_rcv_tmo_sec", SECONDS },
	{ IN(sk_opts_entry), "so_rcv_tmo_usec", BELOW(1000000) },
	{ IN(sk_opts_entry), "so_buf_lock", .bits = 3 },
	{ IN(ip_opts_entry), "ttl", 1, 255 },
	{ IN(ip_opts_entry), "tos", 0, 255 },
	{ IN(tcp_opts_entry), "keepcnt", 1, 127 },
	{ IN(tcp_opts_entry), "keepidle", 1, 32767 },
	{ IN(tcp_opts_entry), "keepintvl", 1, 32767 },
	{ IN(tcp_stream_entry), "opt_mask", .bits = 0xff },
	{ IN(tcp_stream_entry), "snd_wscale", 0, 14 },
	{ IN(tcp_stream_entry), "rcv_wscale", 0, 14 },
	{ IN(tcp_stream_entry), "mss_clamp", 1, 65535 },

	/* namespaces */
	{ IN(net_device_entry), "ifindex", 1, INT32_MAX },
	{ IN(net_device_entry), "mtu", INTEGER },
	{ IN(ipc_desc_entry), "mode", BELOW(1 << 16) },
	{ IN(ipc_desc_entry), "id", INTEGER },
	{ IN(ipc_msg_entry), "qbytes", INTEGER },
	{ IN(ipc_var_entry), "sem_ctls", INTEGER },
	{ IN(ipc_var_entry), "msg_ctlmax", INTEGER },
	{ IN(ipc_var_entry), "msg_ctlmnb", INTEGER },
	{ IN(ipc_var_entry), "msg_ctlmni", INTEGER },
	{ IN(ipc_var_entry), "shm_ctlmni", INTEGER },
	{ IN(ipc_var_entry), "shm_rmid_forced", 0, 1 },
	{ IN(ipc_sem_entry), "nsems", 1, 65536 }, /* as kernel.sem allows at the most */
	{ IN(ipc_shm_entry), "size", 1, INT64_MAX },
	{ IN(mnt_entry), "fstype", 0, 1 << 16 },
	{ IN(autofs_entry), "minproto", 2, 5 },
	{ IN(autofs_entry), "maxproto", 2, 5 },
};

int values_init(struct check *check, struct error *err)
{
	check->value_fields = calloc(ARRAY_SIZE(values), sizeof(void *));
	if (!check->value_fields)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		check->value_fields[i] =
		    protobuf_c_message_descriptor_get_field_by_name(values[i].in, values[i].field);
	return 0;
}

static bool is_unsigned(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_UINT32 || field->type == PROTOBUF_C_TYPE_UINT64;
}

static void value_look(struct check *check, const struct place *at, const struct value *value,
		       const ProtobufCFieldDescriptor *field, uint64_t is)
{
	if (value->or_none && is == UINT64_MAX)
		return;
	if (value->bits) {
		if (is & ~value->bits)
			finding(check, at, value->field, "no such flags: %#" PRIx64,
				is & ~value->bits);
	} else if (is_unsigned(field) && is > INT64_MAX) {
		finding(check, at, value->field, "%" PRIu64 ", want %" PRId64 " to %" PRId64, is,
			value->low, value->high);
	} else if ((int64_t)is < value->low || (int64_t)is > value->high) {
		finding(check, at, value->field, "%" PRId64 ", want %" PRId64 " to %" PRId64,
			(int64_t)is, value->low, value->high);
	}
}

void values_of(struct check *check, const struct place *at, const ProtobufCMessage *msg)
{
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		const ProtobufCFieldDescriptor *field = check->value_fields[i];
		if (values[i].in != msg->descriptor)
			continue;
		size_t nr = field_count(msg, field);
		for (size_t k = 0; k < nr; k++)
			value_look(check, at, &values[i], field,
				   field_integer(field, field_value(msg, field, k)));
	}
}
