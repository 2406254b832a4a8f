/* SPDX-License-Identifier: MIT
 * What the running kernel can do: one row per feature, each probed when somebody asks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum feature_need {
	FEATURE_BASIC, /* nothing works without it */
	FEATURE_EXTRA, /* some programs need it, or something is slower without */
	FEATURE_ALL,   /* rarely needed */
	FEATURE_NAMED, /* not missed, and checked only when asked for by name */
};

struct feature {
	const char *name; /* as `check --feature` and RPC clients call it */
	const char *what; /* one line, lower case */
	enum feature_need need;
	bool (*probe)(void); /* has no effect on this process; may fork a child */
};

#define NR_FEATURES 54
extern const struct feature features[NR_FEATURES];

/** By name; NULL: there is no such row. */
const struct feature *feature_find(const char *name);

/** @return 0 when every FEATURE_BASIC row is there; -ENOTSUP naming the first that is not. */
int feature_check_basic(struct error *err);

/* The rows' probes, by what they try. */
bool probe_children_file(void), probe_map_files(void), probe_kcmp(void), probe_kcmp_epoll(void),
    probe_aio_remap(void), probe_pidfd_store(void);
bool probe_peek_signals(void), probe_tid_address(void), probe_clone3_set_tid(void);
bool probe_set_mm_map(void), probe_mem_write(void), probe_syscall_info(void);
bool probe_mnt_id(void), probe_fdinfo_lock(void), probe_ns_pid(void), probe_userns(void);
bool probe_cgroupns(void), probe_timens(void), probe_loginuid(void), probe_timers_file(void);
bool probe_timer_ids(void), probe_timerfd_ticks(void), probe_seccomp_suspend(void);
bool probe_seccomp_filters(void);
bool probe_rseq_conf(void), probe_soft_dirty(void), probe_pagemap_scan(void);
bool probe_pagemap_guard(void), probe_uffd(void), probe_uffd_noncoop(void), probe_map_vdso(void);
bool probe_lock_nftables(void), probe_iptables_legacy(void), probe_tcp_half_closed(void);
bool probe_tun(void), probe_tun_ns(void), probe_unix_file(void), probe_link_nsid(void);
bool probe_new_ifindex(void), probe_nftables(void);
bool probe_raw_sockets(void), probe_buf_lock(void), probe_ipv6_freebind(void);
bool probe_memfd_hugetlb(void), probe_openat2(void), probe_move_mount_set_group(void);
bool probe_autofs(void), probe_socket_netns(void), probe_netns_ids(void), probe_breakpoints(void);
bool probe_label_stacking(void), probe_overlay_maps(void), probe_never(void);
