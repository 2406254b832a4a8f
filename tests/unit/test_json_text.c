/* SPDX-License-Identifier: MIT
 * JSON text both ways: layouts, numbers to 2^64-1, strings of any bytes, strictness, base64.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/codec/quoted.h"
#include "convert/json/base64.h"
#include "convert/json/emit.h"
#include "convert/json/parse.h"

static void assert_text(struct json_out *out, const char *want)
{
	json_raw(out, "", 1);
	assert_string_equal(out->buf, want);
	json_out_fini(out);
}

static struct json_out memory_out(bool pretty)
{
	struct json_out out;
	assert_int_equal(json_out_init(&out, -1, "test", pretty, NULL), 0);
	return out;
}

static void sample(struct json_out *out)
{
	json_begin(out, '{');
	json_key(out, "a");
	json_begin(out, '[');
	json_u64(out, UINT64_MAX);
	json_i64(out, INT64_MIN);
	json_bool(out, true);
	json_end(out, ']');
	json_key(out, "b");
	json_begin(out, '{');
	json_end(out, '}');
	json_key(out, "c");
	json_begin(out, '[');
	json_end(out, ']');
	json_end(out, '}');
}

static void emit_compact_has_blanks_after_commas(void **state)
{
	(void)state;
	struct json_out out = memory_out(false);
	sample(&out);
	assert_text(&out, "{\"a\": [18446744073709551615, -9223372036854775808, true], "
			  "\"b\": {}, \"c\": []}");
}

static void emit_pretty_indents_by_four(void **state)
{
	(void)state;
	struct json_out out = memory_out(true);
	sample(&out);
	assert_text(&out, "{\n    \"a\": [\n        18446744073709551615,\n"
			  "        -9223372036854775808,\n        true\n    ],\n"
			  "    \"b\": {},\n    \"c\": []\n}");
}

static void emit_escapes_as_ascii(void **state)
{
	(void)state;
	struct json_out out = memory_out(false);
	json_bytes(&out, "\"\\\n\r\t\f\b\x01\x7f/", 10);
	json_str(&out, "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80");
	/* not UTF-8: stray, cut short, overlong, a surrogate, past U+10FFFF */
	json_str(&out, "\xff\xc3|\xc0\x80|\xed\xa0\x80|\xf4\x90\x80\x80");
	assert_text(&out, "\"\\\"\\\\\\n\\r\\t\\f\\b\\u0001\\u007f/\""
			  "\"\\u00fc\\u20ac\\ud83d\\ude00\""
			  "\"\\udcff\\udcc3|\\udcc0\\udc80|\\udced\\udca0\\udc80|"
			  "\\udcf4\\udc90\\udc80\\udc80\"");
}

static void strings_of_any_bytes_come_back(void **state)
{
	(void)state;
	char bytes[512];
	for (int seed = 0; seed < 64; seed++) {
		srand((unsigned)seed);
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)(seed ? rand() : (int)i);
		struct json_out out = memory_out(false);
		json_bytes(&out, bytes, sizeof(bytes));
		struct json_in in;
		json_in_init_text(&in, out.buf, out.len, "test");
		auto_strbuf back = { 0 };
		assert_int_equal(json_string(&in, &back, NULL), 0);
		assert_int_equal(back.len, sizeof(bytes));
		assert_memory_equal(back.data, bytes, sizeof(bytes));
		json_out_fini(&out);
	}
}

static int number(const char *text, struct json_number *out)
{
	struct json_in in;
	json_in_init_text(&in, text, strlen(text), "test");
	int rc = json_number(&in, out, NULL);
	return rc < 0 ? rc : json_finish(&in, NULL);
}

static void numbers_are_exact_or_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "18446744073709551616",
					   "-9223372036854775809",
					   "1.0",
					   "1e3",
					   "01",
					   "-",
					   "0x1f",
					   "--1",
					   "+1" };
	struct json_number n;
	assert_int_equal(number("18446744073709551615", &n), 0);
	assert_true(n.magnitude == UINT64_MAX && !n.negative);
	assert_int_equal(number(" -9223372036854775808 ", &n), 0);
	assert_true(n.magnitude == UINT64_C(1) << 63 && n.negative);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(number(bad[i], &n), -EBADMSG);
}

