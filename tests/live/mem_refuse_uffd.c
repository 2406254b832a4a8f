/* SPDX-License-Identifier: MIT
 * Memory whose faults a handler takes (userfaultfd): refused with its address.
 * live-refuse: is registered with userfaultfd; unregister it before the dump
 */
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

int main(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	struct uffdio_api api = { .api = UFFD_API };
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	live_must(fd >= 0 && p != MAP_FAILED && ioctl(fd, UFFDIO_API, &api) == 0);
	struct uffdio_register reg = { .range = { (unsigned long)p, 4096 },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };
	live_must(ioctl(fd, UFFDIO_REGISTER, &reg) == 0);
	live_ready();
	live_check(ioctl(fd, UFFDIO_UNREGISTER, &reg.range) == 0, "it is registered no more: %s",
		   strerror(errno));
	live_pass();
}
