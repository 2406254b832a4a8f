/* SPDX-License-Identifier: MIT
 * From what is typed to a pattern.
 */
#include "viewer/pattern.h"

static int exact(const char *text, struct pattern **out, struct error *err)
{
	return pattern_text(text, false, out, err);
}

static int any_case(const char *text, struct pattern **out, struct error *err)
{
	return pattern_text(text, true, out, err);
}

static int regex(const char *text, struct pattern **out, struct error *err)
{
	return pattern_regex(text, false, out, err);
}

#define MODES(M)                                                                                   \
	M("text", "-s", exact)                                                                     \
	M("text, any case", "-i -s", any_case)                                                     \
	M("regular expression", "-r", regex)                                                       \
	M("hex", "-x", pattern_hex)

const char *const pattern_modes[] = {
#define M(name, option, make) name,
	MODES(M) NULL
#undef M
};

static const struct {
	const char *option;
	int (*make)(const char *text, struct pattern **out, struct error *err);
} modes[] = {
#define M(name, option, make) { option, make },
	MODES(M)
#undef M
};

int pattern_typed(const char *text, size_t mode, struct pattern **out, struct error *err)
{
	return modes[mode].make(text, out, err);
}

const char *pattern_option(size_t mode)
{
	return modes[mode].option;
}
