/* SPDX-License-Identifier: MIT
 * An old vdso whose functions lead to this kernel's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>

#include "engine/mem/vdso.h"

#define LEN 8192ul

static const uint8_t *own(void)
{
	return (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
}

static void vdso_parse_finds_functions(void **state)
{
	(void)state;
	struct vdso_symbols s;
	assert_int_equal(vdso_parse(own(), LEN, &s, NULL), 0);
	assert_int_not_equal(s.offset[VDSO_CLOCK_GETTIME], 0);
	assert_int_not_equal(s.offset[VDSO_GETCPU], 0);
}

static void vdso_parse_survives_every_cut_and_flip(void **state)
{
	(void)state;
	struct vdso_symbols s;
	uint8_t *copy = malloc(LEN);
	assert_int_equal(vdso_parse("", 0, &s, NULL), -EBADMSG);
	for (size_t len = 0; len < LEN; len += 7) {
		uint8_t *cut = malloc(len ? len : 1);
		memcpy(cut, own(), len);
		vdso_parse(cut, len, &s, NULL);
		free(cut);
	}
	for (size_t at = 0; at < LEN; at++) {
		memcpy(copy, own(), LEN);
		copy[at] ^= 0xff;
		if (vdso_parse(copy, LEN, &s, NULL) == 0)
			for (size_t i = 0; i < VDSO_NR_CALLS; i++)
				assert_true(s.offset[i] < LEN);
	}
	free(copy);
}

typedef int clock_gettime_fn(clockid_t, struct timespec *);

static void check_call(const uint8_t *code, const struct vdso_symbols *s)
{
	struct timespec a, b = { 0 };
	clock_gettime_fn *call = (clock_gettime_fn *)(code + s->offset[VDSO_CLOCK_GETTIME]);
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(call(CLOCK_MONOTONIC, &b), 0);
	assert_true(b.tv_sec - a.tv_sec <= 1 && b.tv_sec >= a.tv_sec);
}

/* @param at  where the copy goes: near this kernel's vdso, or so far that short jumps fail */
static void patch_at(uintptr_t at, const struct vdso_symbols *now)
{
	struct vdso_symbols s;
	uint8_t *copy = mmap((void *)at, LEN, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED_NOREPLACE : 0), -1, 0);
	assert_true(copy != MAP_FAILED);
	memcpy(copy, own(), LEN);
	assert_int_equal(vdso_parse(copy, LEN, &s, NULL), 0);
	vdso_patch(copy, LEN, (uintptr_t)copy, &s, now, (uintptr_t)own());
	assert_memory_not_equal(copy, own(), LEN);
	check_call(copy, &s);
	munmap(copy, LEN);
}

static void vdso_patch_jumps_near_and_far(void **state)
{
	(void)state;
	struct vdso_symbols now;
	assert_int_equal(vdso_parse(own(), LEN, &now, NULL), 0);
	patch_at(0, &now);
	patch_at(0x12345000, &now);
}

static void vdso_patch_makes_system_calls_where_functions_lack(void **state)
{
	(void)state;
	struct vdso_symbols none = { 0 };
	patch_at(0, &none);
}

static void vdso_patch_stays_inside(void **state)
{
	(void)state;
	uint8_t bytes[64] = { 0 }, zero[64] = { 0 };
	struct vdso_symbols old = { 0 }, now = { 0 };
	old.offset[VDSO_TIME] = 60;
	old.offset[VDSO_GETCPU] = 1ull << 40;
	vdso_patch(bytes, sizeof(bytes), 0x1000, &old, &now, 0x2000);
	assert_memory_equal(bytes, zero, sizeof(bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vdso_parse_finds_functions),
		cmocka_unit_test(vdso_parse_survives_every_cut_and_flip),
		cmocka_unit_test(vdso_patch_jumps_near_and_far),
		cmocka_unit_test(vdso_patch_makes_system_calls_where_functions_lack),
		cmocka_unit_test(vdso_patch_stays_inside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
