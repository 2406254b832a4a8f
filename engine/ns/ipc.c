/* SPDX-License-Identifier: MIT
 * Limits, message queues and semaphores of an IPC namespace, both directions.
 */
#include "engine/ns/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/ns/mqueue.h"
#include "engine/ns/user.h"
#include "engine/procfs/root.h"
#include "images/reader.h"
#include "images/writer.h"
#include "ipc.pb-c.h"

#define NR_SEM_LIMITS  4
#define MAX_SEMAPHORES 1000000 /* more than the kernel lets a set have by default */
#define MAX_TEXT       (64u << 20)

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static void describe(const struct dump *d, const struct ipc_perm *perm, int id, IpcDescEntry *out)
{
	*out = (IpcDescEntry)IPC_DESC_ENTRY__INIT;
	out->key = (uint32_t)perm->__key;
	out->uid = id_inside(d->users, ID_USER, perm->uid);
	out->gid = id_inside(d->users, ID_GROUP, perm->gid);
	out->cuid = id_inside(d->users, ID_USER, perm->cuid);
	out->cgid = id_inside(d->users, ID_GROUP, perm->cgid);
	out->mode = perm->mode;
	out->id = (uint32_t)id;
}

static int check_desc(const IpcDescEntry *desc, const char *kind, struct error *err)
{
	if (desc->id > INT32_MAX || desc->mode > 07777)
		return error_set(err, EBADMSG, "%s %u of mode 0%o", kind, desc->id, desc->mode);
	return 0;
}

/* Limits: a row per field of ipc_var_entry. */

static const struct limit_row {
	const char *path; /* below /proc/sys */
	size_t offset;    /* in IpcVarEntry */
	bool wide;        /* 64 bits */
	bool optional;    /* the kernel may have none, or it may not be set any more */
	size_t has;       /* offset of has_…, 0: a required field */
} limits[] = {
#define FIELD(f) .offset = offsetof(IpcVarEntry, f)
#define HAS(f)   .has = offsetof(IpcVarEntry, has_##f), FIELD(f)
	{ "kernel/msgmax", FIELD(msg_ctlmax) },
	{ "kernel/msgmnb", FIELD(msg_ctlmnb) },
	{ "kernel/msgmni", FIELD(msg_ctlmni) },
	{ "kernel/auto_msgmni", FIELD(auto_msgmni), .optional = true },
	{ "kernel/shmmax", FIELD(shm_ctlmax), .wide = true },
	{ "kernel/shmall", FIELD(shm_ctlall), .wide = true },
	{ "kernel/shmmni", FIELD(shm_ctlmni) },
	{ "kernel/shm_rmid_forced", FIELD(shm_rmid_forced) },
	{ "fs/mqueue/queues_max", FIELD(mq_queues_max), .optional = true },
	{ "fs/mqueue/msg_max", FIELD(mq_msg_max), .optional = true },
	{ "fs/mqueue/msgsize_max", FIELD(mq_msgsize_max), .optional = true },
	{ "fs/mqueue/msg_default", HAS(mq_msg_default), .optional = true },
	{ "fs/mqueue/msgsize_default", HAS(mq_msgsize_default), .optional = true },
};

static int read_sysctl(const char *name, struct strbuf *out, struct error *err)
{
	char path[64];
	snprintf(path, sizeof(path), "sys/%s", name);
	int rc = file_read_at(procfs_fd(), path, out, err);
	return rc < 0 ? rc : strbuf_char(out, 0) < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
}

static int read_limit(const struct limit_row *row, IpcVarEntry *e, struct error *err)
{
	auto_strbuf text = { 0 };
	int rc = read_sysctl(row->path, &text, err);
	if (rc == -ENOENT && row->optional)
		return 0;
	if (rc < 0)
		return rc;
	uint64_t value = strtoull(text.data, NULL, 10);
	void *field = (char *)e + row->offset;
	if (row->wide)
		*(uint64_t *)field = value;
	else
		*(uint32_t *)field = (uint32_t)value;
	if (row->has)
		*(protobuf_c_boolean *)((char *)e + row->has) = true;
	return 0;
}

