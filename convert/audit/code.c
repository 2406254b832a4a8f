/* SPDX-License-Identifier: MIT
 * Programs and libraries against their files: below a sysroot, and among the files a container has
 * changed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "convert/audit/check.h"
#include "convert/raw/tar-read.h"
#include "images/sysroot.h"

#define PIECE 65536

static struct finding_place place_of_code(struct audit *audit, const struct code_file *code)
{
	struct finding_place at = place_of_file(audit, NULL, FD_TYPES__REG, code->id);
	at.pid = code->pid;
	at.comm = code->comm;
	return at;
}

static int check_deleted(struct audit *audit, const struct code_file *code,
			 const struct finding_place *at, struct error *err)
{
	auto_file_facts facts = { 0 };
	int rc = file_describe(audit->files, FD_TYPES__REG, code->id, &facts, err);
	if (rc < 0 || !facts.gone)
		return rc;
	return audit_add(audit, RULE_EXE_DELETED, SEV_WARNING, at, code->reg->name, err, "%s",
			 facts.gone);
}

static int check_sysroot(struct audit *audit, const struct code_file *code,
			 const struct finding_place *at, struct error *err)
{
	struct error why;
	auto_fd fd = sysroot_mapped(audit->sysroot, code->reg, &why);
	if (fd >= 0)
		return 0;
	return audit_add(audit, RULE_EXE_CHANGED, fd == -ESTALE ? SEV_WARNING : SEV_NOTE, at,
			 code->reg->name, err, "below the sysroot: %s", why.text);
}

struct diff_walk {
	struct audit *audit;
	const struct code_file **by_name;
	size_t nr;
};

static int name_compare(const void *a_, const void *b_)
{
	const struct code_file *a = *(const struct code_file *const *)a_,
			       *b = *(const struct code_file *const *)b_;
	return strcmp(a->reg->name, b->reg->name);
}

static int name_find(const void *name, const void *code)
{
	return strcmp(name, (*(const struct code_file *const *)code)->reg->name);
}

/* A changed file of a container: is it one of those that run? */
static int diff_member(void *arg, const struct tar_member *member, struct error *err)
{
	const struct diff_walk *walk = arg;
	char path[4096];
	if (!S_ISREG(member->mode) ||
	    snprintf(path, sizeof(path), "/%s", member->name) >= (int)sizeof(path))
		return 0;
	const struct code_file *const *found =
	    bsearch(path, walk->by_name, walk->nr, sizeof(*walk->by_name), name_find);
	if (!found)
		return 0;
	struct finding_place at = place_of_code(walk->audit, *found);
	bool other = (*found)->reg->has_size && (*found)->reg->size != member->size;
	return audit_add(walk->audit, RULE_EXE_CHANGED, SEV_WARNING, &at, path, err,
			 "written in the container (rootfs-diff): %" PRIu64 " bytes%s",
			 member->size, other ? ", not the file that runs" : "");
}

static int check_rootfs_diff(struct audit *audit, struct error *err)
{
	struct diff_walk walk = { .audit = audit, .nr = audit->code.nr };
	auto_free const struct code_file **names = calloc(walk.nr + 1, sizeof(*names));
	auto_istream in = NULL;
	struct error why;
	if (!names)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < walk.nr; i++)
		names[i] = &audit->code.items[i];
	qsort(names, walk.nr, sizeof(*names), name_compare);
	walk.by_name = names;
	int rc = source_open_member(checkpoint_source(audit->cp), "rootfs-diff.tar", &in, &why);
	if (rc < 0)
		return rc == -ENOENT ? 0 : error_set(err, rc, "%s", why.text);
	return tar_walk(in, "rootfs-diff.tar", diff_member, &walk, err);
}

