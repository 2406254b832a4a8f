/* SPDX-License-Identifier: MIT
 * The mappings of a frozen task: read, named, and refused where they cannot be carried.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/io-uring.h"
#include "engine/mem/mem.h"
#include "engine/mem/shmem.h"
#include "engine/mem/smaps.h"
#include "engine/mem/sysv.h"
#include "engine/mem/uapi.h"
#include "engine/mem/uprobes.h"

#define SMAPS_PIECE (1u << 20) /* larger reads cost less per mapping */

/* What a path of smaps means. The first row whose text the path starts with decides. */
struct path_rule {
	const char *prefix;
	uint32_t status;
	const char *refuse; /* why not, and what to do; NULL: carried */
};

static const struct path_rule path_rules[] = {
	{ "[vsyscall]", VMA_AREA_VSYSCALL | VMA_ANON_PRIVATE, NULL },
	{ "[vdso]", VMA_AREA_REGULAR | VMA_AREA_VDSO | VMA_ANON_PRIVATE, NULL },
	{ "[vvar", VMA_AREA_REGULAR | VMA_AREA_VVAR | VMA_ANON_PRIVATE, NULL },
	{ "[heap]", VMA_AREA_REGULAR | VMA_AREA_HEAP | VMA_ANON_PRIVATE, NULL },
	{ "[uprobes]", VMA_AREA_UPROBES,
	  "a page of user-space probes; end the tracing (perf, bpftrace) and dump again, or use "
	  "--allow-uprobes to dump without them" },
	{ "[anon_shmem:", VMA_AREA_REGULAR | VMA_ANON_SHARED, NULL },
	{ "[", VMA_AREA_REGULAR | VMA_ANON_PRIVATE, NULL },
	{ "/dev/zero (deleted)", VMA_AREA_REGULAR | VMA_ANON_SHARED, NULL },
	{ "/SYSV", VMA_AREA_REGULAR | VMA_AREA_SYSVIPC | VMA_ANON_SHARED, NULL },
	{ "/memfd:", VMA_AREA_REGULAR | VMA_AREA_MEMFD, NULL },
	{ "/[aio]", VMA_AREA_AIORING, NULL },
	{ "anon_inode:[io_uring]", VMA_AREA_REGULAR, NULL },
	{ "anon_inode:", VMA_AREA_REGULAR,
	  "a mapping of a kernel object, which is not carried; unmap it before the dump" },
	{ "socket:", VMA_AREA_REGULAR | VMA_AREA_SOCKET, NULL },
	{ "/", VMA_AREA_REGULAR, NULL },
};

struct flag_rule {
	uint32_t vm_flag;
	const char *refuse;
};

static const struct flag_rule flag_rules[] = {
	{ VM_FLAG_SHADOW_STACK,
	  "a shadow stack, which is not carried yet; start the program without "
	  "(GLIBC_TUNABLES=glibc.cpu.x86_shstk=off)" },
	{ VM_FLAG_USERFAULT, "registered with userfaultfd; unregister it before the dump" },
	{ VM_FLAG_IO | VM_FLAG_PFNMAP, "device memory, which has no contents to carry; unmap it "
				       "before the dump" },
};

static int refuse(const struct task *t, const struct vma *v, const char *why, struct error *err)
{
	return error_set(err, EINVAL, TASK_FMT ": mapping %#lx-%#lx%s%s is %s", TASK_ARGS(t),
			 (unsigned long)v->start, (unsigned long)v->end, v->path ? " " : "",
			 v->path ? v->path : "", why);
}

static bool is_kernel_own(const struct vma *v)
{
	return v->status & (VMA_AREA_VDSO | VMA_AREA_VVAR | VMA_AREA_VSYSCALL);
}

static int check_flags(const struct task *t, const struct vma *v, struct error *err)
{
	if (is_kernel_own(v) || io_uring_is_mapped(v)) /* whose pages the kernel allots */
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(flag_rules); i++) {
		const struct flag_rule *f = &flag_rules[i];
		if (v->vm_flags & f->vm_flag)
			return refuse(t, v, f->refuse, err);
	}
	return 0;
}

static int classify(const struct dump *d, const struct task *t, struct vma *v, struct error *err)
{
	const char *path = v->path ? v->path : "";

	v->status = VMA_AREA_REGULAR;
	for (size_t i = 0; i < ARRAY_SIZE(path_rules); i++) {
		const struct path_rule *r = &path_rules[i];
		if (strncmp(path, r->prefix, strlen(r->prefix)))
			continue;
		v->status = r->status;
		if (v->status == VMA_AREA_UPROBES && d->opts->allow_uprobes)
			return 0;
		if (r->refuse)
			return refuse(t, v, r->refuse, err);
		break;
	}
	/* a private mapping of what others share, through /proc/PID/map_files */
	if ((v->status & VMA_ANON_SHARED) && *path == '/' && !(v->flags & MAP_SHARED))
		v->status = VMA_AREA_REGULAR | VMA_AREA_MEMFD;
	if (!strncmp(path, "/anon_hugepage", 14) && (v->flags & MAP_HUGETLB))
		v->status |= v->flags & MAP_SHARED ? VMA_ANON_SHARED : VMA_ANON_PRIVATE;
	if (!(v->status &
	      (VMA_ANON_PRIVATE | VMA_ANON_SHARED | VMA_AREA_SOCKET | VMA_AREA_AIORING))) {
		if (!*path)
			v->status |= VMA_ANON_PRIVATE;
		else if (v->flags & MAP_SHARED)
			v->status |= VMA_FILE_SHARED;
		else
			v->status |= VMA_FILE_PRIVATE;
	}
	if (v->status & (VMA_ANON_PRIVATE | VMA_ANON_SHARED))
		v->flags |= MAP_ANONYMOUS;
	if (v->status & VMA_ANON_PRIVATE)
		v->pgoff = 0;
	if ((v->status & VMA_ANON_PRIVATE) && (v->flags & MAP_SHARED))
		return refuse(t, v, "shared, but nothing that can be shared is known about it",
			      err);
	return check_flags(t, v, err);
}

