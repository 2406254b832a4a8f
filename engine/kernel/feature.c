/* SPDX-License-Identifier: MIT
 * The rows of features, and finding one.
 */
#include "engine/kernel/feature.h"

#include <string.h>

#include "base/array.h"

/* The kernel may have it, but we have no use for it. */
bool probe_never(void)
{
	return false;
}

const struct feature features[NR_FEATURES] = {
	{ "proc_children", "/proc/PID/task/TID/children", FEATURE_BASIC, probe_children_file },
	{ "map_files", "/proc/PID/map_files", FEATURE_BASIC, probe_map_files },
	{ "mem_write", "code can be written through /proc/PID/mem", FEATURE_BASIC,
	  probe_mem_write },
	{ "kcmp", "kcmp(2)", FEATURE_BASIC, probe_kcmp },
	{ "pidfd_store", "pidfd_open(2) and pidfd_getfd(2)", FEATURE_BASIC, probe_pidfd_store },
	{ "peeksiginfo", "queued signals can be read", FEATURE_BASIC, probe_peek_signals },
	{ "syscall_info", "PTRACE_GET_SYSCALL_INFO", FEATURE_BASIC, probe_syscall_info },
	{ "tid_address", "PR_GET_TID_ADDRESS", FEATURE_BASIC, probe_tid_address },
	{ "set_mm_map", "PR_SET_MM_MAP", FEATURE_BASIC, probe_set_mm_map },
	{ "clone3_set_tid", "tasks can be born with their old ids", FEATURE_BASIC,
	  probe_clone3_set_tid },
	{ "mnt_id", "mount ids in fdinfo", FEATURE_BASIC, probe_mnt_id },
	{ "ns_pid", "ids of nested pid namespaces in status", FEATURE_BASIC, probe_ns_pid },

	{ "posix_timers", "/proc/PID/timers", FEATURE_EXTRA, probe_timers_file },
	{ "timer_cr_ids", "timers can be created with their old ids", FEATURE_EXTRA,
	  probe_timer_ids },
	{ "timerfd", "missed ticks of a timerfd can be set", FEATURE_EXTRA, probe_timerfd_ticks },
	{ "get_rseq_conf", "restartable sequences can be read", FEATURE_EXTRA, probe_rseq_conf },
	{ "seccomp_suspend", "seccomp can be suspended by a tracer", FEATURE_EXTRA,
	  probe_seccomp_suspend },
	{ "seccomp_filters", "filters of seccomp can be read", FEATURE_EXTRA,
	  probe_seccomp_filters },
	{ "kcmp_epoll", "kcmp(2) finds what epoll watches", FEATURE_EXTRA, probe_kcmp_epoll },
	{ "aio_remap", "rings of asynchronous I/O can be moved", FEATURE_EXTRA, probe_aio_remap },
	{ "fdinfo_lock", "file locks in fdinfo", FEATURE_EXTRA, probe_fdinfo_lock },
	{ "loginuid", "/proc/PID/loginuid", FEATURE_EXTRA, probe_loginuid },
	{ "mem_dirty_track", "soft-dirty page tracking", FEATURE_EXTRA, probe_soft_dirty },
	{ "pagemap_scan", "PAGEMAP_SCAN", FEATURE_EXTRA, probe_pagemap_scan },
	{ "pagemap_scan_guard_pages", "PAGEMAP_SCAN tells guard regions", FEATURE_EXTRA,
	  probe_pagemap_guard },
	{ "uffd", "userfaultfd(2)", FEATURE_EXTRA, probe_uffd },
	{ "uffd-noncoop", "userfaultfd events of other processes", FEATURE_EXTRA,
	  probe_uffd_noncoop },
	{ "can_map_vdso", "the vdso can be mapped anew", FEATURE_EXTRA, probe_map_vdso },
	{ "memfd_hugetlb", "memfd_create(2) of huge pages", FEATURE_EXTRA, probe_memfd_hugetlb },
	{ "openat2", "openat2(2)", FEATURE_EXTRA, probe_openat2 },
	{ "userns", "user namespaces", FEATURE_EXTRA, probe_userns },
	{ "cgroupns", "cgroup namespaces", FEATURE_EXTRA, probe_cgroupns },
	{ "timens", "time namespaces", FEATURE_EXTRA, probe_timens },
	{ "tcp_half_closed", "the end of a TCP stream can be restored", FEATURE_EXTRA,
	  probe_tcp_half_closed },
	{ "network_lock_nftables", "connections can be locked with nftables", FEATURE_EXTRA,
	  probe_lock_nftables },
	{ "has_ipt_legacy", "iptables-legacy works", FEATURE_ALL, probe_iptables_legacy },
	{ "net_diag_raw", "raw sockets can be read", FEATURE_ALL, probe_raw_sockets },
	{ "sockopt_buf_lock", "SO_BUF_LOCK", FEATURE_EXTRA, probe_buf_lock },
	{ "ipv6_freebind", "IPV6_FREEBIND", FEATURE_EXTRA, probe_ipv6_freebind },
	{ "tun", "TUN and TAP devices can be made under their numbers", FEATURE_EXTRA, probe_tun },
	{ "tun_ns", "network namespaces of TUN and TAP descriptors", FEATURE_EXTRA, probe_tun_ns },
	{ "sk_unix_file", "files that unix sockets are bound to", FEATURE_EXTRA, probe_unix_file },
	{ "link_nsid", "network namespaces of the other ends of devices", FEATURE_EXTRA,
	  probe_link_nsid },
	{ "newifindex", "network devices can be made under their numbers", FEATURE_EXTRA,
	  probe_new_ifindex },
	{ "nftables", "packet filters of nftables", FEATURE_EXTRA, probe_nftables },
	{ "move_mount_set_group", "MOVE_MOUNT_SET_GROUP", FEATURE_EXTRA,
	  probe_move_mount_set_group },
	{ "autofs", "daemons of autofs can be connected again", FEATURE_EXTRA, probe_autofs },

	/* asked for by name by scripts written for CRIU */
	{ "sk_ns", "network namespaces of sockets", FEATURE_EXTRA, probe_socket_netns },
	{ "nsid", "network namespaces have numbers in others", FEATURE_EXTRA, probe_netns_ids },
	{ "external_net_ns", "network namespaces can be left outside", FEATURE_EXTRA,
	  probe_socket_netns },
	{ "breakpoints", "breakpoints of the processor", FEATURE_NAMED, probe_breakpoints },
	{ "apparmor_stacking", "profiles of AppArmor on top of each other", FEATURE_NAMED,
	  probe_label_stacking },
	{ "overlayfs_maps", "files of overlayfs are told rightly when mapped", FEATURE_NAMED,
	  probe_overlay_maps },
	{ "compat_cr", "32-bit programs", FEATURE_NAMED, probe_never },
};

const struct feature *feature_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		if (!strcmp(features[i].name, name))
			return &features[i];
	}
	return NULL;
}

int feature_check_basic(struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *f = &features[i];
		if (f->need == FEATURE_BASIC && !f->probe())
			return error_set(err, ENOTSUP,
					 "%s (%s) is missing: nothing works without it", f->name,
					 f->what);
	}
	return 0;
}
