/* SPDX-License-Identifier: MIT
 * Going to an address that is typed.
 */
#include "viewer/address.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "viewer/app.h"
#include "viewer/hex.h"

int address_parse(const char *text, uint64_t *out)
{
	uint64_t sum = 0;
	for (;;) {
		char *end;
		while (*text == ' ')
			text++;
		errno = 0;
		unsigned long long value =
		    isxdigit((unsigned char)*text) ? strtoull(text, &end, 16) : 0;
		if (!isxdigit((unsigned char)*text) || errno ||
		    __builtin_add_overflow(sum, value, &sum))
			return -EINVAL;
		while (*end == ' ')
			end++;
		if (!*end) {
			*out = sum;
			return 0;
		}
		if (*end != '+')
			return -EINVAL;
		text = end + 1;
	}
}

void address_ask(struct view *v, void (*done)(struct view *v, const char *text, size_t mode))
{
	app_ask(v->app,
		&(struct prompt){ .label = "Go to (hex; START+OFFSET)", .view = v, .done = done },
		NULL);
}

bool address_typed(struct view *v, const char *text, uint64_t *out)
{
	if (!*text)
		return false;
	if (address_parse(text, out) == 0)
		return true;
	app_say(v->app, "\"%s\" is no hexadecimal address, nor START+OFFSET", text);
	return false;
}

static void goto_typed(struct view *v, const char *text, size_t mode)
{
	uint64_t at;
	(void)mode;
	if (address_typed(v, text, &at))
		hex_go_to(v->app, v->process, at);
}

void goto_ask(struct view *v)
{
	if (v->process)
		address_ask(v, goto_typed);
}
