/* SPDX-License-Identifier: MIT
 * Option rows to getopt_long and back; numbers on command lines.
 */
#include "base/args.h"

#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/strbuf.h"

#define LONG_ONLY 256 /* getopt values from here on are row indexes, twice */

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

static int row_store(const struct arg_row *row, bool negated, void *opts, const char *value,
		     struct error *err)
{
	void *at = (char *)opts + row->offset;
	const char *name = row->name ? row->name : (char[]){ row->letter, '\0' };
	uint64_t number;

	/* "" is the name of nothing: what comes of an empty variable in a script is said here */
	if ((row->kind == ARG_PATH || row->kind == ARG_PATHS) && !*value)
		return error_set(err, EINVAL, "--%s: an empty name: want %s", name, row->value);
	switch (row->kind) {
	case ARG_FLAG:
	case ARG_CLEAR:
		*(bool *)at = (row->kind == ARG_FLAG) != negated;
		return 0;
	case ARG_STRING:
	case ARG_PATH:
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
	case ARG_COUNT:
		if (parse_u64(value, at) < 0 || !*(uint64_t *)at)
			return error_set(err, EINVAL, "--%s: %s: want a number from 1", name,
					 value);
		return 0;
	case ARG_PID:
		if (parse_u64(value, &number) < 0 || !number || number > INT32_MAX)
			return error_set(err, EINVAL, "--%s: \"%s\" is no process id", name, value);
		*(uint32_t *)at = (uint32_t)number;
		return 0;
	case ARG_LIST:
	case ARG_PATHS: {
		const char **item = array_add((struct arg_list *)at);
		if (!item)
			return error_set(err, ENOMEM, "--%s: out of memory", name);
		*item = value;
		return 0;
	}
	case ARG_CALLBACK:
		return row->parse(opts, value, err);
	case ARG_REFUSED:
		return negated ? 0 : error_set(err, ENOTSUP, "--%s: %s", name, row->help);
	}
	return error_set(err, EINVAL, "--%s: row without a kind", name);
}

/* The two tables getopt_long() wants. */
struct getopt_tables {
	struct option *longs;
	char *letters;
	char *names; /* of the negated ones */
};

static void tables_fini(struct getopt_tables *t)
{
	free(t->longs);
	free(t->letters);
	free(t->names);
}

#define NEGATED "no-"

bool arg_row_negates(const struct arg_row *row)
{
	return row->kind == ARG_FLAG || (row->kind == ARG_REFUSED && !row->value);
}

static void add_negated(const struct arg_row *row, int value, struct option *out, char **names)
{
	size_t len = strlen(NEGATED) + strlen(row->name) + 1;
	snprintf(*names, len, NEGATED "%s", row->name);
	*out = (struct option){ *names, no_argument, NULL, value };
	*names += len;
}

static size_t names_len(const struct arg_row *rows, size_t nr)
{
	size_t len = 1;
	for (size_t i = 0; i < nr; i++)
		len += rows[i].name ? strlen(NEGATED) + strlen(rows[i].name) + 1 : 0;
	return len;
}

static int tables_new(const struct arg_row *rows, size_t nr, struct getopt_tables *out)
{
	auto_free struct option *longs = calloc(2 * nr + 1, sizeof(*longs));
	auto_free char *letters = calloc(nr + 1, 3);
	auto_free char *names = malloc(names_len(rows, nr));
	if (!longs || !letters || !names)
		return -ENOMEM;

	size_t nr_longs = 0;
	char *next = letters, *name = names;
	*next++ = ':'; /* tell a missing value from an unknown option */
	for (size_t i = 0; i < nr; i++) {
		const struct arg_row *row = &rows[i];
		int has_arg = !row->value            ? no_argument
			      : row->value[0] == '[' ? optional_argument
						     : required_argument;
		if (row->name)
			longs[nr_longs++] =
			    (struct option){ row->name, has_arg, NULL, LONG_ONLY + (int)i };
		if (row->name && arg_row_negates(row))
			add_negated(row, LONG_ONLY + (int)(nr + i), &longs[nr_longs++], &name);
		if (row->letter) {
			*next++ = row->letter;
			for (int colons = has_arg; colons > 0; colons--)
				*next++ = ':';
		}
	}
	out->longs = take_ptr(longs);
	out->letters = take_ptr(letters);
	out->names = take_ptr(names);
	return 0;
}

static const struct arg_row *row_by_letter(const struct arg_row *rows, size_t nr, int letter)
{
	for (size_t i = 0; i < nr; i++) {
		if (rows[i].letter == letter)
			return &rows[i];
	}
	return NULL;
}

/* @param known  what getopt_long() says of an option that is one: LONG_ONLY and more */
static int explain_long(const struct option *longs, const char *word, int known, struct error *err)
{
	int len = (int)strcspn(word, "=");
	if (known >= LONG_ONLY)
		return error_set(err, EINVAL, "option %.*s takes no value", len, word);
	auto_strbuf fitting = { 0 };
	for (const struct option *o = longs; len > 2 && o->name; o++) {
		if (!strncmp(o->name, word + 2, (size_t)len - 2) &&
		    strbuf_printf(&fitting, "%s--%s", fitting.len ? ", " : "", o->name) < 0)
			return error_set(err, ENOMEM, "options: out of memory");
	}
	if (fitting.len)
		return error_set(err, EINVAL, "option %.*s is the beginning of several: %s", len,
				 word, fitting.data);
	return error_set(err, EINVAL, "unknown option %s", word);
}

int args_parse(const struct arg_row *rows, size_t nr, void *opts, int argc, char **argv,
	       int *operand, struct error *err)
{
	__attribute__((cleanup(tables_fini))) struct getopt_tables tables = { 0 };
	int rc = tables_new(rows, nr, &tables);
	if (rc < 0)
		return error_code(err, rc, "options");

	opterr = 0;
	optind = 0; /* glibc: start afresh */
	for (;;) {
		int c = getopt_long(argc, argv, tables.letters, tables.longs, NULL);
		if (c == -1)
			break;
		if (c == ':')
			return error_set(err, EINVAL, "option %s needs a value", argv[optind - 1]);
		if (c == '?' && optopt && optopt < LONG_ONLY && !row_by_letter(rows, nr, optopt))
			return error_set(err, EINVAL, "unknown option -%c", optopt);
		if (c == '?')
			return explain_long(tables.longs, argv[optind - 1], optopt, err);
		size_t at = (size_t)(c - LONG_ONLY);
		const struct arg_row *row =
		    c >= LONG_ONLY ? &rows[at % nr] : row_by_letter(rows, nr, c);
		rc = row_store(row, c >= LONG_ONLY && at >= nr, opts, optarg, err);
		if (rc < 0)
			return rc;
	}
	*operand = optind;
	return 0;
}

void args_release(const struct arg_row *rows, size_t nr, void *opts)
{
	for (size_t i = 0; i < nr; i++) {
		if (rows[i].kind != ARG_LIST && rows[i].kind != ARG_PATHS)
			continue;
		struct arg_list *list = (struct arg_list *)((char *)opts + rows[i].offset);
		free(list->items);
		*list = (struct arg_list){ 0 };
	}
}
