/* SPDX-License-Identifier: MIT
 * Option rows to getopt_long and back; numbers on command lines.
 */
#include "base/args.h"

#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"

#define LONG_ONLY 256 /* getopt values from here on are row indexes */

int parse_u64(const char *s, uint64_t *out)
{
	if (*s < '0' || *s > '9')
		return -EINVAL;
	char *end;
	errno = 0;
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	unsigned long long v = strtoull(s, &end, hex ? 16 : 10);
	if (errno || end == s)
		return -EINVAL;
	static const char suffixes[] = "KMG";
	const char *suffix = *end ? strchr(suffixes, *end) : NULL;
	if (suffix && end[1] == '\0') {
		uint64_t unit = UINT64_C(1) << (10 * (suffix - suffixes + 1));
		if (__builtin_mul_overflow(v, unit, &v))
			return -EINVAL;
	} else if (*end) {
		return -EINVAL;
	}
	*out = v;
	return 0;
}

int parse_int(const char *s, int *out)
{
	char *end;
	errno = 0;
	long v = strtol(s, &end, 10);
	if (errno || end == s || *end || v < INT_MIN || v > INT_MAX)
		return -EINVAL;
	*out = (int)v;
	return 0;
}

static bool row_applies(const struct arg_row *row, uint32_t mask)
{
	return !row->commands || (row->commands & mask);
}

static int row_store(const struct arg_row *row, void *opts, const char *value, struct error *err)
{
	void *at = (char *)opts + row->offset;
	const char *name = row->name ? row->name : (char[]){ row->letter, '\0' };

	switch (row->kind) {
	case ARG_FLAG:
	case ARG_CLEAR:
		*(bool *)at = row->kind == ARG_FLAG;
		return 0;
	case ARG_STRING:
		*(const char **)at = value;
		return 0;
	case ARG_INT:
		if (parse_int(value, at) < 0)
			return error_set(err, EINVAL, "--%s: %s is not a number", name, value);
		return 0;
	case ARG_UINT64:
		if (parse_u64(value, at) < 0)
			return error_set(err, EINVAL, "--%s: %s is not a size", name, value);
		return 0;
	case ARG_LIST: {
		const char **item = array_add((struct arg_list *)at);
		if (!item)
			return error_set(err, ENOMEM, "--%s: out of memory", name);
		*item = value;
		return 0;
	}
	case ARG_CALLBACK:
		return row->parse(opts, value, err);
	}
	return error_set(err, EINVAL, "--%s: row without a kind", name);
}

/* The two tables getopt_long() wants. */
struct getopt_tables {
	struct option *longs;
	char *letters;
};

static int tables_new(const struct arg_row *rows, size_t nr, uint32_t mask,
		      struct getopt_tables *out)
{
	auto_free struct option *longs = calloc(nr + 1, sizeof(*longs));
	auto_free char *letters = calloc(nr + 1, 3);
	if (!longs || !letters)
		return -ENOMEM;

	size_t nr_longs = 0;
	char *next = letters;
	*next++ = ':'; /* tell a missing value from an unknown option */
	for (size_t i = 0; i < nr; i++) {
		const struct arg_row *row = &rows[i];
		if (!row_applies(row, mask))
			continue;
		int has_arg = !row->value            ? no_argument
			      : row->value[0] == '[' ? optional_argument
						     : required_argument;
		if (row->name)
			longs[nr_longs++] =
			    (struct option){ row->name, has_arg, NULL, LONG_ONLY + (int)i };
		if (row->letter) {
			*next++ = row->letter;
			for (int colons = has_arg; colons > 0; colons--)
				*next++ = ':';
		}
	}
	out->longs = take_ptr(longs);
	out->letters = take_ptr(letters);
	return 0;
}

static const struct arg_row *row_by_letter(const struct arg_row *rows, size_t nr, uint32_t mask,
					   int letter)
{
	for (size_t i = 0; i < nr; i++) {
		if (rows[i].letter == letter && row_applies(&rows[i], mask))
			return &rows[i];
	}
	return NULL;
}

int args_parse(const struct arg_row *rows, size_t nr, uint32_t mask, void *opts, int argc,
	       char **argv, int *operand, struct error *err)
{
	struct getopt_tables tables;
	int rc = tables_new(rows, nr, mask, &tables);
	if (rc < 0)
		return error_code(err, rc, "options");
	auto_free struct option *longs = tables.longs;
	auto_free char *letters = tables.letters;

	opterr = 0;
	optind = 0; /* glibc: start afresh */
	for (;;) {
		int c = getopt_long(argc, argv, letters, longs, NULL);
		if (c == -1)
			break;
		if (c == ':')
			return error_set(err, EINVAL, "option %s needs a value", argv[optind - 1]);
		if (c == '?' && optopt && optopt < LONG_ONLY &&
		    !row_by_letter(rows, nr, mask, optopt))
			return error_set(err, EINVAL, "unknown option -%c", optopt);
		if (c == '?')
			return error_set(err, EINVAL, "unknown option %s", argv[optind - 1]);
		const struct arg_row *row =
		    c >= LONG_ONLY ? &rows[c - LONG_ONLY] : row_by_letter(rows, nr, mask, c);
		rc = row_store(row, opts, optarg, err);
		if (rc < 0)
			return rc;
	}
	*operand = optind;
	return 0;
}
