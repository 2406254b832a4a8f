/* SPDX-License-Identifier: MIT
 * Files whose path was removed while other names of theirs are left: the dump links them to a
 * name beside the old one (--link-remap), a restore links them back for a moment and removes it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/remap.h"
#include "engine/ns/mnt.h"
#include "engine/ns/user.h"
#include "engine/procfs/root.h"

bool name_beside(char *path, size_t size, const struct stat *file)
{
	char parent[PATH_MAX], *slash = strrchr(path, '/');
	const struct dirent *entry;
	struct stat st;
	if (!slash || !file->st_nlink)
		return false;
	char *name = slash + 1;
	snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	auto_dir dir = opendir(parent);
	while (dir && (entry = readdir(dir)) != NULL) {
		if (entry->d_ino != file->st_ino ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    st.st_ino != file->st_ino || st.st_dev != file->st_dev)
			continue;
		snprintf(name, size - (size_t)(name - path), "%s", entry->d_name);
		return true;
	}
	return false;
}

/* One directory up: the one the name was in may be gone. @return false at the top */
static bool shorten(char *dir)
{
	char *slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return false;
	*slash = 0;
	return true;
}

static int link_beside(int fd, char *dir, uint32_t id, char *out, size_t len, struct error *err)
{
	char from[32];
	snprintf(from, sizeof(from), "self/fd/%d", fd);
	while (shorten(dir)) {
		int n = snprintf(out, len, "%s/link_remap.%u", dir, id);
		if (n < 0 || (size_t)n >= len)
			return error_set(err, ENAMETOOLONG, "%s", dir);
		if (linkat(procfs_fd(), from, AT_FDCWD, out, AT_SYMLINK_FOLLOW) == 0)
			return 0;
		struct stat st;
		if (errno != ENOENT || stat(dir, &st) == 0)
			return error_sys(err, "link it to %s", out);
	}
	return error_set(err, ENOENT, "no directory is left to link it into");
}

static int note_link(struct dump *d, const char *path, struct error *err)
{
	const char *name = strrchr(path, '/') + 1;
	auto_free char *dir = strndup(path, (size_t)(name - path));
	auto_fd fd = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	char *copy = fd < 0 ? NULL : strdup(name);
	struct made_link *slot = copy ? array_add(&d->files->links) : NULL;
	if (!slot) {
		unlink(path);
		free(copy);
		return error_set(err, ENOMEM, "%s: out of memory", path);
	}
	*slot = (struct made_link){ .dir = take_fd(fd), .name = copy };
	return 0;
}

/* The new name as a file of its own, that no task has. */
static int write_link(struct dump *d, char *path, uint32_t id, int mnt_id, struct error *err)
{
	FileEntry e = FILE_ENTRY__INIT;
	RegFileEntry reg = REG_FILE_ENTRY__INIT;
	FownEntry nobody = FOWN_ENTRY__INIT;
	e.id = reg.id = id;
	e.type = FD_TYPES__REG;
	e.reg = &reg;
	reg.fown = &nobody;
	reg.name = path;
	reg.mnt_id = mnt_id;
	reg.has_mnt_id = mnt_id >= 0;
	return file_table_write(d, &e, err);
}

/* sem_open(3) makes a semaphore so: it is found by the name it has now, which no dump has to make.
 */
static int use_name_beside(const struct open_file *f, RegFileEntry *reg, struct error *err)
{
	char path[PATH_MAX], holder[96];
	snprintf(path, sizeof(path), "%s", reg->name);
	if (!name_beside(path, sizeof(path), &f->st))
		return error_set(err, ENOTSUP,
				 "%s is %.800s, whose name was removed while it has %" PRIuMAX
				 " other%s: with --link-remap the dump links it to a name of its "
				 "own until it is restored",
				 file_holder(f, holder, sizeof(holder)), reg->name,
				 (uintmax_t)f->st.st_nlink, f->st.st_nlink == 1 ? "" : "s");
	free(reg->name);
	reg->name = strdup(path);
	return reg->name ? 0 : error_set(err, ENOMEM, "out of memory");
}

int link_remap_dump(struct dump *d, const struct open_file *f, RegFileEntry *reg, struct error *err)
{
	char path[PATH_MAX], dir[PATH_MAX], holder[96];
	const char *name = reg->name;
	uint32_t id = reg->id;
	if (!d->opts->link_remap)
		return use_name_beside(f, reg, err);
	snprintf(dir, sizeof(dir), "%s", name);
	uint32_t link_id = d->files->next_id++;
	struct error why = { 0 };
	uint32_t before[ID_KINDS];
	int rc = userns_files_as_root(d->users, before, &why);
	if (rc == 0)
		rc = link_beside(f->fd, dir, link_id, path, sizeof(path), &why);
	userns_files_as(before);
	/* A file of a lower layer has lost its last name, though overlayfs counts one still. */
	if (rc == -ENOENT && f->fs_type == OVERLAYFS_SUPER_MAGIC)
		return ghost_dump(d, f, id, err);
	if (rc < 0)
		return error_set(err, rc, "%s is %.400s, whose name was removed: %.400s",
				 file_holder(f, holder, sizeof(holder)), name, why.text);
	rc = note_link(d, path, err);
	if (rc == 0)
		rc = write_link(d, path, link_id, mntns_id_of(d, f->fd), err);
	return rc < 0 ? rc : remap_write(d, id, link_id, REMAP_TYPE__LINKED, err);
}

void files_remove_links(struct dump *d)
{
	for (size_t i = 0; d->files && i < d->files->links.nr; i++)
		if (unlinkat(d->files->links.items[i].dir, d->files->links.items[i].name, 0) < 0)
			log_warn("cannot remove %s: %m", d->files->links.items[i].name);
}

void link_remap_clean(struct restore *r)
{
	for (size_t i = 0; i < r->files->remaps.nr; i++) {
		const struct remap_row *row = &r->files->remaps.items[i];
		if (row->type != REMAP_TYPE__LINKED)
			continue;
		const char *name = file_set_find(r->files, row->remap_id)->entry->reg->name;
		if (row->dir > 0 && unlinkat(row->dir, strrchr(name, '/') + 1, 0) < 0 &&
		    errno != ENOENT)
			log_warn("cannot remove %s, a name the dump had made: %m", name);
	}
}
