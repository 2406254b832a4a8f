/* SPDX-License-Identifier: MIT
 * A mount namespace that began as a copy of the host's: file systems with contents, binds of all
 * kinds, one over another, and propagation groups.
 * live-modes: SS RR 2S
 * live-unshare: --mount --pid --mount-proc
 * live-dump: --external mnt[/dev/shm]:shm
 * live-restore: --external mnt[shm]:/dev/shm --root /
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "tests/live/mounts.h"

static const char *at(const char *name)
{
	static char paths[8][4096];
	static int turn;
	turn = (turn + 1) % 8;
	snprintf(paths[turn], sizeof(paths[turn]), "/mnt/%s", name);
	return paths[turn];
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0640);
	live_must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void has(const char *path, const char *text)
{
	char buf[256] = "";
	int fd = open(path, O_RDONLY);
	live_check(fd >= 0 && read(fd, buf, sizeof(buf) - 1) >= 0, "%s: %s", path, strerror(errno));
	live_check(!strcmp(buf, text), "%s is \"%s\", was \"%s\"", path, buf, text);
	close(fd);
}

static void bind(const char *from, const char *to, unsigned long flags)
{
	live_must(mount(from, to, NULL, MS_BIND, NULL) == 0);
	if (flags)
		live_must(mount(NULL, to, NULL, MS_BIND | MS_REMOUNT | flags, NULL) == 0);
}

static void become(const char *place, unsigned long how)
{
	live_must(mount(NULL, place, NULL, how, NULL) == 0);
}

/* Everything a tar can hold. */
static void fill(void)
{
	live_must(mkdir(at("one/dir"), 0751) == 0 && mkdir(at("one/dir/two"), 0700) == 0);
	put(at("one/dir/file"), "bytes");
	live_must(link(at("one/dir/file"), at("one/other name")) == 0);
	live_must(symlink("/nowhere/at all", at("one/symlink")) == 0);
	live_must(mkfifo(at("one/fifo"), 0604) == 0);
	live_must(mknod(at("one/null"), S_IFCHR | 0666, makedev(1, 3)) == 0);
	live_must(chown(at("one/dir/two"), 1234, 4321) == 0);
	live_must(chmod(at("one/dir/file"), 06755) == 0);
	live_must(setxattr(at("one/dir/file"), "trusted.color", "blue", 4, 0) == 0);
	put(at("one/sparse"), "begin");
	live_must(truncate(at("one/sparse"), 32 << 20) == 0);
	live_must(utimensat(AT_FDCWD, at("one/dir"),
			    (struct timespec[]){ { 1000, 0 }, { 123456789, 987654321 } }, 0) == 0);
	put(at("one/caf\xe9 \xc3\xbc"), "name");
}

static void check_contents(void)
{
	struct stat st, other;
	char text[64] = "";
	has(at("one/dir/file"), "bytes");
	has(at("one/caf\xe9 \xc3\xbc"), "name");
	live_check(stat(at("one/dir/file"), &st) == 0 && stat(at("one/other name"), &other) == 0 &&
		       st.st_ino == other.st_ino && st.st_mode == (S_IFREG | 06755),
		   "linked file: mode %o", st.st_mode);
	live_check(getxattr(at("one/dir/file"), "trusted.color", text, sizeof(text)) == 4 &&
		       !strcmp(text, "blue"),
		   "extended attribute: %s", text);
	live_check(readlink(at("one/symlink"), text, sizeof(text)) == 15, "symlink");
	live_check(stat(at("one/fifo"), &st) == 0 && st.st_mode == (S_IFIFO | 0604), "FIFO");
	live_check(stat(at("one/null"), &st) == 0 && st.st_rdev == makedev(1, 3), "device");
	live_check(stat(at("one/dir/two"), &st) == 0 && st.st_uid == 1234 && st.st_gid == 4321 &&
		       st.st_mode == (S_IFDIR | 0700),
		   "owner of a directory");
	live_check(stat(at("one/sparse"), &st) == 0 && st.st_size == 32 << 20 && st.st_blocks <= 16,
		   "sparse file: %ld blocks", (long)st.st_blocks);
	live_check(stat(at("one/dir"), &st) == 0 && st.st_mtim.tv_sec == 123456789 &&
		       st.st_mtim.tv_nsec == 987654321,
		   "time of a directory");
	live_check(stat(at("one"), &st) == 0 && st.st_mode == (S_IFDIR | 01750),
		   "mode of the root");
}

