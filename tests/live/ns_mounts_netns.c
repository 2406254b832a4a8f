/* SPDX-License-Identifier: MIT
 * Namespaces that mounts keep: of the network as ip-netns(8) makes them, in one of which a process
 * is and in one nobody; of host names, of IPC and of users, which nobody is in.
 *
 * live-skip: command -v ip
 * live-unshare: --mount --pid --mount-proc --net
 * live-dump: --external mnt[/dev/shm]:shm
 * live-restore: --external mnt[shm]:/dev/shm --root /
 * live-modes: SS RR 2S
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/utsname.h>

#include "tests/live/live.h"

static const char setup[] =
    "set -e; mount -t tmpfs tmpfs /run; ip netns add empty; ip netns add lived;"
    "ip link add v0 type veth peer name v1 netns empty; ip addr add 198.51.100.1/24 dev v0;"
    "ip link set v0 up; ip -n empty addr add 198.51.100.2/24 dev v1; ip -n empty link set v1 up;"
    "ip -n lived link add d0 type veth peer name d1; ip -n lived addr add 203.0.113.9/24 dev d0;"
    "touch /run/uts /run/ipc /run/user; unshare --user --map-root-user sleep 100 & pid=$!;"
    "until [ $(readlink /proc/$pid/ns/user) != $(readlink /proc/self/ns/user) ] &&"
    " grep -q . /proc/$pid/uid_map; do :; done;"
    "mount --bind /proc/$pid/ns/user /run/user; kill $pid; wait $pid || true";
static const char look[] =
    "ip netns list | sed 's/ .*//' | sort; ip -n empty -o addr show dev v1 | grep -o 'inet [^ ]*';"
    "ip -n lived -o addr show dev d0 | grep -o 'inet [^ ]*'; grep -c nsfs /proc/self/mountinfo;"
    "nsenter --user=/run/user cat /proc/self/uid_map /proc/self/setgroups";

static char *output(void)
{
	static char text[2][4096];
	static int nr;
	char *out = text[nr++];
	FILE *f = popen(look, "r");
	live_must(f && nr <= 2 && fread(out, 1, 4095, f) > 0);
	pclose(f);
	return out;
}

/* The namespace this process is in gets a name, and this one goes back. */
static void keep(const char *kind, const char *place, int back, int flag)
{
	char own[32];
	snprintf(own, sizeof(own), "/proc/self/ns/%s", kind);
	live_must(mount(own, place, NULL, MS_BIND, NULL) == 0 && setns(back, flag) == 0);
	close(back);
}

static void enter(const char *place, int flag)
{
	int fd = open(place, O_RDONLY);
	live_check(fd >= 0 && setns(fd, flag) == 0, "%s: %s", place, strerror(errno));
	close(fd);
}

static int here(const char *path)
{
	int fd = open(path, O_RDONLY);
	live_must(fd >= 0);
	return fd;
}

int main(void)
{
	struct utsname names;
	struct stat child, mounted;
	char path[64];
	live_must(system(setup) == 0);
	int uts = here("/proc/self/ns/uts"), ipc = here("/proc/self/ns/ipc");
	live_must(unshare(CLONE_NEWUTS | CLONE_NEWIPC) == 0 && sethostname("kept", 4) == 0);
	int queue = msgget(0x5151, IPC_CREAT | 0600);
	live_must(queue >= 0);
	keep("uts", "/run/uts", uts, CLONE_NEWUTS);
	keep("ipc", "/run/ipc", ipc, CLONE_NEWIPC);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0)
		execlp("ip", "ip", "netns", "exec", "lived", "sleep", "1000", NULL);
	snprintf(path, sizeof(path), "/proc/%d/root/sys/class/net/d0", pid);
	while (access(path, F_OK) < 0) /* it mounts a sysfs of its own */
		live_sleep_ms(5);
	const char *before = output();

	live_ready();

	const char *after = output();
	live_check(!strcmp(before, after), "it was %s, is %s", before, after);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	live_check(stat(path, &child) == 0 && stat("/run/netns/lived", &mounted) == 0 &&
		       child.st_ino == mounted.st_ino,
		   "the child is in another network namespace than what is mounted");
	snprintf(path, sizeof(path), "/proc/%d/root/sys/class/net/d0", pid);
	live_check(access(path, F_OK) == 0, "the child does not see its devices in /sys");
	live_check(system("ip netns exec empty test -e /sys/class/net/v1") == 0, "ip netns exec");
	kill(pid, SIGKILL);
	live_check(system("ip netns del empty; ip netns del lived") == 0, "ip netns del");
	enter("/run/uts", CLONE_NEWUTS);
	enter("/run/ipc", CLONE_NEWIPC);
	live_check(uname(&names) == 0 && !strcmp(names.nodename, "kept"), "host %s",
		   names.nodename);
	live_check(msgget(0x5151, 0) == queue, "the queue is gone");
	live_pass();
}
