/* SPDX-License-Identifier: MIT
 * Scope guards: what a declaration acquires, the end of its scope releases.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/** Close a descriptor and keep errno; negative is fine. */
void fd_close(int fd);

static inline void fd_cleanup_(int *fd)
{
	fd_close(*fd);
}
static inline void free_cleanup_(void *p)
{
	free(*(void **)p);
}
static inline void file_cleanup_(FILE **f)
{
	if (*f)
		fclose(*f);
}
static inline void dir_cleanup_(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define auto_fd   __attribute__((cleanup(fd_cleanup_))) int
#define auto_free __attribute__((cleanup(free_cleanup_)))
#define auto_file __attribute__((cleanup(file_cleanup_))) FILE *
#define auto_dir  __attribute__((cleanup(dir_cleanup_))) DIR *

/** Hand the guarded value to the caller: the guard then releases nothing. */
#define take_fd(fd)                                                                                \
	({                                                                                         \
		int taken_ = (fd);                                                                 \
		(fd) = -1;                                                                         \
		taken_;                                                                            \
	})
#define take_ptr(p)                                                                                \
	({                                                                                         \
		__typeof__(p) taken_ = (p);                                                        \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})
