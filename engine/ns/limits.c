/* SPDX-License-Identifier: MIT
 * Limits that belong to namespaces.
 * Source: Documentation/admin-guide/sysctl/{user,kernel}.rst; kernel/pid_namespace.c (pid_max is
 * one of a namespace since Linux 6.14, one of the machine before)
 */
#include "engine/ns/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "base/pid-limit.h"
#include "engine/ns/aside.h"
#include "engine/ns/ns.h"
#include "engine/procfs/root.h"
#include "images/message.h"

#define USER_DIR   "sys/user"
#define PID_FILE   "sys/kernel/pid_max"
#define USER_USUAL "2147483647" /* in a new one */
#define PID_LEAST  301          /* RESERVED_PIDS and one more */

/* @param out  a word. @return false: there is none */
static bool read_word(int dir, const char *name, struct strbuf *out)
{
	if (file_read_at(dir, name, out, NULL) < 0 || strbuf_char(out, 0) < 0)
		return false;
	out->data[strcspn(out->data, "\n")] = 0;
	return *out->data != 0;
}

static int add(UsernsEntry *e, const char *name, const char *value, struct error *err)
{
	NsLimitEntry **grown = realloc(e->limits, (e->n_limits + 1) * sizeof(*grown));
	NsLimitEntry *limit = grown ? message_new(&ns_limit_entry__descriptor) : NULL;
	if (grown)
		e->limits = grown;
	if (!limit)
		return error_set(err, ENOMEM, "out of memory");
	e->limits[e->n_limits++] = limit;
	limit->name = strdup(name);
	limit->value = strdup(value);
	return limit->name && limit->value ? 0 : error_set(err, ENOMEM, "out of memory");
}

struct look {
	int users;
	UsernsEntry *e;
};

/* The files are those of who opens them. */
static int look_inside(void *ctx, struct error *err)
{
	const struct look *look = ctx;
	if (setns(look->users, CLONE_NEWUSER) < 0)
		return error_sys(err, "enter it (needs CAP_SYS_ADMIN there)");
	int fd = procfs_open(USER_DIR, O_RDONLY | O_DIRECTORY);
	if (fd < 0 && errno == ENOENT) /* a kernel without */
		return 0;
	auto_dir dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return error_sys(err, "read /proc/" USER_DIR);
	struct dirent *de;
	int rc = 0;
	while (rc == 0 && (de = readdir(dir)) != NULL) {
		auto_strbuf value = { 0 };
		if (de->d_name[0] != '.' && read_word(fd, de->d_name, &value) &&
		    strcmp(value.data, USER_USUAL) != 0)
			rc = add(look->e, de->d_name, value.data, err);
	}
	return rc;
}

int limits_user_dump(int users, UsernsEntry *e, struct error *err)
{
	return ns_aside(look_inside, &(struct look){ users, e }, err);
}

int limits_user_check(const UsernsEntry *e, struct error *err)
{
	for (size_t i = 0; i < e->n_limits; i++) {
		const char *value = e->limits[i]->value;
		if (strncmp(e->limits[i]->name, "max_", 4) != 0 ||
		    strchr(e->limits[i]->name, '/') || !*value ||
		    value[strspn(value, "0123456789")])
			return error_set(err, EBADMSG, "limit \"%.64s\" is \"%.32s\"",
					 e->limits[i]->name, value);
	}
	return 0;
}

static int set_one(const NsLimitEntry *limit, struct error *err)
{
	char path[128];
	snprintf(path, sizeof(path), USER_DIR "/%.100s", limit->name);
	auto_fd fd = procfs_open(path, O_WRONLY);
	int rc = fd < 0 ? -errno : fd_write_full(fd, limit->value, strlen(limit->value));
	return rc < 0 ? error_code(err, rc,
				   "user namespace: set user.%s to %s (--weak-sysctls goes on "
				   "without)",
				   limit->name, limit->value)
		      : 0;
}

int limits_user_set(const UsernsEntry *e, bool weak, struct error *err)
{
	for (size_t i = 0; i < e->n_limits; i++) {
		struct error why;
		int rc = set_one(e->limits[i], &why);
		if (rc < 0 && !weak)
			return error_set(err, -rc, "%s", why.text);
		if (rc < 0)
			log_warn("%s", why.text);
	}
	return 0;
}

static uint32_t read_pid_max(void)
{
	auto_strbuf value = { 0 };
	return read_word(procfs_fd(), PID_FILE, &value) ? (uint32_t)strtoul(value.data, NULL, 10)
							: 0;
}

static int read_there(void *ctx, struct error *err)
{
	(void)err;
	*(uint32_t *)ctx = read_pid_max();
	return 0;
}

uint32_t limits_pids_read(const struct ns_seen *ns)
{
	struct ns_visit visit;
	uint32_t found = 0;
	if (ns->own || ns_visit_seen(ns, &visit, NULL) < 0)
		return 0;
	int rc = ns_aside(read_there, &found, NULL);
	if (ns_visit_end(&visit, NULL) < 0 || rc < 0)
		return 0;
	return found == PID_LIMIT || found == read_pid_max() ? 0 : found;
}

int limits_pids_check(uint32_t pid_max, struct error *err)
{
	return !pid_max || (pid_max >= PID_LEAST && pid_max <= PID_LIMIT)
		   ? 0
		   : error_set(err, EBADMSG, "a largest pid of %u", pid_max);
}

/* Else it would be set for the whole machine. */
static bool is_of_namespace(void)
{
	struct utsname names;
	unsigned major = 0, minor = 0;
	return uname(&names) == 0 && sscanf(names.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 14));
}

void limits_pids_set(uint32_t pid_max)
{
	char text[16];
	if (!pid_max)
		return;
	int len = snprintf(text, sizeof(text), "%u", pid_max);
	errno = ENOTSUP;
	auto_fd fd = is_of_namespace() ? procfs_open(PID_FILE, O_WRONLY) : -1;
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		log_warn("pids of the tree may become larger than %s, the kernel.pid_max of its "
			 "pid namespace: %m",
			 text);
}