static int skip_text(const char *text, struct error *err)
{
	struct json_in in;
	json_in_init_text(&in, text, strlen(text), "test");
	int rc = json_skip(&in, err);
	return rc < 0 ? rc : json_finish(&in, err);
}

static void parse_refuses_what_is_not_json(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"{",
		"[1,]",
		"[,1]",
		"{\"a\" 1}",
		"{\"a\":1,}",
		"[1 2]",
		"\"\n\"",
		"\"\\x\"",
		"\"\\u12g4\"",
		"\"\\ud800\"",
		"\"\\ud800\\u0041\"",
		"\"\\udc00\"",
		"nul",
		"tru",
		"{a:1}",
		"[1]]",
		"\"abc",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(skip_text(bad[i], NULL), -EBADMSG);
	assert_int_equal(skip_text(" {\"a\": [1, {\"b\": null}, \"\\\"\", true, []]}\n", NULL), 0);
}

static void parse_bounds_nesting(void **state)
{
	(void)state;
	char text[2 * JSON_MAX_DEPTH + 3];
	for (int extra = 0; extra < 2; extra++) {
		size_t depth = (size_t)JSON_MAX_DEPTH + (size_t)extra;
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		text[2 * depth] = '\0';
		assert_int_equal(skip_text(text, NULL), extra ? -EBADMSG : 0);
	}
}

static void errors_name_the_place(void **state)
{
	(void)state;
	struct error err = { 0 };
	assert_int_equal(skip_text("{\"entries\":\n[{\"pid\": 1}, {\"pid\":\nx}]}", &err),
			 -EBADMSG);
	assert_string_equal(err.text,
			    "test: line 3, byte 33: entries[1].pid: found 'x', want a value");
}

/* Names asked for by a reader that expects them: exact, escaped ones only as any name. */
static void likely_names_are_matched_whole(void **state)
{
	(void)state;
	const char text[] = "{\"ids\":1, \"id\" : 2,\n \"\\u0069d\": 3, \"id\": {\"x\": [7, x]}}";
	struct error err;
	struct json_number n;
	struct json_in in;
	json_in_init_text(&in, text, sizeof(text) - 1, "t");
	assert_int_equal(json_enter(&in, JSON_OBJECT, &err), 0);
	assert_int_equal(json_member_begin(&in, &err), 1);
	assert_false(json_member_is(&in, "id"));
	assert_false(json_member_is(&in, "idss"));
	assert_true(json_member_is(&in, "ids"));
	assert_int_equal(json_number(&in, &n, &err), 0);
	/* a blank before the colon, then an escape: left to json_member_name() */
	for (uint64_t i = 2; i < 4; i++) {
		assert_int_equal(json_member_begin(&in, &err), 1);
		assert_false(json_member_is(&in, "id"));
		assert_int_equal(json_member_name(&in, &err), 1);
		assert_string_equal(in.key, "id");
		assert_int_equal(json_number(&in, &n, &err), 0);
		assert_int_equal(n.magnitude, i);
	}
	assert_int_equal(json_member_begin(&in, &err), 1);
	assert_true(json_member_is(&in, "id"));
	assert_int_equal(json_enter(&in, JSON_OBJECT, &err), 0);
	assert_int_equal(json_member(&in, &err), 1);
	assert_int_equal(json_skip(&in, &err), -EBADMSG);
	assert_string_equal(err.text, "t: line 2, byte 51: id.x[1]: found 'x', want a value");
	json_in_fini(&in);
}

