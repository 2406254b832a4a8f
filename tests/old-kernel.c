/* SPDX-License-Identifier: MIT
 * old-kernel COMMAND…: run it as on an older kernel: PAGEMAP_SCAN, userfaultfd,
 * guard regions, chosen timer ids and pidfds of threads are refused as it refuses them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGEMAP_SCAN_CMD     0xc0606610u
#define MADV_GUARD_INSTALL_  102
#define PR_TIMER_RESTORE_IDS 77
#define PIDFD_THREAD_        O_EXCL

#define LOAD(field)   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define FAIL(code)    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (code))
#define IF_NOT(k, to) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, to)

/* One refusal: system call nr whose argument (its low word) is value. Leaves nr loaded. */
#define REFUSE(call, arg, value, code)                                                             \
	IF_NOT(call, 4), LOAD(args[arg]), IF_NOT(value, 1), FAIL(code), LOAD(nr)

int main(int argc, char **argv)
{
	struct sock_filter filter[] = {
		LOAD(nr),
		IF_NOT(SYS_userfaultfd, 1),
		FAIL(ENOSYS),
		REFUSE(SYS_ioctl, 1, PAGEMAP_SCAN_CMD, ENOTTY),
		REFUSE(SYS_madvise, 2, MADV_GUARD_INSTALL_, EINVAL),
		REFUSE(SYS_prctl, 0, PR_TIMER_RESTORE_IDS, EINVAL),
		REFUSE(SYS_pidfd_open, 1, PIDFD_THREAD_, EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (argc < 2)
		return 2;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
		perror("seccomp");
		return 2;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
