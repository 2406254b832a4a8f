/* SPDX-License-Identifier: MIT
 * Numbers of processes in paths.
 */
#include "images/proc-path.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define DIGITS_MAX 7 /* of a pid */

int proc_path_renumber(const char *path, size_t len, proc_renumber *renumber, void *ctx,
		       struct strbuf *out)
{
	static const char *const heads[] = { "/proc/", "/task/" };
	size_t done = 0;
	int changed = 0;
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		size_t head = strlen(heads[i]), at = done + head, digits = 0;
		if (at > len || memcmp(path + done, heads[i], head) != 0)
			break;
		while (at + digits < len && path[at + digits] >= '0' && path[at + digits] <= '9')
			digits++;
		if (!digits || digits > DIGITS_MAX ||
		    (at + digits < len && path[at + digits] != '/'))
			break;
		uint32_t old = (uint32_t)strtoul(path + at, NULL, 10);
		uint32_t new = renumber(ctx, old);
		changed |= new != old;
		if (strbuf_printf(out, "%s%" PRIu32, heads[i], new) < 0)
			return -ENOMEM;
		done = at + digits;
	}
	if (!changed)
		return 0;
	return strbuf_add(out, path + done, len - done) < 0 ? -ENOMEM : 1;
}
