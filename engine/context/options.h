/* SPDX-License-Identifier: MIT
 * What was asked for: filled from the command line, read by everyone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/args.h"

struct hook_listener; /* hooks.h */

/* --remap-pids */
enum remap_pids {
	REMAP_PIDS_NOT,
	REMAP_PIDS_SAFE,  /* where no task knows another by a number that changes */
	REMAP_PIDS_FORCE, /* whatever they know */
};

/* What is done with control groups on restore: CRIU's modes; soft is the default. */
enum manage_cgroups {
	CGROUPS_SOFT,   /* make what is missing, and write limits only there */
	CGROUPS_IGNORE, /* stay where the engine is; on dump: note nothing */
	CGROUPS_NONE,   /* all must be there, and stays as it is */
	CGROUPS_PROPS,  /* all must be there, limits are written */
	CGROUPS_FULL,   /* make what is missing, write limits everywhere */
	CGROUPS_STRICT, /* nothing may be there before */
};

/* Who is dumped waits for an answer on a socket whose other end is in this process. */
struct self_dump {
	uint32_t socket_ino; /* of our end */
	const void *answer;  /* what the restored one is to read there */
	size_t answer_len;
};

/* --network-lock; the values of inventory_entry.network_lock_method. */
enum network_lock {
	NETWORK_LOCK_IPTABLES = 0,
	NETWORK_LOCK_NFTABLES = 1,
	NETWORK_LOCK_SKIP = 2,
};

struct options {
	int pid;                /* -t: root of the tree to dump */
	const char *images_dir; /* -D; NULL: current directory */
	const char *work_dir;   /* -W; NULL: images_dir. Log, stats and pidfile go here */
	const char *log_file;   /* -o, relative to work_dir; NULL: standard error */
	const char *address;    /* --address: of the service's socket */
	const char *pidfile;    /* --pidfile, relative to work_dir */
	int log_level;          /* -v; default 2 (warnings) */
	bool log_level_given;
	int timeout;              /* --timeout: seconds for stopping the tree; 0: the default, 10 */
	bool leave_running;       /* -R */
	bool leave_stopped;       /* -s */
	bool shell_job;           /* -j */
	struct arg_list ext_unix; /* -x: every occurrence; NULL, or an inode number to leave out */
	struct arg_list external; /* --external: resources that stay outside of the images */
	struct arg_list inherit;  /* --inherit-fd: what takes their places */
	struct arg_list ext_mount_map; /* --ext-mount-map KEY:VALUE, auto */
	bool ext_sharing;              /* --enable-external-sharing */
	bool ext_masters;              /* --enable-external-masters */
	struct arg_list skip_mnt;      /* --skip-mnt */
	struct arg_list enable_fs;     /* --enable-fs TYPE[,TYPE] */
	const char *lsm_profile, *lsm_mount_context;
	const char *root;                 /* --root */
	bool restore_detached;            /* -d */
	bool restore_sibling;             /* -S */
	struct arg_list irmap_scan_paths; /* --irmap-scan-path */
	bool force_irmap;                 /* --force-irmap */
	bool file_locks;                  /* -l */
	uint64_t ghost_limit;             /* --ghost-limit, bytes; 0: the default */
	bool nothing;                     /* of flags that are taken and mean nothing */
	bool link_remap;                  /* --link-remap */
	bool evasive_devices;             /* --evasive-devices */
	const char *file_validation;      /* "filesize" or "buildid" (default) */
	const char *feature;              /* check --feature */
	const char *config;               /* --config; config.c has read it by then */
	bool tcp_established;             /* --tcp-established */
	bool tcp_close;                   /* --tcp-close */
	bool skip_in_flight;              /* --skip-in-flight */
	bool weak_sysctls;                /* --weak-sysctls: missing ones are no error */
	bool empty_net;                   /* --empty-ns net: somebody else fills it */
	struct arg_list veth_pairs;       /* --veth-pair IN=OUT */
	struct arg_list joins;            /* --join-ns KIND:FILE */
	bool network_lock_given;
	enum network_lock network_lock; /* --network-lock */
	bool no_default_config;
	const char *freeze_cgroup;      /* --freeze-cgroup */
	bool sync;                      /* --sync */
	bool display_stats;             /* --display-stats */
	bool exec_cmd;                  /* --exec-cmd: the command is in the operands */
	int status_fd;                  /* --status-fd; 0: none */
	struct arg_list action_scripts; /* --action-script */
	bool owned_only;                /* dump only tasks of the user `owner`, */
	uid_t owner;                    /* for whom the service runs */
	bool orphan_pts_master;
	bool skip_file_rwx_check;
	bool allow_uprobes; /* --allow-uprobes */
	bool cpu_cap_given;
	uint32_t cpu_cap;                   /* --cpu-cap: CPU_CAP_… of cpuinfo.h */
	enum manage_cgroups manage_cgroups; /* --manage-cgroups */
	enum remap_pids remap_pids;
	struct arg_list cgroup_roots;         /* --cgroup-root [HIERARCHY:]/PATH */
	struct arg_list cgroup_controllers;   /* --cgroup-dump-controller; none: all */
	const char *cgroup_yard;              /* --cgroup-yard */
	const char *cgroup_props;             /* --cgroup-props: ns/cgroup-spec.h */
	const char *cgroup_props_file;        /* --cgroup-props-file */
	const struct self_dump *self_dump;    /* the tree asked for its own dump; NULL: no */
	const struct hook_listener *listener; /* who asked by RPC; NULL: nobody */
	bool check_all, check_extra, check_experimental;
};
