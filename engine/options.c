/* SPDX-License-Identifier: MIT
 * The engine's options: one table for all commands; help and completion read it too.
 */
#include "engine/options.h"

#include <string.h>

#include "base/array.h"
#include "base/log.h"

#define MAX_LOG_LEVEL 4

/* -v is -v1 more than silence, -vvv counts, -v4 says it at once. */
static int parse_verbosity(void *opts, const char *value, struct error *err)
{
	static const char rest[] = "erbosity="; /* -verbosity=N, as some scripts write */
	struct options *o = opts;
	int level = 1;
	if (value && !strncmp(value, rest, strlen(rest)))
		value += strlen(rest);
	if (!value) {
		level = o->log_level_given ? o->log_level + 1 : 1;
	} else if (strspn(value, "v") == strlen(value)) {
		level = (int)strlen(value) + 1;
	} else if (parse_int(value, &level) < 0 || level < 0) {
		return error_set(err, EINVAL, "--verbosity: %s is not a level from 0 to 4", value);
	}
	o->log_level = level > MAX_LOG_LEVEL ? MAX_LOG_LEVEL : level;
	o->log_level_given = true;
	return 0;
}

static int parse_validation(void *opts, const char *value, struct error *err)
{
	struct options *o = opts;
	if (strcmp(value, "filesize") && strcmp(value, "buildid"))
		return error_set(err, EINVAL,
				 "--file-validation: %s is neither filesize nor buildid", value);
	o->file_validation = value;
	return 0;
}

/* CRIU takes inode numbers here and treats all sockets alike nevertheless. */
static int parse_ext_unix(void *opts, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	((struct options *)opts)->ext_unix_sk = true;
	return 0;
}

static int parse_network_lock(void *opts, const char *value, struct error *err)
{
	static const struct {
		const char *name;
		enum network_lock method;
	} methods[] = { { "iptables", NETWORK_LOCK_IPTABLES },
			{ "nftables", NETWORK_LOCK_NFTABLES },
			{ "skip", NETWORK_LOCK_SKIP },
			{ "none", NETWORK_LOCK_SKIP } };
	struct options *o = opts;
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (!strcmp(value, methods[i].name)) {
			o->network_lock = methods[i].method;
			o->network_lock_given = true;
			return 0;
		}
	return error_set(err, EINVAL, "--network-lock: %s is not iptables, nftables or skip",
			 value);
}

/* CRIU's choice between two ways to read memory; pages are copied out of the task in either. */
static int parse_pre_dump_mode(void *opts, const char *value, struct error *err)
{
	(void)opts;
	if (strcmp(value, "splice") && strcmp(value, "read"))
		return error_set(err, EINVAL, "--pre-dump-mode: %s is neither splice nor read",
				 value);
	return 0;
}

/* --manage-cgroups alone is the default mode, said aloud. */
static int parse_cgroups(void *opts, const char *value, struct error *err)
{
	static const struct {
		const char *name;
		enum manage_cgroups mode;
	} modes[] = { { "ignore", CGROUPS_IGNORE }, { "none", CGROUPS_NONE },
		      { "props", CGROUPS_PROPS },   { "soft", CGROUPS_SOFT },
		      { "full", CGROUPS_FULL },     { "strict", CGROUPS_STRICT },
		      { "default", CGROUPS_SOFT } };
	struct options *o = opts;
	o->manage_cgroups = CGROUPS_SOFT;
	for (size_t i = 0; value && i < ARRAY_SIZE(modes); i++) {
		o->manage_cgroups = modes[i].mode;
		if (!strcmp(value, modes[i].name))
			return 0;
	}
	return value ? error_set(err, EINVAL,
				 "--manage-cgroups: %s is none of ignore, none, props, soft, full, "
				 "strict and default",
				 value)
		     : 0;
}

static int parse_nothing(void *opts, const char *value, struct error *err)
{
	(void)opts, (void)value, (void)err;
	return 0;
}

#define AT(member) offsetof(struct options, member)
#define BOTH       (OPT_DUMP | OPT_RESTORE)

