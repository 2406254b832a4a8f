/* SPDX-License-Identifier: MIT
 * The tables of an export.
 */
#include "convert/export/tables.h"

#define I(name)                                                                                    \
	{                                                                                          \
		name, COL_INTEGER                                                                  \
	}
#define T(name)                                                                                    \
	{                                                                                          \
		name, COL_TEXT                                                                     \
	}
#define B(name)                                                                                    \
	{                                                                                          \
		name, COL_BOOLEAN                                                                  \
	}

const struct export_table export_tables[NR_EXPORT_TABLES] = {
	[TABLE_CHECKPOINTS] = { "checkpoints",
				{ I("checkpoint"), T("source"), I("image_version"), T("run_id"),
				  T("machine"), T("hostname"), I("processes"), I("bytes"),
				  I("freezing_us"), I("frozen_us"), I("memdump_us"),
				  I("memwrite_us"), I("pages_scanned"), I("pages_written") } },
	[TABLE_PROCESSES] = { "processes",
			      { I("checkpoint"), I("pid"), I("ppid"), I("pgid"), I("sid"),
				T("comm"), T("state"), T("command_line"), T("exe"), T("cwd"),
				T("root"), I("umask"), I("threads"), I("exit_code"),
				I("oom_score_adj"), I("cgroup_set"), T("cgroup") } },
	[TABLE_THREADS] = { "threads",
			    { I("checkpoint"),
			      I("pid"),
			      I("tid"),
			      T("comm"),
			      I("nice"),
			      I("policy"),
			      I("priority"),
			      I("uid"),
			      I("gid"),
			      I("euid"),
			      I("egid"),
			      I("suid"),
			      I("sgid"),
			      T("cap_effective"),
			      T("cap_permitted"),
			      T("cap_bounding"),
			      B("no_new_privs"),
			      T("seccomp"),
			      T("lsm_profile"),
			      I("ip"),
			      I("sp") } },
	[TABLE_VMAS] = { "vmas",
			 { I("checkpoint"), I("pid"), I("start"), I("end"), I("bytes"), T("prot"),
			   B("shared"), T("kind"), T("path"), I("offset"), I("stored_bytes"),
			   I("zero_bytes"), I("parent_bytes"), I("lazy_bytes"), I("file_id"),
			   I("segment") } },
	[TABLE_DESCRIPTORS] = { "descriptors",
				{ I("checkpoint"), I("pid"), I("fd"), T("type"), I("file_id"),
				  B("close_on_exec") } },
	[TABLE_FILES] = { "files",
			  { I("checkpoint"), T("type"), I("file_id"), T("name"), I("flags"),
			    I("position"), I("size"), I("mode"), I("mount_id"), T("remap") } },
	[TABLE_SOCKETS] = { "sockets",
			    { I("checkpoint"), I("file_id"), T("family"), T("type"), I("protocol"),
			      T("state"), T("local_address"), I("local_port"), T("remote_address"),
			      I("remote_port"), T("name"), I("inode"), I("peer_inode"),
			      I("backlog"), I("net_ns") } },
	[TABLE_MOUNTS] = { "mounts",
			   { I("checkpoint"), I("mnt_ns"), I("mount_id"), I("parent_id"),
			     T("mountpoint"), T("root"), T("fstype"), T("source"), T("options"),
			     I("flags"), I("shared_id"), I("master_id"), T("external") } },
	[TABLE_NAMESPACES] = { "namespaces",
			       { I("checkpoint"), I("pid"), T("kind"), I("ns"), B("dumped") } },
	[TABLE_ENVIRONMENT] = { "environment",
				{ I("checkpoint"), I("pid"), T("name"), T("value") } },
};

size_t export_table_columns(enum export_table_id id)
{
	size_t n = 0;
	while (n < EXPORT_COLUMNS_MAX && export_tables[id].columns[n].name)
		n++;
	return n;
}
