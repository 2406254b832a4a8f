/* SPDX-License-Identifier: MIT
 * What was asked for: filled from the command line (later: RPC, config files), read by everyone.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct options {
	int pid;                /* -t: root of the tree to dump */
	const char *images_dir; /* -D; NULL: current directory */
	const char *work_dir;   /* -W; NULL: images_dir. Log, stats and pidfile go here */
	const char *log_file;  /* -o; NULL: dump.log or restore.log … as CRIU's default: stderr */
	const char *pidfile;   /* --pidfile, relative to work_dir */
	int log_level;         /* -v; default 2 (warnings) */
	bool leave_running;    /* -R */
	bool leave_stopped;    /* -s */
	bool shell_job;        /* -j */
	bool restore_detached; /* -d */
	bool restore_sibling;  /* -S */
	const char *file_validation; /* "filesize" or "buildid" (default) */
	const char *feature;         /* check --feature */
	bool check_all, check_extra;
};
