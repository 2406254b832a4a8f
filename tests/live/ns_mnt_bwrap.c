/* SPDX-License-Identifier: MIT
 * A program in bubblewrap, inside of a tree with mounts of its own: what it sees is what it saw,
 * and its root there can do what it could.
 *
 * live-unshare: --mount --pid --mount-proc
 * live-dump: --external mnt[]:sm
 * live-restore: --external mnt[]:sm --root /
 * live-skip: bwrap --unshare-user --ro-bind / / true
 * live-modes: SS RR 2S
 */
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/live/namespaces.h"

static int inside(void)
{
	char text[32] = "";
	int fd = open("/mnt/file", O_RDWR | O_CREAT, 0600);
	live_must(fd >= 0 && write(fd, "mine", 4) == 4 && write(1, "r", 1) == 1);
	live_wait();
	live_check(getpid() > 1 && access("/proc/1/stat", R_OK) == 0, "no /proc");
	live_check(pread(fd, text, sizeof(text) - 1, 0) == 4 && !strcmp(text, "mine"),
		   "the open file has %s", text);
	close(fd);
	fd = open("/mnt/file", O_RDONLY);
	live_check(fd >= 0 && read(fd, text, 4) == 4 && !strcmp(text, "mine"), "the file has %s",
		   text);
	live_check(open("/new", O_WRONLY | O_CREAT, 0600) < 0 && errno == EROFS,
		   "the root is writable: %s", strerror(errno));
	fd = open("/dev/null", O_WRONLY);
	live_check(fd >= 0 && write(fd, "x", 1) == 1, "/dev/null: %s", strerror(errno));
	live_check(open("/dev/ptmx", O_RDWR) >= 0, "/dev/ptmx: %s", strerror(errno));
	live_check(umount2("/mnt", MNT_DETACH) == 0, "/mnt does not come off: %s", strerror(errno));
	live_check(umount2("/sys", MNT_DETACH) < 0 && errno == EINVAL, "/sys comes off: %s",
		   strerror(errno));
	return 0;
}

int main(int argc, char **argv)
{
	int up[2], status;
	char c, self[4096] = "";
	if (argc > 1)
		return inside();
	live_must(pipe(up) == 0 && readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	const char *dir = getenv("LIVE_DIR");
	pid_t pid = fork();
	if (pid == 0) {
		live_must(dup2(up[1], 1) == 1);
		close(up[0]);
		close(up[1]);
		execlp("bwrap", "bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/",
		       "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/mnt", "--bind", dir, dir,
		       self, "inside", NULL);
		_exit(1);
	}
	close(up[1]);
	live_check(read(up[0], &c, 1) == 1, "bwrap has ended");

	live_ready();

	live_check(waitpid(pid, &status, 0) == pid && status == 0, "it ended with %#x", status);
	(void)argv;
	live_pass();
}
