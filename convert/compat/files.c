/* SPDX-License-Identifier: MIT
 * Files that have to be where they were.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/compat/check.h"
#include "convert/describe/mounts.h"
#include "images/leads.h"
#include "images/sysroot.h"

struct files {
	struct compat *c;
	struct mount_list mounts; /* of a mount namespace of its own */
	int root;                 /* -1: not known */
	uint64_t same, carried, unseen, outside;
	struct strbuf said; /* names a row was written for, each between line ends */
	struct {
		uint32_t *items; /* of files whose names lead nowhere */
		size_t nr, cap;
	} gone;
};

static void files_fini(struct files *f)
{
	mount_list_fini(&f->mounts);
	fd_close(f->root);
	free(f->gone.items);
	strbuf_fini(&f->said);
}

static int gone_add(void *arg, struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	struct files *f = arg;
	uint32_t *slot = array_add(&f->gone);
	(void)r;
	if (!slot)
		return error_set(err, ENOMEM, "remap-fpath.img: out of memory");
	*slot = ((const RemapFilePathEntry *)*msg)->orig_id;
	return 0;
}

static bool is_gone(const struct files *f, uint32_t id)
{
	for (size_t i = 0; i < f->gone.nr; i++) {
		if (f->gone.items[i] == id)
			return true;
	}
	return false;
}

static const struct mount_facts *mount_find(const struct files *f, int32_t id)
{
	for (size_t i = 0; i < f->mounts.nr; i++) {
		if (f->mounts.items[i].entry->mnt_id == (uint32_t)id)
			return &f->mounts.items[i];
	}
	return NULL;
}

static const char *kind_word(uint32_t mode)
{
	return S_ISREG(mode)                    ? "a file"
	       : S_ISDIR(mode)                  ? "a directory"
	       : S_ISLNK(mode)                  ? "a link"
	       : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
						: "something else";
}

/* One file may be open many times; short of memory it is said again. */
static bool was_said(struct files *f, const char *name)
{
	auto_strbuf line = { 0 };
	if (strbuf_printf(&line, "\n%s\n", name) < 0)
		return false;
	if (f->said.data && strstr(f->said.data, line.data))
		return true;
	strbuf_str(&f->said, line.data);
	return false;
}

__attribute__((format(printf, 4, 5))) static void
file_say(struct files *f, enum answer answer, const RegFileEntry *reg, const char *fmt, ...)
{
	char text[600];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!was_said(f, reg->name))
		compat_say(f->c, CHECK_FILE, answer, reg->name, "%s", text);
}

/* The same kind, mode, size and build id. */
static void path_check(struct files *f, const RegFileEntry *reg)
{
	struct error why;
	struct stat st;
	auto_fd fd = sysroot_path(f->root, reg->name);
	enum answer answer = fd == -ENOENT || fd == -ENOTDIR ? ANSWER_NO : ANSWER_UNKNOWN;
	if (fd < 0 || fstat(fd, &st) < 0) {
		file_say(f, answer, reg, "%s", strerror(fd < 0 ? -fd : errno));
		return;
	}
	if (reg->has_mode && reg->mode & S_IFMT && (reg->mode ^ st.st_mode) & S_IFMT) {
		file_say(f, ANSWER_NO, reg, "was %s, is %s", kind_word(reg->mode),
			 kind_word(st.st_mode));
		return;
	}
	if (S_ISREG(st.st_mode)) {
		auto_fd file = sysroot_mapped(f->root, reg, &why);
		if (file < 0) {
			file_say(f, file == -ESTALE ? ANSWER_NO : ANSWER_UNKNOWN, reg, "%s",
				 why.text);
			return;
		}
	}
	if (reg->has_mode && (reg->mode ^ st.st_mode) & 07777) {
		file_say(f, ANSWER_NO, reg, "had mode %#o, has %#o", reg->mode & 07777,
			 (unsigned)st.st_mode & 07777);
		return;
	}
	f->same++;
}

static void file_check(struct files *f, const RegFileEntry *reg)
{
	const struct mount_facts *mount =
	    reg->has_mnt_id && f->mounts.nr ? mount_find(f, reg->mnt_id) : NULL;
	if (reg->has_ext && reg->ext)
		compat_say(f->c, CHECK_EXTERNAL, ANSWER_UNKNOWN, reg->name,
			   "was left out of the set: the restore has to be given it");
	else if (is_gone(f, reg->id) || !strncmp(reg->name, "/proc/", 6))
		f->carried++;
	/* tmpfs, devpts, ... are made anew with what was in them */
	else if (mount && mount->fstype && strcmp(mount->fstype, "overlay") != 0)
		f->carried++;
	else if (mount && strcmp(mount->entry->mountpoint, "/") != 0)
		f->outside++;
	else if (f->root < 0)
		f->unseen++;
	else
		path_check(f, reg);
}

static void files_sum(const struct files *f)
{
	if (f->same)
		compat_say(f->c, CHECK_FILE, ANSWER_YES, NULL, "the same: %" PRIu64, f->same);
	if (f->carried)
		compat_say(f->c, CHECK_FILE, ANSWER_YES, NULL, "made by the restore: %" PRIu64,
			   f->carried);
	if (f->unseen)
		compat_say(f->c, CHECK_FILE, ANSWER_UNKNOWN, NULL,
			   "%s, say with --root where it is: %" PRIu64,
			   own_namespace(f->c, CLONE_NEWNS) == ANSWER_YES
			       ? "below the root of the container"
			       : "below a root nobody knows",
			   f->unseen);
	if (f->outside)
		compat_say(f->c, CHECK_FILE, ANSWER_UNKNOWN, NULL,
			   "in mounts from outside: %" PRIu64, f->outside);
}

int compat_files(struct compat *c, struct error *err)
{
	__attribute__((cleanup(files_fini))) struct files f = { .c = c, .root = -1 };
	const char *root = c->options->root;
	FileEntry *const *files;
	enum answer own = own_namespace(c, CLONE_NEWNS);
	ssize_t nr = checkpoint_files(c->cp, &files, err);
	int rc = nr < 0 ? (int)nr : 0;
	if (rc == 0 && own == ANSWER_YES)
		rc = mount_list_read(c->cp, &f.mounts, err);
	if (rc == 0)
		rc = remaps_each(checkpoint_source(c->cp), gone_add, &f, err);
	if (rc == 0 && (root || own == ANSWER_NO)) {
		f.root = sysroot_open(root ?: "/", err);
		rc = f.root < 0 ? f.root : 0;
	}
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		if (!compat_wants_file(c, files[i]->id))
			continue;
		if (files[i]->reg)
			file_check(&f, files[i]->reg);
		else if (files[i]->ext)
			compat_say(c, CHECK_EXTERNAL, ANSWER_UNKNOWN, NULL,
				   "file %" PRIu32 " was dumped by a plugin, which has to be there",
				   files[i]->id);
	}
	if (rc == 0)
		files_sum(&f);
	return rc;
}
