/* SPDX-License-Identifier: MIT
 * A user namespace in which nobody is id 0, with a mount of its own whose files belong to ids
 * of it, and images that only root outside may write.
 *
 * live-link: static
 * live-unshare: --mount --pid --mount-proc
 * live-dump: --external mnt[]:sm
 * live-restore: --external mnt[]:sm --root /
 * live-modes: SS RR 2S
 * live-skip: unshare --user true
 */
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static void check_ids(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;
	live_check(getresuid(&r, &e, &s) == 0 && r == uid && e == uid && s == uid,
		   "user ids are %u %u %u, want %u", r, e, s, uid);
	live_check(getresgid(&rg, &eg, &sg) == 0 && rg == gid && eg == gid && sg == gid,
		   "group ids are %u %u %u, want %u", rg, eg, sg, gid);
}

static _Noreturn void child(void)
{
	gid_t groups[] = { 1007, 1999 }, now[4];
	live_must(setgroups(2, groups) == 0 && setresgid(1020, 1020, 1020) == 0 &&
		  setresuid(1010, 1010, 1010) == 0);
	live_wait();
	check_ids(1010, 1020);
	live_check(getgroups(4, now) == 2 && now[0] == 1007 && now[1] == 1999, "groups");
	_exit(7);
}

static void write_map(const char *name, const char *text)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/%s", getppid(), name);
	int fd = open(path, O_WRONLY);
	live_must(fd >= 0);
	live_check(write(fd, text, strlen(text)) > 0, "%s: %s", path, strerror(errno));
	close(fd);
}

/* Who is outside gives it the ids 1000 to 1999. */
static void enter(void)
{
	int go[2], status;
	char byte;
	live_must(pipe(go) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		live_must(read(go[0], &byte, 1) == 1);
		write_map("uid_map", "1000 100000 1000");
		write_map("gid_map", "1000 200000 1000");
		_exit(0);
	}
	live_must(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write(go[1], "", 1) == 1);
	live_must(waitpid(pid, &status, 0) == pid && status == 0);
	live_must(close(go[0]) == 0 && close(go[1]) == 0);
	live_must(setgroups(0, NULL) == 0 && setresgid(1000, 1000, 1000) == 0 &&
		  setresuid(1000, 1000, 1000) == 0);
}

int main(void)
{
	struct stat st;
	int status;
	enter();
	check_ids(1000, 1000);
	live_must(mount("data", "/mnt", "tmpfs", 0, "mode=755") == 0);
	int fd = open("/mnt/file", O_RDWR | O_CREAT, 0640);
	live_must(fd >= 0 && fchown(fd, 1033, 1044) == 0);
	pid_t pid = fork();
	if (pid == 0)
		child();

	live_ready();

	check_ids(1000, 1000);
	live_check(stat("/mnt/file", &st) == 0 && st.st_uid == 1033 && st.st_gid == 1044,
		   "the file belongs to %u:%u", st.st_uid, st.st_gid);
	live_check(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7,
		   "the child ended with %#x", status);
	live_check(setuid(0) < 0, "somebody is id 0");
	live_check(setuid(1500) == 0 && getuid() == 1500, "an id of the namespace cannot be taken");
	live_pass();
}
