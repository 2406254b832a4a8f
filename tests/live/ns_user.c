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

/* A message of user 33, to who wants to know. */
static int message(void)
{
	int pair[2], on = 1;
	live_must(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	live_must(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		live_must(setresuid(33, 33, 33) == 0);
		_exit(send(pair[0], "hello", 5, 0) == 5 ? 0 : 1);
	}
	live_must(waitpid(pid, NULL, 0) == pid);
	return pair[1];
}

static void check_message(int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control = { { 0 } };
	char text[8];
	struct ucred from = { 0 };
	struct iovec one = { text, sizeof(text) };
	struct msghdr msg = { .msg_iov = &one,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	live_check(recvmsg(fd, &msg, MSG_DONTWAIT) == 5, "message: %s", strerror(errno));
	const struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_type == SCM_CREDENTIALS)
		memcpy(&from, CMSG_DATA(c), sizeof(from));
	live_check(c && from.uid == 33 && from.gid == 0, "the message is from %u:%u", from.uid,
		   from.gid);
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
	int inbox = message();
	int sem = semget(77, 1, IPC_CREAT | 0600);
	live_must(sem >= 0 && semctl(sem, 0, IPC_STAT, &ds) == 0);
	ds.sem_perm.uid = 12;
	live_must(semctl(sem, 0, IPC_SET, &ds) == 0);

	live_ready();

	check_ids(0, 0);
	check_message(inbox);
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
