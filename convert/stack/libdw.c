/* SPDX-License-Identifier: MIT
 * Loading libdw and looking its functions up.
 */
#include "convert/stack/libdw.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/library.h"

#define SONAME "libdw.so.1"

static const struct library_symbol functions[] = {
#define X(name) { #name, offsetof(struct libdw, name) },
	LIBDW_FUNCTIONS(X)
#undef X
};

int libdw_load(struct libdw *lib, struct error *err)
{
	unsetenv("DEBUGINFOD_URLS"); /* read as the library is loaded */
	/* those of libelf, too, which it depends on */
	int rc = library_load(SONAME, "backtraces need libdw of elfutils", functions,
			      ARRAY_SIZE(functions), lib, err);
	if (rc < 0)
		return rc;
	if (lib->elf_version(EV_CURRENT) == EV_NONE)
		return error_set(err, ENOTSUP, "libelf does not know the current ELF version");
	return 0;
}
