/* SPDX-License-Identifier: MIT
 * Mount namespaces that only descriptors lead to: one with a file system that is mounted nowhere
 * else and a file of it that is open, a read-only view, a proc of processes that are dead, and one
 * mount that gets what is mounted here.
 *
 * live-unshare: --mount --pid --mount-proc
 * live-dump: --external mnt[/dev/shm]:shm
 * live-restore: --external mnt[shm]:/dev/shm --root /
 * live-modes: SS RR 2S
 */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static char common[4096], hidden[4096], view[4096], dead[4096];

static void mount_new(const char *place)
{
	live_must(mount("none", place, "tmpfs", 0, "mode=755,size=1m") == 0);
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[5000];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT, 0640);
	live_must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void check_text(int fd, const char *want)
{
	char text[32] = "";
	live_check(fd >= 0 && pread(fd, text, sizeof(text) - 1, 0) >= 0, "%s: %s", want,
		   strerror(errno));
	live_check(!strcmp(text, want), "it has %s, not %s", text, want);
}

static int open_in(const char *dir, const char *name, int flags)
{
	char path[5000];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return open(path, flags);
}

/* By a pid 1 that ends. */
static void mount_dead(void)
{
	int status;
	live_must(unshare(CLONE_NEWPID) == 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(mount("proc", dead, "proc", 0, NULL) < 0);
	live_must(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

/* @return a process in a mount namespace of its own, with more mounts in it */
static pid_t inhabitant(void)
{
	int up[2];
	char byte;
	live_must(pipe(up) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		live_must(unshare(CLONE_NEWNS) == 0);
		mount_new(hidden);
		put(hidden, "file", "hidden");
		live_must(mount(common, view, NULL, MS_BIND, NULL) == 0 &&
			  mount(NULL, view, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
		mount_dead();
		live_must(write(up[1], "", 1) == 1);
		for (;;)
			pause();
	}
	live_must(pid > 0 && read(up[0], &byte, 1) == 1);
	close(up[0]);
	close(up[1]);
	return pid;
}

static void check_inside(int ns)
{
	live_check(setns(ns, CLONE_NEWNS) == 0, "setns: %s", strerror(errno));
	check_text(open_in(hidden, "file", O_RDONLY), "hidden");
	check_text(open_in(view, "file", O_RDONLY), "common");
	live_check(open_in(view, "file", O_RDWR) < 0 && errno == EROFS, "read-only: %s",
		   strerror(errno));
	live_check(open_in(dead, "version", O_RDONLY) >= 0, "no proc: %s", strerror(errno));
	live_check(open_in(dead, "1", O_RDONLY) < 0 && errno == ENOENT, "it has a pid 1");
	check_text(open_in(common, "late/file", O_RDONLY), "late");
	_exit(0);
}

int main(void)
{
	char path[64];
	struct stat st, again, own;
	int status;
	strcpy(common, live_path("common"));
	strcpy(hidden, live_path("hidden"));
	strcpy(view, live_path("view"));
	strcpy(dead, live_path("dead"));
	live_must(mkdir(common, 0755) == 0 && mkdir(hidden, 0755) == 0 && mkdir(view, 0755) == 0 &&
		  mkdir(dead, 0755) == 0);
	mount_new(common);
	live_must(mount(NULL, common, NULL, MS_SHARED, NULL) == 0);
	put(common, "file", "common");
	pid_t pid = inhabitant();
	char *through, *late;
	live_must(asprintf(&through, "/proc/%d/root%s/file", pid, hidden) > 0);
	int inside = open(through, O_RDWR);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	int ns = open(path, O_RDONLY), twice = open(path, O_RDONLY);
	live_must(inside >= 0 && ns >= 0 && twice >= 0);
	live_must(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);

	live_ready();

	live_check(fstat(ns, &st) == 0 && fstat(twice, &again) == 0 &&
		       stat("/proc/self/ns/mnt", &own) == 0 && st.st_ino == again.st_ino &&
		       st.st_ino != own.st_ino,
		   "which is which");
	check_text(inside, "hidden");
	live_check(open_in(hidden, "file", O_RDONLY) < 0, "it is not hidden any more");
	live_must(asprintf(&late, "%s/late", common) > 0 && mkdir(late, 0755) == 0);
	mount_new(late);
	put(late, "file", "late");
	pid = fork();
	if (pid == 0)
		check_inside(ns);
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "inside: %x", status);
	live_pass();
}
