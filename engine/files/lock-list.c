/* SPDX-License-Identifier: MIT
 * Which files surely have no lock: /proc/locks tells of all at once what fdinfo tells of one
 * descriptor. It shows all locks only in the first pid namespace (elsewhere those are left out
 * whose maker has no number there), and only what fits one read is of one moment. The kernel locks
 * out everybody for it, on all processors, which takes 10 to 20 ms: as long as reading fdinfo of
 * some thousand descriptors.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/files/locks.h"
#include "engine/files/table.h"
#include "engine/procfs/root.h"

#define FIRST_PID_NS 0xEFFFFFFCu /* its inode in /proc/PID/ns, since Linux 3.8 */
#define ONE_READ     4096        /* the kernel's buffer: lines are added while they fit */
#define LONGEST_LINE 256         /* no line is longer */

static bool is_in_first_pid_ns(void)
{
	struct stat st;
	return fstatat(procfs_fd(), "self/ns/pid", &st, 0) == 0 && st.st_ino == FIRST_PID_NS;
}

/* @return false: not all of them can be known */
static bool read_list(struct proc_locks *out)
{
	char buf[ONE_READ];
	if (!is_in_first_pid_ns())
		return false;
	auto_fd fd = procfs_open("locks", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));
	return n >= 0 && n <= ONE_READ - LONGEST_LINE &&
	       proc_locks_parse(buf, (size_t)n, out, NULL) == 0;
}

static bool has_many(const struct dump *d)
{
	size_t nr = 0;
	for (size_t i = 0; i < d->nr_tasks; i++) {
		const struct task *t = d->tasks[i];
		for (size_t k = 0; k < (t->inside.nr_fds + 63) / 64; k++)
			nr += (size_t)__builtin_popcountll(t->fds[k].open);
	}
	return nr >= LOCK_LIST_PAYS;
}

/* Where st_ino is the number that the kernel has in its list. */
static bool shows_inodes(uint32_t fs_type)
{
	switch (fs_type) {
	case ANON_INODE_FS_MAGIC:
	case EXT4_SUPER_MAGIC:
	case PIPEFS_MAGIC:
	case SOCKFS_MAGIC:
	case TMPFS_MAGIC:
	case XFS_SUPER_MAGIC:
		return true;
	}
	return false;
}

bool locks_may_be_on(const struct dump *d, const struct open_file *f)
{
	struct file_table *t = d->files;
	if (!t->lock_list.asked)
		t->lock_list.complete = has_many(d) && read_list(&t->lock_list.all);
	t->lock_list.asked = true;
	if (!t->lock_list.complete || !shows_inodes(f->fs_type))
		return true;
	for (size_t i = 0; i < t->lock_list.all.nr; i++)
		if (t->lock_list.all.items[i] == f->st.st_ino)
			return true;
	return false;
}
