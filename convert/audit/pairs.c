/* SPDX-License-Identifier: MIT
 * Pairs of bytes, sixteen places at once where the machine can look up half bytes side by side.
 */
#include "convert/audit/pairs.h"

#include <string.h>

#ifdef __x86_64__
#include <tmmintrin.h>

#include "base/ssse3.h"
#endif

void pair_set_add(struct pair_set *set, const char pair[2])
{
	unsigned value = (unsigned char)pair[0] | (unsigned)(unsigned char)pair[1] << 8;
	uint8_t group = (uint8_t)(1u << set->nr++ / 8 % 8);
	set->bits[value / 8] |= (uint8_t)(1u << value % 8);
	for (int i = 0; i < 2; i++) {
		set->low[i][pair[i] & 15] |= group;
		set->high[i][(unsigned char)pair[i] >> 4] |= group;
	}
}

static bool has_pair(const struct pair_set *set, const unsigned char *at)
{
	unsigned pair = at[0] | (unsigned)at[1] << 8;
	return set->bits[pair / 8] >> pair % 8 & 1;
}

#ifdef __x86_64__
/* Both halves of both bytes must be of one group. @return the place, or where too few bytes are
 * left */
__attribute__((target("ssse3"))) static size_t
next_of_16(const struct pair_set *set, const unsigned char *bytes, size_t len, size_t at)
{
	__m128i half = _mm_set1_epi8(15), zero = _mm_setzero_si128();
	__m128i low[2], high[2];
	for (int i = 0; i < 2; i++) {
		low[i] = _mm_loadu_si128((const __m128i *)set->low[i]);
		high[i] = _mm_loadu_si128((const __m128i *)set->high[i]);
	}
	for (; at + 17 <= len; at += 16) {
		__m128i groups = _mm_set1_epi8(-1);
		for (int i = 0; i < 2; i++) {
			__m128i b = _mm_loadu_si128((const __m128i *)(bytes + at + i));
			__m128i top = _mm_and_si128(_mm_srli_epi16(b, 4), half);
			groups =
			    _mm_and_si128(groups, _mm_shuffle_epi8(low[i], _mm_and_si128(b, half)));
			groups = _mm_and_si128(groups, _mm_shuffle_epi8(high[i], top));
		}
		unsigned hits = ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(groups, zero)) & 0xffff;
		for (; hits; hits &= hits - 1) {
			size_t place = at + (size_t)__builtin_ctz(hits);
			if (has_pair(set, bytes + place))
				return place;
		}
	}
	return at;
}
#endif

size_t pair_set_next(const struct pair_set *set, const void *bytes_, size_t len, size_t from,
		     size_t to)
{
	const unsigned char *bytes = bytes_;
	size_t at = from;
	size_t end = to < len ? to : len ? len - 1 : 0; /* the last place that has two bytes */
#ifdef __x86_64__
	if (cpu_has_ssse3() && at < end)
		at = next_of_16(set, bytes, len, at);
#endif
	while (at < end && !has_pair(set, bytes + at))
		at++;
	return at < end ? at : to;
}
