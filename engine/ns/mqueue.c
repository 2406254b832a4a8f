/* SPDX-License-Identifier: MIT
 * Messages can only be had by taking them out. A process that no signal of this one ends takes them
 * and puts them back, in the order they come: by priority, and the oldest first.
 */
#include "engine/ns/mqueue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/strbuf.h"
#include "engine/ns/aside.h"
#include "engine/ns/user.h"
#include "engine/procfs/read.h"
#include "engine/procfs/root.h"
#include "images/message.h"

#define MAX_BYTES (256ull << 20) /* of one queue */
#define WAIT_SEC  5              /* for a place in it */

/* Is one of its threads in the middle of mq_send(3)? */
static bool is_sending(int pid)
{
	char path[48];
	struct proc_ids tids = { 0 };
	bool found = false;
	snprintf(path, sizeof(path), "%d/task", pid);
	proc_ids_of_dir(procfs_fd(), path, &tids, NULL);
	for (size_t i = 0; !found && i < tids.nr; i++) {
		auto_strbuf call = { 0 };
		snprintf(path, sizeof(path), "%d/task/%d/syscall", pid, tids.items[i]);
		found = file_read_at(procfs_fd(), path, &call, NULL) == 0 && call.len &&
			strbuf_char(&call, 0) == 0 &&
			strtol(call.data, NULL, 10) == SYS_mq_timedsend;
	}
	free(tids.items);
	return found;
}

/* Somebody in this IPC namespace who is not of the tree and sends just now; 0: nobody. */
static pid_t find_sender(const struct dump *d, struct error *err)
{
	struct stat own, st;
	struct proc_ids pids = { 0 };
	pid_t found = 0;
	if (fstatat(procfs_fd(), "self/ns/ipc", &own, 0) < 0)
		return error_sys(err, "stat /proc/self/ns/ipc");
	int rc = proc_ids_of_dir(procfs_fd(), ".", &pids, err);
	for (size_t i = 0; rc == 0 && !found && i < pids.nr; i++) {
		char path[32];
		bool ours = false;
		for (size_t k = 0; !ours && k < d->nr_tasks; k++)
			ours = d->tasks[k]->pid == pids.items[i];
		snprintf(path, sizeof(path), "%d/ns/ipc", pids.items[i]);
		if (!ours && fstatat(procfs_fd(), path, &st, 0) == 0 && st.st_ino == own.st_ino &&
		    is_sending(pids.items[i]))
			found = pids.items[i];
	}
	free(pids.items);
	return rc < 0 ? rc : found;
}

/* Who waits for a place gets the first that is free, and its message could not be put back. */
static int refuse_awaited(const struct dump *d, const struct mq_attr *attr, struct error *err)
{
	if (attr->mq_curmsgs < attr->mq_maxmsg)
		return 0;
	pid_t pid = find_sender(d, err);
	return pid <= 0 ? (int)pid
			: error_set(err, EBUSY,
				    "it is full, and pid %d, outside of the tree, waits to send: "
				    "receive a message, or end that process before the dump",
				    pid);
}

