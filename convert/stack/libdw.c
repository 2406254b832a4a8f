/* SPDX-License-Identifier: MIT
 * Loading libdw and looking its functions up.
 */
#include "convert/stack/libdw.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/array.h"

#define SONAME "libdw.so.1"

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
#define X(name) { #name, offsetof(struct libdw, name) },
	LIBDW_FUNCTIONS(X)
#undef X
};

int libdw_load(struct libdw *lib, struct error *err)
{
	unsetenv("DEBUGINFOD_URLS"); /* read as the library is loaded */
	void *handle = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!handle)
		return error_set(err, ENOTSUP, "backtraces need libdw of elfutils: %s", dlerror());
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		/* those of libelf, too, which it depends on */
		void *address = dlsym(handle, functions[i].name);
		if (!address) {
			dlclose(handle);
			return error_set(err, ENOTSUP, SONAME " has no %s", functions[i].name);
		}
		*(void **)((char *)lib + functions[i].offset) = address;
	}
	dlclose(handle); /* RTLD_NODELETE: only the reference goes */
	if (lib->elf_version(EV_CURRENT) == EV_NONE)
		return error_set(err, ENOTSUP, "libelf does not know the current ELF version");
	return 0;
}
