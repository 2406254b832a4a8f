/* SPDX-License-Identifier: MIT
 * A program to dump. holder watch FILE OUT: adds a byte to OUT whenever FILE is written.
 * holder box DIR: waits with DIR as its root, in mounts of its own, and a tmpfs on /labelled in it.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int watch(const char *path, const char *out)
{
	struct inotify_event event;
	int fd = inotify_init1(IN_CLOEXEC);
	if (fd < 0 || inotify_add_watch(fd, path, IN_MODIFY) < 0)
		return fail(path);
	do {
		int to = open(out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (to < 0 || write(to, ".", 1) != 1)
			return fail(out);
		close(to);
	} while (read(fd, &event, sizeof(event)) == sizeof(event));
	return fail("read");
}

static int box(const char *dir)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(dir, dir, NULL, MS_BIND, NULL) < 0 || chdir(dir) < 0 ||
	    mount("none", "labelled", "tmpfs", 0, NULL) < 0)
		return fail(dir);
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return fail("pivot_root");
	close_range(0, ~0u, 0); /* they are not in there */
	execl("/holder", "holder", (char *)NULL);
	return fail("/holder");
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "watch"))
		return watch(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "box"))
		return box(argv[2]);
	for (;;)
		pause();
}
