/* SPDX-License-Identifier: MIT
 * Credentials: a process per kind checks every id, group, capability set and bit of itself.
 * CRIU 4.2 cannot read the limits of another user's task without CAP_SYS_RESOURCE.
 * live-modes: SS SC RR 2S
 */
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

struct caps {
	struct __user_cap_data_struct data[2];
	unsigned char bounding[64], ambient[64];
};

static void get_caps(struct caps *c)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	memset(c, 0, sizeof(*c));
	live_must(syscall(SYS_capget, &head, c->data) == 0);
	for (int i = 0; i < 64; i++) {
		c->bounding[i] = prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1;
		c->ambient[i] = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1;
	}
}

static void set_caps(unsigned permitted, unsigned effective, unsigned inheritable)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = effective, .permitted = permitted, .inheritable = inheritable }
	};
	live_must(syscall(SYS_capset, &head, data) == 0);
}

struct ids {
	uid_t u[4];
	gid_t g[4];
	int nr_groups;
	gid_t groups[16];
	int securebits, no_new_privs;
	struct caps caps;
};

static void get_ids(struct ids *i)
{
	memset(i, 0, sizeof(*i));
	getresuid(&i->u[0], &i->u[1], &i->u[2]);
	getresgid(&i->g[0], &i->g[1], &i->g[2]);
	i->u[3] = (uid_t)setfsuid((uid_t)-1);
	i->g[3] = (gid_t)setfsgid((gid_t)-1);
	i->nr_groups = getgroups(16, i->groups);
	i->securebits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
	i->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	get_caps(&i->caps);
}

static void as_is(void)
{
}

static void other_user(void)
{
	gid_t groups[] = { 7, 8, 4000000000u };
	live_must(setgroups(3, groups) == 0);
	live_must(setresgid(101, 102, 103) == 0);
	live_must(setresuid(201, 202, 203) == 0);
}

static void mixed_root(void)
{
	live_must(setresuid(0, 1000, 0) == 0);
	live_must(setresuid(0, 0, 1000) == 0);
	setfsuid(1234);
	setfsgid(1235);
	live_must(setgroups(0, NULL) == 0);
}

static void few_capabilities(void)
{
	for (int i = 12; i < 40; i++)
		prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	live_must(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_NO_SETUID_FIXUP, 0, 0, 0) ==
		  0);
	live_must(setresuid(1000, 1000, 1000) == 0);
	set_caps(0x1023, 0x20, 0x20);
	live_must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) == 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void no_root_bits(void)
{
	live_must(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0) == 0);
	set_caps(0x3, 0x1, 0);
}

static void child(const char *name, void (*become)(void))
{
	struct ids before, after;
	become();
	get_ids(&before);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	live_say(name, "set up\n");
	live_wait();
	get_ids(&after);
	live_check(!memcmp(before.u, after.u, sizeof(before.u)),
		   "%s: uids %u %u %u %u, were %u %u %u %u", name, after.u[0], after.u[1],
		   after.u[2], after.u[3], before.u[0], before.u[1], before.u[2], before.u[3]);
	live_check(!memcmp(before.g, after.g, sizeof(before.g)),
		   "%s: gids %u %u %u %u, were %u %u %u %u", name, after.g[0], after.g[1],
		   after.g[2], after.g[3], before.g[0], before.g[1], before.g[2], before.g[3]);
	live_check(before.nr_groups == after.nr_groups &&
		       !memcmp(before.groups, after.groups, sizeof(before.groups)),
		   "%s: %d groups, were %d", name, after.nr_groups, before.nr_groups);
	live_check(before.securebits == after.securebits, "%s: securebits %#x, were %#x", name,
		   after.securebits, before.securebits);
	live_check(before.no_new_privs == after.no_new_privs, "%s: no_new_privs %d", name,
		   after.no_new_privs);
	live_check(!memcmp(before.caps.data, after.caps.data, sizeof(before.caps.data)),
		   "%s: capabilities %x %x %x, were %x %x %x", name, after.caps.data[0].permitted,
		   after.caps.data[0].effective, after.caps.data[0].inheritable,
		   before.caps.data[0].permitted, before.caps.data[0].effective,
		   before.caps.data[0].inheritable);
	live_check(!memcmp(before.caps.bounding, after.caps.bounding, 64), "%s: bounding set",
		   name);
	live_check(!memcmp(before.caps.ambient, after.caps.ambient, 64), "%s: ambient set", name);
	_exit(0);
}

int main(void)
{
	static const struct {
		const char *name;
		void (*become)(void);
	} kinds[] = {
		{ "as-is", as_is },
		{ "other-user", other_user },
		{ "mixed-root", mixed_root },
		{ "few-capabilities", few_capabilities },
		{ "no-root-bits", no_root_bits },
	};
	const int nr = sizeof(kinds) / sizeof(kinds[0]);
	for (int i = 0; i < nr; i++) {
		pid_t pid = fork();
		live_must(pid >= 0);
		if (pid == 0)
			child(kinds[i].name, kinds[i].become);
		while (access(live_path(kinds[i].name), F_OK) < 0 &&
		       access(live_path("verdict"), F_OK) < 0)
			live_sleep_ms(1);
	}
	live_ready();
	for (int i = 0; i < nr; i++) {
		int status;
		live_must(wait(&status) > 0);
		live_check(status == 0, "a child ended with %#x", status);
	}
	live_pass();
}
