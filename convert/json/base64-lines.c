/* SPDX-License-Identifier: MIT
 * The quick part of base64, sixteen digits at once where the machine can look up bytes side by
 * side.
 */
#include "convert/json/base64-lines.h"

#include <stdbool.h>
#include <string.h>

#ifdef __x86_64__
#include <tmmintrin.h>

#include "base/ssse3.h"
#endif

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Value of each character, 0xff for the rest: so four lookups or'ed show any stranger. */
static const uint8_t values[256] = {
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 62,  255, 255, 255, 63,  52,  53,  54,  55,  56,  57,
	58,  59,  60,  61,  255, 255, 255, 255, 255, 255, 255, 0,   1,   2,   3,   4,   5,   6,
	7,   8,   9,   10,  11,  12,  13,  14,  15,  16,  17,  18,  19,  20,  21,  22,  23,  24,
	25,  255, 255, 255, 255, 255, 255, 26,  27,  28,  29,  30,  31,  32,  33,  34,  35,  36,
	37,  38,  39,  40,  41,  42,  43,  44,  45,  46,  47,  48,  49,  50,  51,  255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255,
};

uint8_t base64_value(char digit)
{
	return values[(uint8_t)digit];
}

char *base64_encode_group(const uint8_t *from, char *to)
{
	uint32_t v = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
	to[0] = digits[v >> 18];
	to[1] = digits[v >> 12 & 63];
	to[2] = digits[v >> 6 & 63];
	to[3] = digits[v & 63];
	return to + 4;
}

static void put_line_end(char *to)
{
	to[BASE64_LINE_DIGITS] = '\\';
	to[BASE64_LINE_DIGITS + 1] = 'n';
}

static bool has_line_end(const char *text)
{
	return text[BASE64_LINE_DIGITS] == '\\' && text[BASE64_LINE_DIGITS + 1] == 'n';
}

static void encode_lines(const uint8_t *from, size_t nr, char *to)
{
	for (; nr; nr--, to += BASE64_LINE_TEXT) {
		char *at = to;
		for (const uint8_t *end = from + BASE64_LINE_BYTES; from < end; from += 3)
			at = base64_encode_group(from, at);
		put_line_end(to);
	}
}

static size_t decode_groups(const char *text, size_t len, uint8_t *to)
{
	size_t groups = 0;
	for (; (groups + 1) * 4 <= len; groups++) {
		const char *t = text + groups * 4;
		uint8_t a = values[(uint8_t)t[0]], b = values[(uint8_t)t[1]];
		uint8_t c = values[(uint8_t)t[2]], d = values[(uint8_t)t[3]];
		if ((a | b | c | d) & 0xc0)
			break;
		uint32_t v = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | d;
		*to++ = (uint8_t)(v >> 16);
		*to++ = (uint8_t)(v >> 8);
		*to++ = (uint8_t)v;
	}
	return groups;
}

static size_t decode_lines(const char *text, size_t len, uint8_t *to)
{
	size_t nr = 0;
	for (; len >= BASE64_LINE_TEXT; nr++, len -= BASE64_LINE_TEXT) {
		const char *line = text + nr * BASE64_LINE_TEXT;
		uint8_t *at = to + nr * BASE64_LINE_BYTES;
		if (!has_line_end(line) ||
		    decode_groups(line, BASE64_LINE_DIGITS, at) < BASE64_LINE_DIGITS / 4)
			break;
	}
	return nr;
}

const struct base64_way base64_plain = {
	.encode_lines = encode_lines,
	.decode_lines = decode_lines,
	.decode_groups = decode_groups,
};

#ifdef __x86_64__
/* Twelve bytes become sixteen digits, and the other way round. */
#define STEP_BYTES  12
#define STEP_DIGITS 16
/* Whole steps in a line. What is left over is less than one, so the last overlaps the one before.
 */
#define LINE_STEPS  4
#define LAST_BYTES  (BASE64_LINE_BYTES - STEP_BYTES)
#define LAST_DIGITS (BASE64_LINE_DIGITS - STEP_DIGITS)

#define SSSE3 __attribute__((target("ssse3")))

SSSE3 static inline __m128i load(const void *from)
{
	return _mm_loadu_si128(from);
}

/* @param bytes  in every four of them the three of a group, as 1 0 2 1 */
SSSE3 static inline void encode_step(__m128i bytes, char *to)
{
	/* shifts by different counts in one register are multiplications */
	__m128i high = _mm_mulhi_epu16(_mm_and_si128(bytes, _mm_set1_epi32(0x0fc0fc00)),
				       _mm_set1_epi32(0x04000040));
	__m128i low = _mm_mullo_epi16(_mm_and_si128(bytes, _mm_set1_epi32(0x003f03f0)),
				      _mm_set1_epi32(0x01000010));
	__m128i value = _mm_or_si128(high, low);
	/* which kind of digit: 0 a-z, 1…10 digits, 11 +, 12 /, 13 A-Z */
	__m128i kind = _mm_subs_epu8(value, _mm_set1_epi8(51));
	__m128i capital = _mm_cmpgt_epi8(_mm_set1_epi8(26), value);
	kind = _mm_or_si128(kind, _mm_and_si128(capital, _mm_set1_epi8(13)));
	/* from a value to its digit, for each kind */
	const __m128i away =
	    _mm_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
			  '0' - 52, '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
	_mm_storeu_si128((__m128i *)to, _mm_add_epi8(value, _mm_shuffle_epi8(away, kind)));
}