int check_code(struct audit *audit, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < audit->code.nr; i++) {
		const struct code_file *code = &audit->code.items[i];
		struct finding_place at = place_of_code(audit, code);
		rc = check_deleted(audit, code, &at, err);
		if (rc == 0 && code->reg->has_mode && code->reg->mode & S_IWOTH &&
		    !S_ISCHR(code->reg->mode) && !S_ISLNK(code->reg->mode))
			rc = audit_add(audit, RULE_EXE_WRITABLE, SEV_ERROR, &at, code->reg->name,
				       err, "mode %#o", code->reg->mode & 07777);
		if (rc == 0 && audit->sysroot >= 0)
			rc = check_sysroot(audit, code, &at, err);
	}
	return rc < 0 ? rc : check_rootfs_diff(audit, err);
}

/* Stored pages of one area against its file. */
struct compare {
	struct memory_view *mv;
	const struct area *area;
	int fd;
	uint64_t differ, first; /* bytes, and where they begin */
	char *stored, *file;    /* PIECE each */
};

static int run_compare(struct compare *c, const struct memory_run *run, struct error *err)
{
	for (uint64_t addr = run->start; addr < run->end;) {
		size_t len = PIECE;
		if (len > run->end - addr)
			len = (size_t)(run->end - addr);
		uint64_t offset = c->area->vma->pgoff + (addr - c->area->vma->start);
		if (offset > INT64_MAX)
			return 0;
		memset(c->file, 0, len); /* behind its end */
		int rc = memory_view_read(c->mv, addr, c->stored, len, NULL, err);
		if (rc < 0)
			return rc;
		if (fd_pread_full(c->fd, c->file, len, (off_t)offset) < 0)
			return error_sys(err, "read %s", c->area->path);
		for (size_t i = 0; i < len; i++) {
			if (c->stored[i] == c->file[i])
				continue;
			if (!c->differ++)
				c->first = addr + i;
		}
		addr += len;
	}
	return 0;
}

static int area_compare(struct audit *audit, const struct audit_process *p, struct compare *c,
			struct error *err)
{
	const struct area *area = c->area;
	struct finding_place at = place_in(p, IMG_PAGEMAP, p->process->pid);
	at.entry = NO_ENTRY;
	c->differ = 0;
	for (uint64_t addr = area->vma->start; addr < area->vma->end;) {
		struct memory_run run;
		int rc = memory_view_run(p->memory, area, addr, &run, err);
		if (rc == 0 && (run.state == PG_STORED || run.state == PG_PARENT))
			rc = run_compare(c, &run, err);
		if (rc < 0)
			return rc;
		addr = run.end;
	}
	if (!c->differ)
		return 0;
	return audit_add(audit, RULE_CODE_CHANGED, SEV_ERROR, &at, area->path, err,
			 "%" PRIu64 " bytes, the first at %#" PRIx64 " (byte %" PRIu64
			 " of the file)",
			 c->differ, c->first, area->vma->pgoff + (c->first - area->vma->start));
}

/* A file that is not the one of the checkpoint is another finding. */
static int file_of_area(struct audit *audit, const struct area *area)
{
	const FileEntry *file = NULL;
	if (checkpoint_file(audit->cp, FD_TYPES__REG, area->file_id, &file, NULL) != 1 ||
	    !file->reg)
		return -1;
	return sysroot_mapped(audit->sysroot, file->reg, NULL);
}

int check_code_bytes(struct audit *audit, const struct audit_process *p, struct error *err)
{
	const struct area *areas;
	size_t nr = p->memory && audit->sysroot >= 0 ? memory_view_areas(p->memory, &areas) : 0;
	auto_free char *buf = nr ? malloc(2 * PIECE) : NULL;
	if (nr && !buf)
		return error_set(err, ENOMEM, "out of memory");
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		const struct area *area = &areas[i];
		if (area->kind != AREA_FILE || !(area->vma->prot & PROT_EXEC) ||
		    area->vma->prot & PROT_WRITE)
			continue;
		auto_fd fd = file_of_area(audit, area);
		struct compare c = { p->memory, area, fd, 0, 0, buf, buf + PIECE };
		if (fd >= 0)
			rc = area_compare(audit, p, &c, err);
	}
	return rc;
}
