/* SPDX-License-Identifier: MIT
 * Every kind of private memory, its contents, protection, advice and locks, as smaps tells them.
 */
#include <sys/mman.h>

#include "tests/live/live.h"

#define PAGE 4096ul
#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 8
#endif
#define GUARD_INSTALL 102

struct line {
	unsigned long start, end;
	char perms[5];
	char flags[96]; /* those of VmFlags that a program chose */
};
struct maps {
	struct line lines[512];
	int nr;
};
static struct maps before, after;
static char text[256 << 10];

/* Flags the kernel sets by itself (accounting, limits, debris) are not compared. */
static int chosen(const char *flag)
{
	static const char list[] = "gd lo nr dp sr rr dc dd mg hg nh wf io";
	for (const char *p = list; *p; p += p[2] ? 3 : 2)
		if (!strncmp(p, flag, 2))
			return 1;
	return 0;
}

static void take_flags(struct line *l, char *words)
{
	l->flags[0] = 0;
	for (char *w = strtok(words, " \n"); w; w = strtok(NULL, " \n"))
		if (chosen(w) && strlen(l->flags) < sizeof(l->flags) - 4)
			strcat(strcat(l->flags, w), " ");
}

static void snapshot(struct maps *m)
{
	int fd = open("/proc/self/smaps", O_RDONLY);
	size_t len = 0;
	ssize_t n;
	live_must(fd >= 0);
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = 0;
	close(fd);
	m->nr = 0;
	for (char *p = text, *nl; (nl = strchr(p, '\n')); p = nl + 1) {
		struct line *l = &m->lines[m->nr];
		*nl = 0;
		if (sscanf(p, "%lx-%lx %4s", &l->start, &l->end, l->perms) == 3)
			m->nr++;
		else if (!strncmp(p, "VmFlags:", 8) && m->nr)
			take_flags(&m->lines[m->nr - 1], p + 8);
	}
}

static void compare(void)
{
	live_check(before.nr == after.nr, "%d mappings before, %d after", before.nr, after.nr);
	for (int i = 0; i < before.nr; i++) {
		const struct line *b = &before.lines[i], *a = &after.lines[i];
		live_check(b->start == a->start && b->end == a->end && !strcmp(b->perms, a->perms),
			   "was %lx-%lx %s, is %lx-%lx %s", b->start, b->end, b->perms, a->start,
			   a->end, a->perms);
		live_check(!strcmp(b->flags, a->flags), "%lx: flags were %s, are %s", b->start,
			   b->flags, a->flags);
	}
}

/* Memory with a page of nothing behind it, so that neighbours stay apart. */
static unsigned char *map(size_t pages, int prot, int flags)
{
	unsigned char *p = mmap(NULL, (pages + 1) * PAGE, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	live_must(p != MAP_FAILED);
	p = mmap(p, pages * PAGE, prot, MAP_ANONYMOUS | MAP_FIXED | flags, -1, 0);
	live_must(p != MAP_FAILED);
	return p;
}

static void advise(int advice, int value)
{
	unsigned char *p = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	p[0] = value;
	live_must(madvise(p, 4 * PAGE, advice) == 0);
}

int main(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	unsigned char *holes = map(64, rw, MAP_PRIVATE);
	for (int i = 0; i < 64; i += 3)
		memset(holes + i * PAGE, i + 1, PAGE);
	unsigned char *mixed = map(4, rw, MAP_PRIVATE);
	memset(mixed, 'm', 4 * PAGE);
	live_must(mprotect(mixed + PAGE, PAGE, PROT_NONE) == 0);
	live_must(mprotect(mixed + 2 * PAGE, PAGE, PROT_READ) == 0);
	live_must(mprotect(mixed + 3 * PAGE, PAGE, PROT_READ | PROT_EXEC) == 0);
	unsigned char *write_only = map(2, PROT_WRITE, MAP_PRIVATE);
	write_only[5] = 'w';
	map(3, PROT_NONE, MAP_PRIVATE);
	unsigned char *zeros = map(8, rw, MAP_PRIVATE);
	memset(zeros, 0, 8 * PAGE);
	unsigned char *spare = map(4, rw, MAP_PRIVATE | MAP_NORESERVE);
	spare[0] = 'n';
	unsigned char *grow = map(4, rw, MAP_PRIVATE | MAP_GROWSDOWN);
	grow[3 * PAGE] = 'g';
	unsigned char *locked = map(4, rw, MAP_PRIVATE);
	locked[0] = 'L';
	live_must(mlock(locked, 4 * PAGE) == 0);
	int advice[] = { MADV_SEQUENTIAL, MADV_RANDOM,     MADV_DONTFORK, MADV_DONTDUMP,
			 MADV_WIPEONFORK, MADV_NOHUGEPAGE, MADV_HUGEPAGE, MADV_MERGEABLE };
	for (unsigned i = 0; i < sizeof(advice) / sizeof(*advice); i++)
		advise(advice[i], i + 1);
	unsigned char *guard = map(8, rw, MAP_PRIVATE);
	memset(guard, 'u', 8 * PAGE);
	int guarded = madvise(guard + 2 * PAGE, 2 * PAGE, GUARD_INSTALL) == 0;
	unsigned char *drop = mmap(NULL, 4 * PAGE, rw, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);
	if (drop != MAP_FAILED)
		memset(drop, 'D', 4 * PAGE);

	snapshot(&before);
	live_ready();
	snapshot(&after);
	compare();

	for (size_t i = 0; i < 64 * PAGE; i++)
		live_check(holes[i] == (i / PAGE % 3 ? 0 : i / PAGE + 1), "hole page %lu is %d",
			   i / PAGE, holes[i]);
	live_must(mprotect(mixed, 4 * PAGE, rw) == 0);
	for (size_t i = 0; i < 4 * PAGE; i++)
		live_check(mixed[i] == 'm', "PROT_NONE and others: byte %lu is %d", i, mixed[i]);
	live_must(mprotect(write_only, PAGE, rw) == 0);
	live_check(write_only[5] == 'w', "write-only page is %d", write_only[5]);
	live_check(zeros[0] == 0 && zeros[7 * PAGE] == 0, "zeros are not");
	live_check(spare[0] == 'n' && grow[3 * PAGE] == 'g' && locked[0] == 'L', "a page is lost");
	for (size_t i = 0; i < 8 * PAGE; i++)
		if (!guarded || i / PAGE < 2 || i / PAGE > 3)
			live_check(guard[i] == 'u', "beside guard pages: byte %lu is %d", i,
				   guard[i]);
	/* The kernel refuses what would fault: guard pages are still there. */
	int null = open("/dev/null", O_WRONLY);
	int zero = open("/dev/zero", O_RDONLY);
	if (guarded)
		live_check(read(zero, guard + 2 * PAGE, 1) < 0, "the guard pages are gone");
	close(null);
	close(zero);
	live_pass();
}
