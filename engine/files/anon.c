/* SPDX-License-Identifier: MIT
 * What descriptors of anonymous inodes share.
 */
#include "engine/files/anon.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "engine/files/table.h"

bool anon_is(const struct open_file *f, const char *name)
{
	static const char prefix[] = "anon_inode:[";
	size_t len = strlen(name);
	const char *at = f->path + strlen(prefix);
	return !strncmp(f->path, prefix, strlen(prefix)) && !strncmp(at, name, len) &&
	       !strcmp(at + len, "]");
}

int anon_fdinfo_text(const struct open_file *f, struct strbuf *out, struct error *err)
{
	char name[32], holder[96];
	snprintf(name, sizeof(name), "fdinfo/%d", f->task_fd);
	int rc = file_read_at(f->task->proc_fd, name, out, err);
	if (rc == 0 && strbuf_char(out, 0) < 0)
		rc = error_set(err, ENOMEM, "out of memory");
	return rc < 0 ? error_wrap(err, rc, "%s", file_holder(f, holder, sizeof(holder))) : 0;
}

int anon_odd(const struct open_file *f, const char *what, struct error *err)
{
	char holder[96];
	return error_set(err, EPROTO, "%s: the kernel tells no %s of it in fdinfo",
			 file_holder(f, holder, sizeof(holder)), what);
}

bool anon_number(const char *text, const char *key, int base, uint64_t *out)
{
	const char *at = strstr(text, key);
	if (!at)
		return false;
	char *end;
	*out = strtoull(at + strlen(key), &end, base);
	return end != at + strlen(key);
}

int anon_check(const FileEntry *e, const void *fields, uint32_t id, const FownEntry *fown,
	       const char *what, struct error *err)
{
	if (!fields)
		return error_set(err, EBADMSG, "%s without its fields", what);
	if (id != e->id)
		return error_set(err, EBADMSG, "id %u inside says %u", e->id, id);
	return owner_check(fown, err);
}