/* How the mapped file was open: the mode of its map_files link. */
static int link_mode(const struct task *t, struct vma *v, struct error *err)
{
	char name[64];
	struct stat st;

	snprintf(name, sizeof(name), "map_files/%lx-%lx", (unsigned long)v->start,
		 (unsigned long)v->end);
	if (fstatat(t->proc_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT && errno != EPERM && errno != EACCES)
			return error_sys(err, "stat /proc/%d/%s", t->pid, name);
		v->fdflags = O_RDONLY;
		return 0;
	}
	v->fdflags = (st.st_mode & 0600) == 0600 ? O_RDWR
		     : (st.st_mode & 0200)       ? O_WRONLY
						 : O_RDONLY;
	return 0;
}

/* A shared mapping tells by VmFlags; neighbours of one private file were opened alike. */
static int find_fdflags(const struct task *t, const struct vma *prev, struct vma *v,
			struct error *err)
{
	int rc = 0;

	if (!(v->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED | VMA_AREA_SOCKET)))
		return 0;
	if (v->status & VMA_AREA_SOCKET)
		v->fdflags = O_RDWR;
	else if (v->status & VMA_FILE_SHARED)
		v->fdflags = v->vm_flags & VM_FLAG_MAYWRITE ? O_RDWR : O_RDONLY;
	else if (prev && (prev->status & VMA_FILE_PRIVATE) && prev->dev == v->dev &&
		 prev->ino == v->ino && prev->end == v->start)
		v->fdflags = prev->fdflags;
	else
		rc = link_mode(t, v, err);
	v->has_fdflags = true;
	return rc;
}

static int read_smaps(const struct task *t, struct vma_list *out, struct error *err)
{
	auto_fd fd = openat(t->proc_fd, "smaps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open /proc/%d/smaps", t->pid);
	auto_free char *buf = malloc(SMAPS_PIECE);
	if (!buf)
		return error_set(err, ENOMEM, "out of memory for mappings of pid %d", t->pid);

	size_t have = 0, used;
	for (;;) {
		ssize_t n = read(fd, buf + have, SMAPS_PIECE - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, "read /proc/%d/smaps", t->pid);
		if (n == 0)
			break;
		have += n;
		int rc = smaps_parse(buf, have, out, &used, err);
		if (rc < 0)
			return error_wrap(err, rc, "/proc/%d/smaps", t->pid);
		memmove(buf, buf + used, have - used);
		have -= used;
		if (have == SMAPS_PIECE)
			break;
	}
	if (have)
		return error_set(err, EBADMSG, "/proc/%d/smaps: the last line has no end", t->pid);
	return 0;
}

/* Linux 6.13 shows the kernel's data in two parts; images know one. */
static void join_vvar(struct vma_list *vmas)
{
	size_t nr = 0;

	for (size_t i = 0; i < vmas->nr; i++) {
		struct vma *v = &vmas->items[i], *last = nr ? &vmas->items[nr - 1] : NULL;
		if (last && (v->status & VMA_AREA_VVAR) && (last->status & VMA_AREA_VVAR) &&
		    last->end == v->start) {
			last->end = v->end;
			free(v->path);
			continue;
		}
		vmas->items[nr++] = *v;
	}
	vmas->nr = nr;
}

int mem_read(struct task *t, struct error *err)
{
	vma_list_fini(&t->vmas);
	return read_smaps(t, &t->vmas, err);
}

int mem_collect(struct dump *d, struct task *t, struct error *err)
{
	for (size_t i = 0; i < t->vmas.nr; i++) {
		struct vma *v = &t->vmas.items[i];
		int rc = classify(d, t, v, err);
		if (rc == 0)
			rc = find_fdflags(t, i ? v - 1 : NULL, v, err);
		if (rc == 0 && (v->status & VMA_AREA_SYSVIPC))
			rc = sysv_note(d, t, v, err);
		if (rc == 0 && (v->status & VMA_ANON_SHARED))
			rc = shmem_note(d, t, v, err);
		if (rc < 0)
			return rc;
	}
	join_vvar(&t->vmas);
	uprobes_forget(&t->vmas);
	log_debug("pid %d: %zu mappings", t->pid, t->vmas.nr);
	return 0;
}
