/* SPDX-License-Identifier: MIT
 * Control files of cgroups: a row each, read at the dump and written at the restore.
 */
#include "engine/ns/cgroup-props.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "images/cgroup-perms.h"
#include "images/message.h"

#define EVERY_V1 "*" /* whatever the controller, but not the unified hierarchy */

static const struct prop {
	const char *controller; /* "": the unified hierarchy */
	const char *name;
	enum cgroup_prop_when when;
	bool members;  /* a list of tasks: only who may write it is kept */
	bool siblings; /* is about the groups beside it, of which the root has none */
	/* What new groups have, where some kernels have no such file: that is not carried. */
	const char *usual;
} props[] = {
	{ EVERY_V1, "cgroup.clone_children", CGROUP_PROP_FIRST, false },
	{ EVERY_V1, "notify_on_release", CGROUP_PROP_FULL, false },
	{ EVERY_V1, "cgroup.procs", CGROUP_PROP_FULL, true },
	{ EVERY_V1, "tasks", CGROUP_PROP_FULL, true },
	{ "cpu", "cpu.shares", CGROUP_PROP_FULL, false },
	{ "cpu", "cpu.cfs_period_us", CGROUP_PROP_FULL, false },
	{ "cpu", "cpu.cfs_quota_us", CGROUP_PROP_FULL, false },
	{ "cpu", "cpu.cfs_burst_us", CGROUP_PROP_FULL, .usual = "0" },
	{ "cpu", "cpu.idle", CGROUP_PROP_FULL, .usual = "0" }, /* then shares cannot be set */
	{ "cpu", "cpu.rt_period_us", CGROUP_PROP_FULL, false },
	{ "cpu", "cpu.rt_runtime_us", CGROUP_PROP_FULL, false },
	{ "memory", "memory.limit_in_bytes", CGROUP_PROP_FULL, false },
	{ "memory", "memory.memsw.limit_in_bytes", CGROUP_PROP_FULL, false },
	{ "memory", "memory.swappiness", CGROUP_PROP_FIRST, false },
	{ "memory", "memory.soft_limit_in_bytes", CGROUP_PROP_FULL, false },
	{ "memory", "memory.move_charge_at_immigrate", CGROUP_PROP_FULL, false },
	{ "memory", "memory.oom_control", CGROUP_PROP_FIRST, false },
	{ "memory", "memory.use_hierarchy", CGROUP_PROP_FIRST, false },
	{ "memory", "memory.kmem.limit_in_bytes", CGROUP_PROP_FIRST, false },
	{ "memory", "memory.kmem.tcp.limit_in_bytes", CGROUP_PROP_FULL, false },
	{ "cpuset", "cpuset.cpus", CGROUP_PROP_FIRST, false },
	{ "cpuset", "cpuset.mems", CGROUP_PROP_FIRST, false },
	{ "cpuset", "cpuset.memory_migrate", CGROUP_PROP_FIRST, false },
	{ "cpuset", "cpuset.cpu_exclusive", CGROUP_PROP_FIRST, false, true },
	{ "cpuset", "cpuset.mem_exclusive", CGROUP_PROP_FIRST, false, true },
	{ "cpuset", "cpuset.mem_hardwall", CGROUP_PROP_FIRST, false },
	{ "cpuset", "cpuset.memory_spread_page", CGROUP_PROP_FIRST, false },
	{ "cpuset", "cpuset.memory_spread_slab", CGROUP_PROP_FIRST, false },
	{ "cpuset", "cpuset.sched_load_balance", CGROUP_PROP_FIRST, false },
	{ "cpuset", "cpuset.sched_relax_domain_level", CGROUP_PROP_FIRST, false },
	{ "blkio", "blkio.weight", CGROUP_PROP_FULL, false },
	{ "blkio", "blkio.throttle.read_bps_device", CGROUP_PROP_FULL, .usual = "" },
	{ "blkio", "blkio.throttle.write_bps_device", CGROUP_PROP_FULL, .usual = "" },
	{ "blkio", "blkio.throttle.read_iops_device", CGROUP_PROP_FULL, .usual = "" },
	{ "blkio", "blkio.throttle.write_iops_device", CGROUP_PROP_FULL, .usual = "" },
	{ "freezer", "freezer.state", CGROUP_PROP_LAST, false },
	{ "net_cls", "net_cls.classid", CGROUP_PROP_FULL, false },
	{ "net_prio", "net_prio.ifpriomap", CGROUP_PROP_FULL, false },
	{ "pids", "pids.max", CGROUP_PROP_FULL, false },
	{ "devices", "devices.list", CGROUP_PROP_FIRST, false },
	{ "", "cgroup.type", CGROUP_PROP_FIRST, false },
	{ "", "cgroup.subtree_control", CGROUP_PROP_FIRST, false },
	{ "", "cgroup.max.descendants", CGROUP_PROP_FULL, false },
	{ "", "cgroup.max.depth", CGROUP_PROP_FULL, false },
	{ "", "cgroup.procs", CGROUP_PROP_FULL, true },
	{ "", "cgroup.threads", CGROUP_PROP_FULL, true },
	{ "", "cgroup.kill", CGROUP_PROP_FULL, true, .usual = "" }, /* is written to alone */
	{ "", "cgroup.pressure", CGROUP_PROP_FULL, .usual = "1" },
	{ "", "cpu.weight", CGROUP_PROP_FULL, false },
	{ "", "cpu.max", CGROUP_PROP_FULL, false },
	{ "", "cpu.idle", CGROUP_PROP_FULL, false },
	{ "", "cpuset.cpus", CGROUP_PROP_FIRST, false },
	{ "", "cpuset.mems", CGROUP_PROP_FIRST, false },
	{ "", "cpuset.cpus.partition", CGROUP_PROP_FIRST, false },
	{ "", "memory.min", CGROUP_PROP_FULL, false },
	{ "", "memory.low", CGROUP_PROP_FULL, false },
	{ "", "memory.high", CGROUP_PROP_FULL, false },
	{ "", "memory.max", CGROUP_PROP_FULL, false },
	{ "", "memory.swap.max", CGROUP_PROP_FULL, false },
	{ "", "memory.oom.group", CGROUP_PROP_FULL, false },
	{ "", "io.weight", CGROUP_PROP_FULL, false },
	{ "", "io.max", CGROUP_PROP_FULL, false },
	{ "", "pids.max", CGROUP_PROP_FULL, false },
	{ "", "cgroup.freeze", CGROUP_PROP_LAST, false },
};

