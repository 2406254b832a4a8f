/* SPDX-License-Identifier: MIT
 * What the kernel here can, and what is left of the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/page.h"
#include "cgroup.pb-c.h"
#include "convert/compat/check.h"
#include "images/namespace-kind.h"
#include "images/vma-status.h"

enum { DROPPABLE = 0x8, GUARD_INSTALL = 102, SHSTK_STATUS = 0x5005 };

/* What was captured needs, by the images. */
struct needs {
	bool seccomp, rseq, guard, droppable, shadow_stack, pidfd, sysv;
};

static void needs_of_core(const CoreEntry *core, struct needs *needs)
{
	const ThreadCoreEntry *thread = core->thread_core;
	const ThreadInfoX86 *x86 = core->thread_info;
	needs->seccomp |= thread && thread->has_seccomp_mode && thread->seccomp_mode;
	needs->rseq |= thread && thread->rseq_entry && thread->rseq_entry->rseq_abi_pointer;
	needs->shadow_stack |= x86 && x86->fpregs && x86->fpregs->xsave && x86->fpregs->xsave->cet;
}

static void needs_of_areas(const MmEntry *mm, struct needs *needs)
{
	for (size_t i = 0; i < mm->n_vmas; i++) {
		needs->guard |= mm->vmas[i]->status & VMA_AREA_GUARD;
		needs->droppable |= mm->vmas[i]->flags & DROPPABLE;
		needs->shadow_stack |= mm->vmas[i]->status & VMA_AREA_SHSTK;
		needs->sysv |= mm->vmas[i]->status & VMA_AREA_SYSVIPC;
	}
}

static int needs_collect(struct compat *c, struct needs *needs, struct error *err)
{
	FileEntry *const *files;
	ssize_t nr = checkpoint_files(c->cp, &files, err);
	if (nr < 0)
		return (int)nr;
	for (ssize_t i = 0; i < nr; i++)
		needs->pidfd |= files[i]->pidfd && compat_wants_file(c, files[i]->id);
	for (size_t i = 0; i < checkpoint_nr_processes(c->cp); i++) {
		const struct process *p = checkpoint_process(c->cp, i);
		auto_message MmEntry *mm = NULL;
		if (!compat_wants(c, p))
			continue;
		int rc = process_mm(c->cp, p, &mm, err);
		if (rc < 0 && rc != -ENOENT)
			return rc;
		if (rc == 0)
			needs_of_areas(mm, needs);
		for (size_t k = 0; k < p->entry->n_threads; k++) {
			auto_message CoreEntry *core = NULL;
			rc = process_core(c->cp, process_thread(p, k), &core, err);
			if (rc < 0)
				return rc;
			needs_of_core(core, needs);
		}
	}
	return 0;
}

/* Each asks the kernel about this process alone. */
static bool has_seccomp(void)
{
	return access("/proc/sys/kernel/seccomp/actions_avail", F_OK) == 0;
}

static bool has_rseq(void)
{
	return syscall(SYS_rseq, NULL, 0, -1, 0) == 0 || errno != ENOSYS;
}

static bool page_works(int flags, int advice)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (page == MAP_FAILED)
		return false;
	bool works = !advice || madvise(page, PAGE, advice) == 0;
	munmap(page, PAGE);
	return works;
}

static bool has_guard(void)
{
	return page_works(MAP_PRIVATE | MAP_ANONYMOUS, GUARD_INSTALL);
}

static bool has_droppable(void)
{
	return page_works(DROPPABLE | MAP_ANONYMOUS, 0);
}

static bool has_shadow_stack(void)
{
#ifdef SYS_arch_prctl
	uint64_t status;
	return syscall(SYS_arch_prctl, SHSTK_STATUS, &status) == 0;
#else
	return false;
#endif
}

static bool has_pidfd(void)
{
	auto_fd fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	return fd >= 0;
}

static bool has_sysv(void)
{
	return access("/proc/sysvipc/shm", F_OK) == 0;
}