/* The id that the next object gets, where somebody has asked for one. */
static const struct next_row {
	const char *kind;
	size_t offset, has; /* in IpcVarEntry */
} next_ids[] = {
#define NEXT(kind_, f)                                                                             \
	{                                                                                          \
		.kind = kind_, .offset = offsetof(IpcVarEntry, f),                                 \
		.has = offsetof(IpcVarEntry, has_##f)                                              \
	}
	NEXT("msg", msg_next_id),
	NEXT("sem", sem_next_id),
	NEXT("shm", shm_next_id),
};

static int read_next_id(const struct next_row *row, IpcVarEntry *e, struct error *err)
{
	auto_strbuf text = { 0 };
	char name[32];
	snprintf(name, sizeof(name), "kernel/%s_next_id", row->kind);
	int rc = read_sysctl(name, &text, err);
	if (rc < 0) /* only with CONFIG_CHECKPOINT_RESTORE */
		return rc == -ENOENT ? 0 : rc;
	long id = strtol(text.data, NULL, 10);
	*(protobuf_c_boolean *)((char *)e + row->has) = id >= 0;
	*(uint32_t *)((char *)e + row->offset) = id < 0 ? 0 : (uint32_t)id;
	return 0;
}

static int dump_limits(struct dump *d, uint32_t id, struct error *err)
{
	uint32_t sem[NR_SEM_LIMITS];
	auto_strbuf text = { 0 };
	IpcVarEntry e = IPC_VAR_ENTRY__INIT;
	int rc = read_sysctl("kernel/sem", &text, err);
	if (rc == 0 && sscanf(text.data, "%u %u %u %u", &sem[0], &sem[1], &sem[2], &sem[3]) != 4)
		rc = error_set(err, EPROTO, "/proc/sys/kernel/sem: %s", text.data);
	e.n_sem_ctls = NR_SEM_LIMITS;
	e.sem_ctls = sem;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(limits); i++)
		rc = read_limit(&limits[i], &e, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(next_ids); i++)
		rc = read_next_id(&next_ids[i], &e, err);
	if (rc == 0)
		rc = mqueues_dump(d, &e, err);
	if (rc == 0)
		rc = image_write_one(d->images_fd, IMG_IPC_VAR, id, &e.base, err);
	mqueues_free(&e);
	return rc;
}

static int write_sysctl(const char *name, const char *text, struct error *err)
{
	char path[64];
	auto_strbuf now = { 0 };
	snprintf(path, sizeof(path), "sys/%s", name);
	auto_fd fd = procfs_open(path, O_WRONLY);
	int rc = fd < 0 ? -errno : fd_write_full(fd, text, strlen(text));
	if (rc == 0)
		return 0;
	/* raising some takes CAP_SYS_RESOURCE, also to what they are */
	if (read_sysctl(name, &now, NULL) == 0 && !strncmp(now.data, text, strlen(text)))
		return 0;
	return error_code(err, rc, "set /proc/%s to %s", path, text);
}

static int write_limit(const struct limit_row *row, const IpcVarEntry *e, struct error *err)
{
	char text[32];
	const void *field = (const char *)e + row->offset;
	uint64_t value = row->wide ? *(const uint64_t *)field : *(const uint32_t *)field;
	if (row->has && !*(const protobuf_c_boolean *)((const char *)e + row->has))
		return 0;
	snprintf(text, sizeof(text), "%" PRIu64, value);
	int rc = write_sysctl(row->path, text, err);
	if (rc < 0 && row->optional) {
		log_warn("IPC namespace: %s", err->text);
		rc = 0;
	}
	return rc;
}

static int read_limits(struct restore *r, uint32_t id, IpcVarEntry **out, struct error *err)
{
	int rc = image_read_one(r->images, IMG_IPC_VAR, id, (ProtobufCMessage **)out, err);
	if (rc == 0 && (*out)->n_sem_ctls != NR_SEM_LIMITS)
		rc = error_set(err, EBADMSG, "ipcns-var-%u.img: %zu limits of semaphores, want %d",
			       id, (*out)->n_sem_ctls, NR_SEM_LIMITS);
	return rc < 0 ? rc : mqueues_check(*out, err);
}

