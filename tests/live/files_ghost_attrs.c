/* SPDX-License-Identifier: MIT
 * What else deleted files keep: extended attributes, an access control list, a capability, flags of
 * the inode, times to the nanosecond.
 * live-modes: SS RR 2S
 */
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#include "tests/live/live.h"

/* CAP_DAC_OVERRIDE, of version 2; user 12 may read and write */
static const char capability[] = "\0\0\0\2\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
#define NOBODY "\377\377\377\377"
static const char acl[] = "\2\0\0\0\1\0\6\0" NOBODY "\2\0\6\0\14\0\0\0\4\0\4\0" NOBODY
			  "\20\0\6\0" NOBODY "\40\0\0\0" NOBODY;

static const struct {
	const char *name, *value;
	size_t len;
} attrs[] = {
	{ "trusted.stasis", "kept", 4 },
	{ "trusted.empty", "", 0 },
	{ "security.capability", capability, sizeof(capability) },
	{ "system.posix_acl_access", acl, sizeof(acl) - 1 },
};

static const struct timespec times[2] = { { 1000000000, 123456789 }, { 1100000000, 987654321 } };

static void set(int fd)
{
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		live_must(fsetxattr(fd, attrs[i].name, attrs[i].value, attrs[i].len, 0) == 0);
	live_must(futimens(fd, times) == 0);
}

static void check(int fd, const char *what, size_t nr)
{
	char value[256];
	struct stat st;
	for (size_t i = 0; i < nr; i++) {
		ssize_t len = fgetxattr(fd, attrs[i].name, value, sizeof(value));
		live_check(len == (ssize_t)attrs[i].len &&
			       !memcmp(value, attrs[i].value, attrs[i].len),
			   "%s: %s has %zd bytes: %s", what, attrs[i].name, len,
			   len < 0 ? strerror(errno) : "others");
	}
	live_check(fstat(fd, &st) == 0 && st.st_mtim.tv_sec == times[1].tv_sec &&
		       st.st_mtim.tv_nsec == times[1].tv_nsec,
		   "%s: modified at %ld.%09ld", what, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static unsigned int flags_of(int fd)
{
	unsigned int flags = 0;
	ioctl(fd, FS_IOC_GETFLAGS, &flags);
	return flags & (FS_NODUMP_FL | FS_NOATIME_FL);
}

int main(void)
{
	int fd = open(live_path("file"), O_RDWR | O_CREAT, 0640);
	live_must(fd >= 0 && write(fd, "text", 4) == 4 && mkdir(live_path("dir"), 0750) == 0);
	int dir = open(live_path("dir"), O_RDONLY | O_DIRECTORY);
	int none = open(live_path("."), O_TMPFILE | O_RDWR, 0640);
	unsigned int flags = FS_NODUMP_FL | FS_NOATIME_FL;
	ioctl(fd, FS_IOC_SETFLAGS, &flags); /* where the file system has them */
	flags = flags_of(fd);
	set(fd);
	set(none);
	live_must(setxattr(live_path("dir"), "trusted.stasis", "kept", 4, 0) == 0);
	live_must(futimens(dir, times) == 0);
	live_must(unlink(live_path("file")) == 0 && rmdir(live_path("dir")) == 0);
	live_must(futimens(dir, times) == 0);
	live_ready();
	check(fd, "file", sizeof(attrs) / sizeof(attrs[0]));
	check(none, "file without a name", sizeof(attrs) / sizeof(attrs[0]));
	check(dir, "directory", 1);
	live_check(flags_of(fd) == flags, "flags %#x, were %#x", flags_of(fd), flags);
	live_pass();
}