static void check_facilities(struct compat *c, const struct needs *needs)
{
	const struct {
		bool needed;
		const char *name;
		bool (*here)(void);
		const char *since;
	} facilities[] = {
		{ needs->seccomp, "seccomp filters", has_seccomp, "CONFIG_SECCOMP_FILTER" },
		{ needs->rseq, "restartable sequences", has_rseq, "Linux 4.18" },
		{ needs->guard, "guard regions", has_guard, "Linux 6.13" },
		{ needs->droppable, "droppable memory", has_droppable, "Linux 6.11" },
		{ needs->shadow_stack, "shadow stacks", has_shadow_stack,
		  "CONFIG_X86_USER_SHADOW_STACK and the processor's" },
		{ needs->pidfd, "pidfds", has_pidfd, "Linux 5.3" },
		{ needs->sysv, "System V memory", has_sysv, "CONFIG_SYSVIPC" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(facilities); i++) {
		if (!facilities[i].needed)
			continue;
		if (facilities[i].here())
			compat_say(c, CHECK_KERNEL, ANSWER_YES, facilities[i].name, "here");
		else
			compat_say(c, CHECK_KERNEL, ANSWER_NO, facilities[i].name,
				   "not here, needs %s", facilities[i].since);
	}
}

static void check_release(struct compat *c)
{
	struct utsname host = { 0 };
	unsigned major = 0, minor = 0;
	if (uname(&host) < 0 || sscanf(host.release, "%u.%u", &major, &minor) != 2)
		compat_say(c, CHECK_KERNEL, ANSWER_UNKNOWN, "release", "cannot be read");
	else if (major < 5 || (major == 5 && minor < 15))
		compat_say(c, CHECK_KERNEL, ANSWER_NO, "release", "%s, older than 5.15",
			   host.release);
	else
		compat_say(c, CHECK_KERNEL, ANSWER_YES, "release", "%s", host.release);
}

static void check_namespaces(struct compat *c)
{
	for (size_t i = 0; i < NR_NAMESPACE_KINDS; i++) {
		const char *name = namespace_kinds[i].name;
		char path[64];
		if (own_namespace(c, namespace_kinds[i].flag) != ANSWER_YES)
			continue;
		snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
		bool here = access(path, F_OK) == 0;
		if (here || errno != ENOENT)
			compat_say(c, CHECK_NAMESPACE, ANSWER_YES, name, "here");
		else
			compat_say(c, CHECK_NAMESPACE, ANSWER_NO, name,
				   "this kernel has no such namespaces");
	}
}

/* "Name:   123 kB" of /proc/meminfo, in bytes. */
static uint64_t meminfo(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	return at ? strtoull(at + strlen(name), NULL, 10) * 1024 : 0;
}

static int check_memory(struct compat *c, struct error *err)
{
	const struct source_member *members;
	auto_strbuf text = { 0 };
	uint64_t need = 0;
	ssize_t nr = source_list(checkpoint_source(c->cp), &members, err);
	if (nr < 0)
		return (int)nr;
	for (ssize_t i = 0; i < nr; i++) {
		const struct image_type *type = image_type_by_filename(members[i].name);
		need += type && type->id == IMG_PAGES ? members[i].size : 0;
	}
	int rc = file_read_at(AT_FDCWD, "/proc/meminfo", &text, err);
	if (rc < 0)
		return rc;
	uint64_t have = meminfo(text.data, "MemAvailable:") + meminfo(text.data, "SwapFree:");
	compat_say(c, CHECK_MEMORY, need <= have ? ANSWER_YES : ANSWER_NO, NULL,
		   "%" PRIu64 " MiB in the set, %" PRIu64 " MiB available", need >> 20, have >> 20);
	return 0;
}

static void check_security(struct compat *c)
{
	const InventoryEntry *inventory = checkpoint_inventory(c->cp);
	static const struct {
		Lsmtype type;
		const char *name, *path;
	} modules[] = {
		{ LSMTYPE__SELINUX, "SELinux", "/sys/fs/selinux/enforce" },
		{ LSMTYPE__APPARMOR, "AppArmor", "/sys/kernel/security/apparmor" },
	};
	for (size_t i = 0; inventory && inventory->has_lsmtype && i < ARRAY_SIZE(modules); i++) {
		if (inventory->lsmtype != modules[i].type)
			continue;
		bool here = access(modules[i].path, F_OK) == 0;
		compat_say(c, CHECK_SECURITY, here ? ANSWER_YES : ANSWER_NO, modules[i].name,
			   here ? "is active here" : "is not active here");
	}
}

/* Is there a hierarchy with just these controllers? Lines are "ID:CONTROLLERS:PATH". */
static bool has_hierarchy(const char *lines, const CgControllerEntry *entry)
{
	auto_strbuf names = { 0 };
	for (size_t i = 0; i < entry->n_cnames; i++) {
		if (strbuf_printf(&names, "%s%s", i ? "," : ":", entry->cnames[i]) < 0)
			return false;
	}
	if (!names.len && strbuf_str(&names, ":") < 0)
		return false;
	return strbuf_str(&names, ":/") == 0 && strstr(lines, names.data);
}

struct cgroup_check {
	struct compat *c;
	const char *lines;
};

static int cgroup_visit(void *arg, struct image_reader *r, ProtobufCMessage **msg,
			struct error *err)
{
	const struct cgroup_check *check = arg;
	const CgroupEntry *cgroup = (const CgroupEntry *)*msg;
	(void)r;
	(void)err;
	for (size_t i = 0; i < cgroup->n_controllers; i++) {
		const CgControllerEntry *entry = cgroup->controllers[i];
		const char *name =
		    entry->n_cnames && entry->cnames[0][0] ? entry->cnames[0] : "unified";
		if (has_hierarchy(check->lines, entry))
			compat_say(check->c, CHECK_CGROUP, ANSWER_YES, name, "here");
		else
			compat_say(check->c, CHECK_CGROUP, ANSWER_NO, name,
				   "no hierarchy with these controllers here; "
				   "--manage-cgroups=ignore leaves them out");
	}
	return 0;
}

static int check_cgroups(struct compat *c, struct error *err)
{
	auto_strbuf lines = { 0 };
	int rc = file_read_at(AT_FDCWD, "/proc/self/cgroup", &lines, NULL);
	struct cgroup_check check = { c, rc == 0 && lines.data ? lines.data : "" };
	return image_each(checkpoint_source(c->cp), IMG_CGROUP, 0, cgroup_visit, &check, err);
}

int compat_kernel(struct compat *c, struct error *err)
{
	struct needs needs = { 0 };
	int rc = needs_collect(c, &needs, err);
	if (rc < 0)
		return rc;
	check_release(c);
	check_facilities(c, &needs);
	check_namespaces(c);
	if (geteuid() == 0)
		compat_say(c, CHECK_PRIVILEGE, ANSWER_YES, NULL, "this is root");
	else
		compat_say(c, CHECK_PRIVILEGE, ANSWER_UNKNOWN, NULL,
			   "a restore needs root, this is uid %u", geteuid());
	check_security(c);
	rc = check_cgroups(c, err);
	return rc < 0 ? rc : check_memory(c, err);
}