static void base64_round_trips_in_pieces(void **state)
{
	(void)state;
	uint8_t bytes[300];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t len = 0; len < sizeof(bytes); len++) {
		struct json_out out = memory_out(false);
		json_base64(&out, bytes, len);
		struct json_in in;
		json_in_init_text(&in, out.buf, out.len, "test");
		assert_int_equal(json_string_begin(&in, NULL), 0);
		struct base64_decoder d = { 0 };
		char text[BASE64_CARRY + 7];
		uint8_t back[sizeof(bytes) + 8];
		size_t done = 0;
		ssize_t n;
		while ((n = json_string_read(&in, text + BASE64_CARRY, 7, NULL)) > 0) {
			n = base64_decode(&d, text + BASE64_CARRY, (size_t)n, (uint8_t *)text);
			assert_true(n >= 0 && done + (size_t)n <= sizeof(back));
			memcpy(back + done, text, (size_t)n);
			done += (size_t)n;
		}
		assert_int_equal(n, 0);
		assert_int_equal(base64_decode_end(&d), 0);
		assert_int_equal(done, len);
		assert_memory_equal(back, bytes, len);
		json_out_fini(&out);
	}
}

static void base64_has_lines_of_76(void **state)
{
	(void)state;
	struct json_out out = memory_out(false);
	json_base64(&out, "", 0);
	json_base64(&out, "ab", 2);
	json_base64(&out, "0123456789012345678901234567890123456789012345678901234567", 58);
	assert_text(&out,
		    "\"\"\"YWI=\\n\"\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0"
		    "NTY3ODkwMTIzNDU2\\nNw==\\n\"");
}

static void base64_refuses_strangers(void **state)
{
	(void)state;
	static const char *const bad[] = { "A",     "AB",   "ABC",  "A=",      "AB=C",
					   "AB===", "====", "AB*D", "AB==CDEF" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct base64_decoder d = { 0 };
		uint8_t out[16];
		ssize_t n = base64_decode(&d, bad[i], strlen(bad[i]), out);
		assert_true(n < 0 || base64_decode_end(&d) < 0);
	}
}

static void assert_quoted(const char *bytes, size_t len, const char *want)
{
	auto_strbuf text = { 0 };
	assert_int_equal(quoted_encode(bytes, len, &text), 0);
	assert_string_equal(text.data, want);
	long n = quoted_decode(text.data, text.len);
	assert_int_equal(n, len);
	assert_memory_equal(text.data, bytes, len);
}

static void quoted_follows_the_rules(void **state)
{
	(void)state;
	assert_quoted("\0abs", 4, "=00abs");
	assert_quoted("a=b\xff", 4, "a=3Db=FF");
	assert_quoted("x ", 2, "x=20");
	assert_quoted("x\t\ny \r\nz", 8, "x=09\ny=20\r\nz");
	assert_quoted(".", 1, "=2E");
	assert_quoted("a\n.\nb", 5, "a\n=2E\nb");
	char longer[81];
	memset(longer, 'a', 80);
	longer[80] = '\0';
	char want[84];
	memset(want, 'a', 75);
	strcpy(want + 75, "=\naaaaa");
	assert_quoted(longer, 80, want);
}

static void quoted_round_trips_any_bytes(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 2000; seed++) {
		static const char pool[] = " \t\r\n.=ab\xff";
		char bytes[100];
		srand(seed);
		size_t len = (size_t)rand() % sizeof(bytes);
		for (size_t i = 0; i < len; i++)
			bytes[i] = seed % 2 ? (char)rand() : pool[(size_t)rand() % sizeof(pool)];
		auto_strbuf text = { 0 };
		assert_int_equal(quoted_encode(bytes, len, &text), 0);
		long n = len ? quoted_decode(text.data, text.len) : 0;
		assert_int_equal(n, len);
		if (len)
			assert_memory_equal(text.data, bytes, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(emit_compact_has_blanks_after_commas),
		cmocka_unit_test(emit_pretty_indents_by_four),
		cmocka_unit_test(emit_escapes_as_ascii),
		cmocka_unit_test(strings_of_any_bytes_come_back),
		cmocka_unit_test(numbers_are_exact_or_refused),
		cmocka_unit_test(parse_refuses_what_is_not_json),
		cmocka_unit_test(parse_bounds_nesting),
		cmocka_unit_test(errors_name_the_place),
		cmocka_unit_test(likely_names_are_matched_whole),
		cmocka_unit_test(base64_round_trips_in_pieces),
		cmocka_unit_test(base64_has_lines_of_76),
		cmocka_unit_test(base64_refuses_strangers),
		cmocka_unit_test(quoted_follows_the_rules),
		cmocka_unit_test(quoted_round_trips_any_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
