/* SPDX-License-Identifier: MIT
 * Ids of processes that are in use, out of /proc.
 */
#include "engine/tree/taken-ids.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/pid-limit.h"
#include "engine/ns/aside.h"
#include "engine/ns/ns.h"
#include "engine/procfs/read.h"
#include "engine/procfs/root.h"

#define ID_FIRST 300   /* where it begins when numbers start over, RESERVED_PIDS */
#define DEAD_MS  1000  /* to wait for one who is dead: reapers may be slow */
#define DYING_MS 10000 /* and for one who is being killed */

const char *pid_holder(pid_t pid, char *out)
{
	char path[32];
	auto_strbuf comm = { 0 };
	bool dead = proc_is_dead(pid);
	snprintf(path, sizeof(path), "%d/comm", pid);
	if (file_read_at(procfs_fd(), path, &comm, NULL) < 0 || !comm.len) {
		snprintf(out, PID_HOLDER_MAX,
			 "a process group or session, which still has this number");
		return out;
	}
	comm.data[strcspn(comm.data, "\n")] = '\0';
	snprintf(out, PID_HOLDER_MAX, "the %s task \"%.16s\"%s", dead ? "dead" : "running",
		 comm.data, dead ? ", which its parent has not waited for" : "");
	return out;
}

bool pid_is_free(pid_t pid)
{
	return kill(pid, 0) < 0 && errno == ESRCH && kill(-pid, 0) < 0 && errno == ESRCH;
}

bool pid_is_leaving(pid_t holder, struct pid_wait *wait)
{
	if (!holder || proc_is_dead(holder))
		return wait->dead_ms++ < DEAD_MS;
	return proc_is_dying(holder) && wait->dying_ms++ < DYING_MS;
}

bool taken_ids_has(const struct taken_ids *taken, uint32_t id)
{
	return id >= taken->max || taken->bits[id / 8] & 1u << id % 8;
}

void taken_ids_add(struct taken_ids *taken, uint32_t id)
{
	if (id < PID_LIMIT)
		taken->bits[id / 8] |= (uint8_t)(1u << id % 8);
}

/* One that ends meanwhile is not there. */
static int add_process(struct taken_ids *taken, int proc, int pid, struct error *err)
{
	char path[32];
	struct proc_stat stat;
	struct proc_ids threads = { 0 };
	taken_ids_add(taken, (uint32_t)pid);
	snprintf(path, sizeof(path), "%d/stat", pid);
	if (proc_stat_read(proc, path, &stat, NULL) == 0) {
		taken_ids_add(taken, (uint32_t)stat.pgid);
		taken_ids_add(taken, (uint32_t)stat.sid);
	}
	snprintf(path, sizeof(path), "%d/task", pid);
	int rc = proc_ids_of_dir(proc, path, &threads, err);
	for (size_t i = 0; rc == 0 && i < threads.nr; i++)
		taken_ids_add(taken, (uint32_t)threads.items[i]);
	free(threads.items);
	return rc == -ENOMEM ? rc : 0;
}

static uint32_t number_of(int proc, const char *path, uint32_t otherwise)
{
	auto_strbuf text = { 0 };
	unsigned long value = 0;
	if (file_read_at(proc, path, &text, NULL) == 0 && text.len)
		value = strtoul(text.data, NULL, 10);
	return value && value <= PID_LIMIT ? (uint32_t)value : otherwise;
}

static int read_from(struct taken_ids *out, int proc, struct error *err)
{
	struct proc_ids all = { 0 };
	*out = (struct taken_ids){
		.bits = calloc(1, PID_LIMIT / 8),
		.max = number_of(proc, "sys/kernel/pid_max", 32768),
	};
	out->last = number_of(proc, "sys/kernel/ns_last_pid", out->max - 1);
	if (!out->bits)
		return error_set(err, ENOMEM, "out of memory");
	int rc = proc_ids_of_dir(proc, ".", &all, err);
	for (size_t i = 0; rc == 0 && i < all.nr; i++)
		rc = add_process(out, proc, all.items[i], err);
	free(all.items);
	return rc;
}

/* Among the processes of that namespace, a /proc of it tells what they call each other. */
static int read_there(void *ctx, struct error *err)
{
	struct taken_ids *out = ctx;
	auto_fd fs = fsopen("proc", FSOPEN_CLOEXEC);
	auto_fd proc = -1;
	if (fs >= 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		proc = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (proc < 0)
		return error_sys(err, "mount the /proc of a pid namespace");
	int rc = read_from(out, proc, err);
	uint32_t self = (uint32_t)getpid(); /* about to be free again */
	if (rc == 0)
		out->bits[self / 8] &= (uint8_t) ~(1u << self % 8);
	return rc;
}

int taken_ids_read(struct taken_ids *out, int pidns, struct error *err)
{
	struct ns_visit visit;
	if (pidns < 0)
		return read_from(out, procfs_fd(), err);
	int rc = ns_visit_fd(pidns, NS_PID, &visit, err);
	if (rc < 0)
		return rc;
	rc = ns_aside(read_there, out, err);
	if (rc == -ENOMEM)
		error_set(err, ENOMEM,
			  "look into the pid namespace that is given: its pid 1 has ended (or "
			  "memory is short): give another one");
	out->apart = true;
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}

void taken_ids_fini(struct taken_ids *taken)
{
	free(taken->bits);
	taken->bits = NULL;
}

/* Also what /proc does not show (hidepid). */
static bool answers(pid_t id)
{
	return kill(id, 0) == 0 || errno != ESRCH;
}

uint32_t taken_ids_choose(struct taken_ids *taken)
{
	for (uint32_t i = 0; i < taken->max; i++) {
		taken->last = taken->last > ID_FIRST ? taken->last - 1 : taken->max - 1;
		pid_t id = (pid_t)taken->last;
		if (taken_ids_has(taken, taken->last) ||
		    (!taken->apart && (answers(id) || answers(-id))))
			continue;
		taken_ids_add(taken, taken->last);
		return taken->last;
	}
	return 0;
}
