/* SPDX-License-Identifier: MIT
 * How fields are shown to people: the one table of presentation hints.
 */
#include "images/hints.h"

#include <stdlib.h>
#include <string.h>

#include "images/vma-status.h"

static const struct hint_value mmap_prot_values[] = {
	{ "PROT_READ", 0x1 },
	{ "PROT_WRITE", 0x2 },
	{ "PROT_EXEC", 0x4 },
	{ NULL, 0 },
};
static const struct hint_value mmap_flags_values[] = {
	{ "MAP_SHARED", 0x1 }, { "MAP_PRIVATE", 0x2 },     { "MAP_DROPPABLE", 0x8 },
	{ "MAP_ANON", 0x20 },  { "MAP_GROWSDOWN", 0x100 }, { NULL, 0 },
};
static const struct hint_value mmap_status_values[] = {
	{ "VMA_AREA_NONE", VMA_AREA_NONE },
	{ "VMA_AREA_REGULAR", VMA_AREA_REGULAR },
	{ "VMA_AREA_STACK", VMA_AREA_STACK },
	{ "VMA_AREA_VSYSCALL", VMA_AREA_VSYSCALL },
	{ "VMA_AREA_VDSO", VMA_AREA_VDSO },
	{ "VMA_AREA_HEAP", VMA_AREA_HEAP },
	{ "VMA_FILE_PRIVATE", VMA_FILE_PRIVATE },
	{ "VMA_FILE_SHARED", VMA_FILE_SHARED },
	{ "VMA_ANON_SHARED", VMA_ANON_SHARED },
	{ "VMA_ANON_PRIVATE", VMA_ANON_PRIVATE },
	{ "VMA_AREA_SYSVIPC", VMA_AREA_SYSVIPC },
	{ "VMA_AREA_SOCKET", VMA_AREA_SOCKET },
	{ "VMA_AREA_VVAR", VMA_AREA_VVAR },
	{ "VMA_AREA_AIORING", VMA_AREA_AIORING },
	{ "VMA_AREA_MEMFD", VMA_AREA_MEMFD },
	{ "VMA_AREA_SHSTK", VMA_AREA_SHSTK },
	{ "VMA_AREA_UPROBES", VMA_AREA_UPROBES },
	{ "VMA_UNSUPP", 0x80000000 },
	{ NULL, 0 },
};
static const struct hint_value rfile_flags_values[] = {
	{ "O_WRONLY", 0x1 },
	{ "O_RDWR", 0x2 },
	{ "O_CREAT", 0x40 },
	{ "O_EXCL", 0x80 },
	{ "O_NOCTTY", 0x100 },
	{ "O_TRUNC", 0x200 },
	{ "O_APPEND", 0x400 },
	{ "O_NONBLOCK", 0x800 },
	{ "O_DSYNC", 0x1000 },
	{ "FASYNC", 0x2000 },
	{ "O_DIRECT", 0x4000 },
	{ "O_LARGEFILE", 0x8000 },
	{ "O_DIRECTORY", 0x10000 },
	{ "O_NOFOLLOW", 0x20000 },
	{ "O_NOATIME", 0x40000 },
	{ "O_CLOEXEC", 0x80000 },
	{ NULL, 0 },
};
static const struct hint_value pmap_flags_values[] = {
	{ "PE_PARENT", 0x1 },
	{ "PE_LAZY", 0x2 },
	{ "PE_PRESENT", 0x4 },
	{ NULL, 0 },
};
static const struct hint_value seals_flags_values[] = {
	{ "F_SEAL_SEAL", 0x1 },  { "F_SEAL_SHRINK", 0x2 },        { "F_SEAL_GROW", 0x4 },
	{ "F_SEAL_WRITE", 0x8 }, { "F_SEAL_FUTURE_WRITE", 0x10 }, { NULL, 0 },
};
static const struct hint_value task_states_values[] = {
	{ "Alive", 1 },
	{ "Zombie", 3 },
	{ "Stopped", 6 },
	{ NULL, 0 },
};
static const struct hint_value socket_family_values[] = {
	{ "UNIX", 1 },     { "INET", 2 },    { "INET6", 10 },
	{ "NETLINK", 16 }, { "PACKET", 17 }, { NULL, 0 },
};
static const struct hint_value socket_type_values[] = {
	{ "STREAM", 1 },    { "DGRAM", 2 },   { "RAW", 3 },
	{ "SEQPACKET", 5 }, { "PACKET", 10 }, { NULL, 0 },
};
static const struct hint_value socket_state_values[] = {
	{ "ESTABLISHED", 1 }, { "SYN_SENT", 2 },  { "SYN_RECV", 3 }, { "FIN_WAIT1", 4 },
	{ "FIN_WAIT2", 5 },   { "TIME_WAIT", 6 }, { "CLOSE", 7 },    { "CLOSE_WAIT", 8 },
	{ "LAST_ACK", 9 },    { "LISTEN", 10 },   { NULL, 0 },
};
static const struct hint_value socket_proto_values[] = {
	{ "IP", 0 }, { "TCP", 6 }, { "UDP", 17 }, { "UDPLITE", 136 }, { NULL, 0 },
};

