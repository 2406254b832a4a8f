/* SPDX-License-Identifier: MIT
 * A file that lost the name it was opened by while another is left: still one file afterwards. One
 * whose name is as long as names can be, so that it has no room for the kernel's mark.
 * live-dump: --link-remap
 */
#include <dirent.h>
#include <limits.h>
#include <sys/mman.h>

#include "tests/live/live.h"

/* Nothing the dump has made stays behind: neither in the directory nor above it. */
static void check_clean(const char *path)
{
	DIR *dir = opendir(path);
	live_check(dir != NULL, "%s: %s", path, strerror(errno));
	for (struct dirent *de; (de = readdir(dir));)
		live_check(strncmp(de->d_name, "link_remap", 10), "%s/%s is left", path,
			   de->d_name);
	closedir(dir);
}

static int longest(int dir)
{
	char name[NAME_MAX + 1];
	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = 0;
	int fd = openat(dir, name, O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0 && write(fd, "long", 4) == 4 && linkat(dir, name, dir, "short", 0) == 0);
	live_must(unlinkat(dir, name, 0) == 0);
	return fd;
}

int main(void)
{
	char buf[8], link_to[64], target[4200];
	struct stat st, kept_st;
	int dir = open(live_path("."), O_RDONLY);
	live_must(mkdirat(dir, "sub", 0755) == 0);
	int fd = openat(dir, "sub/name", O_RDWR | O_CREAT, 0600);
	int second = openat(dir, "sub/name", O_RDONLY);
	live_must(fd >= 0 && write(fd, "both", 4) == 4 && second >= 0);
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	live_must(map != MAP_FAILED && linkat(dir, "sub/name", dir, "kept", 0) == 0);
	live_must(unlinkat(dir, "sub/name", 0) == 0 && unlinkat(dir, "sub", AT_REMOVEDIR) == 0);
	int long_fd = longest(dir);
	live_ready();
	live_check(fstat(long_fd, &st) == 0 && fstatat(dir, "short", &kept_st, 0) == 0 &&
		       st.st_ino == kept_st.st_ino,
		   "the one with the long name is another file");
	live_check(fstat(fd, &st) == 0 && fstatat(dir, "kept", &kept_st, 0) == 0 &&
		       st.st_ino == kept_st.st_ino && st.st_nlink == 1,
		   "it is no more the file that has the other name (%ld links)", (long)st.st_nlink);
	live_check(fstat(second, &st) == 0 && st.st_ino == kept_st.st_ino, "second open differs");
	map[0] = 'B';
	live_check(pread(second, buf, 8, 0) == 4 && !memcmp(buf, "Both", 4), "contents %.4s", buf);
	snprintf(link_to, sizeof(link_to), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link_to, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = 0;
	live_check(strstr(target, "/sub/name (deleted)"), "its name is %s", target);
	live_check(fstatat(dir, "sub", &st, 0) < 0 && errno == ENOENT, "the directory is back");
	check_clean(live_path("."));
	live_pass();
}