static bool belongs_to(const struct prop *p, const char *name)
{
	if (!*name || !*p->controller)
		return !*name && !*p->controller;
	return !strcmp(p->controller, EVERY_V1) || cgroup_name_has(name, p->controller);
}

static CgroupPerms *perms_new(const struct stat *st)
{
	CgroupPerms *perms = message_new(&cgroup_perms__descriptor);
	if (!perms)
		return NULL;
	perms->mode = st->st_mode;
	perms->uid = st->st_uid;
	perms->gid = st->st_gid;
	return perms;
}

/* What is written back, out of what is read. */
static void value_trim(const char *name, struct strbuf *value)
{
	static const char oom[] = "oom_kill_disable ";
	if (!strcmp(name, "memory.oom_control") && !strncmp(value->data, oom, strlen(oom))) {
		char *end = strchr(value->data, '\n');
		value->len = (size_t)((end ? end : value->data + value->len) - value->data);
		value->len -= strlen(oom);
		memmove(value->data, value->data + strlen(oom), value->len);
	}
	while (value->len && value->data[value->len - 1] == '\n')
		value->len--;
	value->data[value->len] = 0;
}

/* Some files of the kernel can be seen but not read in this group: then there is no value. */
static int value_read(int dir, const char *name, struct strbuf *out)
{
	struct error err;
	if (file_read_at(dir, name, out, &err) < 0)
		return -errno;
	if (strbuf_char(out, 0) < 0)
		return -ENOMEM;
	out->len--;
	value_trim(name, out);
	return 0;
}

static int prop_add(CgroupDirEntry *e, const char *name, const char *value, const struct stat *st)
{
	CgroupPropEntry **grown =
	    realloc(e->properties, (e->n_properties + 1) * sizeof(*e->properties));
	if (!grown)
		return -ENOMEM;
	e->properties = grown;
	CgroupPropEntry *prop = message_new(&cgroup_prop_entry__descriptor);
	if (!prop)
		return -ENOMEM;
	e->properties[e->n_properties++] = prop;
	prop->name = strdup(name);
	prop->value = strdup(value);
	prop->perms = perms_new(st);
	return prop->name && prop->value && prop->perms ? 0 : -ENOMEM;
}