static int fill_limits(struct restore *r, uint32_t id, struct error *err)
{
	char text[64];
	auto_message ProtobufCMessage *msg = NULL;
	int rc = read_limits(r, id, (IpcVarEntry **)&msg, err);
	if (rc < 0)
		return rc;
	const IpcVarEntry *e = (const IpcVarEntry *)msg;
	snprintf(text, sizeof(text), "%u\t%u\t%u\t%u", e->sem_ctls[0], e->sem_ctls[1],
		 e->sem_ctls[2], e->sem_ctls[3]);
	rc = write_sysctl("kernel/sem", text, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(limits); i++)
		rc = write_limit(&limits[i], e, err);
	return rc < 0 ? rc : mqueues_fill(e, err);
}

/* Semaphores. */

static int dump_semaphores(const struct dump *d, struct image_writer *w, int id,
			   const struct semid_ds *ds, struct error *err)
{
	IpcSemEntry e = IPC_SEM_ENTRY__INIT;
	IpcDescEntry desc;
	size_t len = ds->sem_nsems * sizeof(unsigned short);
	auto_free unsigned short *values = malloc(len + 1);
	if (!values)
		return error_set(err, ENOMEM, "out of memory");
	if (semctl(id, 0, GETALL, (union semun){ .array = values }) < 0)
		return error_sys(err, "read semaphores %d", id);
	describe(d, &ds->sem_perm, id, &desc);
	e.desc = &desc;
	e.nsems = (uint32_t)ds->sem_nsems;
	int rc = image_write(w, &e.base, err);
	if (rc == 0)
		rc = image_write_bytes(w, values, len, err);
	return rc < 0 ? rc : image_write_padding(w, len, err);
}

/* Compared with this process, which has none. Any clone with CLONE_SYSVSEM, so any thread, makes
 * one. */
static bool has_undo_list(const struct task *t)
{
	return syscall(SYS_kcmp, getpid(), t->pid, KCMP_SYSVSEM, 0, 0) > 0;
}

static void warn_of_undo_in(const struct dump *d, int id, const struct semid_ds *ds)
{
	for (unsigned long k = 0; k < ds->sem_nsems; k++) {
		pid_t pid = semctl(id, (int)k, GETPID);
		for (size_t i = 0; pid > 0 && i < d->nr_tasks; i++) {
			const struct task *t = d->tasks[i];
			if (t->pid != pid || !has_undo_list(t))
				continue;
			log_warn(TASK_FMT ": what it does to semaphores %d, key %#x, is not undone "
					  "any more when it ends (SEM_UNDO), if it asked for that",
				 TASK_ARGS(t), id, (unsigned)ds->sem_perm.__key);
			return;
		}
	}
}

/* Who is to be undone is kept by the kernel, which tells only who was the last to change one. */
void ipc_warn_of_undo(const struct dump *d)
{
	struct seminfo info;
	struct semid_ds ds;
	int last = semctl(0, 0, SEM_INFO, (union semun){ .info = &info });
	for (int i = 0; i <= last; i++) {
		int id = semctl(i, 0, SEM_STAT, (union semun){ .buf = &ds });
		if (id >= 0)
			warn_of_undo_in(d, id, &ds);
	}
}

static int dump_all_semaphores(struct dump *d, uint32_t ns, struct error *err)
{
	struct seminfo info;
	struct semid_ds ds;
	auto_image_writer w = NULL;
	int rc = image_create(d->images_fd, IMG_IPCNS_SEM, ns, &w, err);
	int last = semctl(0, 0, SEM_INFO, (union semun){ .info = &info });
	if (rc == 0 && last < 0)
		rc = error_sys(err, "list semaphores");
	for (int i = 0; rc == 0 && i <= last; i++) {
		int id = semctl(i, 0, SEM_STAT, (union semun){ .buf = &ds });
		rc = id < 0 ? 0 : dump_semaphores(d, w, id, &ds, err);
	}
	ipc_warn_of_undo(d);
	return rc < 0 ? rc : image_finish(w, err);
}

