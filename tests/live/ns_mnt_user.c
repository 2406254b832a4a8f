/* SPDX-License-Identifier: MIT
 * A mount namespace that belongs to a user namespace inside of the tree's: what came from outside
 * is locked in it, and nobody there may take it off, or write to what was read-only; what was
 * mounted there is free, and its file system belongs to who mounted it. What is mounted outside
 * arrives, and nothing goes there.
 *
 * live-unshare: --mount --pid --mount-proc
 * live-dump: --external mnt[]:sm
 * live-restore: --external mnt[]:sm --root /
 * live-modes: SS RR 2S
 */
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/live/namespaces.h"

#ifndef INNER
#define INNER 1000 /* who is root inside */
#endif

static char common[4096], readonly[4096], own[4096], view[4096], bound[4096], inside[4096];
static char covered[4096], merged[4096];

static void make(char *out, const char *name)
{
	snprintf(out, 4096, "%s", live_path(name));
	live_must(mkdir(out, 0777) == 0 && chmod(out, 0777) == 0);
}

static const char *in(const char *dir, const char *name)
{
	static char paths[2][5000];
	static int at;
	char *path = paths[at++ % 2];
	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static void put(const char *dir, const char *name, const char *text)
{
	int fd = open(in(dir, name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	live_check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text),
		   "write %s/%s: %s", dir, name, strerror(errno));
	close(fd);
}

static void check_text(const char *dir, const char *name, const char *want)
{
	char text[32] = "";
	int fd = open(in(dir, name), O_RDONLY);
	live_check(fd >= 0 && read(fd, text, sizeof(text) - 1) >= 0, "%s/%s: %s", dir, name,
		   strerror(errno));
	live_check(!strcmp(text, want), "%s/%s has %s", dir, name, text);
	close(fd);
}

/* Files without a name, or with one that is no file's: in a file system of who is root inside. */
static struct {
	int gone, fifo, sk;
} has;

static void open_files(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	put(own, "gone", "nameless");
	has.gone = open(in(own, "gone"), O_RDONLY);
	live_must(has.gone >= 0 && unlink(in(own, "gone")) == 0);
	live_must(mkfifo(in(own, "fifo"), 0600) == 0);
	has.fifo = open(in(own, "fifo"), O_RDWR);
	live_must(has.fifo >= 0 && write(has.fifo, "waits", 5) == 5);
	live_must(chdir(own) == 0);
	strcpy(name.sun_path, "socket");
	has.sk = socket(AF_UNIX, SOCK_STREAM, 0);
	live_must(has.sk >= 0 && bind(has.sk, (void *)&name, sizeof(name)) == 0 &&
		  listen(has.sk, 1) == 0);
}

static void check_files(void)
{
	char text[16] = "";
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	live_check(pread(has.gone, text, sizeof(text), 0) == 8 && !memcmp(text, "nameless", 8),
		   "the nameless file has %.16s", text);
	live_check(read(has.fifo, text, sizeof(text)) == 5 && !memcmp(text, "waits", 5),
		   "the fifo has %.16s", text);
	live_check(connect(fd, (void *)&name, sizeof(name)) == 0, "connect: %s", strerror(errno));
	live_check(access("file", F_OK) == 0, "it is elsewhere");
	live_must(chdir("/") == 0);
}

static void become_root_inside(void)
{
	char text[32];
	live_must(setresgid(INNER, INNER, INNER) == 0 && setresuid(INNER, INNER, INNER) == 0);
	live_must(prctl(PR_SET_DUMPABLE, 1) == 0 && unshare(CLONE_NEWUSER) == 0);
	live_must(prctl(PR_SET_DUMPABLE, 1) == 0);
	ns_write("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "0 %d 1", INNER);
	ns_write("/proc/self/uid_map", text);
	ns_write("/proc/self/gid_map", text);
}

static void check_locked(const char *place)
{
	live_check(umount2(place, MNT_DETACH) < 0 && errno == EINVAL, "%s: it comes off: %s", place,
		   strerror(errno));
}

static void check_stays_readonly(const char *place)
{
	live_check(mount(NULL, place, NULL, MS_REMOUNT | MS_BIND, NULL) < 0 && errno == EPERM,
		   "%s can be made writable: %s", place, strerror(errno));
	live_check(open(in(place, "new"), O_WRONLY | O_CREAT, 0600) < 0 && errno == EROFS,
		   "%s is writable: %s", place, strerror(errno));
}

static void check_free(const char *place)
{
	live_check(umount2(place, MNT_DETACH) == 0, "%s does not come off: %s", place,
		   strerror(errno));
}

/* Of directories of its own file system. */
static void mount_overlay(void)
{
	static const char *const dirs[] = { "lower", "upper", "work" };
	char options[16384];
	for (size_t i = 0; i < 3; i++)
		live_must(mkdir(in(own, dirs[i]), 0755) == 0);
	put(in(own, "lower"), "low", "lower");
	snprintf(options, sizeof(options),
		 "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work,userxattr", own, own, own);
	live_must(mount("none", merged, "overlay", 0, options) == 0);
	put(merged, "up", "upper");
}

static void check_overlay(void)
{
	check_text(merged, "low", "lower");
	check_text(merged, "up", "upper");
	put(merged, "low", "changed");
	check_text(in(own, "lower"), "low", "lower");
	check_text(in(own, "upper"), "low", "changed");
	check_free(merged);
}

/* Another one of the same owner, in which nobody is any more. */
static int held;

static void hold_another(void)
{
	int up[2];
	char c;
	live_must(pipe(up) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		live_must(unshare(CLONE_NEWNS) == 0);
		live_must(mount("none", inside, "tmpfs", 0, NULL) == 0);
		put(inside, "file", "held");
		live_must(write(up[1], "r", 1) == 1);
		for (;;)
			pause();
	}
	live_must(pid > 0 && read(up[0], &c, 1) == 1);
	held = ns_open_of(pid, "mnt");
	live_must(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	close(up[0]);
	close(up[1]);
}

static void check_held(void)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		live_check(setns(held, CLONE_NEWNS) == 0, "enter what is held: %s",
			   strerror(errno));
		check_text(inside, "file", "held");
		check_locked(readonly);
		check_stays_readonly(readonly);
		check_free(inside);
		_exit(0);
	}
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "what is held: %#x", status);
}

