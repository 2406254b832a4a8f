/* SPDX-License-Identifier: MIT
 * A container: a root directory of its own with what belongs into one, files that mounts hide,
 * binds of deleted files, an overlay, and a child in a mount namespace inside of that.
 * live-link: static
 * live-modes: SS RR 2S
 * live-unshare: --mount --pid --ipc
 * live-dump: --external mnt[/live]:live
 * live-restore: --external mnt[live]:DIR --root DIR/root
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/live/mounts.h"

#ifndef WITH_DEVICES
#define WITH_DEVICES 1 /* a user namespace may not make any */
#endif

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0640);
	live_must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void fd_has(int fd, const char *what, const char *text)
{
	char buf[256] = "";
	live_check(pread(fd, buf, sizeof(buf) - 1, 0) >= 0, "%s: %s", what, strerror(errno));
	live_check(!strcmp(buf, text), "%s is \"%s\", was \"%s\"", what, buf, text);
}

static void has(const char *path, const char *text)
{
	int fd = open(path, O_RDONLY);
	live_check(fd >= 0, "%s: %s", path, strerror(errno));
	fd_has(fd, path, text);
	close(fd);
}

static void put_on(const char *type, const char *place, unsigned long flags, const char *options)
{
	live_must(mkdir(place, 0755) == 0 || errno == EEXIST);
	live_must(mount(type, place, type, flags, options) == 0);
}

static void bind_mount(const char *from, const char *to, unsigned long flags)
{
	live_must(mount(from, to, NULL, MS_BIND, NULL) == 0);
	if (flags)
		live_must(mount(NULL, to, NULL, MS_BIND | MS_REMOUNT | flags, NULL) == 0);
}

static void copy_self(const char *to)
{
	static char buf[1 << 16];
	ssize_t n;
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0755);
	live_must(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		live_must(write(out, buf, (size_t)n) == n);
	close(in);
	close(out);
}

