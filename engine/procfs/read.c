/* SPDX-License-Identifier: MIT
 * Reading /proc of a live task; what the text means is in the parsers.
 */
#include "engine/procfs/read.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/args.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "engine/procfs/root.h"
#include "engine/procfs/scan.h"

#define SMALL_FILE 8192 /* stat and status fit, but for thousands of groups */

/* A file that the kernel writes as one record: a read that does not fill the buffer is all of it,
 * and there is no need for another to find its end. */
int proc_record_read(int dirfd, const char *path, char *buf, size_t size, struct error *err)
{
	auto_fd fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open %s", path);
	ssize_t n;
	do
		n = read(fd, buf, size - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_sys(err, "read %s", path);
	buf[n] = 0;
	return (int)n;
}

struct small_file {
	char buf[SMALL_FILE];
	struct strbuf large; /* when it did not fit */
	const char *text;
	size_t len;
};

static void small_file_fini(struct small_file *f)
{
	strbuf_fini(&f->large);
}
#define auto_small_file __attribute__((cleanup(small_file_fini))) struct small_file

/* @param n  bytes in the buffer */
static int small_file_settle(struct small_file *f, size_t n, int dirfd, const char *path,
			     struct error *err)
{
	f->text = f->buf;
	f->len = n;
	if (n < sizeof(f->buf) - 1)
		return 0;
	int rc = file_read_at(dirfd, path, &f->large, err);
	f->text = f->large.data;
	f->len = f->large.len;
	return rc;
}

/* Most times in one piece: the kernel formats the whole file for each open. */
static int small_file_read(struct small_file *f, int dirfd, const char *path, struct error *err)
{
	f->large = (struct strbuf){ 0 };
	auto_fd fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_code(err, errno == ENOENT ? ESRCH : errno, "open /proc/…/%s", path);
	ssize_t n = fd_read_full(fd, f->buf, sizeof(f->buf));
	if (n < 0)
		return error_code(err, (int)n, "read /proc/…/%s", path);
	return small_file_settle(f, (size_t)n, dirfd, path, err);
}

/* stat and status are one record each. */
static int small_record_read(struct small_file *f, int dirfd, const char *path, struct error *err)
{
	f->large = (struct strbuf){ 0 };
	int n = proc_record_read(dirfd, path, f->buf, sizeof(f->buf), NULL);
	if (n < 0)
		return error_code(err, n == -ENOENT ? -ESRCH : n, "read /proc/…/%s", path);
	return small_file_settle(f, (size_t)n, dirfd, path, err);
}

int proc_number_read(int dirfd, const char *path, int base, long long *out, struct error *err)
{
	char text[64];
	int len = proc_record_read(dirfd, path, text, sizeof(text), err);
	if (len < 0)
		return len;
	char *end = text;
	errno = 0;
	*out = strtoll(text, &end, base);
	if (errno || end == text || (*end && *end != '\n'))
		return error_set(err, EBADMSG, "%s: not a number", path);
	return 0;
}

int proc_stat_read(int dirfd, const char *path, struct proc_stat *out, struct error *err)
{
	auto_small_file f;
	int rc = small_record_read(&f, dirfd, path, err);
	return rc < 0 ? rc : proc_stat_parse(f.text, f.len, out, err);
}

int proc_status_read(int dirfd, const char *path, struct proc_status *out, struct error *err)
{
	auto_small_file f;
	int rc = small_record_read(&f, dirfd, path, err);
	return rc < 0 ? rc : proc_status_parse(f.text, f.len, out, err);
}

int proc_mounts_read(int dirfd, struct proc_mounts *out, struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = file_read_at(dirfd, "mountinfo", &text, err);
	return rc < 0 ? rc : proc_mounts_parse(text.data ? text.data : "", text.len, out, err);
}

int proc_timers_read(int dirfd, struct proc_timers *out, struct error *err)
{
	auto_small_file f;
	int rc = small_file_read(&f, dirfd, "timers", err);
	return rc < 0 ? rc : proc_timers_parse(f.text, f.len, out, err);
}

bool proc_is_dead(pid_t pid)
{
	char path[32];
	struct proc_stat st;
	snprintf(path, sizeof(path), "%d/stat", pid);
	int rc = proc_stat_read(procfs_fd(), path, &st, NULL);
	return rc == -ESRCH || (rc == 0 && (st.state == 'Z' || st.state == 'X'));
}

bool proc_is_dying(pid_t pid)
{
	enum { EXITING = 0x4 }; /* PF_EXITING of the kernel's task flags */
	const uint64_t sigkill = UINT64_C(1) << (SIGKILL - 1);
	char path[32];
	struct proc_stat stat;
	struct proc_status status;
	snprintf(path, sizeof(path), "%d/stat", pid);
	if (proc_stat_read(procfs_fd(), path, &stat, NULL) == 0 && (stat.flags & EXITING))
		return true;
	snprintf(path, sizeof(path), "%d/status", pid);
	if (proc_status_read(procfs_fd(), path, &status, NULL) < 0)
		return false;
	uint64_t pending = status.sig_pending | status.shared_pending;
	proc_status_fini(&status);
	return pending & sigkill;
}

static int ids_add(struct proc_ids *out, int id, struct error *err)
{
	int *slot = array_add(out);
	if (!slot)
		return error_set(err, ENOMEM, "out of memory");
	*slot = id;
	return 0;
}

struct entry { /* struct linux_dirent64 */
	uint64_t ino, next;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

int proc_ids_of_dir(int dirfd, const char *path, struct proc_ids *out, struct error *err)
{
	auto_fd fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_code(err, errno == ENOENT ? ESRCH : errno, "open /proc/…/%s", path);
	_Alignas(struct entry) char buf[16384];
	long len; /* as readdir(3), without the system calls that opendir(3) makes first */
	while ((len = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		const struct entry *e;
		for (char *p = buf; p < buf + len; p += e->reclen) {
			int id;
			e = (const struct entry *)p;
			int rc = parse_int(e->name, &id) < 0 ? 0 : ids_add(out, id, err);
			if (rc < 0)
				return rc;
		}
	}
	return len < 0 ? error_sys(err, "read /proc/…/%s", path) : 0;
}

int proc_ids_of_children(int dirfd, const char *path, struct proc_ids *out, struct error *err)
{
	auto_small_file f;
	int rc = small_file_read(&f, dirfd, path, err);
	if (rc == -ESRCH)
		return 0;
	if (rc < 0)
		return rc;
	struct scan s = scan_of(f.text, f.len);
	int id;
	while (rc == 0 && scan_int(&s, &id))
		rc = ids_add(out, id, err);
	return rc;
}