const struct arg_row option_rows[NR_OPTION_ROWS] = {
	{ 't', "tree", "PID", "root of the process tree", ARG_INT, AT(pid), OPT_DUMP, NULL },
	{ 'D', "images-dir", "DIR", "where the images are; default: current directory", ARG_STRING,
	  AT(images_dir), BOTH, NULL },
	{ 'W', "work-dir", "DIR", "where logs, statistics and pidfiles go; default: images-dir",
	  ARG_STRING, AT(work_dir), BOTH, NULL },
	{ 'o', "log-file", "FILE", "log to a file in work-dir instead of standard error",
	  ARG_STRING, AT(log_file), 0, NULL },
	{ 'v', "verbosity", "[LEVEL]", "0 silent, 1 errors, 2 warnings (default), 3 info, 4 debug",
	  ARG_CALLBACK, 0, 0, parse_verbosity },
	{ 'R', "leave-running", NULL, "let the tasks run on after the dump", ARG_FLAG,
	  AT(leave_running), OPT_DUMP, NULL },
	{ 's', "leave-stopped", NULL, "leave the tasks stopped", ARG_FLAG, AT(leave_stopped), BOTH,
	  NULL },
	{ 'j', "shell-job", NULL, "the tree belongs to a session that stays outside", ARG_FLAG,
	  AT(shell_job), BOTH, NULL },
	{ 'x', "ext-unix-sk", "[INODE]",
	  "connect datagram sockets again by name to programs outside the tree", ARG_CALLBACK, 0,
	  BOTH, parse_ext_unix },
	{ 0, "tcp-established", NULL, "keep established TCP connections", ARG_FLAG,
	  AT(tcp_established), BOTH, NULL },
	{ 0, "tcp-close", NULL, "give TCP connections up: they are closed after the restore",
	  ARG_FLAG, AT(tcp_close), BOTH, NULL },
	{ 0, "skip-in-flight", NULL, "drop TCP connections that wait to be accepted", ARG_FLAG,
	  AT(skip_in_flight), OPT_DUMP, NULL },
	{ 0, "network-lock", "METHOD",
	  "hold TCP connections still with iptables (default), nftables, or skip it", ARG_CALLBACK,
	  0, BOTH, parse_network_lock },
	{ 0, "external", "RESOURCE", "leave a resource out of the images: tty[RDEV:DEV]", ARG_LIST,
	  AT(external), BOTH, NULL },
	{ 0, "inherit-fd", "fd[N]:RESOURCE", "an open descriptor takes the place of a resource",
	  ARG_LIST, AT(inherit), OPT_RESTORE, NULL },
	{ 0, "timeout", "SECONDS", "how long the tree may take to stop; default: 10", ARG_INT,
	  AT(timeout), OPT_DUMP, NULL },
	{ 'd', "restore-detached", NULL, "do not wait for the restored tree", ARG_FLAG,
	  AT(restore_detached), OPT_RESTORE, NULL },
	{ 'S', "restore-sibling", NULL, "make the root task a child of the caller", ARG_FLAG,
	  AT(restore_sibling), OPT_RESTORE, NULL },
	{ 0, "pidfile", "FILE", "write the root task's (the service's) pid to a file in work-dir",
	  ARG_STRING, AT(pidfile), OPT_RESTORE | OPT_SERVICE, NULL },
	{ 0, "address", "PATH", "socket of the service; default: criu_service.socket", ARG_STRING,
	  AT(address), OPT_SERVICE, NULL },
	{ 0, "daemon", NULL, "go to the background once the socket is there (-d as well)", ARG_FLAG,
	  AT(restore_detached), OPT_SERVICE, NULL },
	{ 0, "manage-cgroups", "[MODE]",
	  "ignore, none, props, soft (default), full or strict: how far control groups are "
	  "restored",
	  ARG_CALLBACK, 0, BOTH, parse_cgroups },
	{ 0, "cgroup-root", "HIERARCHY:/PATH",
	  "where the groups of the tree are put in one hierarchy; /PATH: in all", ARG_LIST,
	  AT(cgroup_roots), BOTH, NULL },
	{ 0, "cgroup-dump-controller", "NAME",
	  "store the groups of this hierarchy alone; may be given several times", ARG_LIST,
	  AT(cgroup_controllers), OPT_DUMP, NULL },
	{ 0, "cgroup-yard", "DIR",
	  "where all hierarchies are mounted, if none may be mounted; from the work-dir",
	  ARG_STRING, AT(cgroup_yard), BOTH, NULL },
	{ 0, "freeze-cgroup", "DIR", "the freezer cgroup the tree is in, which may be frozen",
	  ARG_STRING, AT(freeze_cgroup), OPT_DUMP, NULL },
	{ 0, "sync", NULL, "have the images on the disk before the tree is killed", ARG_FLAG,
	  AT(sync), OPT_DUMP, NULL },
	{ 0, "display-stats", NULL, "print times and page counts to the log in the end", ARG_FLAG,
	  AT(display_stats), BOTH, NULL },
	{ 0, "exec-cmd", NULL, "become the command behind `--`, as the tree's parent", ARG_FLAG,
	  AT(exec_cmd), OPT_RESTORE, NULL },
	{ 0, "status-fd", "FD", "write a zero byte to this descriptor when requests are taken",
	  ARG_INT, AT(status_fd), OPT_SERVICE, NULL },
	{ 0, "log-pid", NULL, "taken, and means nothing: there is one log", ARG_CALLBACK, 0,
	  OPT_RESTORE, parse_nothing },
	{ 0, "action-script", "FILE",
	  "run a program at each stage; $CRTOOLS_SCRIPT_ACTION names it", ARG_LIST,
	  AT(action_scripts), BOTH, NULL },
	{ 0, "file-validation", "METHOD", "how files are compared: filesize or buildid (default)",
	  ARG_CALLBACK, 0, BOTH, parse_validation },
	{ 0, "irmap-scan-path", "DIR",
	  "look here, too, for watched files that have no handle; again for more", ARG_LIST,
	  AT(irmap_scan_paths), OPT_DUMP, NULL },
	{ 0, "force-irmap", NULL, "look for watched files whose handle leads to no name", ARG_FLAG,
	  AT(force_irmap), OPT_DUMP, NULL },
	{ 'l', "file-locks", NULL, "carry file locks and leases; without it they are refused",
	  ARG_FLAG, AT(file_locks), BOTH, NULL },
	{ 0, "ghost-limit", "SIZE",
	  "how large a deleted file may be to go into the images; default: 1M", ARG_UINT64,
	  AT(ghost_limit), OPT_DUMP, NULL },
	{ 0, "ghost-fiemap", NULL,
	  "find the holes of deleted files by FIEMAP; they are found either way", ARG_FLAG,
	  AT(ghost_fiemap), OPT_DUMP, NULL },
	{ 0, "link-remap", NULL,
	  "link files whose name was removed to a new name, until they are restored", ARG_FLAG,
	  AT(link_remap), OPT_DUMP, NULL },
	{ 0, "evasive-devices", NULL,
	  "open a device by any node with its numbers, when its own path leads elsewhere", ARG_FLAG,
	  AT(evasive_devices), BOTH, NULL },
	{ 0, "pre-dump-mode", "MODE", "how pages are read: splice or read; both are read here",
	  ARG_CALLBACK, 0, OPT_DUMP, parse_pre_dump_mode },
	{ 0, "config", "FILE", "read more options from a file, one a line", ARG_STRING, AT(config),
	  0, NULL },
	{ 0, "no-default-config", NULL,
	  "do not read /etc/criu/default.conf and ~/.criu/default.conf", ARG_FLAG,
	  AT(no_default_config), 0, NULL },
	{ 0, "all", NULL, "check every feature, also rarely needed ones", ARG_FLAG, AT(check_all),
	  OPT_CHECK, NULL },
	{ 0, "extra", NULL, "check the features some programs need", ARG_FLAG, AT(check_extra),
	  OPT_CHECK, NULL },
	{ 0, "experimental", NULL, "check features in the making: there are none", ARG_FLAG,
	  AT(check_experimental), OPT_CHECK, NULL },
	{ 0, "feature", "NAME", "check one feature; `list` names them", ARG_STRING, AT(feature),
	  OPT_CHECK, NULL },
};

int options_log_level(const struct options *opts)
{
	return opts->log_level_given ? opts->log_level : LOG_WARN;
}
