/* SPDX-License-Identifier: MIT
 * The order of an audit.
 */
#include "convert/audit/audit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "convert/audit/check.h"
#include "images/damage.h"
#include "images/page-store.h"
#include "images/sysroot.h"

int audit_add(struct audit *audit, enum rule_id rule, enum severity severity,
	      const struct finding_place *at, const char *object, struct error *err,
	      const char *fmt, ...)
{
	char text[1024];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return finding_add(audit->out, rule, severity, at, object ?: "", text, err);
}

int audit_pass(struct audit *audit, int rc, const struct error *why, struct error *err)
{
	if (rc >= 0 || damage_noted(checkpoint_source(audit->cp), rc, why))
		return 0;
	return error_set(err, rc, "%s", why->text);
}

struct finding_place place_in(const struct audit_process *p, enum image_id image, uint64_t number)
{
	return (struct finding_place){ .pid = p ? p->process->pid : 0,
				       .comm = p ? p->comm : NULL,
				       .image = image,
				       .number = number,
				       .entry = 0 };
}

struct finding_place place_of_file(struct audit *audit, const struct audit_process *p, FdTypes type,
				   uint32_t id)
{
	struct finding_place at = place_in(p, IMG_FILES, 0);
	const struct file_place *place = checkpoint_file_place(audit->cp, type, id);
	at.entry = place ? place->entry : NO_ENTRY;
	if (place)
		at.image = place->image;
	return at;
}

bool has_image(struct audit *audit, enum image_id image, uint64_t number)
{
	auto_image_reader r = NULL;
	return image_open_typed(checkpoint_source(audit->cp), image, number, &r, NULL) != -ENOENT;
}

static void process_fini(struct audit_process *p)
{
	memory_view_close(p->memory);
	if (p->ids)
		task_kobj_ids_entry__free_unpacked(p->ids, NULL);
	if (p->core)
		core_entry__free_unpacked(p->core, NULL);
}

/* What is missing in a pre-dump is not looked at. */
static int process_load(struct audit *audit, const struct process *process, struct audit_process *p,
			struct error *err)
{
	p->process = process;
	int rc = process_core(audit->cp, process->pid, &p->core, err);
	if (rc < 0)
		return rc;
	p->comm = p->core->tc && p->core->tc->comm ? p->core->tc->comm : "";
	if (core_is_zombie(p->core))
		return 0;
	rc = process_ids(audit->cp, process, &p->ids, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (p->ids) {
		p->contained = has_image(audit, IMG_MNTS, p->ids->mnt_ns_id);
		p->mapped_users = has_image(audit, IMG_USERNS, p->ids->user_ns_id);
	}
	rc = memory_view_open(audit->cp, process, NULL, &p->memory, err);
	return rc == -ENOENT ? 0 : rc;
}

static int process_check(struct audit *audit, struct search *search, const struct process *process,
			 struct error *err)
{
	static int (*const checks[])(struct audit * audit, const struct audit_process *p,
				     struct error *err) = { check_program, check_memory,
							    check_code_bytes, check_credentials,
							    check_files };
	__attribute__((cleanup(process_fini))) struct audit_process p = { 0 };
	struct error why;
	int rc = process_load(audit, process, &p, err);
	if (rc < 0 || core_is_zombie(p.core))
		return rc;
	for (size_t i = 0; rc == 0 && i < sizeof(checks) / sizeof(*checks); i++)
		rc = audit_pass(audit, checks[i](audit, &p, &why), &why, err);
	if (rc == 0 && p.memory)
		rc = audit_pass(audit, search_process(search, &p, &why), &why, err);
	return rc < 0 ? error_wrap(err, rc, "pid %u", process->pid) : 0;
}

static void audit_fini(struct audit *audit)
{
	file_describer_free(audit->files);
	container_facts_fini(&audit->container);
	mount_list_fini(&audit->mounts);
	fd_close(audit->sysroot);
	free(audit->code.items);
}

static void search_cleanup(struct search **s)
{
	search_free(*s);
}

static int audit_load(struct audit *audit, struct error *err)
{
	const char *sysroot = audit->options->sysroot;
	audit->sysroot = sysroot ? sysroot_open(sysroot, err) : -1;
	if (sysroot && audit->sysroot < 0)
		return audit->sysroot;
	int rc = file_describer_new(audit->cp, &audit->files, err);
	if (rc == 0)
		rc = container_describe(checkpoint_source(audit->cp), &audit->container, err);
	if (rc == 0)
		rc = mount_list_read(audit->cp, &audit->mounts, err);
	return rc;
}

int audit_checkpoint(struct checkpoint *cp, const struct audit_options *options,
		     struct progress *progress, struct findings *out, struct error *err)
{
	__attribute__((cleanup(audit_fini))) struct audit audit = {
		.cp = cp, .options = options, .progress = progress, .out = out, .sysroot = -1
	};
	__attribute__((cleanup(search_cleanup))) struct search *search = NULL;
	int rc = audit_load(&audit, err);
	if (rc == 0)
		rc = search_new(&audit, &search, err);
	if (progress)
		progress_start(progress, "auditing", pages_stored_size(checkpoint_source(cp)));
	for (size_t i = 0; rc == 0 && i < checkpoint_nr_processes(cp); i++) {
		const struct process *p = checkpoint_process(cp, i);
		if (!options->only || options->only == p)
			rc = process_check(&audit, search, p, err);
	}
	if (rc == 0)
		rc = search_shared(search, err);
	if (rc == 0)
		rc = check_code(&audit, err);
	if (rc == 0)
		rc = check_mounts(&audit, err);
	findings_sort(out);
	return rc;
}
