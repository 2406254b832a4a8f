/* SPDX-License-Identifier: MIT
 * The functions of libdw: linked in, or loaded and looked up.
 */
#include "convert/stack/libdw.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/library.h"

#ifdef LIBDW_LINKED_IN
static int functions_find(struct libdw *lib, struct error *err)
{
	(void)err;
#define X(name) lib->name = name;
	LIBDW_FUNCTIONS(X)
#undef X
	return 0;
}
#else
static const struct library_symbol functions[] = {
#define X(name) { #name, offsetof(struct libdw, name) },
	LIBDW_FUNCTIONS(X)
#undef X
};

/* Those of libelf, too, which it depends on. */
static int functions_find(struct libdw *lib, struct error *err)
{
	return library_load("libdw.so.1", "backtraces need libdw of elfutils", functions,
			    ARRAY_SIZE(functions), lib, err);
}
#endif

int libdw_load(struct libdw *lib, struct error *err)
{
	unsetenv("DEBUGINFOD_URLS"); /* read when it is loaded, or asks for the first time */
	int rc = functions_find(lib, err);
	if (rc < 0)
		return rc;
	if (lib->elf_version(EV_CURRENT) == EV_NONE)
		return error_set(err, ENOTSUP, "libelf does not know the current ELF version");
	return 0;
}
