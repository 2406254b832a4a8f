/* SPDX-License-Identifier: MIT
 * The input is a set: members one after the other, each a byte for its name, two for its length,
 * and its bytes. Whatever they say, the check comes to its end.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "convert/verify/verify.h"
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
	"netns-11.img",
	"nftables-11.img",
	"iptables-11.img",
	"ipcns-sem-12.img",
	"tmpfs-dev-33.tar.gz.img",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[] = "set";
	struct fuzz_set set = { .base = { .ops = &fuzz_set_ops, .name = name } };
	struct error err = { 0 };
	struct doc *doc = NULL;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	fuzz_set_fill(&set, names, sizeof(names) / sizeof(names[0]), data, size);
	if (doc_open(null, "/dev/null", DOC_TEXT, &doc, &err) == 0 &&
	    verify_source(&set.base, doc, NULL, &err) < 0 && !err.code)
		abort();
	if (doc_close(doc, &err) < 0)
		abort();
	close(null);
	return 0;
}