/* What is mounted on one mount appears on its peers and slaves, and not the other way. */
static void check_propagation(void)
{
	struct stat st;
	live_must(mkdir(at("shared/new"), 0700) == 0);
	live_must(mount("new", at("shared/new"), "tmpfs", 0, NULL) == 0);
	put(at("shared/new/file"), "");
	live_check(stat(at("peer/new/file"), &st) == 0, "a peer does not get mounts");
	live_check(stat(at("slave/new/file"), &st) == 0, "a slave does not get mounts");
	live_check(stat(at("private/new/file"), &st) < 0, "a private one gets mounts");
	live_must(umount(at("slave/new")) == 0);
	live_check(stat(at("shared/new/file"), &st) == 0, "a slave takes mounts from its master");
}

int main(void)
{
	static const char *const dirs[] = { "one",  "shared",  "peer",    "slave",
					    "both", "private", "bound",   "bound-ro",
					    "over", "ro",      "file-on", "unbindable" };
	mounts_only_usual();
	live_must(mount("tmp", "/mnt", "tmpfs", MS_NODEV, "size=8m") == 0);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		live_must(mkdir(at(dirs[i]), 0755) == 0);
	live_must(mount("one", at("one"), "tmpfs", MS_NOSUID | MS_NOATIME,
			"size=64m,nr_inodes=1000,mode=1750") == 0);
	fill();
	bind(at("one/dir"), at("bound"), 0);
	bind(at("one/dir"), at("bound-ro"), MS_RDONLY | MS_NODEV | MS_NOEXEC);
	put(at("file"), "file");
	put(at("file2"), "under");
	bind(at("file"), at("file2"), 0);
	/* one over another, and one over a place with mounts below */
	live_must(mkdir(at("over/deep"), 0700) == 0);
	live_must(mount("deep", at("over/deep"), "tmpfs", 0, NULL) == 0);
	put(at("over/deep/hidden"), "hidden");
	live_must(mount("over1", at("over"), "tmpfs", MS_DIRSYNC, NULL) == 0);
	put(at("over/hidden"), "hidden, too");
	live_must(mount("over2", at("over"), "tmpfs", 0, NULL) == 0);
	put(at("over/top"), "top");
	live_must(mount("ro", at("ro"), "tmpfs", 0, NULL) == 0);
	put(at("ro/file"), "read-only");
	live_must(mount(NULL, at("ro"), NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
	/* groups */
	live_must(mount("shared", at("shared"), "tmpfs", 0, NULL) == 0);
	become(at("shared"), MS_SHARED);
	bind(at("shared"), at("peer"), 0);
	bind(at("shared"), at("slave"), 0);
	become(at("slave"), MS_SLAVE);
	bind(at("slave"), at("both"), 0);
	become(at("both"), MS_SHARED);
	bind(at("shared"), at("private"), 0);
	become(at("private"), MS_PRIVATE);
	live_must(mkdir(at("shared/inside"), 0700) == 0);
	live_must(mount("inside", at("shared/inside"), "tmpfs", 0, NULL) == 0);
	put(at("peer/inside/file"), "everywhere");
	live_must(mount("un", at("unbindable"), "tmpfs", 0, NULL) == 0);
	become(at("unbindable"), MS_UNBINDABLE);
	char *before = mounts_describe();

	live_ready();

	mounts_same(before, mounts_describe());
	check_contents();
	has(at("file2"), "file");
	has(at("slave/inside/file"), "everywhere");
	has(at("over/top"), "top");
	live_must(umount(at("over")) == 0);
	has(at("over/hidden"), "hidden, too");
	live_must(umount(at("over")) == 0);
	has(at("over/deep/hidden"), "hidden");
	live_check(open(at("ro/new"), O_CREAT | O_WRONLY, 0600) < 0 && errno == EROFS,
		   "a read-only file system is not");
	has(at("ro/file"), "read-only");
	check_propagation();
	live_pass();
}