static int check_semaphores(const IpcSemEntry *e, struct error *err)
{
	if (e->nsems == 0 || e->nsems > MAX_SEMAPHORES)
		return error_set(err, EBADMSG, "semaphores %u: a set of %u", e->desc->id, e->nsems);
	return check_desc(e->desc, "semaphores", err);
}

static int fill_semaphores(void *ctx, struct image_reader *in, ProtobufCMessage **msg,
			   struct error *err)
{
	const IpcSemEntry *e = (const IpcSemEntry *)*msg;
	const IpcDescEntry *desc = e->desc;
	auto_strbuf values = { 0 };
	(void)ctx;
	int rc = check_semaphores(e, err);
	if (rc == 0)
		rc = image_payload_take(in, &values, err);
	if (rc == 0)
		rc = ipc_choose_id("sem", desc->id, err);
	if (rc < 0)
		return rc;
	int id = semget((key_t)desc->key, (int)e->nsems,
			IPC_CREAT | IPC_EXCL | (int)(desc->mode & 0777));
	if (id != (int)desc->id)
		return id < 0 ? error_sys(err, "make semaphores %u (key %#x)", desc->id, desc->key)
			      : error_set(err, EEXIST, "semaphores %u became %d", desc->id, id);
	struct semid_ds ds = { .sem_perm = { .uid = desc->uid,
					     .gid = desc->gid,
					     .mode = (unsigned short)desc->mode } };
	if (semctl(id, 0, SETALL, (union semun){ .array = (unsigned short *)(void *)values.data }) <
	    0)
		return error_sys(err, "set the values of semaphores %d", id);
	if (semctl(id, 0, IPC_SET, (union semun){ .buf = &ds }) < 0)
		return error_sys(err, "set the owner of semaphores %d", id);
	return 0;
}

/* Message queues. */

struct message {
	long type;
	char text[];
};

static int dump_message(struct image_writer *w, int id, int index, struct message *m, size_t room,
			struct error *err)
{
	IpcMsg head = IPC_MSG__INIT;
	ssize_t len = msgrcv(id, m, room, index, MSG_COPY | IPC_NOWAIT);
	if (len < 0)
		return error_sys(err, "message queue %d: look at message %d", id, index);
	head.mtype = (uint64_t)m->type;
	head.msize = (uint32_t)len;
	int rc = image_write(w, &head.base, err);
	if (rc == 0)
		rc = image_write_bytes(w, m->text, (size_t)len, err);
	return rc < 0 ? rc : image_write_padding(w, (uint64_t)len, err);
}

static int dump_queue(const struct dump *d, struct image_writer *w, int id,
		      const struct msqid_ds *ds, struct error *err)
{
	IpcMsgEntry e = IPC_MSG_ENTRY__INIT;
	IpcDescEntry desc;
	size_t room = ds->__msg_cbytes; /* no message is longer than all are */
	auto_free struct message *m = malloc(sizeof(*m) + room);
	if (!m)
		return error_set(err, ENOMEM, "out of memory");
	describe(d, &ds->msg_perm, id, &desc);
	e.desc = &desc;
	e.qbytes = (uint32_t)ds->msg_qbytes;
	e.qnum = (uint32_t)ds->msg_qnum;
	int rc = image_write(w, &e.base, err);
	for (int i = 0; rc == 0 && i < (int)e.qnum; i++)
		rc = dump_message(w, id, i, m, room, err);
	return rc;
}

static int dump_all_queues(struct dump *d, uint32_t ns, struct error *err)
{
	struct msginfo info;
	struct msqid_ds ds;
	auto_image_writer w = NULL;
	int rc = image_create(d->images_fd, IMG_IPCNS_MSG, ns, &w, err);
	int last = msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&info);
	if (rc == 0 && last < 0)
		rc = error_sys(err, "list message queues");
	for (int i = 0; rc == 0 && i <= last; i++) {
		int id = msgctl(i, MSG_STAT, &ds);
		rc = id < 0 ? 0 : dump_queue(d, w, id, &ds, err);
	}
	return rc < 0 ? rc : image_finish(w, err);
}

