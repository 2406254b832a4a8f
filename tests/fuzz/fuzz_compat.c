/* SPDX-License-Identifier: MIT
 * The input is a set (set.h). Whatever it says, every question about it gets its answer.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "convert/compat/compat.h"
#include "images/damage.h"
#include "tests/fuzz/set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
	"inventory.img", "pstree.img",        "core-1.img",   "ids-1.img",
	"mm-1.img",      "files.img",         "cgroup.img",   "mountpoints-12.img",
	"cpuinfo.img",   "remap-fpath.img",   "netns-11.img", "pidns-9.img",
	"spec.dump",     "tcp-stream-1f.img",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[] = "set";
	struct fuzz_set set = { .base = { .ops = &fuzz_set_ops, .name = name } };
	struct compat_options options = { .root = "/" };
	struct error err = { 0 };
	enum answer answer = NR_ANSWERS;
	auto_damage_list damage = { 0 };
	auto_checkpoint cp = NULL;
	auto_doc doc = NULL;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	fuzz_set_fill(&set, names, sizeof(names) / sizeof(names[0]), data, size);
	source_pass_damage(&set.base, &damage);
	int rc = checkpoint_open(&set.base, &cp, &err);
	if (rc == 0)
		rc = doc_open(null, "/dev/null", DOC_TEXT, &doc, &err);
	if (rc == 0)
		rc = compat_checkpoint(cp, &options, doc, &answer, &err);
	if (rc == 0 ? answer >= NR_ANSWERS : !err.code)
		abort();
	close(null);
	return 0;
}