const struct hint hints[] = {
	/* sorted by message, then field */
	{ "bpfmap_file_entry", "flags", HINT_FLAGS, rfile_flags_values },
	{ "fanotify_file_entry", "evflags", HINT_HEX, NULL },
	{ "fanotify_file_entry", "faflags", HINT_HEX, NULL },
	{ "fanotify_file_entry", "flags", HINT_HEX, NULL },
	{ "fanotify_mark_entry", "ignored_mask", HINT_HEX, NULL },
	{ "fanotify_mark_entry", "mask", HINT_HEX, NULL },
	{ "fanotify_mark_entry", "mflags", HINT_HEX, NULL },
	{ "fanotify_mark_entry", "s_dev", HINT_DEV, NULL },
	{ "ghost_file_entry", "dev", HINT_DEV, NULL },
	{ "ghost_file_entry", "rdev", HINT_ODEV, NULL },
	{ "inet_sk_entry", "dst_addr", HINT_ADDRESS, NULL },
	{ "inet_sk_entry", "family", HINT_DICT, socket_family_values },
	{ "inet_sk_entry", "flags", HINT_HEX, NULL },
	{ "inet_sk_entry", "proto", HINT_DICT, socket_proto_values },
	{ "inet_sk_entry", "src_addr", HINT_ADDRESS, NULL },
	{ "inet_sk_entry", "state", HINT_DICT, socket_state_values },
	{ "inet_sk_entry", "type", HINT_DICT, socket_type_values },
	{ "inotify_file_entry", "flags", HINT_HEX, NULL },
	{ "inotify_wd_entry", "ignored_mask", HINT_HEX, NULL },
	{ "inotify_wd_entry", "mask", HINT_HEX, NULL },
	{ "inotify_wd_entry", "s_dev", HINT_DEV, NULL },
	{ "irmap_cache_entry", "dev", HINT_ODEV, NULL },
	{ "memfd_file_entry", "flags", HINT_FLAGS, rfile_flags_values },
	{ "memfd_inode_entry", "seals", HINT_FLAGS, seals_flags_values },
	{ "mm_entry", "mm_arg_end", HINT_HEX, NULL },
	{ "mm_entry", "mm_arg_start", HINT_HEX, NULL },
	{ "mm_entry", "mm_brk", HINT_HEX, NULL },
	{ "mm_entry", "mm_end_code", HINT_HEX, NULL },
	{ "mm_entry", "mm_end_data", HINT_HEX, NULL },
	{ "mm_entry", "mm_env_end", HINT_HEX, NULL },
	{ "mm_entry", "mm_env_start", HINT_HEX, NULL },
	{ "mm_entry", "mm_start_brk", HINT_HEX, NULL },
	{ "mm_entry", "mm_start_code", HINT_HEX, NULL },
	{ "mm_entry", "mm_start_data", HINT_HEX, NULL },
	{ "mm_entry", "mm_start_stack", HINT_HEX, NULL },
	{ "mnt_entry", "flags", HINT_HEX, NULL },
	{ "mnt_entry", "root_dev", HINT_DEV, NULL },
	{ "mnt_entry", "sb_flags", HINT_HEX, NULL },
	{ "net_device_entry", "flags", HINT_HEX, NULL },
	{ "netlink_sk_entry", "flags", HINT_HEX, NULL },
	{ "packet_sock_entry", "flags", HINT_HEX, NULL },
	{ "pagemap_entry", "flags", HINT_FLAGS, pmap_flags_values },
	{ "pagemap_entry", "vaddr", HINT_HEX, NULL },
	{ "pipe_entry", "flags", HINT_HEX, NULL },
	{ "reg_file_entry", "flags", HINT_FLAGS, rfile_flags_values },
	{ "sa_entry", "flags", HINT_HEX, NULL },
	{ "sa_entry", "mask", HINT_HEX, NULL },
	{ "sa_entry", "mask_extended", HINT_HEX, NULL },
	{ "sa_entry", "restorer", HINT_HEX, NULL },
	{ "sa_entry", "sigaction", HINT_HEX, NULL },
	{ "signalfd_entry", "flags", HINT_HEX, NULL },
	{ "signalfd_entry", "sigmask", HINT_HEX, NULL },
	{ "sit_entry", "local", HINT_ADDRESS, NULL },
	{ "sit_entry", "rd_prefix", HINT_ADDRESS, NULL },
	{ "sit_entry", "relay_prefix", HINT_ADDRESS, NULL },
	{ "sit_entry", "remote", HINT_ADDRESS, NULL },
	{ "task_core_entry", "blk_sigset", HINT_HEX, NULL },
	{ "task_core_entry", "blk_sigset_extended", HINT_HEX, NULL },
	{ "task_core_entry", "membarrier_registration_mask", HINT_HEX, NULL },
	{ "task_core_entry", "task_state", HINT_DICT, task_states_values },
	{ "tcp_stream_entry", "opt_mask", HINT_HEX, NULL },
	{ "thread_info_aarch64", "clear_tid_addr", HINT_HEX, NULL },
	{ "thread_info_aarch64", "gpregs", HINT_HEX, NULL },
	{ "thread_info_arm", "clear_tid_addr", HINT_HEX, NULL },
	{ "thread_info_arm", "gpregs", HINT_HEX, NULL },
	{ "thread_info_loongarch64", "clear_tid_addr", HINT_HEX, NULL },
	{ "thread_info_loongarch64", "fpregs", HINT_HEX, NULL },
	{ "thread_info_loongarch64", "gpregs", HINT_HEX, NULL },
	{ "thread_info_mips", "clear_tid_addr", HINT_HEX, NULL },
	{ "thread_info_mips", "fpregs", HINT_HEX, NULL },
	{ "thread_info_mips", "gpregs", HINT_HEX, NULL },
	{ "thread_info_ppc64", "clear_tid_addr", HINT_HEX, NULL },
	{ "thread_info_ppc64", "gpregs", HINT_HEX, NULL },
	{ "thread_info_riscv64", "clear_tid_addr", HINT_HEX, NULL },
	{ "thread_info_riscv64", "gpregs", HINT_HEX, NULL },
	{ "thread_info_s390", "clear_tid_addr", HINT_HEX, NULL },
	{ "thread_info_s390", "fpregs", HINT_HEX, NULL },
	{ "thread_info_s390", "gpregs", HINT_HEX, NULL },
	{ "thread_info_s390", "gs_bc", HINT_HEX, NULL },
	{ "thread_info_s390", "gs_cb", HINT_HEX, NULL },
	{ "thread_info_s390", "ri_cb", HINT_HEX, NULL },
	{ "thread_info_s390", "vxrs_high", HINT_HEX, NULL },
	{ "thread_info_s390", "vxrs_low", HINT_HEX, NULL },
	{ "thread_info_x86", "clear_tid_addr", HINT_HEX, NULL },
	{ "thread_info_x86", "gpregs", HINT_HEX, NULL },
	{ "timerfd_entry", "flags", HINT_HEX, NULL },
	{ "timerfd_entry", "settime_flags", HINT_HEX, NULL },
	{ "tty_file_entry", "flags", HINT_HEX, NULL },
	{ "tun_link_entry", "flags", HINT_HEX, NULL },
	{ "unix_sk_entry", "flags", HINT_HEX, NULL },
	{ "unix_sk_entry", "name", HINT_UNIX_NAME, NULL },
	{ "unix_sk_entry", "state", HINT_DICT, socket_state_values },
	{ "unix_sk_entry", "type", HINT_DICT, socket_type_values },
	{ "unix_sk_entry", "uflags", HINT_HEX, NULL },
	{ "user_x86_cet_entry", "cet", HINT_HEX, NULL },
	{ "user_x86_cet_entry", "ssp", HINT_HEX, NULL },
	{ "vma_entry", "end", HINT_HEX, NULL },
	{ "vma_entry", "fdflags", HINT_HEX, NULL },
	{ "vma_entry", "flags", HINT_FLAGS, mmap_flags_values },
	{ "vma_entry", "madv", HINT_HEX, NULL },
	{ "vma_entry", "prot", HINT_FLAGS, mmap_prot_values },
	{ "vma_entry", "start", HINT_HEX, NULL },
	{ "vma_entry", "status", HINT_FLAGS, mmap_status_values },
};
const size_t nr_hints = sizeof(hints) / sizeof(hints[0]);

static int hint_compare(const void *a, const void *b)
{
	const struct hint *x = a, *y = b;
	int order = strcmp(x->message, y->message);
	return order ? order : strcmp(x->field, y->field);
}

const struct hint *hint_find(const char *message, const char *field)
{
	struct hint key = { .message = message, .field = field };
	return bsearch(&key, hints, nr_hints, sizeof(hints[0]), hint_compare);
}
