/* SPDX-License-Identifier: MIT
 * Parser of /proc/locks: on which inodes there are locks.
 * Source: fs/locks.c of the kernel: "1: POSIX  ADVISORY  WRITE 1234 fe:01:333 0 EOF"; a waiter has
 * "-> " before its kind.
 */
#include "engine/procfs/procfs.h"

#include <stdlib.h>

#include "base/array.h"
#include "engine/procfs/scan.h"

/* "fe:01:333": device and inode. @return false: the word is something else */
static bool inode_of(struct scan word, uint64_t *ino)
{
	uint32_t major, minor;
	return scan_u32(&word, 16, &major) && scan_literal(&word, ":") &&
	       scan_u32(&word, 16, &minor) && scan_literal(&word, ":") && scan_u64(&word, 10, ino);
}

static int parse_line(struct proc_locks *list, struct scan line, struct error *err)
{
	uint64_t ino = 0;
	bool found = false;
	struct scan word;
	while (!found && scan_word(&line, &word))
		found = inode_of(word, &ino) || scan_literal(&word, "<none>");
	if (!found)
		return error_set(err, EPROTO, "/proc/locks: a line without an inode");
	uint64_t *slot = array_add(list);
	if (!slot)
		return error_set(err, ENOMEM, "out of memory");
	*slot = ino;
	return 0;
}

void proc_locks_fini(struct proc_locks *list)
{
	free(list->items);
	*list = (struct proc_locks){ 0 };
}

int proc_locks_parse(const char *buf, size_t len, struct proc_locks *out, struct error *err)
{
	struct scan s = scan_of(buf, len), line;
	struct proc_locks list = { 0 };
	int rc = 0;
	while (rc == 0 && scan_line(&s, &line))
		rc = parse_line(&list, line, err);
	if (rc < 0) {
		proc_locks_fini(&list);
		return rc;
	}
	*out = list;
	return 0;
}
