/* SPDX-License-Identifier: MIT
 * The vdso answers from where it was: through libc, and through an address kept from before.
 */
#include <elf.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <time.h>

#include "tests/live/live.h"

typedef int clock_gettime_fn(clockid_t, struct timespec *);

static clock_gettime_fn *find(const uint8_t *vdso)
{
	const Elf64_Ehdr *eh = (const void *)vdso;
	const Elf64_Shdr *sh = (const void *)(vdso + eh->e_shoff);
	for (int i = 0; i < eh->e_shnum; i++) {
		if (sh[i].sh_type != SHT_DYNSYM)
			continue;
		const Elf64_Sym *sym = (const void *)(vdso + sh[i].sh_offset);
		const char *names = (const char *)vdso + sh[sh[i].sh_link].sh_offset;
		for (size_t k = 0; k < sh[i].sh_size / sizeof(*sym); k++)
			if (!strcmp(names + sym[k].st_name, "__vdso_clock_gettime"))
				return (clock_gettime_fn *)(vdso + sym[k].st_value);
	}
	return NULL;
}

int main(void)
{
	const uint8_t *vdso = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
	live_must(vdso != NULL);
	clock_gettime_fn *call = find(vdso);
	live_must(call != NULL);
	struct timespec before, direct, through;
	live_must(call(CLOCK_MONOTONIC, &before) == 0);
	live_ready();
	live_check(getauxval(AT_SYSINFO_EHDR) == (unsigned long)vdso,
		   "the auxiliary vector changed");
	live_check(call(CLOCK_MONOTONIC, &direct) == 0, "the vdso does not answer");
	live_must(clock_gettime(CLOCK_MONOTONIC, &through) == 0);
	live_check(direct.tv_sec >= before.tv_sec && direct.tv_sec - before.tv_sec < 120 &&
		       through.tv_sec - direct.tv_sec <= 1,
		   "time went from %ld to %ld", (long)before.tv_sec, (long)direct.tv_sec);
	live_pass();
}