SSSE3 static void encode_lines_ssse3(const uint8_t *from, size_t nr, char *to)
{
	const __m128i groups = _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
	/* the last twelve of sixteen, as nothing behind the line may be looked at */
	const __m128i last = _mm_add_epi8(groups, _mm_set1_epi8(16 - STEP_BYTES));
	for (; nr; nr--, from += BASE64_LINE_BYTES, to += BASE64_LINE_TEXT) {
		for (int i = 0; i < LINE_STEPS; i++)
			encode_step(_mm_shuffle_epi8(load(from + i * STEP_BYTES), groups),
				    to + i * STEP_DIGITS);
		encode_step(_mm_shuffle_epi8(load(from + BASE64_LINE_BYTES - 16), last),
			    to + LAST_DIGITS);
		put_line_end(to);
	}
}

/*
 * Twelve bytes and four zeroes.
 * @param bad  becomes other than zero where something is no digit: each half of a character names
 * the sets of characters it cannot be a digit of, and no digit has a set in both
 */
SSSE3 static inline __m128i decode_step(__m128i text, __m128i *bad)
{
	const __m128i not_low = _mm_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
					      0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a);
	const __m128i not_high = _mm_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10,
					       0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
	/* from a digit to its value, by the upper half; the slash has the place before the plus */
	const __m128i away = _mm_setr_epi8(0, 63 - '/', 62 - '+', 52 - '0', -'A', -'A', 26 - 'a',
					   26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0);
	const __m128i half = _mm_set1_epi8(15);
	__m128i high = _mm_and_si128(_mm_srli_epi32(text, 4), half);
	__m128i low = _mm_and_si128(text, half);
	__m128i strange =
	    _mm_and_si128(_mm_shuffle_epi8(not_low, low), _mm_shuffle_epi8(not_high, high));
	*bad = _mm_or_si128(*bad, strange);
	__m128i slash = _mm_cmpeq_epi8(text, _mm_set1_epi8('/'));
	__m128i value = _mm_add_epi8(text, _mm_shuffle_epi8(away, _mm_add_epi8(high, slash)));
	/* 6 bits each to 12 bits in a word, to 24 in a double word */
	__m128i pairs = _mm_maddubs_epi16(value, _mm_set1_epi32(0x01400140));
	__m128i groups = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00011000));
	return _mm_shuffle_epi8(
	    groups, _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
}

SSSE3 static inline bool is_zero(__m128i v)
{
	return _mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128())) == 0xffff;
}

SSSE3 static size_t decode_lines_ssse3(const char *text, size_t len, uint8_t *to)
{
	size_t nr = 0;
	for (; len >= BASE64_LINE_TEXT; nr++, len -= BASE64_LINE_TEXT) {
		__m128i bad = _mm_setzero_si128();
		for (int i = 0; i < LINE_STEPS; i++) {
			__m128i bytes = decode_step(load(text + i * STEP_DIGITS), &bad);
			_mm_storeu_si128((__m128i *)(to + i * STEP_BYTES), bytes);
		}
		__m128i bytes = decode_step(load(text + LAST_DIGITS), &bad);
		memcpy(to + LAST_BYTES, &bytes, STEP_BYTES);
		if (!has_line_end(text) || !is_zero(bad))
			break;
		text += BASE64_LINE_TEXT;
		to += BASE64_LINE_BYTES;
	}
	return nr;
}

SSSE3 static size_t decode_groups_ssse3(const char *text, size_t len, uint8_t *to)
{
	size_t done = 0;
	for (; len - done >= STEP_DIGITS; done += STEP_DIGITS) {
		__m128i bad = _mm_setzero_si128();
		__m128i bytes = decode_step(load(text + done), &bad);
		if (!is_zero(bad))
			break;
		memcpy(to + done / 4 * 3, &bytes, STEP_BYTES);
	}
	return done / 4 + decode_groups(text + done, len - done, to + done / 4 * 3);
}

static const struct base64_way ssse3 = {
	.encode_lines = encode_lines_ssse3,
	.decode_lines = decode_lines_ssse3,
	.decode_groups = decode_groups_ssse3,
};
#endif

const struct base64_way *base64_way(void)
{
#ifdef __x86_64__
	if (cpu_has_ssse3())
		return &ssse3;
#endif
	return &base64_plain;
}