static int prop_dump(int dir, const struct prop *p, CgroupDirEntry *e)
{
	struct stat st;
	auto_strbuf value = { 0 };
	if (fstatat(dir, p->name, &st, 0) < 0)
		return 0; /* this kernel, or the root of a hierarchy, has not got it */
	int rc = p->members ? 0 : value_read(dir, p->name, &value);
	if (rc == -ENOMEM)
		return rc;
	const char *text = value.data ? value.data : "";
	if (rc < 0 || (p->usual && !strcmp(text, p->usual) && !st.st_uid && !st.st_gid))
		return 0;
	return prop_add(e, p->name, text, &st);
}

/* In the unified hierarchy a file's name begins with that of its controller. */
static bool is_replaced(const struct prop *p, const struct cgroup_kept *kept)
{
	for (size_t i = 0; i < kept->spec->nr; i++) {
		const struct cgroup_spec_row *row = &kept->spec->items[i];
		size_t len = strlen(row->controller);
		bool about = *p->controller
				 ? !strcmp(p->controller, row->controller)
				 : !strncmp(p->name, row->controller, len) && p->name[len] == '.';
		if (about && row->replaces && cgroup_spec_is_for(row, kept->hierarchy))
			return true;
	}
	return false;
}

static bool has_prop(const CgroupDirEntry *e, const char *name)
{
	for (size_t i = 0; i < e->n_properties; i++)
		if (!strcmp(e->properties[i]->name, name))
			return true;
	return false;
}

/* What --cgroup-props adds. */
static int more_dump(int dir, const struct cgroup_kept *kept, CgroupDirEntry *e)
{
	int rc = 0;
	for (size_t i = 0; i < kept->spec->nr; i++) {
		const struct cgroup_spec_row *row = &kept->spec->items[i];
		bool about = cgroup_spec_is_for(row, kept->hierarchy);
		for (size_t k = 0; rc == 0 && about && k < row->files.nr; k++) {
			const struct prop more = { .name = row->files.items[k] };
			rc = has_prop(e, more.name) ? 0 : prop_dump(dir, &more, e);
		}
	}
	return rc;
}

int cgroup_props_dump(int dir, const struct cgroup_kept *kept, const char *where, CgroupDirEntry *e,
		      struct error *err)
{
	struct stat st;
	if (fstat(dir, &st) < 0)
		return error_sys(err, "cgroup %s: stat", where);
	e->dir_perms = perms_new(&st);
	int rc = e->dir_perms ? 0 : -ENOMEM;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(props); i++) {
		/* with --cgroup-root another group comes to stand for the root */
		bool says_nothing = props[i].siblings && !*e->dir_name;
		if (belongs_to(&props[i], kept->hierarchy) && !says_nothing &&
		    !is_replaced(&props[i], kept))
			rc = prop_dump(dir, &props[i], e);
	}
	if (rc == 0)
		rc = more_dump(dir, kept, e);
	return rc < 0 ? error_set(err, -rc, "cgroup %s: out of memory", where) : 0;
}

/* Restore. */

static const struct prop *prop_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(props); i++) {
		if (!strcmp(props[i].name, name))
			return &props[i];
	}
	return NULL;
}

static int perms_restore(int dir, const char *file, const CgroupPerms *perms, const char *where,
			 struct error *err)
{
	struct stat st;
	const char *at = *file ? file : ".";
	if (!cgroup_perms_are_set(perms))
		return 0;
	if (fstatat(dir, at, &st, 0) < 0)
		return error_sys(err, "cgroup %s/%s", where, file);
	if ((st.st_uid != perms->uid || st.st_gid != perms->gid) &&
	    fchownat(dir, at, perms->uid, perms->gid, 0) < 0)
		return error_sys(err, "cgroup %s/%s: change the owner", where, file);
	if (((st.st_mode ^ perms->mode) & 07777) && fchmodat(dir, at, perms->mode & 07777, 0) < 0)
		return error_sys(err, "cgroup %s/%s: change the mode", where, file);
	return 0;
}

