/* SPDX-License-Identifier: MIT
 * Sessions and process groups: leaders alive, dead and zombie, children born before setsid(),
 * orphans that came to a subreaper, past others that became one later.
 *
 * live-modes: SS CS RR 2S
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define MAX 32

static struct member {
	pid_t pid, ppid, pgid, sid;
} * members; /* shared by all, filled before the dump */
static volatile int *nr, *gone;

static void note(void)
{
	int i = __atomic_fetch_add(nr, 1, __ATOMIC_SEQ_CST);
	members[i] = (struct member){ getpid(), getppid(), getpgrp(), getsid(0) };
}

/* Exit status: which number is wrong. */
static int wrong(void)
{
	for (int i = 0; i < *nr; i++) {
		const struct member *m = &members[i];
		if (m->pid != getpid())
			continue;
		return m->ppid != getppid()   ? 1
		       : m->pgid != getpgrp() ? 2
		       : m->sid != getsid(0)  ? 3
					      : 0;
	}
	return 4;
}

static int reap(void)
{
	int status, worst = 0;
	while (wait(&status) > 0)
		if (status)
			worst = WIFEXITED(status) ? WEXITSTATUS(status) : 9;
	return worst;
}

static _Noreturn void member(void)
{
	note();
	while (!live_go())
		live_sleep_ms(2);
	int own = wrong();
	_exit(own ? own : reap());
}

static pid_t fork_checked(void)
{
	pid_t pid = fork();
	live_must(pid >= 0);
	return pid;
}

/* A child from before setsid(), one from after. */
static void early_and_late(void)
{
	if (fork_checked())
		return;
	if (!fork_checked())
		member();
	live_must(setsid() > 0);
	if (!fork_checked())
		member();
	member();
}

/* A session whose leader is dead: its two children come to the subreaper. */
static void dead_session_leader(void)
{
	pid_t leader = fork_checked();
	if (leader) {
		waitpid(leader, NULL, 0);
		return;
	}
	live_must(setsid() > 0);
	pid_t parent = getpid();
	for (int i = 0; i < 2; i++) {
		if (fork_checked())
			continue;
		while (getppid() == parent)
			live_sleep_ms(1);
		if (i == 0)
			live_must(setpgid(0, 0) == 0);
		member();
	}
	_exit(0);
}

/* A grandchild of a living session leader, orphaned. */
static void orphan_of_living_leader(void)
{
	if (fork_checked())
		return;
	live_must(setsid() > 0);
	pid_t middle = fork_checked();
	if (middle) {
		waitpid(middle, NULL, 0);
		member();
	}
	middle = getpid();
	if (fork_checked())
		_exit(0);
	while (getppid() == middle)
		live_sleep_ms(1);
	member();
}

/* A session whose leader is a zombie. */
static void zombie_session_leader(void)
{
	pid_t leader = fork_checked();
	if (!leader) {
		live_must(setsid() > 0);
		leader = getpid();
		if (fork_checked())
			_exit(0);
		while (getppid() == leader)
			live_sleep_ms(1);
		member();
	}
	siginfo_t info;
	live_must(waitid(P_PID, (id_t)leader, &info, WEXITED | WNOWAIT) == 0);
}

static void bear_orphan(void)
{
	pid_t middle = fork_checked();
	if (middle) {
		waitpid(middle, NULL, 0);
		return;
	}
	middle = getpid();
	if (fork_checked())
		_exit(0);
	while (getppid() == middle)
		live_sleep_ms(1);
	member();
}

/* A session leader far below, one of whose orphans comes to the root, and one to a task between. */
static void orphans_of_distant_leader(void)
{
	if (fork_checked())
		return;
	pid_t between = fork_checked();
	if (between) {
		while (!*gone)
			live_sleep_ms(1);
		live_must(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
		*gone = 2;
		member();
	}
	if (fork_checked())
		member();
	live_must(setsid() > 0);
	bear_orphan();
	*gone = 1;
	while (*gone != 2)
		live_sleep_ms(1);
	bear_orphan();
	*gone = 0;
	member();
}

/* A group whose leader is dead, or a zombie. */
static void leaderless_group(int reaped)
{
	pid_t leader = fork_checked();
	if (!leader) {
		setpgid(0, 0);
		while (!*gone)
			live_sleep_ms(1);
		_exit(0);
	}
	setpgid(leader, leader);
	for (int i = 0; i < 2; i++) {
		if (fork_checked())
			continue;
		live_must(setpgid(0, leader) == 0);
		member();
	}
	live_sleep_ms(20);
	*gone = 1;
	siginfo_t info;
	live_must(waitid(P_PID, (id_t)leader, &info, WEXITED | (reaped ? 0 : WNOWAIT)) == 0);
	*gone = 0;
}

int main(void)
{
	char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	live_must(shared != MAP_FAILED);
	nr = (volatile int *)shared;
	gone = nr + 1;
	members = (struct member *)(shared + 64);
	live_must(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);

	early_and_late();
	dead_session_leader();
	orphan_of_living_leader();
	zombie_session_leader();
	orphans_of_distant_leader();
	const int sessions_wanted = 3 + 2 + 2 + 1 + 5;
	for (int i = 0; i < 10000 && *nr < sessions_wanted; i++)
		live_sleep_ms(1);
	leaderless_group(1);
	leaderless_group(0);
	const int members_wanted = sessions_wanted + 2 + 2;
	for (int i = 0; i < 10000 && *nr < members_wanted; i++)
		live_sleep_ms(1);
	live_must(*nr == members_wanted);
	live_sleep_ms(20);

	live_ready();

	int worst = reap();
	live_check(worst == 0, "a member of the tree says %d (1 parent, 2 group, 3 session)",
		   worst);
	int subreaper = 0;
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0);
	live_check(subreaper == 1, "the root is no subreaper any more");
	live_pass();
}
