/* SPDX-License-Identifier: MIT
 * Features of memory and files: page tracking, userfaultfd, vdso, huge pages, newer open calls.
 */
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/auto_dev-ioctl.h>
#include <linux/openat2.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/page.h"
#include "engine/kernel/feature.h"
#include "engine/mem/uapi.h"

#define SOFT_DIRTY_BIT (1ull << 55)
#define SET_GROUP_FLAG 0x100u /* MOVE_MOUNT_SET_GROUP, since Linux 5.15 */
#define NONCOOP_FEATURES                                                                           \
	(UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_UNMAP |           \
	 UFFD_FEATURE_EVENT_REMOVE)

static bool is_soft_dirty(const char *page)
{
	auto_fd fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;
	off_t at = (off_t)((uintptr_t)page / PAGE * sizeof(entry));
	return fd_pread_full(fd, &entry, sizeof(entry), at) == sizeof(entry) &&
	       (entry & SOFT_DIRTY_BIT);
}

/* clear_refs is accepted where the bit is never set: only a written page tells. */
bool probe_soft_dirty(void)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return false;
	auto_fd fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	bool yes = fd_write_full(fd, "4", 1) == 0;
	if (yes) {
		*(volatile char *)page = 1;
		yes = is_soft_dirty(page);
	}
	munmap(page, PAGE);
	return yes;
}

static bool scan_self(uint64_t categories)
{
	auto_fd fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct page_region region;
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.start = (uintptr_t)&region / PAGE * PAGE,
		.vec = (uintptr_t)&region,
		.vec_len = 1,
		.category_anyof_mask = categories,
		.return_mask = categories,
	};
	arg.end = arg.start + PAGE;
	return ioctl(fd, PAGEMAP_SCAN, &arg) >= 0;
}

bool probe_pagemap_scan(void)
{
	return scan_self(PAGE_IS_PRESENT);
}

bool probe_pagemap_guard(void)
{
	return scan_self(PAGE_IS_GUARD);
}

static bool uffd_has(uint64_t wanted)
{
	auto_fd fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct uffdio_api api = { .api = UFFD_API, .features = wanted };
	return fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0;
}

bool probe_uffd(void)
{
	return uffd_has(0);
}

bool probe_uffd_noncoop(void)
{
	return uffd_has(NONCOOP_FEATURES);
}

/* There is one already: EEXIST says that another could be mapped if there were none. */
bool probe_map_vdso(void)
{
#ifdef ARCH_MAP_VDSO_64
	return syscall(SYS_arch_prctl, ARCH_MAP_VDSO_64, 0) < 0 && errno == EEXIST;
#else
	return false;
#endif
}

/* A ring that was moved is found under its new address. */
bool probe_aio_remap(void)
{
	unsigned long id = 0;
	if (syscall(SYS_io_setup, 1, &id) < 0)
		return false;
	/* a header of 32 bytes, then events of 32 bytes; their number is its second word */
	size_t size = (32 + 32 * (size_t)((const uint32_t *)id)[1] + PAGE - 1) / PAGE * PAGE;
	void *to = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *at = to == MAP_FAILED
		       ? to
		       : mremap((void *)id, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	if (at != MAP_FAILED)
		id = (unsigned long)at;
	return syscall(SYS_io_destroy, id) == 0 && at != MAP_FAILED;
}

bool probe_memfd_hugetlb(void)
{
	auto_fd fd = memfd_create("probe", MFD_CLOEXEC | MFD_HUGETLB);
	return fd >= 0;
}

bool probe_openat2(void)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC };
	auto_fd fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));
	return fd >= 0;
}

/* An unknown flag is refused before the descriptors are looked at. */
bool probe_move_mount_set_group(void)
{
	return syscall(SYS_move_mount, -1, "a", -1, "b", SET_GROUP_FLAG) < 0 && errno == EBADF;
}

bool probe_autofs(void)
{
	struct autofs_dev_ioctl version;
	init_autofs_dev_ioctl(&version);
	auto_fd fd = open("/dev/" AUTOFS_DEVICE_NAME, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && ioctl(fd, AUTOFS_DEV_IOCTL_VERSION, &version) == 0;
}
