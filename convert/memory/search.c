/* SPDX-License-Identifier: MIT
 * Patterns: memmem(3) for bytes, PCRE2 for the rest.
 */
#include "convert/memory/search.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/library.h"

#define SONAME "libpcre2-8.so.0"

#define PCRE2_FUNCTIONS(X)                                                                         \
	X(compile)                                                                                 \
	X(code_free)                                                                               \
	X(jit_compile)                                                                             \
	X(match)                                                                                   \
	X(match_data_create_from_pattern)                                                          \
	X(match_data_free)                                                                         \
	X(get_ovector_pointer)                                                                     \
	X(get_error_message)

struct pcre2 {
#define X(name) __typeof__(pcre2_##name) *name;
	PCRE2_FUNCTIONS(X)
#undef X
};

struct pattern {
	unsigned char *bytes; /* plain ones */
	size_t len;
	struct pcre2 lib;
	pcre2_code *code;
	pcre2_match_data *data;
};

static const struct library_symbol functions[] = {
#define X(name) { "pcre2_" #name "_8", offsetof(struct pcre2, name) },
	PCRE2_FUNCTIONS(X)
#undef X
};

static int plain_new(const void *bytes, size_t len, struct pattern **out, struct error *err)
{
	struct pattern *p = calloc(1, sizeof(*p));
	if (p)
		p->bytes = malloc(len + 1);
	if (!p || !p->bytes) {
		free(p);
		return error_set(err, ENOMEM, "out of memory");
	}
	memcpy(p->bytes, bytes, len);
	p->len = len;
	*out = p;
	return 0;
}

/* Case is PCRE2's business. */
static int quoted_regex(const char *text, struct pattern **out, struct error *err)
{
	auto_free char *regex = malloc(2 * strlen(text) + 1);
	if (!regex)
		return error_set(err, ENOMEM, "out of memory");
	char *at = regex;
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && (unsigned char)*text < 0x80)
			*at++ = '\\';
		*at++ = *text;
	}
	*at = 0;
	return pattern_regex(regex, true, out, err);
}

int pattern_text(const char *text, bool ignore_case, struct pattern **out, struct error *err)
{
	if (!*text)
		return error_set(err, EINVAL, "nothing to look for: the text is empty");
	if (ignore_case)
		return quoted_regex(text, out, err);
	return plain_new(text, strlen(text), out, err);
}

int pattern_hex(const char *hex, struct pattern **out, struct error *err)
{
	auto_free unsigned char *bytes = malloc(strlen(hex) / 2 + 1);
	size_t nr = 0;
	if (!bytes)
		return error_set(err, ENOMEM, "out of memory");
	for (const char *at = hex; *at;) {
		if (isspace((unsigned char)*at)) {
			at++;
			continue;
		}
		if (!isxdigit((unsigned char)at[0]) || !isxdigit((unsigned char)at[1]))
			return error_set(err, EINVAL, "%s: want pairs of hexadecimal digits", hex);
		const char pair[3] = { at[0], at[1], 0 };
		bytes[nr++] = (unsigned char)strtoul(pair, NULL, 16);
		at += 2;
	}
	if (!nr)
		return error_set(err, EINVAL, "nothing to look for: no hexadecimal digits");
	return plain_new(bytes, nr, out, err);
}

static int regex_compile(struct pattern *p, const char *regex, bool ignore_case, struct error *err)
{
	int code;
	PCRE2_SIZE at;
	uint32_t flags = PCRE2_NEVER_BACKSLASH_C | (ignore_case ? PCRE2_CASELESS : 0);
	p->code = p->lib.compile((PCRE2_SPTR)regex, strlen(regex), flags, &code, &at, NULL);
	if (!p->code) {
		char text[128] = "";
		p->lib.get_error_message(code, (PCRE2_UCHAR *)text, sizeof(text));
		return error_set(err, EINVAL, "%s: %s, at character %zu", regex, text, at + 1);
	}
	p->lib.jit_compile(p->code, PCRE2_JIT_COMPLETE); /* without, it is only slower */
	p->data = p->lib.match_data_create_from_pattern(p->code, NULL);
	return p->data ? 0 : error_set(err, ENOMEM, "out of memory");
}

int pattern_regex(const char *regex, bool ignore_case, struct pattern **out, struct error *err)
{
	struct pattern *p = calloc(1, sizeof(*p));
	if (!p)
		return error_set(err, ENOMEM, "out of memory");
	int rc = library_load(SONAME, "regular expressions need PCRE2", functions,
			      ARRAY_SIZE(functions), &p->lib, err);
	if (rc == 0)
		rc = regex_compile(p, regex, ignore_case, err);
	if (rc < 0)
		pattern_free(p);
	else
		*out = p;
	return rc;
}

void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	if (p->data)
		p->lib.match_data_free(p->data);
	if (p->code)
		p->lib.code_free(p->code);
	free(p->bytes);
	free(p);
}

size_t pattern_overlap(const struct pattern *p)
{
	return p->code ? PATTERN_MATCH_MAX : p->len - 1;
}

static int regex_find(struct pattern *p, const void *bytes, size_t size, size_t from, size_t *start,
		      size_t *len, struct error *err)
{
	int rc = p->lib.match(p->code, bytes, size, from, PCRE2_NOTEMPTY, p->data, NULL);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (rc < 0) {
		char text[128] = "";
		p->lib.get_error_message(rc, (PCRE2_UCHAR *)text, sizeof(text));
		return error_set(err, EINVAL, "the regular expression cannot be matched: %s", text);
	}
	const PCRE2_SIZE *found = p->lib.get_ovector_pointer(p->data);
	*start = found[0];
	*len = found[1] > found[0] ? found[1] - found[0] : 1;
	if (*len > PATTERN_MATCH_MAX)
		*len = PATTERN_MATCH_MAX;
	return 1;
}

int pattern_find(struct pattern *p, const void *bytes, size_t size, size_t from, size_t *start,
		 size_t *len, struct error *err)
{
	if (from >= size)
		return 0;
	if (p->code)
		return regex_find(p, bytes, size, from, start, len, err);
	const char *at = memmem((const char *)bytes + from, size - from, p->bytes, p->len);
	if (!at)
		return 0;
	*start = (size_t)(at - (const char *)bytes);
	*len = p->len;
	return 1;
}
