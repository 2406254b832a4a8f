/* SPDX-License-Identifier: MIT
 * A user namespace: ids inside, of tasks that are root there and of one that is not, of a login, of
 * files that have no name any more, of sockets and of semaphores.
 * live-user: mapped
 * live-unshare: --pid --ipc
 * live-skip: unshare --user true
 */
#include <grp.h>
#include <stdbool.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/un.h>
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

/* @return false where this kernel has none, or lets nobody change it */
static bool set_login(const char *id)
{
	int fd = open("/proc/self/loginuid", O_WRONLY);
	bool set = fd >= 0 && write(fd, id, strlen(id)) > 0;
	close(fd);
	return set;
}

static bool login_is(const char *id)
{
	char now[16] = "";
	int fd = open("/proc/self/loginuid", O_RDONLY);
	live_must(fd >= 0 && read(fd, now, sizeof(now) - 1) > 0 && close(fd) == 0);
	return strcmp(now, id) == 0;
}

static _Noreturn void child(void)
{
	gid_t groups[] = { 7, 999 }, now[4];
	live_must(setgroups(2, groups) == 0 && setresgid(20, 20, 20) == 0 &&
		  setresuid(10, 10, 10) == 0);
	bool login = set_login("10");
	live_wait();
	check_ids(10, 20);
	live_check(!login || login_is("10"), "another login id");
	live_check(getgroups(4, now) == 2 && now[0] == 7 && now[1] == 999, "groups");
	live_check(setuid(0) < 0, "it can become root");
	_exit(7);
}

int main(void)
{
	struct stat st;
	struct semid_ds ds;
	int status;
	check_ids(0, 0);
	pid_t pid = fork();
	if (pid == 0)
		child();
	int ghost = open(live_path("ghost"), O_RDWR | O_CREAT, 0640);
	live_must(ghost >= 0 && fchown(ghost, 33, 44) == 0 && unlink(live_path("ghost")) == 0);
	struct sockaddr_un addr = { AF_UNIX };
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", live_path("socket"));
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);
	live_must(bind(sock, (struct sockaddr *)&addr, sizeof(addr)) == 0 && listen(sock, 1) == 0);
	live_must(chown(addr.sun_path, 55, 66) == 0);
	int sem = semget(77, 1, IPC_CREAT | 0600);
	live_must(sem >= 0 && semctl(sem, 0, IPC_STAT, &ds) == 0);
	ds.sem_perm.uid = 12;
	live_must(semctl(sem, 0, IPC_SET, &ds) == 0);

	live_ready();

	check_ids(0, 0);
	live_check(fstat(ghost, &st) == 0 && st.st_uid == 33 && st.st_gid == 44,
		   "the ghost belongs to %u:%u", st.st_uid, st.st_gid);
	live_check(stat(addr.sun_path, &st) == 0 && st.st_uid == 55 && st.st_gid == 66,
		   "the socket belongs to %u:%u", st.st_uid, st.st_gid);
	live_check(semctl(sem, 0, IPC_STAT, &ds) == 0 && ds.sem_perm.uid == 12,
		   "the semaphore belongs to %u", ds.sem_perm.uid);
	live_check(prctl(PR_CAPBSET_READ, 21) == 1 && sethostname("", 0) < 0,
		   "capabilities reach outside");
	live_check(setuid(500) == 0 && getuid() == 500, "an id of the namespace cannot be taken");
	live_check(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7,
		   "the child ended with %#x", status);
	live_check(setuid(1000) < 0, "an id outside of the namespace can be taken");
	live_pass();
}
