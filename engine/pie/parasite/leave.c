/* SPDX-License-Identifier: MIT
 * When the engine has died: the mapping may go only when no other thread runs in it.
 *
 * A marked thread says so itself when it is out. But the engine may have died just before it sent
 * the thread in, or just after it took it out; such a thread never says anything. Its registers
 * are final, as nobody traces it any more, and /proc tells where it continues.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/time.h>

#include "engine/pie/parasite/parts.h"
#include "engine/pie/syscalls.h"
#include "engine/pie/text.h"

#define PATIENCE   2000 /* × 1 ms: when /proc is missing, or a thread never sleeps */
#define LOOK_EVERY 4    /* × 1 ms */

struct kernel_timespec {
	int64_t sec, nsec;
};

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The last word of the line, in hexadecimal; 0: "running", or no such file. */
static uint64_t continues_at(int32_t tid)
{
	char path[64], line[256];
	struct text t = text_in(path, sizeof(path));
	text_str(&t, "/proc/self/task/");
	text_dec(&t, tid);
	text_str(&t, "/syscall");
	long fd = sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (sys_failed(fd))
		return 0;
	long n = sys(SYS_read, fd, line, sizeof(line));
	sys(SYS_close, fd);
	uint64_t ip = 0;
	int shift = 0;
	for (long i = n - 2; i > 0 && shift < 64 && digit_of(line[i]) >= 0; i--, shift += 4)
		ip |= (uint64_t)digit_of(line[i]) << shift;
	return n > 2 && line[n - 2 - shift / 4] == 'x' ? ip : 0;
}

static int is_elsewhere(const struct parasite_area *area, const struct parasite_slot *s)
{
	uint64_t ip = continues_at(s->tid);
	if (ip == 0)
		return 0;
	int in_padding = ip >= s->code && ip < s->code_end;
	int in_mapping = ip >= s->entry && ip < (uint64_t)(uintptr_t)area;
	return !in_padding && !in_mapping;
}

static int any_inside(struct parasite_area *area, int look)
{
	for (int i = 0; i < PARASITE_MAX_SLOTS; i++) {
		struct parasite_slot *s = &area->slots[i];
		if (__atomic_load_n(&s->busy, __ATOMIC_ACQUIRE) &&
		    !__atomic_load_n(&s->left, __ATOMIC_ACQUIRE) &&
		    !(look && is_elsewhere(area, s)))
			return 1;
	}
	return 0;
}

void leave_wait_for_threads(struct parasite_area *area)
{
	const struct kernel_timespec ms = { .nsec = 1000000 };
	__atomic_store_n(&area->dying, 1, __ATOMIC_RELEASE);
	sys(SYS_futex, &area->dying, FUTEX_WAKE_PRIVATE, 0x7fffffff);
	for (int i = 1; i <= PATIENCE && any_inside(area, i % LOOK_EVERY == 0); i++)
		sys(SYS_nanosleep, &ms, 0);
}
