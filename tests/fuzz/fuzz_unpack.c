/* SPDX-License-Identifier: MIT
 * The input is an archive that is unpacked: whatever it says, there are only files, folders and
 * `parent` links in the new directory, no more bytes than allowed, and nothing beside it.
 */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "convert/store/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_OUT (256 * 1024) /* bytes */

static void must(bool condition)
{
	if (!condition)
		abort();
}

static uint64_t written; /* bytes, by the walk at hand: nftw() takes no argument */

static int check_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)flag;
	const char *name = path + ftw->base;
	if (ftw->level == 0)
		return 0;
	if (ftw->level == 1)
		must(!strcmp(name, "out") && S_ISDIR(st->st_mode));
	must(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) ||
	     (S_ISLNK(st->st_mode) && !strcmp(name, "parent")));
	if (S_ISREG(st->st_mode)) {
		must(st->st_nlink == 1);
		written += (uint64_t)st->st_size;
	}
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char top[] = "/dev/shm/fuzz-unpack-XXXXXX", out[64];
	struct error err;
	auto_fd archive = memfd_create("archive", MFD_CLOEXEC);
	if (archive < 0 || fd_write_full(archive, data, size) < 0 ||
	    lseek(archive, 0, SEEK_SET) < 0 || !mkdtemp(top))
		return 0;
	snprintf(out, sizeof(out), "%s/out", top);
	must(mkdir(out, 0700) == 0);
	auto_fd dir = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(dir >= 0);
	unpack_archive(archive, "input", dir, SIZE_MAX_OUT, NULL, &err);
	written = 0;
	must(nftw(top, check_entry, 16, FTW_PHYS) == 0);
	must(written <= SIZE_MAX_OUT);
	nftw(top, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
