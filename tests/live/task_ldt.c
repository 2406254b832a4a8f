/* SPDX-License-Identifier: MIT
 * Segments of its own (modify_ldt), as Wine and DOSEMU have them: the table of two processes that
 * have different ones, and a segment register that holds one.
 * live-modes: SS RR 2S
 */
#include <asm/ldt.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define LAST      (LDT_ENTRIES - 1)
#define SELECTOR  (1 << 3 | 7) /* entry 1 of the local table, for a user */
#define TABLE_LEN (LDT_ENTRIES * LDT_ENTRY_SIZE)

static char before[TABLE_LEN], after[TABLE_LEN];
static int word = 4711;

static void write_entry(struct user_desc d)
{
	live_must(syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)) == 0);
}

static long read_table(char *out)
{
	return syscall(SYS_modify_ldt, 0, out, TABLE_LEN);
}

static void set_up(void)
{
	for (unsigned contents = 0; contents < 4; contents++)
		write_entry((struct user_desc){
		    .entry_number = 2 + contents * 3,
		    .base_addr = 0x12345678u * contents,
		    .limit = 0xfabcd - contents,
		    .seg_32bit = contents != 1,
		    .contents = contents,
		    .read_exec_only = contents == 2,
		    .limit_in_pages = contents > 1,
		    .seg_not_present = contents == 3,
		    .useable = contents & 1,
		});
	write_entry((struct user_desc){ .entry_number = LAST, .limit = 7, .seg_32bit = 1 });
	live_must(read_table(before) > 0);
}

static int through_gs(void)
{
	int value;
	__asm__ volatile("mov %%gs:0, %0" : "=r"(value));
	return value;
}

static void load_gs(void)
{
	__asm__ volatile("mov %0, %%gs" : : "r"(SELECTOR));
	live_must(through_gs() == word);
}

/* Some virtual machines have the table, but no processor that looks into it. */
static int can_load_gs(void)
{
	int status;
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		load_gs();
		_exit(0);
	}
	live_must(waitpid(pid, &status, 0) == pid);
	return status == 0;
}

/* In memory that a 32-bit base reaches. */
static int *low_word(void)
{
	void *low = (void *)0x20000000ul;
	int *p = mmap(low, 4096, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	live_must(p == low);
	*p = word;
	return p;
}

static void child(void)
{
	write_entry((struct user_desc){ .entry_number = 5, .limit = 99, .seg_32bit = 1 });
	live_must(read_table(before) > 0);
	live_say("child", "set up\n");
	live_wait();
	live_check(read_table(after) == TABLE_LEN && !memcmp(before, after, TABLE_LEN),
		   "the child has other segments");
	_exit(0);
}

int main(void)
{
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0)
		child();
	while (access(live_path("child"), F_OK) < 0)
		live_sleep_ms(1);
	int *p = low_word();
	set_up();
	write_entry((struct user_desc){ .entry_number = 1,
					.base_addr = (unsigned)(unsigned long)p,
					.limit = 3,
					.seg_32bit = 1 });
	live_must(read_table(before) == TABLE_LEN);
	int has_gs = can_load_gs();
	if (has_gs)
		load_gs();

	live_ready();

	short selector;
	__asm__ volatile("mov %%gs, %0" : "=r"(selector));
	live_check(!has_gs || selector == SELECTOR, "gs is %#x", selector);
	live_check(!has_gs || through_gs() == word, "gs leads elsewhere");
	live_check(read_table(after) == TABLE_LEN && !memcmp(before, after, TABLE_LEN),
		   "the segments are others");
	int status;
	live_must(waitpid(pid, &status, 0) == pid);
	live_check(status == 0, "the child ended with %#x", status);
	live_pass();
}
