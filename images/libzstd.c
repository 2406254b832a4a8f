/* SPDX-License-Identifier: MIT
 * Loading libzstd and looking its functions up.
 */
#include "images/libzstd.h"

#include <dlfcn.h>
#include <stddef.h>

#define SONAME "libzstd.so.1"

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
#define X(name) { "ZSTD_" #name, offsetof(struct libzstd, name) },
	LIBZSTD_FUNCTIONS(X)
#undef X
};

int libzstd_load(struct libzstd *lib, struct error *err)
{
	void *handle = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!handle)
		return error_set(err, ENOTSUP, "compressed pages need libzstd: %s", dlerror());
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *address = dlsym(handle, functions[i].name);
		if (!address) {
			dlclose(handle);
			return error_set(err, ENOTSUP, SONAME " has no %s", functions[i].name);
		}
		*(void **)((char *)lib + functions[i].offset) = address;
	}
	dlclose(handle); /* RTLD_NODELETE: only the reference goes */
	return 0;
}
