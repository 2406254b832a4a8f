/* SPDX-License-Identifier: MIT
 * Which descriptors are the same open file description: a tree ordered by device and inode, and
 * where these are equal by kcmp(2).
 */
#include "engine/files/table.h"
#include "engine/net/sock-ns.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <search.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/fsnotify.h"
#include "engine/files/locks.h"
#include "engine/files/types.h"

struct special {
	struct special_key key; /* its path is that below */
	uint32_t id;
	char path[];
};

static int description_compare(const void *left, const void *right)
{
	struct description *a = (struct description *)left; /* the key */
	const struct description *b = right;
	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	if (a->ino != b->ino)
		return a->ino < b->ino ? -1 : 1;
	switch (syscall(SYS_kcmp, a->pid, b->pid, KCMP_FILE, a->fd, b->fd)) {
	case 0:
		return 0;
	case 1:
		return -1;
	case 2:
		return 1;
	case -1:
		a->failed = errno;
		return 0; /* ends the search */
	default:
		a->failed = EIO;
		return 0;
	}
}

int file_table_identify(struct file_table *t, const struct open_file *f, uint32_t **id,
			FdTypes **type, struct error *err)
{
	struct description *key = calloc(1, sizeof(*key));
	if (!key)
		return error_set(err, ENOMEM, "out of memory");
	*key = (struct description){
		.dev = f->st.st_dev,
		.ino = f->st.st_ino,
		.pid = f->task->pid,
		.fd = f->task_fd,
	};
	struct description **node = tsearch(key, &t->descriptions, description_compare);
	if (!node || key->failed) {
		int code = node ? key->failed : ENOMEM;
		free(key);
		return error_code(err, code, "compare fd %d of pid %d: kcmp", f->task_fd,
				  f->task->pid);
	}
	bool known = *node != key;
	struct description *found = *node;
	if (known)
		free(key);
	*id = &found->id;
	*type = &found->type;
	return !known;
}

struct each {
	void (*fn)(const struct description *known, void *ctx);
	void *ctx;
};

static void visit(const void *node, VISIT which, void *closure)
{
	const struct each *each = closure;
	if (which == preorder || which == leaf)
		each->fn(*(struct description *const *)node, each->ctx);
}

void file_table_each(const struct file_table *t,
		     void (*fn)(const struct description *known, void *ctx), void *ctx)
{
	struct each each = { fn, ctx };
	twalk_r(t->descriptions, visit, &each);
}

static int special_compare(const void *left, const void *right)
{
	const struct special_key *a = &((const struct special *)left)->key;
	const struct special_key *b = &((const struct special *)right)->key;
	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	if (a->ino != b->ino)
		return a->ino < b->ino ? -1 : 1;
	if (a->mnt_ns != b->mnt_ns)
		return a->mnt_ns < b->mnt_ns ? -1 : 1;
	if (a->by_maps != b->by_maps)
		return a->by_maps ? 1 : -1;
	return strcmp(a->path, b->path);
}

int file_table_special(struct file_table *t, const struct special_key *wanted, uint32_t **id,
		       struct error *err)
{
	size_t len = strlen(wanted->path) + 1;
	struct special *key = calloc(1, sizeof(*key) + len);
	if (!key)
		return error_set(err, ENOMEM, "out of memory");
	key->key = *wanted;
	key->key.path = memcpy(key->path, wanted->path, len);
	struct special **node = tsearch(key, &t->specials, special_compare);
	if (!node) {
		free(key);
		return error_set(err, ENOMEM, "out of memory");
	}
	*id = &(*node)->id;
	if (*node != key)
		free(key);
	return 0;
}

/* Not before there is something to say: a dump that is refused leaves an older set alone. */
static int files_image(struct dump *d, struct error *err)
{
	return d->files->files ? 0
			       : image_create(d->images_fd, IMG_FILES, 0, &d->files->files, err);
}

int file_table_write(struct dump *d, const FileEntry *e, struct error *err)
{
	int rc = files_image(d, err);
	return rc < 0 ? rc : image_write(d->files->files, &e->base, err);
}

/* One system call per file system, not per file. */
uint32_t file_table_fs_type(struct file_table *t, const struct open_file *f)
{
	struct statfs fs;
	for (size_t i = 0; i < ARRAY_SIZE(t->fs_types); i++)
		if (t->fs_types[i].type && t->fs_types[i].dev == f->st.st_dev)
			return t->fs_types[i].type;
	struct fs_seen *seen = &t->fs_types[t->next_fs++ % ARRAY_SIZE(t->fs_types)];
	seen->dev = f->st.st_dev;
	seen->type = fstatfs(f->fd, &fs) == 0 ? (uint32_t)fs.f_type : 0;
	return seen->type;
}

