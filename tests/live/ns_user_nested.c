/* SPDX-License-Identifier: MIT
 * User namespaces inside of the tree's: one with maps, of a user that is no root outside, with two
 * tasks in it that are somebody else inside; one that nobody has given maps.
 */
#include <grp.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/live/namespaces.h"

#define NOBODY  65534
#define NET_RAW 13

static const char *proc(pid_t pid, const char *name)
{
	static char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return path;
}

struct text {
	char is[512];
};

static struct text contents(const char *path)
{
	struct text t = { "" };
	int fd = open(path, O_RDONLY);
	live_check(fd >= 0 && read(fd, t.is, sizeof(t.is) - 1) >= 0, "read %s: %s", path,
		   strerror(errno));
	close(fd);
	return t;
}

/* A line of /proc/PID/status. */
static struct text status_of(pid_t pid, const char *key)
{
	struct text value = { "" };
	char line[256];
	FILE *f = fopen(proc(pid, "status"), "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			snprintf(value.is, sizeof(value.is), "%s", line);
	live_check(f != NULL && value.is[0], "no %s of %d", key, pid);
	fclose(f);
	return value;
}

/* What can be seen of a process in a user namespace. */
struct seen {
	struct text uid_map, gid_map, groups_allowed, uids, gids, groups, eff, prm, inh, bnd, amb;
};

static struct seen look(pid_t pid)
{
	return (struct seen){ contents(proc(pid, "uid_map")),   contents(proc(pid, "gid_map")),
			      contents(proc(pid, "setgroups")), status_of(pid, "Uid:"),
			      status_of(pid, "Gid:"),           status_of(pid, "Groups:"),
			      status_of(pid, "CapEff:"),        status_of(pid, "CapPrm:"),
			      status_of(pid, "CapInh:"),        status_of(pid, "CapBnd:"),
			      status_of(pid, "CapAmb:") };
}

static void check_same(const struct seen *a, const struct seen *b, const char *what)
{
	const struct text *x = (const struct text *)a, *y = (const struct text *)b;
	for (size_t i = 0; i < sizeof(*a) / sizeof(*x); i++)
		live_check(!strcmp(x[i].is, y[i].is), "%s: %.*s became %.*s", what,
			   (int)strcspn(x[i].is, "\n"), x[i].is, (int)strcspn(y[i].is, "\n"),
			   y[i].is);
}

/* As /proc has it, which may be that of another pid namespace. */
static pid_t own_number(void)
{
	char text[16] = "";
	live_must(readlink("/proc/self", text, sizeof(text) - 1) > 0);
	return atoi(text);
}

static ino_t ns_of(pid_t pid)
{
	struct stat st;
	live_check(stat(proc(pid, "ns/user"), &st) == 0, "stat: %s", strerror(errno));
	return st.st_ino;
}

static ino_t around(pid_t pid, uid_t *owner)
{
	struct stat st;
	int fd = open(proc(pid, "ns/user"), O_RDONLY), up = ioctl(fd, NS_GET_PARENT);
	live_check(up >= 0 && fstat(up, &st) == 0 && ioctl(fd, NS_GET_OWNER_UID, owner) == 0,
		   "ask for what is around: %s", strerror(errno));
	close(fd);
	close(up);
	return st.st_ino;
}

/* In it: as before, with all it may and nothing else. */
static void check_inside(const struct seen *before)
{
	struct seen now = look(own_number());
	check_same(before, &now, "inside");
	live_check(sethostname("x", 1) < 0 && setgroups(0, NULL) < 0, "it may more than it could");
	live_check(prctl(PR_CAPBSET_READ, NET_RAW) == 0, "its bounding set grew");
	live_check(setresuid(77, 77, 77) < 0, "an id that is not mapped can be taken");
	live_check(setresuid(5, 5, 5) == 0 && getuid() == 5, "a mapped id cannot be taken: %s",
		   strerror(errno));
}

static void tell(int line)
{
	pid_t self = own_number();
	live_must(write(line, &self, sizeof(self)) == sizeof(self));
}

/* @return who has told */
static pid_t await(int line)
{
	pid_t who;
	live_must(read(line, &who, sizeof(who)) == sizeof(who));
	return who;
}

static _Noreturn void mapped(int line[2])
{
	const gid_t groups[] = { 20, 30 };
	live_must(setgroups(2, groups) == 0 && setresgid(20, 20, 20) == 0 &&
		  setresuid(10, 10, 10) == 0 && unshare(CLONE_NEWUSER) == 0);
	prctl(PR_SET_DUMPABLE, 1);
	tell(line[1]);
	await(line[0]);
	live_must(setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0);
	live_must(prctl(PR_CAPBSET_DROP, NET_RAW, 0, 0, 0) == 0);
	prctl(PR_SET_DUMPABLE, 1);
	int own[2]; /* to its child */
	live_must(pipe(own) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	struct seen before = look(own_number());
	if (pid) {
		tell(line[1]);
		await(line[0]);
		tell(line[1]);
		await(line[0]);
		tell(own[1]);
	} else {
		await(own[0]);
	}
	check_inside(&before);
	int status;
	live_check(pid == 0 || (waitpid(pid, &status, 0) == pid && status == 0), "its child: %#x",
		   status);
	_exit(0);
}

static _Noreturn void unmapped(int line[2])
{
	live_must(setresgid(40, 40, 40) == 0 && setresuid(50, 50, 50) == 0 &&
		  unshare(CLONE_NEWUSER) == 0);
	prctl(PR_SET_DUMPABLE, 1);
	struct seen before = look(own_number());
	tell(line[1]);
	await(line[0]);
	struct seen now = look(own_number());
	check_same(&before, &now, "without maps");
	live_check(getuid() == NOBODY && getgid() == NOBODY, "it is %u", getuid());
	tell(line[1]);
	await(line[0]);
	live_check(getuid() == 7, "with a map it is %u", getuid());
	_exit(0);
}

int main(void)
{
	int up[2], down[2], blank[2], back[2], status;
	uid_t owner;
	live_must(pipe(up) == 0 && pipe(down) == 0 && pipe(blank) == 0 && pipe(back) == 0);
	pid_t first = fork();
	if (first == 0)
		mapped((int[]){ down[0], up[1] });
	pid_t pid = await(up[0]);
	ns_write(proc(pid, "setgroups"), "deny");
	ns_write(proc(pid, "uid_map"), "0 10 1\n5 500 10\n");
	ns_write(proc(pid, "gid_map"), "0 20 1\n");
	tell(down[1]);
	pid_t second = fork();
	if (second == 0)
		unmapped((int[]){ blank[0], back[1] });
	await(up[0]);
	await(back[0]);
	setpriority(PRIO_PROCESS, (id_t)first, -7); /* not in a user namespace */
	int nice = getpriority(PRIO_PROCESS, (id_t)first);
	struct seen before = look(pid);

	live_ready();

	tell(down[1]);
	pid = await(up[0]);
	struct seen now = look(pid);
	check_same(&before, &now, "outside");
	tell(blank[1]);
	pid_t other = await(back[0]);
	live_check(ns_of(pid) != ns_of(own_number()) && ns_of(other) != ns_of(pid),
		   "they are in the same");
	live_check(around(pid, &owner) == ns_of(own_number()) && owner == 10, "it is %u's", owner);
	live_check(around(other, &owner) == ns_of(own_number()) && owner == 50, "it is %u's",
		   owner);
	live_check(getpriority(PRIO_PROCESS, (id_t)first) == nice, "another nice value");
	tell(down[1]);
	ns_write(proc(other, "uid_map"), "7 50 1\n");
	tell(blank[1]);
	live_check(waitpid(second, &status, 0) == second && status == 0, "without maps: %#x",
		   status);
	live_check(waitpid(first, &status, 0) == first && status == 0, "it ended with %#x", status);
	live_pass();
}
