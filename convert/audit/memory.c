/* SPDX-License-Identifier: MIT
 * Memory that can be executed: where it comes from, and who can write it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "convert/audit/check.h"

/* Areas of one rule and object become one finding. */
struct group {
	enum rule_id rule;
	enum severity severity;
	const char *object;
	const struct area *first;
	size_t areas;
	uint64_t bytes;
};

struct groups {
	struct group *items;
	size_t nr, cap;
};

static void groups_fini(struct groups *groups)
{
	free(groups->items);
}

static int group_add(struct groups *groups, enum rule_id rule, const struct area *area)
{
	const char *object = area->path[0] ? area->path : area_kind_names[area->kind];
	struct group *group = NULL;
	for (size_t i = 0; !group && i < groups->nr; i++) {
		if (groups->items[i].rule == rule && !strcmp(groups->items[i].object, object))
			group = &groups->items[i];
	}
	if (!group) {
		group = array_add(groups);
		if (!group)
			return -ENOMEM;
		*group = (struct group){ rule, audit_rules[rule].severity, object, area, 0, 0 };
	}
	group->areas++;
	group->bytes += area->vma->end - area->vma->start;
	return 0;
}

/* What the kernel puts there is the same in every process. */
static bool is_kernels(const struct area *area)
{
	return area->kind == AREA_VDSO || area->kind == AREA_VSYSCALL || area->kind == AREA_VVAR;
}

static bool is_file(const struct area *area)
{
	return area->kind == AREA_FILE || area->kind == AREA_FILE_SHARED;
}

static int code_add(struct audit *audit, const struct audit_process *p, uint32_t id,
		    struct error *err)
{
	const FileEntry *file = NULL;
	for (size_t i = 0; i < audit->code.nr; i++) {
		if (audit->code.items[i].id == id)
			return 0;
	}
	int rc = checkpoint_file(audit->cp, FD_TYPES__REG, id, &file, err);
	if (rc <= 0 || !file->reg)
		return rc < 0 ? rc : 0;
	struct code_file *code = array_add(&audit->code);
	if (!code)
		return error_set(err, ENOMEM, "out of memory");
	*code = (struct code_file){ .id = id, .pid = p->process->pid, .reg = file->reg };
	snprintf(code->comm, sizeof(code->comm), "%s", p->comm);
	return 0;
}

static int area_check(struct audit *audit, const struct audit_process *p, const struct area *area,
		      struct groups *groups, struct error *err)
{
	bool writable = area->vma->prot & PROT_WRITE;
	int rc = 0;
	if (!(area->vma->prot & PROT_EXEC) || is_kernels(area))
		return 0;
	if (area->kind == AREA_STACK || area->kind == AREA_HEAP)
		rc = group_add(groups, RULE_STACK_EXEC, area);
	else if (writable)
		rc = group_add(groups, RULE_MEMORY_WX, area);
	else if (area->kind == AREA_MEMFD)
		rc = group_add(groups, RULE_EXE_MEMFD, area);
	else if (!is_file(area))
		rc = group_add(groups, RULE_MEMORY_CODE, area);
	if (rc < 0)
		return error_set(err, ENOMEM, "out of memory");
	return is_file(area) ? code_add(audit, p, area->file_id, err) : 0;
}

static int groups_report(struct audit *audit, const struct audit_process *p,
			 const struct groups *groups, struct error *err)
{
	struct finding_place at = place_in(p, IMG_MM, p->process->pid);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < groups->nr; i++) {
		const struct group *g = &groups->items[i];
		const VmaEntry *vma = g->first->vma;
		rc =
		    audit_add(audit, g->rule, g->severity, &at, g->object, err,
			      "%zu area%s, %" PRIu64 " KiB, %c%c%c %#" PRIx64 "-%#" PRIx64 "%s",
			      g->areas, g->areas == 1 ? "" : "s", g->bytes / 1024,
			      vma->prot & PROT_READ ? 'r' : '-', vma->prot & PROT_WRITE ? 'w' : '-',
			      'x', vma->start, vma->end, g->areas == 1 ? "" : ", …");
	}
	return rc;
}

int check_memory(struct audit *audit, const struct audit_process *p, struct error *err)
{
	__attribute__((cleanup(groups_fini))) struct groups groups = { 0 };
	const struct area *areas;
	size_t nr = p->memory ? memory_view_areas(p->memory, &areas) : 0;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < nr; i++)
		rc = area_check(audit, p, &areas[i], &groups, err);
	return rc < 0 ? rc : groups_report(audit, p, &groups, err);
}

/* The file of the program itself may be a memfd. */
int check_program(struct audit *audit, const struct audit_process *p, struct error *err)
{
	uint32_t id = p->memory ? memory_view_mm(p->memory)->exe_file_id : 0;
	const FileEntry *file = NULL;
	if (!p->memory)
		return 0;
	int rc = checkpoint_file(audit->cp, FD_TYPES__REG, id, &file, err);
	if (rc == 1 && file->reg) {
		if (!strncmp(file->reg->name, "/memfd:", 7) ||
		    !strncmp(file->reg->name, "memfd:", 6)) {
			struct finding_place at = place_of_file(audit, p, FD_TYPES__REG, id);
			return audit_add(audit, RULE_EXE_MEMFD, SEV_ERROR, &at, file->reg->name,
					 err, "the program of the process");
		}
		return code_add(audit, p, id, err);
	}
	if (rc == 0)
		rc = checkpoint_file(audit->cp, FD_TYPES__MEMFD, id, &file, err);
	if (rc <= 0)
		return rc;
	auto_file_facts facts = { 0 };
	struct finding_place at = place_of_file(audit, p, FD_TYPES__MEMFD, id);
	rc = file_describe(audit->files, FD_TYPES__MEMFD, id, &facts, err);
	return rc < 0 ? rc
		      : audit_add(audit, RULE_EXE_MEMFD, SEV_ERROR, &at, facts.target.data, err,
				  "the program of the process");
}