static int dump_row(struct dump *d, const struct file_type *row, struct open_file *f, FileEntry *e,
		    struct error *err)
{
	struct sock_visit visit;
	if (!row->in_net)
		return row->dump(d, f, e, err);
	int rc = sock_ns_enter(d, f, &visit, err);
	if (rc < 0)
		return rc;
	rc = row->dump(d, f, e, err);
	int back = sock_ns_leave(d, &visit, rc < 0 ? NULL : err);
	return rc < 0 || back == 0 ? rc : back;
}

int file_table_add(struct dump *d, struct open_file *f, uint32_t id, FdTypes *type,
		   struct error *err)
{
	f->fs_type = file_table_fs_type(d->files, f);
	const struct file_type *row = file_is_left_outside(d, f) ? &file_regular : NULL;
	const struct unsupported *why = row ? NULL : file_unsupported(f);
	if (why)
		return file_refuse_as(f, why, err);
	for (size_t i = 0; !row && file_types[i]; i++)
		row = file_types[i]->match(f) ? file_types[i] : NULL;
	if (!row)
		return file_refuse(f, err);

	FileEntry *e = malloc(sizeof(*e));
	if (!e)
		return error_set(err, ENOMEM, "out of memory");
	file_entry__init(e);
	e->id = id;
	e->type = *type = row->type;
	int rc = dump_row(d, row, f, e, err);
	if (rc == 1)
		return 0;
	if (rc == 0)
		rc = file_table_write(d, e, err);
	file_entry__free_unpacked(e, NULL);
	return rc;
}

int file_table_new(struct dump *d, struct error *err)
{
	struct file_table *t = calloc(1, sizeof(*t));
	if (!t)
		return error_set(err, ENOMEM, "out of memory");
	t->next_id = 1;
	t->self.proc_fd = t->self_fds = -1;
	t->pipe[0] = t->pipe[1] = -1;
	d->files = t;
	return 0;
}

void files_dump_free(struct file_table *t)
{
	if (!t)
		return;
	image_writer_close(t->files);
	image_writer_close(t->memfd_image);
	image_writer_close(t->bpf_data);
	free(t->bpf_maps.items);
	free(t->urings.items);
	image_writer_close(t->data[0]);
	image_writer_close(t->data[1]);
	image_writer_close(t->remaps);
	tdestroy(t->descriptions, free);
	tdestroy(t->specials, free);
	for (size_t i = 0; i < t->links.nr; i++) {
		fd_close(t->links.items[i].dir);
		free(t->links.items[i].name);
	}
	free(t->links.items);
	free(t->ghosts.items);
	free(t->dead_pids.items);
	free(t->pipes.items);
	free(t->dumped.items);
	epolls_free(t);
	free(t->memfds.items);
	free(t->locks.items);
	proc_locks_fini(&t->lock_list.all);
	free(t->watched.items);
	fd_close(t->self.proc_fd);
	fd_close(t->self_fds);
	for (size_t i = 0; i < t->received.nr; i++)
		fd_close(t->received.items[i]);
	free(t->received.items);
	tty_table_fini(&t->ttys);
	fd_close(t->pipe[0]);
	fd_close(t->pipe[1]);
	free(t);
}

int files_dump_settle(struct dump *d, struct error *err)
{
	int rc = watches_settle(d, err);
	if (rc == 0)
		rc = epolls_settle(d, err);
	return rc < 0 ? rc : tty_dump_check(d, err);
}

int files_dump_finish(struct dump *d, struct error *err)
{
	struct file_table *t = d->files;
	int rc = files_image(d, err);
	if (rc == 0)
		rc = pipes_finish(d, err);
	if (rc == 0)
		rc = locks_write(d, err);
	if (rc == 0)
		rc = image_finish(t->files, err);
	if (rc == 0 && t->remaps)
		rc = image_finish(t->remaps, err);
	if (rc == 0 && t->memfd_image)
		rc = image_finish(t->memfd_image, err);
	if (rc == 0 && t->bpf_data)
		rc = image_finish(t->bpf_data, err);
	for (int i = 0; rc == 0 && i < 2; i++)
		rc = t->data[i] ? image_finish(t->data[i], err) : 0;
	return rc < 0 ? rc : tty_data_dump(d, err);
}