static int value_write(int dir, const char *file, const char *value, size_t len, const char *where,
		       struct error *err)
{
	auto_fd fd = openat(dir, file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "cgroup %s/%s", where, file);
	int rc = fd_write_full(fd, value, len);
	return rc < 0 ? error_code(err, rc, "cgroup %s: write %.*s to %s", where, (int)len, value,
				   file)
		      : 0;
}

/* Is a line among others? @param len  what of it counts */
static bool has_line(const char *text, const char *line, size_t len, bool whole)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (!strncmp(text, line, len) && (!whole || !text[len] || text[len] == '\n'))
			return true;
	return false;
}

/* No priority at a network device that this machine has not got: "eth7 0". */
static bool is_of_no_device(const char *file, const char *line, size_t len, const char *now)
{
	size_t name = strcspn(line, " ");
	return !strcmp(file, "net_prio.ifpriomap") && name + 2 == len && line[len - 1] == '0' &&
	       !has_line(now, line, name + 1, false);
}

/* The kernel takes one line at a time, and may pass over what is behind it without a word. */
static int lines_write(int dir, const char *file, const char *value, const char *now,
		       const char *where, struct error *err)
{
	int rc = 0;
	for (size_t len; rc == 0 && *value; value += len + (value[len] == '\n')) {
		len = strcspn(value, "\n");
		if (len && !has_line(now, value, len, true) &&
		    !is_of_no_device(file, value, len, now))
			rc = value_write(dir, file, value, len, where, err);
	}
	return rc;
}

/* What is allowed is added to nothing. */
static int devices_write(int dir, const char *value, const char *where, struct error *err)
{
	int rc = value_write(dir, "devices.deny", "a", 1, where, err);
	return rc < 0 ? rc : lines_write(dir, "devices.allow", value, "", where, err);
}

/* The file takes +controller words, one for each that it is to show. */
static int subtree_write(int dir, const char *value, const char *where, struct error *err)
{
	auto_free char *list = strdup(value);
	char *rest = list, *word;
	int rc = list ? 0 : error_set(err, ENOMEM, "out of memory");
	while (rc == 0 && rest && (word = strsep(&rest, " ")) != NULL) {
		char text[64];
		int len = snprintf(text, sizeof(text), "+%s", word);
		if (*word && len < (int)sizeof(text))
			rc = value_write(dir, "cgroup.subtree_control", text, (size_t)len, where,
					 err);
	}
	return rc;
}

static int prop_restore(int dir, const CgroupPropEntry *e, const char *where, struct error *err)
{
	auto_strbuf now = { 0 };
	int rc = value_read(dir, e->name, &now);
	if (rc < 0)
		return error_code(err, rc, "cgroup %s: read %s", where, e->name);
	if (!strcmp(now.data, e->value))
		return 0;
	if (!strcmp(e->name, "cgroup.type") && strcmp(e->value, "threaded") != 0)
		return 0; /* others come about by groups below, or around it, that are threaded */
	if (!strcmp(e->name, "devices.list"))
		return devices_write(dir, e->value, where, err);
	if (!strcmp(e->name, "cgroup.subtree_control"))
		return subtree_write(dir, e->value, where, err);
	return lines_write(dir, e->name, e->value, now.data, where, err);
}

int cgroup_props_restore(int dir, const char *where, const CgroupDirEntry *e,
			 enum cgroup_prop_when when, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < e->n_properties; i++) {
		const CgroupPropEntry *entry = e->properties[i];
		const struct prop *p = prop_find(entry->name);
		if (strchr(entry->name, '/'))
			return error_set(err, EBADMSG, "cgroup.img: property %s is no file name",
					 entry->name);
		if ((p ? p->when : CGROUP_PROP_FULL) != when)
			continue;
		if (*entry->value && !(p && p->members))
			rc = prop_restore(dir, entry, where, err);
		if (rc == 0)
			rc = perms_restore(dir, entry->name, entry->perms, where, err);
	}
	if (rc == 0 && when == CGROUP_PROP_FIRST)
		rc = perms_restore(dir, "", e->dir_perms, where, err);
	return rc;
}
