/* SPDX-License-Identifier: MIT
 * UTS, IPC, network and cgroup namespaces that belong to a user namespace inside of the tree's,
 * with what its root has set in them; who is in them may go on to change them, and nothing around.
 */
#include <linux/nsfs.h>
#include <mqueue.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "tests/live/namespaces.h"

#define KEY 0x4e1d

static void check_has(const char *path, const char *text)
{
	char now[64] = "";
	int fd = open(path, O_RDONLY);
	live_check(fd >= 0 && read(fd, now, sizeof(now) - 1) > 0 && !strcmp(now, text),
		   "%s says %s", path, now);
	close(fd);
}

static bool loopback(bool set_up)
{
	struct ifreq lo = { .ifr_name = "lo" };
	int sk = socket(AF_INET, SOCK_DGRAM, 0);
	live_check(sk >= 0 && ioctl(sk, SIOCGIFFLAGS, &lo) == 0, "lo: %s", strerror(errno));
	if (set_up) {
		lo.ifr_flags |= IFF_UP;
		live_must(ioctl(sk, SIOCSIFFLAGS, &lo) == 0);
	}
	close(sk);
	return lo.ifr_flags & IFF_UP;
}

/* Is what it is in all its own? */
static void check_owners(void)
{
	static const char *const names[] = { "uts", "ipc", "net", "cgroup" };
	int users = ns_open_own("user");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int fd = ns_open_own(names[i]), owner = ioctl(fd, NS_GET_USERNS);
		live_check(ns_number(owner) == ns_number(users), "%s belongs to another", names[i]);
		close(fd);
		close(owner);
	}
	close(users);
}

static void become_somebody_inside(void)
{
	char text[32];
	uid_t uid = geteuid();
	gid_t gid = getegid();
	live_must(unshare(CLONE_NEWUSER) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
	ns_write("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "0 %u 1", uid);
	ns_write("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "0 %u 1", gid);
	ns_write("/proc/self/gid_map", text);
}

static struct {
	int shm;
	char *at;
	mqd_t mq;
} has;

static void set_up(void)
{
	live_must(setresgid(20, 20, 20) == 0 && setresuid(10, 10, 10) == 0);
	become_somebody_inside();
	live_must(unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP) == 0);
	live_must(sethostname("inner", 5) == 0);
	has.shm = shmget(KEY, 8192, IPC_CREAT | 0600);
	has.at = shmat(has.shm, NULL, 0);
	live_must(has.shm >= 0 && has.at != (char *)-1);
	strcpy(has.at, "segment");
	ns_write("/proc/sys/kernel/msgmax", "4321\n");
	ns_write("/proc/sys/net/ipv4/ip_forward", "1\n");
	struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = 16 };
	has.mq = mq_open("/queue", O_RDWR | O_CREAT, 0600, &attr);
	live_must(has.mq >= 0 && mq_send(has.mq, "message", 8, 3) == 0);
	loopback(true);
}

static void check(void)
{
	struct utsname names;
	char text[16];
	check_owners();
	live_check(uname(&names) == 0 && !strcmp(names.nodename, "inner"), "it is %s",
		   names.nodename);
	struct shmid_ds ds;
	live_check(shmctl(has.shm, IPC_STAT, &ds) == 0 && ds.shm_perm.uid == 0 &&
		       ds.shm_nattch == 1,
		   "the segment is %u's", ds.shm_perm.uid);
	live_check(!strcmp(has.at, "segment"), "its contents");
	check_has("/proc/sys/kernel/msgmax", "4321\n");
	check_has("/proc/sys/net/ipv4/ip_forward", "1\n");
	live_check(loopback(false), "lo is down");
	live_check(mq_receive(has.mq, text, sizeof(text), NULL) == 8 && !strcmp(text, "message"),
		   "the message: %s", strerror(errno));
	live_check(sethostname("other", 5) == 0, "sethostname: %s", strerror(errno));
	ns_write("/proc/sys/kernel/msgmax", "4322\n");
	ns_write("/proc/sys/net/ipv4/ip_forward", "0\n");
}

#ifdef ALONE
int main(void)
{
	set_up();
	live_ready();
	check();
	live_pass();
}
#else
static _Noreturn void inner(int ready)
{
	set_up();
	live_must(write(ready, "r", 1) == 1);
	live_wait();
	check();
	_exit(0);
}

int main(void)
{
	struct utsname before, now;
	int ready[2], status;
	char c;
	live_must(uname(&before) == 0 && pipe(ready) == 0);
	pid_t pid = fork();
	if (pid == 0)
		inner(ready[1]);
	live_must(read(ready[0], &c, 1) == 1);

	live_ready();

	live_check(waitpid(pid, &status, 0) == pid && status == 0, "it ended with %#x", status);
	live_check(uname(&now) == 0 && !strcmp(now.nodename, before.nodename), "the name changed");
	live_pass();
}
#endif