/* The test goes on as a program of the new root, with nothing left of the old one. */
static void enter_root(char **argv)
{
	const char *root = live_path("root");
	live_must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	live_must((mkdir(root, 0755) == 0 || errno == EEXIST) &&
		  mount(root, root, NULL, MS_BIND, NULL) == 0 && chdir(root) == 0);
	copy_self("test");
	live_must(mkdir("live", 0755) == 0 || errno == EEXIST);
	live_must(mount(getenv("LIVE_DIR"), "live", NULL, MS_BIND, NULL) == 0);
	put_on("proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	put_on("tmpfs", "dev", MS_NOSUID, "size=1m,mode=755");
	put("dev/null", "");
	live_must(mount("/dev/null", "dev/null", NULL, MS_BIND, NULL) == 0);
	if (WITH_DEVICES) {
		live_must(umount("dev/null") == 0 && unlink("dev/null") == 0);
		live_must(mknod("dev/null", S_IFCHR | 0666, makedev(1, 3)) == 0);
	}
	live_must(syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0);
	live_must(chdir("/") == 0 && setenv("LIVE_INSIDE", "/live", 1) == 0);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	live_must(open("/dev/null", O_RDWR) == 0 && dup(0) == 1 && dup(0) == 2);
	execv("/test", argv);
	live_fail("exec: %s", strerror(errno));
}

static void mount_all(void)
{
	put_on("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620");
	put_on("mqueue", "/dev/mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	put_on("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k");
	put_on("tmpfs", "/tmp", 0, "size=16m");
	put("/dev/shm/file", "shared memory");
	/* as runtimes mask it */
	bind_mount("/proc/sys", "/proc/sys", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
	bind_mount("/dev/null", "/proc/meminfo", 0);
	live_must(mount("tmpfs", "/proc/irq", "tmpfs", MS_RDONLY, NULL) == 0);
	/* from layers that are in the tree */
	put_on("tmpfs", "/tmp/layers", 0, NULL);
	live_must(mkdir("/tmp/layers/lower", 0755) == 0 && mkdir("/tmp/layers/upper", 0755) == 0 &&
		  mkdir("/tmp/layers/work", 0755) == 0 && mkdir("/tmp/over", 0755) == 0 &&
		  mkdir("/tmp/over2", 0755) == 0);
	put("/tmp/layers/lower/low", "lower");
	put("/tmp/layers/lower/changed", "before");
	live_must(mount("overlay", "/tmp/over", "overlay", 0,
			"lowerdir=/tmp/layers/lower,upperdir=/tmp/layers/upper,"
			"workdir=/tmp/layers/work") == 0);
	live_must(unlink("/tmp/over/changed") == 0);
	put("/tmp/over/changed", "after");
	bind_mount("/tmp/over", "/tmp/over2", MS_RDONLY);
}

static void bind_deleted(void)
{
	put("/tmp/gone-file", "still here");
	live_must(chmod("/tmp/gone-file", 0604) == 0);
	put("/tmp/on-file", "");
	bind_mount("/tmp/gone-file", "/tmp/on-file", 0);
	live_must(unlink("/tmp/gone-file") == 0);
	live_must(mkdir("/tmp/gone", 0755) == 0 && mkdir("/tmp/gone/deep", 0710) == 0 &&
		  mkdir("/tmp/on-dir", 0755) == 0);
	bind_mount("/tmp/gone/deep", "/tmp/on-dir", 0);
	live_must(rmdir("/tmp/gone/deep") == 0 && rmdir("/tmp/gone") == 0);
}

static int bound(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	strcpy(name.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	live_must(fd >= 0 && bind(fd, (void *)&name, sizeof(name)) == 0 && listen(fd, 1) == 0);
	return fd;
}

static int connected(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	strcpy(name.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	return connect(fd, (void *)&name, sizeof(name)) == 0 ? fd : -1;
}

/* Its own mounts, which nobody else sees, and files on them. */
static void child(int report)
{
	live_must(unshare(CLONE_NEWNS) == 0);
	live_must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	put_on("tmpfs", "/mnt", 0, "size=1m");
	put("/mnt/file", "the child's");
	live_must(mkdir("/mnt/dir", 0700) == 0 && chdir("/mnt/dir") == 0);
	int fd = open("/mnt/file", O_RDWR), deleted = open("/mnt/deleted", O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0 && deleted >= 0 && write(deleted, "ghost", 5) == 5);
	live_must(unlink("/mnt/deleted") == 0 && umount("/dev/shm") == 0);
	int sock = bound("/mnt/socket");
	char *before = mounts_describe();
	live_must(write(report, "", 1) == 1);

	live_wait();

	char cwd[64] = "";
	mounts_same(before, mounts_describe());
	has("/mnt/file", "the child's");
	fd_has(fd, "file of the child", "the child's");
	fd_has(deleted, "deleted file of the child", "ghost");
	live_check(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/mnt/dir"), "child is in %s", cwd);
	live_check(access("/dev/shm/file", F_OK) < 0, "the child has a mount it took off");
	live_check(connected("/mnt/socket") >= 0, "socket of the child: %s", strerror(errno));
	close(sock);
	_exit(0);
}

int main(int argc, char **argv)
{
	char c;
	int pipefd[2], status;
	(void)argc;
	if (!getenv("LIVE_INSIDE"))
		enter_root(argv);
	mount_all();
	bind_deleted();
	/* what is open or bound below another mount */
	live_must(mkdir("/tmp/hidden", 0755) == 0);
	put("/tmp/hidden/file", "hidden");
	int hidden = open("/tmp/hidden/file", O_RDONLY), sock = bound("/tmp/hidden/socket");
	put_on("tmpfs", "/tmp/hidden", 0, "size=1m");
	put("/tmp/hidden/top", "top");
	int late = open("/proc/sys/kernel/ostype", O_RDONLY);
	int masked = open("/proc/irq", O_RDONLY | O_DIRECTORY);
	live_must(hidden >= 0 && late >= 0 && masked >= 0 && pipe(pipefd) == 0);
	live_must(mkdir("/mnt", 0755) == 0 || errno == EEXIST);
	pid_t pid = fork();
	if (pid == 0)
		child(pipefd[1]);
	live_must(read(pipefd[0], &c, 1) == 1);
	/* the root is read-only in the end */
	live_must(mount(NULL, "/", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) == 0);
	char *before = mounts_describe();

	live_ready();

	mounts_same(before, mounts_describe());
	fd_has(hidden, "hidden file", "hidden");
	has("/tmp/hidden/top", "top");
	live_check(umount("/tmp/hidden") == 0, "what hid files is busy: %s", strerror(errno));
	int to = connected("/tmp/hidden/socket");
	live_check(to >= 0 && accept(sock, NULL, NULL) >= 0, "hidden socket: %s", strerror(errno));
	fd_has(late, "file in /proc", "Linux\n");
	has("/tmp/over/low", "lower");
	has("/tmp/over2/changed", "after");
	has("/dev/shm/file", "shared memory");
	struct stat st;
	has("/tmp/on-file", "still here");
	live_check(stat("/tmp/on-file", &st) == 0 && st.st_mode == (S_IFREG | 0604),
		   "mode of a deleted file is 0%o", st.st_mode);
	live_check(stat("/tmp/on-dir", &st) == 0 && st.st_mode == (S_IFDIR | 0710),
		   "mode of a deleted directory is 0%o", st.st_mode);
	live_check(access("/tmp/gone-file", F_OK) < 0 && access("/tmp/gone", F_OK) < 0,
		   "what was deleted has its name again");
	live_check(open("/new", O_CREAT | O_WRONLY, 0600) < 0 && errno == EROFS,
		   "the root can be written");
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "child ended with %#x", status);
	live_pass();
}
