/* SPDX-License-Identifier: MIT
 * Deleted files come back as they were: contents, holes, attributes, what is shared, and deleted.
 */
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "tests/live/live.h"

#define SPARSE (64l << 20)
#define FAR    (40l << 20)

static int made(const char *name, int flags, mode_t mode)
{
	int fd = open(live_path(name), flags | O_CREAT | O_EXCL, mode);
	live_must(fd >= 0);
	return fd;
}

static void check_name(int fd, const char *name)
{
	char link[64], text[4200], want[4200];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, text, sizeof(text) - 1);
	live_check(n > 0, "%s: %s", link, strerror(errno));
	text[n] = 0;
	snprintf(want, sizeof(want), "%s (deleted)", live_path(name));
	live_check(!strcmp(text, want), "%s is %s, want %s", link, text, want);
}

static void check_gone(const char *name)
{
	struct stat st;
	live_check(lstat(live_path(name), &st) < 0 && errno == ENOENT, "%s has a name", name);
}

static void check_same_inode(int a, int b, nlink_t nlink)
{
	struct stat x, y;
	live_check(fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
		       x.st_dev == y.st_dev,
		   "fd %d and %d are two files", a, b);
	live_check(x.st_nlink == nlink, "fd %d has %ld links", a, (long)x.st_nlink);
}

static int small(int *reader)
{
	struct timespec times[2] = { { 1000000000, 123000 }, { 1100000000, 456000 } };
	int fd = made("small", O_WRONLY | O_APPEND, 0640), dir = open(live_path("."), O_RDONLY);
	live_must(write(fd, "kept", 4) == 4 && fchown(fd, 12, 34) == 0 && fchmod(fd, 02640) == 0);
	*reader = open(live_path("small"), O_RDONLY | O_NOFOLLOW);
	live_must(*reader >= 0 && lseek(*reader, 2, SEEK_SET) == 2);
	live_must(linkat(dir, "small", dir, "small2", 0) == 0 && futimens(fd, times) == 0);
	close(dir);
	live_must(unlink(live_path("small")) == 0);
	return fd;
}

static void check_small(int fd, int reader, int other)
{
	char buf[16];
	struct stat st;
	live_check(fstat(fd, &st) == 0 && st.st_mode == (S_IFREG | 02640) && st.st_uid == 12 &&
		       st.st_gid == 34 && st.st_mtim.tv_sec == 1100000000 &&
		       st.st_mtim.tv_nsec == 456000,
		   "small: mode 0%o, %u:%u, time %ld.%ld", st.st_mode, st.st_uid, st.st_gid,
		   (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	live_check(fcntl(reader, F_GETFL) & O_NOFOLLOW, "O_NOFOLLOW is lost");
	live_check(write(fd, "!", 1) == 1 && read(reader, buf, 16) == 3 && !memcmp(buf, "pt!", 3),
		   "small: contents");
	check_same_inode(fd, reader, 0);
	check_same_inode(fd, other, 0);
	check_name(fd, "small");
	check_name(other, "small2");
	check_gone("small");
	check_gone("small2");
}

static void check_sparse(int fd)
{
	char buf[8];
	struct stat st;
	live_check(fstat(fd, &st) == 0 && st.st_size == SPARSE && st.st_blocks < 2000,
		   "sparse: %ld bytes in %ld blocks", (long)st.st_size, (long)st.st_blocks);
	live_check(pread(fd, buf, 3, FAR) == 3 && !memcmp(buf, "far", 3) &&
		       lseek(fd, 0, SEEK_DATA) == 0 && lseek(fd, 65536, SEEK_DATA) == FAR,
		   "sparse: contents");
	check_name(fd, "sparse");
	check_gone("sparse");
}

static void check_mapped(char *shared, char *private, int fd)
{
	char byte;
	live_check(shared[0] == 's' && shared[1] == '2' && private[0] == 's' && private[1] == 'p',
		   "mapped contents %.2s and %.2s", shared, private);
	shared[4096] = 'n';
	live_check(pread(fd, &byte, 1, 4096) == 1 && byte == 'n' && private[4096] == 'n',
		   "the shared mapping is of another file");
	check_gone("mapped");
}

static void check_nodes(int dir, int fifo, int null, int sub)
{
	char buf[8];
	struct stat st;
	live_check(fstat(dir, &st) == 0 && st.st_mode == (S_IFDIR | 0711) && st.st_nlink == 0,
		   "directory: mode 0%o, %ld links", st.st_mode, (long)st.st_nlink);
	check_name(dir, "dir");
	check_gone("dir");
	live_check(read(fifo, buf, 8) == 5 && !memcmp(buf, "queue", 5), "FIFO: contents");
	live_check(write(fifo, "more", 4) == 4 && read(fifo, buf, 8) == 4, "FIFO: %s",
		   strerror(errno));
	check_name(fifo, "fifo");
	live_check(write(null, buf, 4) == 4 && fstat(null, &st) == 0 &&
		       st.st_rdev == makedev(1, 3) && st.st_nlink == 0,
		   "device");
	live_check(read(sub, buf, 8) == 0 && fstat(sub, &st) == 0 && st.st_nlink == 0, "inner");
	check_name(sub, "dir2/inner");
	check_gone("dir2");
	live_check(!getcwd(buf, 8) && (errno == ENOENT || errno == ERANGE), "cwd has a name");
}

int main(void)
{
	int reader, fd = small(&reader), other = open(live_path("small2"), O_RDWR);
	live_must(other >= 0 && unlink(live_path("small2")) == 0);

	int sparse = made("sparse", O_RDWR, 0600);
	live_must(write(sparse, "near", 4) == 4 && pwrite(sparse, "far", 3, FAR) == 3 &&
		  ftruncate(sparse, SPARSE) == 0 && unlink(live_path("sparse")) == 0);

	int mapped = made("mapped", O_RDWR, 0600);
	live_must(ftruncate(mapped, 8192) == 0 && write(mapped, "s1", 2) == 2);
	char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, mapped, 0);
	char *private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, mapped, 0);
	live_must(shared != MAP_FAILED && private != MAP_FAILED);
	private[1] = 'p';
	shared[1] = '2';
	private[1] = 'p';
	char *only = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, made("only", O_RDWR, 0600), 0);
	live_must(only != MAP_FAILED && unlink(live_path("only")) == 0 &&
		  unlink(live_path("mapped")) == 0);

	live_must(mkdir(live_path("dir"), 0711) == 0);
	int dir = open(live_path("dir"), O_RDONLY | O_DIRECTORY);
	live_must(chdir(live_path("dir")) == 0 && rmdir(live_path("dir")) == 0);
	live_must(mkfifo(live_path("fifo"), 0600) == 0);
	int fifo = open(live_path("fifo"), O_RDWR);
	live_must(write(fifo, "queue", 5) == 5 && unlink(live_path("fifo")) == 0);
	live_must(mknod(live_path("null"), S_IFCHR | 0666, makedev(1, 3)) == 0);
	int null = open(live_path("null"), O_RDWR);
	live_must(mkdir(live_path("dir2"), 0700) == 0);
	int sub = made("dir2/inner", O_RDONLY, 0600);
	live_must(unlink(live_path("null")) == 0 && unlink(live_path("dir2/inner")) == 0 &&
		  rmdir(live_path("dir2")) == 0);
	live_ready();

	check_small(fd, reader, other);
	check_sparse(sparse);
	check_mapped(shared, private, mapped);
	check_nodes(dir, fifo, null, sub);
	live_pass();
}
