/* SPDX-License-Identifier: MIT
 * A giver says which number its pid namespace hands out next (ns_last_pid), and afterwards whether
 * the thread got it: elsewhere than in a new namespace, anybody may have been faster.
 */
#include "engine/tree/giving.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/futex.h"
#include "base/idle-child.h"
#include "base/io.h"
#include "base/strbuf.h"
#include "engine/procfs/read.h"
#include "engine/procfs/root.h"
#include "engine/tree/stage.h"

static int write_last(int fd, int32_t last)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", last);
	return pwrite(fd, text, (size_t)len, 0) == len ? 0 : -errno;
}

/* Nobody else may have the numbers that are to come: whoever makes a process while one is given
 * could. So each has a process that does nothing. */
static void keep(const struct giver *g)
{
	pid_t self = getpid();
	for (size_t i = 0; i < g->kept.nr; i++) {
		struct kept *kept = &g->kept.items[i];
		struct clone_args ca = { .exit_signal = SIGCHLD,
					 .set_tid = (uintptr_t)&kept->number,
					 .set_tid_size = 1 };
		pid_t pid = (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
		if (pid == 0)
			idle_while_child_of(self);
		if (pid > 0) /* else that somebody has it is said when it is asked for */
			kept->state = KEPT_HERE;
	}
}

static struct kept *find_kept(const struct giver *g, pid_t number)
{
	for (size_t i = 0; i < g->kept.nr; i++)
		if (g->kept.items[i].number == number)
			return &g->kept.items[i];
	return NULL;
}

static bool let_go(struct kept *kept)
{
	int status;
	pid_t number = kept->number;
	if (kept->state != KEPT_HERE)
		return false;
	kept->state = KEPT_GIVEN;
	/* of a parent of its own, it would be somebody else */
	return kill(number, 0) == 0 && waitpid(number, &status, WNOHANG) == 0 &&
	       kill(number, SIGKILL) == 0 && waitpid(number, &status, 0) == number;
}

/* As /proc has it, which is of the pid namespace of the coordinator. @return 0: it does not tell */
static pid_t real_of(pid_t number)
{
	char path[48];
	pid_t real = 0;
	auto_strbuf text = { 0 };
	auto_fd pidfd = (int)syscall(SYS_pidfd_open, number, 0);
	snprintf(path, sizeof(path), "self/fdinfo/%d", pidfd);
	if (pidfd < 0 || file_read_at(procfs_fd(), path, &text, NULL) < 0 ||
	    strbuf_char(&text, 0) < 0)
		return 0;
	const char *at = strstr(text.data, "\nPid:");
	return at && sscanf(at, "\nPid: %d", &real) == 1 && real > 0 ? real : 0;
}

/* Who had a number before all this stays, unless it is ending. Who was faster may end soon.
 * @return 0: nobody has it; -EBUSY: worth to ask again; -EEXIST */
static int check_free(struct giver *g, pid_t number)
{
	struct kept *kept = find_kept(g, number);
	if ((kept && let_go(kept)) || pid_is_free(number))
		return 0;
	if (!kept || kept->state == KEPT_GIVEN)
		return kept ? -EBUSY : -EEXIST;
	pid_t real = real_of(number);
	return real && pid_is_leaving(real, &kept->wait) ? -EBUSY : -EEXIST;
}

/* Between being given a number and taking it, as little time as possible. */
static void hurry(pid_t pid, bool on)
{
	const struct sched_param param = { .sched_priority = on };
	if (pid)
		sched_setscheduler(pid, on ? SCHED_FIFO | SCHED_RESET_ON_FORK : SCHED_OTHER,
				   &param);
}

/* @param before  what the counter of the namespace goes back to; 0: nothing */
static int give(struct giver *g, int fd, const struct restore_ids *ids, int32_t *before)
{
	char text[16] = "";
	if (ids->leader) {
		int rc = syscall(SYS_tgkill, ids->leader, ids->want, 0) < 0 ? -errno : 0;
		if (*before)
			write_last(fd, *before);
		*before = 0;
		hurry(ids->asker, false);
		return rc;
	}
	int rc = check_free(g, ids->want);
	if (rc < 0)
		return rc;
	hurry(ids->asker, true);
	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return -errno;
	*before = atoi(text);
	return write_last(fd, ids->want - 1);
}

_Noreturn void giver_serve(struct giver *g, bool alone, struct restore_shared *s, uint32_t number)
{
	int32_t before = 0;
	struct restore_ids *ids = &s->ids;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!alone)
		keep(g);
	hurry(getpid(), true);
	int fd = procfs_open("sys/kernel/ns_last_pid", O_RDWR);
	struct error err;
	if (fd < 0) {
		error_sys(&err, "open /proc/sys/kernel/ns_last_pid, to choose pids in a user "
				"namespace inside of another");
		stage_fail(s, &err);
	}
	while (fd >= 0 && !restore_is_over(s)) {
		uint32_t turn = __atomic_load_n(&ids->turn, __ATOMIC_ACQUIRE);
		if (turn != number) {
			futex_wait(&ids->turn, turn, STAGE_LOOK_MS);
			continue;
		}
		ids->result = give(g, fd, ids, &before);
		futex_set(&ids->turn, 0);
	}
	_exit(0);
}