static void set_up(void)
{
	become_root_inside();
	live_must(unshare(CLONE_NEWNS) == 0);
	live_must(mount("none", own, "tmpfs", 0, "mode=751,size=1m") == 0);
	put(own, "file", "mine");
	live_must(mkdir(in(own, "below"), 0700) == 0);
	live_must(mount(common, in(own, "below"), NULL, MS_BIND, NULL) == 0);
	live_must(mount(common, view, NULL, MS_BIND, NULL) == 0);
	live_must(mount(NULL, view, NULL, MS_PRIVATE, NULL) == 0);
	live_must(mount(NULL, view, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
	live_must(mount(readonly, bound, NULL, MS_BIND, NULL) == 0);
	live_must(mount("none", covered, "tmpfs", 0, NULL) == 0);
	put(covered, "file", "on top");
	mount_overlay();
	hold_another();
	open_files();
}

static void check(void)
{
	struct stat st;
	check_files();
	check_overlay();
	check_held();
	check_locked("/dev/shm");
	check_locked("/proc");
	check_locked(common);
	check_locked(readonly);
	check_stays_readonly(readonly);
	check_stays_readonly(bound);
	check_text(own, "file", "mine");
	check_text(common, "file", "common");
	check_text(view, "file", "common");
	check_text(in(own, "below"), "file", "common");
	live_check(stat(own, &st) == 0 && st.st_uid == 0 && st.st_gid == 0 &&
		       (st.st_mode & 07777) == 0751,
		   "%u:%u have it, %o", st.st_uid, st.st_gid, st.st_mode);
	live_check(stat(in(own, "file"), &st) == 0 && st.st_uid == 0, "the file is %u's",
		   st.st_uid);
	/* master of its own file system, and not of others */
	live_check(mount(NULL, own, NULL, MS_REMOUNT, "size=2m") == 0, "remount: %s",
		   strerror(errno));
	live_check(mount(NULL, common, NULL, MS_REMOUNT, "size=2m") < 0 && errno == EPERM,
		   "remount %s: %s", common, strerror(errno));
	live_check(mount(NULL, view, NULL, MS_REMOUNT | MS_BIND, NULL) == 0, "remount %s: %s", view,
		   strerror(errno));
	put(view, "written", "inside");
	live_must(mount("none", inside, "tmpfs", 0, NULL) == 0);
	put(inside, "file", "inside");
	check_text(covered, "file", "on top");
	check_free(covered);
	check_text(covered, "file", "common");
	check_locked(covered);
	check_stays_readonly(covered);
	check_free(view);
	check_free(bound);
	check_free(own);
}

static void mount_readonly(const char *place)
{
	live_must(mount(common, place, NULL, MS_BIND, NULL) == 0);
	live_must(mount(NULL, place, NULL, MS_PRIVATE, NULL) == 0);
	live_must(mount(NULL, place, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
}

/* What is in the tree's namespace before. */
static void prepare(void)
{
	make(common, "common");
	make(readonly, "readonly");
	make(own, "own");
	make(view, "view");
	make(bound, "bound");
	make(inside, "inside");
	make(covered, "covered");
	make(merged, "merged");
	put(own, "under", "outside");
	live_must(mount("none", common, "tmpfs", 0, "mode=777,size=1m") == 0);
	live_must(mkdir(in(common, "sub"), 0755) == 0);
	put(common, "file", "common");
	live_must(mount(NULL, common, NULL, MS_SHARED, NULL) == 0);
	mount_readonly(readonly);
	mount_readonly(covered);
}

#ifdef ALONE
int main(void)
{
	/* what it leaves goes with it */
	live_must(unshare(CLONE_NEWNS) == 0 &&
		  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	prepare();
	live_must(mount(NULL, common, NULL, MS_PRIVATE, NULL) == 0);
	set_up();

	live_ready();

	check();
	check_text(own, "under", "outside");
	live_pass();
}
#else
static void tell(int fd)
{
	live_must(write(fd, "r", 1) == 1);
}

static void hear(int fd)
{
	char c;
	live_check(read(fd, &c, 1) == 1, "nobody is there any more");
}

static _Noreturn void inner(int up, int down)
{
	set_up();
	tell(up);
	hear(down);
	check();
	check_text(in(common, "sub"), "arrives", "from outside");
	check_text(own, "under", "outside");
	tell(up);
	hear(down);
	_exit(0);
}

int main(void)
{
	int up[2], down[2], status;
	live_must(pipe(up) == 0 && pipe(down) == 0);
	prepare();
	pid_t pid = fork();
	if (pid == 0)
		inner(up[1], down[0]);
	hear(up[0]);

	live_ready();

	live_must(mount("none", in(common, "sub"), "tmpfs", 0, NULL) == 0);
	put(in(common, "sub"), "arrives", "from outside");
	tell(down[1]);
	hear(up[0]);
	check_text(common, "written", "inside");
	live_check(access(in(inside, "file"), F_OK) < 0, "a mount of inside is here");
	check_text(own, "under", "outside");
	tell(down[1]);
	live_check(waitpid(pid, &status, 0) == pid && status == 0, "it ended with %#x", status);
	live_pass();
}
#endif
