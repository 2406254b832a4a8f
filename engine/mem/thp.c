/* SPDX-License-Identifier: MIT
 */
#include "engine/mem/thp.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/io.h"
#include "base/strbuf.h"

enum thp_policy thp_policy(void)
{
	auto_strbuf text = { 0 };

	/* a kernel without them has no such file */
	if (file_read_at(AT_FDCWD, "/sys/kernel/mm/transparent_hugepage/enabled", &text, NULL) < 0)
		return THP_NEVER;
	return strstr(text.data, "[always]")    ? THP_ALWAYS
	       : strstr(text.data, "[madvise]") ? THP_ADVISED
						: THP_NEVER;
}

static bool is_advised(const struct vma *v, int advice)
{
	return v->madv >> advice & 1;
}

bool thp_expected(enum thp_policy policy, const MmEntry *mm, const struct vma *v)
{
	if (policy == THP_NEVER || (mm->has_thp_disabled && mm->thp_disabled) ||
	    is_advised(v, MADV_NOHUGEPAGE))
		return false;
	return policy == THP_ALWAYS || is_advised(v, MADV_HUGEPAGE);
}
