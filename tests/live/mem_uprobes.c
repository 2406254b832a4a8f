/* SPDX-License-Identifier: MIT
 * User-space probes on two functions: those of the first end before the restore, so no breakpoint
 * may be left; those of the second stay, and go on counting.
 * live-dump: --allow-uprobes
 * live-modes: SS RR 2S
 * live-skip: [ -r /sys/bus/event_source/devices/uprobe/type ]
 */
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

/* Two pages of code; what a probe does not emulate makes the kernel map its page. */
__asm__(".text\n.balign 4096\nfirst:\n\timul $3, %edi, %eax\n\tret\n"
	".balign 4096\nsecond:\n\timul $5, %edi, %eax\n\tret\n.balign 4096\n");
int first(int x);
int second(int x);

static unsigned long offset_in_file(void *function)
{
	unsigned long start, end, offset, at = (unsigned long)function;
	char line[4500];
	FILE *maps = fopen("/proc/self/maps", "re");
	live_must(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 && start <= at &&
		    at < end) {
			fclose(maps);
			return at - start + offset;
		}
	live_fail("no mapping of %p", function);
}

static int probe(const char *exe, unsigned long offset)
{
	int type = 0;
	FILE *f = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	live_must(f && fscanf(f, "%d", &type) == 1);
	fclose(f);
	struct perf_event_attr attr = { .type = (unsigned int)type, .size = sizeof(attr) };
	attr.config1 = (unsigned long)exe;
	attr.config2 = offset;
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN), fd = -1;
	for (int cpu = 0; cpu < cpus; cpu++)
		live_must((fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, 0)) >= 0);
	return fd - cpus + 1;
}

/* Nobody's child any more, so not in the tree. */
static void run_outside(const char *exe, void *function, volatile int *set, int stays)
{
	unsigned long offset = offset_in_file(function);
	pid_t root = getpid(), pid = fork();
	live_must(pid >= 0);
	if (pid > 0) {
		live_must(waitpid(pid, NULL, 0) == pid);
		return;
	}
	if (fork() != 0)
		_exit(0);
	setsid();
	int fd = probe(exe, offset), cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	*set = 1;
	while (stays ? access(live_path("verdict"), F_OK) < 0 : kill(root, 0) == 0 && !live_go()) {
		char text[32];
		long hits = 0, n;
		for (int i = 0; i < cpus; i++)
			hits += read(fd + i, &n, sizeof(n)) == sizeof(n) ? n : 0;
		snprintf(text, sizeof(text), "%ld", hits);
		int out = open(live_path("hits"), O_WRONLY | O_CREAT, 0644);
		if (stays && pwrite(out, text, sizeof(text), 0) < 0)
			_exit(1);
		close(out);
		live_sleep_ms(1);
	}
	_exit(0);
}

static long hits(void)
{
	char text[33] = "0";
	live_sleep_ms(50);
	int fd = open(live_path("hits"), O_RDONLY);
	live_must(fd >= 0 && read(fd, text, 32) >= 0);
	close(fd);
	return atol(text);
}

static int is_probed(void)
{
	char line[4500];
	int found = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	while (maps && fgets(line, sizeof(line), maps))
		found |= strstr(line, "[uprobes]") != NULL;
	live_must(maps && fclose(maps) == 0);
	return found;
}

int main(void)
{
	char exe[4096];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	volatile int *set =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	live_must(len > 0 && (void *)set != MAP_FAILED);
	exe[len] = 0;
	run_outside(exe, first, &set[0], 0);
	run_outside(exe, second, &set[1], 1);
	while (!set[0] || !set[1])
		live_sleep_ms(1);
	live_must(first(7) == 21 && second(7) == 35 && is_probed());
	live_must(*(volatile unsigned char *)first == 0xcc);
	live_ready();

	long before = hits();
	live_check(first(7) == 21 && second(7) == 35, "functions return something else");
	live_check(hits() == before + 1, "the probe has counted %ld calls, and %ld before", hits(),
		   before);
	live_pass();
}
