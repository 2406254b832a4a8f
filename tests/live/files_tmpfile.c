/* SPDX-License-Identifier: MIT
 * What O_TMPFILE made can be given a name afterwards, still says that it was made so, and has what
 * was written; whoever opened it again has the same file.
 */
#include <sys/mman.h>

#include "tests/live/live.h"

static int made(int flags, const char *text)
{
	int fd = open(live_path("."), O_TMPFILE | flags, 0640);
	live_must(fd >= 0 && fchmod(fd, 0640) == 0 && fchown(fd, 12, 34) == 0);
	live_must(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

static int opened_again(int fd)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int again = open(path, O_RDONLY);
	live_must(again >= 0);
	return again;
}

static void give_name(int fd, const char *name, const char *want)
{
	char path[64], text[64] = "";
	struct stat st;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	live_check(linkat(AT_FDCWD, path, AT_FDCWD, live_path(name), AT_SYMLINK_FOLLOW) == 0,
		   "give %s its name: %s", name, strerror(errno));
	int named = open(live_path(name), O_RDONLY);
	live_check(named >= 0 && read(named, text, sizeof(text) - 1) >= 0 && !strcmp(text, want),
		   "%s has '%s', want '%s'", name, text, want);
	live_check(fstat(fd, &st) == 0 && st.st_nlink == 1 && st.st_mode == (S_IFREG | 0640) &&
		       st.st_uid == 12 && st.st_gid == 34,
		   "%s: %ld links, mode 0%o, %u:%u", name, (long)st.st_nlink, st.st_mode, st.st_uid,
		   st.st_gid);
}

int main(void)
{
	char buf[16] = "";
	int plain = made(O_RDWR, "plain"), more = made(O_WRONLY | O_APPEND, "more");
	int again = opened_again(plain), copy = dup(plain);
	char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, plain, 0);
	live_must(map != MAP_FAILED && lseek(plain, 2, SEEK_SET) == 2 && copy >= 0);
	live_ready();

	live_check((fcntl(plain, F_GETFL) & O_TMPFILE) == O_TMPFILE, "O_TMPFILE is lost");
	live_check(fcntl(more, F_GETFL) & O_APPEND, "O_APPEND is lost");
	live_check(read(again, buf, sizeof(buf)) == 5 && !memcmp(buf, "plain", 5), "again: %s",
		   buf);
	live_check(write(copy, "X", 1) == 1 && pread(again, buf, sizeof(buf), 0) == 5 &&
		       !memcmp(buf, "plXin", 5) && !memcmp(map, "plXin", 5),
		   "it became two: %s", buf);
	live_check(write(more, "!", 1) == 1, "write: %s", strerror(errno));
	give_name(plain, "named", "plXin");
	give_name(more, "appended", "more!");
	live_pass();
}
