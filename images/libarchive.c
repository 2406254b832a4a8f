/* SPDX-License-Identifier: MIT
 * Loading libarchive and looking its functions up.
 */
#include "images/libarchive.h"

#include <dlfcn.h>
#include <stddef.h>

#define SONAME "libarchive.so.13"

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
#define X(name) { "archive_" #name, offsetof(struct libarchive, name) },
	LIBARCHIVE_FUNCTIONS(X)
#undef X
};

int libarchive_load(struct libarchive *lib, struct error *err)
{
	/* It stays loaded: some of its dependencies do not survive being unloaded. */
	lib->handle = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!lib->handle)
		return error_set(err, ENOTSUP, "archives need libarchive: %s", dlerror());
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *address = dlsym(lib->handle, functions[i].name);
		if (!address) {
			libarchive_unload(lib);
			return error_set(err, ENOTSUP, SONAME " has no %s", functions[i].name);
		}
		*(void **)((char *)lib + functions[i].offset) = address;
	}
	return 0;
}

void libarchive_unload(struct libarchive *lib)
{
	if (lib->handle)
		dlclose(lib->handle);
	lib->handle = NULL;
}