/* Their file system, mounted nowhere. */
static int open_queues(struct error *err)
{
	auto_fd fs = fsopen("mqueue", FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_sys(err, "mount message queues");
	auto_fd root = fsmount(fs, FSMOUNT_CLOEXEC, 0); /* as O_PATH */
	int fd = root < 0 ? root : openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_sys(err, "mount message queues") : fd;
}

struct taking {
	mqd_t queue;
	size_t size; /* of the largest message */
	MqueueMessage **messages;
	size_t nr;   /* how many wait; then how many came */
	char *bytes; /* room for all of them */
};

/* Who is outside of the tree may have taken the place meanwhile: it is waited for. */
static int put_back(mqd_t queue, const char *bytes, const MqueueMessage *m)
{
	const struct mq_attr blocking = { 0 };
	struct timespec until;
	if (mq_send(queue, bytes, m->data.len, m->priority) == 0)
		return 0;
	if (errno != EAGAIN || mq_setattr(queue, &blocking, NULL) < 0 ||
	    clock_gettime(CLOCK_REALTIME, &until) < 0)
		return -errno;
	until.tv_sec += WAIT_SEC;
	return mq_timedsend(queue, bytes, m->data.len, m->priority, &until) < 0 ? -errno : 0;
}

/* What it takes is there already: between the two loops nothing can fail here. */
static int take_and_put_back(void *ctx, struct error *err)
{
	struct taking *t = ctx;
	size_t nr = 0;
	int rc = 0;
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (; nr < t->nr; nr++) {
		MqueueMessage *m = t->messages[nr];
		ssize_t len = mq_receive(t->queue, t->bytes + nr * t->size, t->size, &m->priority);
		if (len < 0)
			break;
		m->data.len = (size_t)len;
	}
	for (size_t i = 0; i < nr; i++) {
		int put = put_back(t->queue, t->bytes + i * t->size, t->messages[i]);
		if (put == -ETIMEDOUT)
			rc =
			    error_set(err, EIO,
				      "a message of %zu bytes is lost: a process outside of the "
				      "tree filled the queue while it was looked at; stop that one "
				      "before a dump",
				      t->messages[i]->data.len);
		else if (put < 0)
			rc = error_code(err, put, "put a message back");
	}
	t->nr = nr;
	return rc;
}

static int keep_bytes(const struct taking *t, struct error *err)
{
	for (size_t i = 0; i < t->nr; i++) {
		ProtobufCBinaryData *data = &t->messages[i]->data;
		data->data = malloc(data->len + 1);
		if (!data->data)
			return error_set(err, ENOMEM, "out of memory");
		memcpy(data->data, t->bytes + i * t->size, data->len);
	}
	return 0;
}

static int dump_messages(mqd_t queue, const struct mq_attr *attr, MqueueEntry *e, struct error *err)
{
	size_t nr = (size_t)attr->mq_curmsgs;
	if (!nr)
		return 0;
	if (nr * e->msgsize > MAX_BYTES)
		return error_set(err, ENOTSUP,
				 "%zu messages of up to %" PRIu64 " bytes wait: receive "
				 "some before the dump",
				 nr, e->msgsize);
	auto_free char *bytes = malloc(nr * e->msgsize + 1);
	e->messages =
	    (MqueueMessage **)message_array(&mqueue_message__descriptor, nr, &e->n_messages);
	if (!bytes || !e->messages)
		return error_set(err, ENOMEM, "out of memory");
	struct taking t = { queue, e->msgsize, e->messages, nr, bytes };
	int rc = ns_aside(take_and_put_back, &t, err);
	if (rc == 0 && t.nr != nr)
		rc = error_set(err, EBUSY, "somebody outside of the tree receives from it");
	return rc < 0 ? rc : keep_bytes(&t, err);
}

/* "QSIZE:12 NOTIFY:0 SIGNO:10 NOTIFY_PID:70": who is told of the next message. */
static int refuse_notified(int fd, struct error *err)
{
	char text[128];
	int pid;
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
	text[len < 0 ? 0 : len] = 0;
	const char *at = strstr(text, "NOTIFY_PID:");
	if (!at || sscanf(at, "NOTIFY_PID:%d", &pid) != 1)
		return error_set(err, EPROTO, "what it says of itself cannot be read");
	if (!pid)
		return 0;
	return error_set(err, ENOTSUP,
			 "pid %d waits to be told of messages (mq_notify): not supported; cancel "
			 "that before the dump",
			 pid);
}

static int dump_one(const struct dump *d, int dir, const char *name, MqueueEntry *e,
		    struct error *err)
{
	struct stat st;
	struct mq_attr attr;
	auto_fd fd = openat(dir, name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || mq_getattr(fd, &attr) < 0)
		return error_sys(err, "open it");
	e->name = strdup(name);
	if (!e->name)
		return error_set(err, ENOMEM, "out of memory");
	e->mode = st.st_mode & 07777;
	e->uid = id_inside(d->users, ID_USER, st.st_uid);
	e->gid = id_inside(d->users, ID_GROUP, st.st_gid);
	e->maxmsg = (uint64_t)attr.mq_maxmsg;
	e->msgsize = (uint64_t)attr.mq_msgsize;
	int rc = refuse_notified(fd, err);
	if (rc == 0)
		rc = refuse_awaited(d, &attr, err);
	return rc < 0 ? rc : dump_messages(fd, &attr, e, err);
}

static MqueueEntry *add(IpcVarEntry *e)
{
	MqueueEntry **grown = reallocarray(e->mqueues, e->n_mqueues + 1, sizeof(*grown));
	MqueueEntry *entry = grown ? message_new(&mqueue_entry__descriptor) : NULL;
	e->mqueues = grown ? grown : e->mqueues;
	if (entry)
		e->mqueues[e->n_mqueues++] = entry;
	return entry;
}

int mqueues_dump(struct dump *d, IpcVarEntry *e, struct error *err)
{
	int dir = open_queues(err), rc = 0;
	if (dir < 0)
		return dir;
	auto_dir list = fdopendir(dir);
	if (!list) {
		close(dir);
		return error_sys(err, "list message queues");
	}
	struct dirent *de;
	while (rc == 0 && (errno = 0, de = readdir(list)) != NULL) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		MqueueEntry *entry = add(e);
		rc = entry ? dump_one(d, dirfd(list), de->d_name, entry, err)
			   : error_set(err, ENOMEM, "out of memory");
		if (rc < 0)
			rc = error_wrap(err, rc, "POSIX message queue /%s", de->d_name);
	}
	return rc == 0 && errno ? error_sys(err, "list message queues") : rc;
}

