/* SPDX-License-Identifier: MIT
 * Is the task restricted by Landlock? The kernel tells nobody, but a task cannot look into another
 * that is not restricted likewise; and of the layers of rules that it may have, one with none can
 * add all: a child that exists for that tries, and takes its own with it when it ends.
 */
#include <errno.h>
#include <linux/landlock.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#include "engine/pie/parasite/parts.h"
#include "engine/pie/syscalls.h"

#define MOST_LAYERS   16 /* since Linux 5.19 */
#define LAYERS_BEFORE 64
#define WAIT_ALL      0x40000000 /* __WALL: also for who sends no signal when it ends */
/* The same memory, descriptors and all: nothing is copied, and the parent waits. */
#define CHILD_FLAGS (CLONE_VM | CLONE_VFORK | CLONE_FS | CLONE_FILES | CLONE_SIGHAND)

static int32_t try_layers(void)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE };
	long fd = sys(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (fd < 0)
		return LANDLOCK_UNKNOWN;
	sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	long rc = 0;
	int nr = 0;
	while (nr <= LAYERS_BEFORE && (rc = sys(SYS_landlock_restrict_self, fd, 0)) == 0)
		nr++;
	sys(SYS_close, fd);
	if (rc != -E2BIG)
		return LANDLOCK_UNKNOWN;
	return nr == MOST_LAYERS || nr == LAYERS_BEFORE ? LANDLOCK_FREE : LANDLOCK_RESTRICTED;
}

__attribute__((used)) _Noreturn static void child_main(void)
{
	int32_t found = try_layers();
	for (;;)
		sys(SYS_exit, found);
}

/* The child has nothing but registers until it is on its own stack. */
static long bear(uint64_t stack_top)
{
	register uint64_t none __asm__("r10") = 0;
	long ret;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "call %P[start]\n\t"
			 "ud2\n"
			 "1:"
			 : "=a"(ret)
			 : "a"((long)SYS_clone), "D"((long)CHILD_FLAGS), "S"(stack_top), "d"(0l),
			   "r"(none), [start] "i"(child_main)
			 : "rcx", "r8", "r11", "memory");
	return ret;
}

static int may_look_into(int32_t pid)
{
	uint64_t list, len;
	return pid && sys(SYS_get_robust_list, pid, &list, &len) == 0;
}

int32_t ask_landlock(const struct parasite_request *req)
{
	if (!req->landlock || may_look_into(req->outsider))
		return LANDLOCK_FREE;
	long pid = req->child_stack ? bear(req->child_stack) : -ENOSYS;
	int32_t status = -1;
	if (pid < 0)
		return LANDLOCK_UNKNOWN;
	while (sys(SYS_wait4, pid, &status, WAIT_ALL, 0) == -EINTR)
		;
	return status & 0xff ? LANDLOCK_UNKNOWN : status >> 8;
}
