/* SPDX-License-Identifier: MIT
 * The input is a set: members one after the other, each a byte for its name, two for its length,
 * and its bytes. Whatever they say, the check comes to its end.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "convert/verify/verify.h"
#include "images/backend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
	"inventory.img",
	"pstree.img",
	"core-1.img",
	"ids-1.img",
	"mm-1.img",
	"fs-1.img",
	"pagemap-1.img",
	"pages-1.img",
	"files.img",
	"fdinfo-2.img",
	"memfd.img",
	"seccomp.img",
	"cgroup.img",
	"mountpoints-12.img",
	"remap-fpath.img",
	"route-10.img",
	"sk-queues.img",
	"tty-info.img",
	"pagemap-shmem-70.img",
	"netdev-11.img",
	"ghost-file-1.img",
};
enum { NR_NAMES = sizeof(names) / sizeof(names[0]) };

struct set {
	struct source base;
	struct source_member members[NR_NAMES];
	const uint8_t *bytes[NR_NAMES];
	ssize_t nr;
};

static ssize_t set_list(struct source *src, struct source_member **out, struct error *err)
{
	(void)err;
	*out = ((struct set *)src)->members;
	return ((struct set *)src)->nr;
}

static int set_open(struct source *src, const char *name, struct istream **out, struct error *err)
{
	const struct set *set = (struct set *)src;
	for (ssize_t i = 0; i < set->nr; i++) {
		if (!strcmp(set->members[i].name, name))
			return istream_open_memory(set->bytes[i], set->members[i].size, name, out,
						   err);
	}
	return error_set(err, ENOENT, "no %s", name);
}

static int set_parent(struct source *src, struct source **out, struct error *err)
{
	(void)src;
	(void)err;
	*out = NULL;
	return 0;
}

static void set_close(struct source *src)
{
	(void)src; /* on the stack */
}

static const struct source_ops set_ops = {
	.list = set_list,
	.open_member = set_open,
	.open_parent = set_parent,
	.close = set_close,
};

static void set_fill(struct set *set, const uint8_t *data, size_t size)
{
	while (size > 3 && set->nr < NR_NAMES) {
		size_t len = data[1] | (size_t)data[2] << 8;
		const char *name = names[data[0] % NR_NAMES];
		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		set->members[set->nr] = (struct source_member){ name, name, len };
		set->bytes[set->nr++] = data;
		data += len;
		size -= len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[] = "set";
	struct set set = { .base = { .ops = &set_ops, .name = name } };
	struct error err = { 0 };
	struct doc *doc = NULL;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	set_fill(&set, data, size);
	if (doc_open(null, "/dev/null", DOC_TEXT, &doc, &err) == 0 &&
	    verify_source(&set.base, doc, NULL, &err) < 0 && !err.code)
		abort();
	if (doc_close(doc, &err) < 0)
		abort();
	close(null);
	return 0;
}