void mqueues_free(IpcVarEntry *e)
{
	for (size_t i = 0; i < e->n_mqueues; i++)
		mqueue_entry__free_unpacked(e->mqueues[i], NULL);
	free(e->mqueues);
}

/* Restore. */

int mqueues_check(const IpcVarEntry *e, struct error *err)
{
	for (size_t i = 0; i < e->n_mqueues; i++) {
		const MqueueEntry *q = e->mqueues[i];
		if (!q->name[0] || strlen(q->name) > NAME_MAX || strchr(q->name, '/') ||
		    q->mode > 07777 || q->maxmsg > INT32_MAX || q->msgsize > INT32_MAX ||
		    q->n_messages > q->maxmsg)
			return error_set(err, EBADMSG,
					 "POSIX message queue \"%.255s\" makes no sense", q->name);
		for (size_t k = 0; k < q->n_messages; k++)
			if (q->messages[k]->data.len > q->msgsize)
				return error_set(err, EBADMSG,
						 "POSIX message queue /%s: message %zu is too long",
						 q->name, k);
	}
	return 0;
}

static int fill_one(const MqueueEntry *q, struct error *err)
{
	char name[NAME_MAX + 2];
	const struct mq_attr attr = { .mq_maxmsg = (long)q->maxmsg,
				      .mq_msgsize = (long)q->msgsize };
	snprintf(name, sizeof(name), "/%s", q->name);
	mqd_t queue =
	    mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK | O_CLOEXEC, 0600, &attr);
	if (queue < 0)
		return error_sys(err,
				 "make it, of %" PRIu64 " messages of %" PRIu64 " bytes (limits "
				 "are /proc/sys/fs/mqueue and ulimit -q)",
				 q->maxmsg, q->msgsize);
	auto_fd fd = queue;
	if (fchown(fd, q->uid, q->gid) < 0 || fchmod(fd, q->mode) < 0)
		return error_sys(err, "set its owner and mode");
	for (size_t i = 0; i < q->n_messages; i++) {
		const MqueueMessage *m = q->messages[i];
		if (mq_send(queue, (const char *)m->data.data, m->data.len, m->priority) < 0)
			return error_sys(err, "send message %zu", i);
	}
	return 0;
}

/* As far as may be; where that is not enough, making a queue fails and says so. */
static void raise_limit(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	if (setrlimit(RLIMIT_MSGQUEUE, &limit) == 0 || getrlimit(RLIMIT_MSGQUEUE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_MSGQUEUE, &limit);
}

int mqueues_fill(const IpcVarEntry *e, struct error *err)
{
	raise_limit();
	for (size_t i = 0; i < e->n_mqueues; i++) {
		int rc = fill_one(e->mqueues[i], err);
		if (rc < 0)
			return error_wrap(err, rc, "POSIX message queue /%s", e->mqueues[i]->name);
	}
	return 0;
}
