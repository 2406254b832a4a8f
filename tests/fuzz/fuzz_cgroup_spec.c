/* SPDX-License-Identifier: MIT
 * Any text as --cgroup-props: rows of whole names come out, or an error does.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ns/cgroup-spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cgroup_spec spec = { 0 };
	struct error err = { 0 };
	char *text = strndup((const char *)data, size);
	if (!text)
		abort();
	int rc = cgroup_spec_parse(&spec, text, "text", &err);
	for (size_t i = 0; rc == 0 && i < spec.nr; i++) {
		if (!*spec.items[i].controller)
			abort();
		for (size_t k = 0; k < spec.items[i].files.nr; k++)
			if (strchr(spec.items[i].files.items[k], '/'))
				abort();
	}
	cgroup_spec_fini(&spec);
	free(text);
	return 0;
}
