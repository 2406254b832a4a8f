/* SPDX-License-Identifier: MIT
 * Arguments and environment, from where mm_entry says they are.
 */
#include "images/process-strings.h"

#include <string.h>

#include "base/page.h"

enum { PIECE = 16 * PAGE, PAGES = PIECE / PAGE + 1 };

int process_strings(struct memory_view *mv, enum process_strings which, struct strbuf *out,
		    struct error *err)
{
	const MmEntry *mm = memory_view_mm(mv);
	uint64_t at = which == PROCESS_ARGS ? mm->mm_arg_start : mm->mm_env_start;
	uint64_t end = which == PROCESS_ARGS ? mm->mm_arg_end : mm->mm_env_end;
	size_t before = out->len;
	if (!at || at >= end || end - at > PROCESS_STRINGS_MAX)
		return 0;
	if (strbuf_reserve(out, (size_t)(end - at) + 1) < 0)
		return error_set(err, ENOMEM, "out of memory");
	while (at < end) {
		size_t len = end - at < PIECE ? (size_t)(end - at) : PIECE;
		uint8_t known[PAGES];
		int rc = memory_view_read(mv, at, out->data + out->len, len, known, err);
		if (rc < 0 || memchr(known, 0, (at % PAGE + len + PAGE - 1) / PAGE)) {
			out->len = before;
			out->data[before] = '\0';
			return rc < 0 ? rc : 0;
		}
		out->len += len;
		out->data[out->len] = '\0';
		at += len;
	}
	return 1;
}
