/* SPDX-License-Identifier: MIT
 * Loading libraries; their memory is given back when the process ends.
 */
#include "base/library.h"

#include <dlfcn.h>

int library_load(const char *soname, const char *need, const struct library_symbol *symbols,
		 size_t nr, void *table, struct error *err)
{
	void *handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return error_set(err, ENOTSUP, "%s: %s", need, dlerror());
	for (size_t i = 0; i < nr; i++) {
		void *address = dlsym(handle, symbols[i].name);
		if (!address)
			return error_set(err, ENOTSUP, "%s has no %s", soname, symbols[i].name);
		*(void **)((char *)table + symbols[i].offset) = address;
	}
	return 0;
}
