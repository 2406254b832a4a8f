/* SPDX-License-Identifier: MIT
 * The input is a set (set.h), and bytes in which secrets are looked for. Whatever they say, the
 * audit comes to its end.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "convert/audit/audit.h"
#include "convert/audit/secrets.h"
#include "images/damage.h"
#include "tests/fuzz/set.h"

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
	"pipes-data.img",
	"sk-queues.img",
	"mountpoints-12.img",
	"remap-fpath.img",
	"pagemap-shmem-70.img",
	"ghost-file-1.img",
	"tty-data.img",
	"ipcns-msg-9.img",
	"tcp-stream-1f.img",
	"tmpfs-dev-5.tar.gz.img",
	"rootfs-diff.tar",
	"spec.dump",
	"netns-11.img",
};

static void secrets_find(const uint8_t *data, size_t size)
{
	struct secret_finder *finder = NULL;
	struct secret_match match;
	if (secret_finder_new(&finder, NULL) < 0)
		return;
	for (size_t from = 0; secret_find(finder, data, size, from, size, &match, NULL) == 1;
	     from = match.start + match.len)
		if (match.start < from || match.len == 0 || match.len > size - match.start)
			abort();
	secret_finder_free(finder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[] = "set";
	struct fuzz_set set = { .base = { .ops = &fuzz_set_ops, .name = name } };
	struct audit_options options = { .sysroot = "/", .reveal = size % 2 };
	struct error err = { 0 };
	auto_damage_list damage = { 0 };
	auto_checkpoint cp = NULL;
	auto_findings list = { 0 };
	auto_doc doc = NULL;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	secrets_find(data, size);
	fuzz_set_fill(&set, names, sizeof(names) / sizeof(names[0]), data, size);
	source_pass_damage(&set.base, &damage);
	if (checkpoint_open(&set.base, &cp, &err) == 0 &&
	    audit_checkpoint(cp, &options, NULL, &list, &err) == 0 &&
	    doc_open(null, "/dev/null", DOC_TEXT, &doc, &err) == 0) {
		audit_write(&list, SEV_NOTE, doc);
		if (audit_write_sarif(&list, SEV_NOTE, null, "/dev/null", &err) < 0)
			abort();
	} else if (!err.code) {
		abort();
	}
	close(null);
	return 0;
}