static int fill_message(struct image_reader *in, int id, struct error *err)
{
	struct payload_part part;
	int rc = image_payload_next(in, &part, err);
	if (rc <= 0)
		return rc < 0 ? rc : error_set(err, EBADMSG, "a message is missing");
	const IpcMsg *head = (const IpcMsg *)part.msg;
	uint64_t type = head->mtype;
	if (head->msize > MAX_TEXT || type == 0 || type > INT64_MAX)
		return error_set(err, EBADMSG, "a message of type %" PRIu64 ", %u bytes", type,
				 head->msize);
	size_t len = head->msize;
	auto_free struct message *m = malloc(sizeof(*m) + len);
	if (!m)
		return error_set(err, ENOMEM, "out of memory");
	m->type = (long)type;
	for (size_t at = 0; at < len;) {
		ssize_t n = image_payload_read(in, m->text + at, len - at, err);
		if (n <= 0)
			return n < 0 ? (int)n : error_set(err, EBADMSG, "a message is cut short");
		at += (size_t)n;
	}
	return msgsnd(id, m, len, IPC_NOWAIT) < 0 ? error_sys(err, "send a message again") : 0;
}

static int fill_queue(void *ctx, struct image_reader *in, ProtobufCMessage **msg, struct error *err)
{
	const IpcMsgEntry *e = (const IpcMsgEntry *)*msg;
	const IpcDescEntry *desc = e->desc;
	(void)ctx;
	int rc = check_desc(desc, "message queue", err);
	if (rc == 0)
		rc = ipc_choose_id("msg", desc->id, err);
	if (rc < 0)
		return rc;
	int id = msgget((key_t)desc->key, IPC_CREAT | IPC_EXCL | (int)(desc->mode & 0777));
	if (id != (int)desc->id)
		return id < 0
			   ? error_sys(err, "make message queue %u (key %#x)", desc->id, desc->key)
			   : error_set(err, EEXIST, "message queue %u became %d", desc->id, id);
	struct msqid_ds ds = { .msg_perm = { .uid = desc->uid,
					     .gid = desc->gid,
					     .mode = (unsigned short)desc->mode },
			       .msg_qbytes = e->qbytes };
	if (msgctl(id, IPC_SET, &ds) < 0)
		return error_sys(err, "set the owner and size of message queue %d", id);
	for (uint32_t i = 0; rc == 0 && i < e->qnum; i++)
		rc = fill_message(in, id, err);
	return rc < 0 ? error_wrap(err, rc, "message queue %d", id) : 0;
}

int ipc_dump(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	int rc = dump_limits(d, ns->id, err);
	if (rc == 0)
		rc = dump_all_queues(d, ns->id, err);
	return rc < 0 ? rc : dump_all_semaphores(d, ns->id, err);
}

int ipc_load(struct restore *r, uint32_t id, struct error *err)
{
	auto_message ProtobufCMessage *msg = NULL;
	return read_limits(r, id, (IpcVarEntry **)&msg, err);
}

int ipc_finish(struct restore *r, uint32_t id, struct error *err)
{
	auto_message ProtobufCMessage *msg = NULL;
	int rc = read_limits(r, id, (IpcVarEntry **)&msg, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(next_ids); i++) {
		const struct next_row *row = &next_ids[i];
		uint32_t next = *(uint32_t *)((char *)msg + row->offset);
		if (*(protobuf_c_boolean *)((char *)msg + row->has) && next <= INT32_MAX)
			rc = ipc_choose_id(row->kind, next, err);
	}
	return rc;
}

int ipc_fill(struct restore *r, uint32_t id, struct error *err)
{
	int rc = fill_limits(r, id, err);
	if (rc == 0)
		rc = image_each(r->images, IMG_IPCNS_MSG, id, fill_queue, NULL, err);
	return rc < 0 ? rc : image_each(r->images, IMG_IPCNS_SEM, id, fill_semaphores, NULL, err);
}
