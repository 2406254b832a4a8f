/* SPDX-License-Identifier: MIT
 * autofs: mounts whose daemon is told through a pipe when somebody goes there. autofs-N.img.
 *
 * A daemon is known by its process group, which does not wait for itself. A new file system is made
 * by a process that is such a group for the moment, and is out of order (catatonic) until a task of
 * the daemon's own group connects it with the pipe again.
 */
#pragma once

#include "engine/context/dump.h"
#include "engine/context/restore.h"
#include "engine/ns/mnt-tree.h"

struct autofs {
	const struct mnt_source *source;
	AutofsEntry *e;
	const struct rtask *daemon; /* NULL: it had none any more */
	int pipe;                   /* its write end; -1 */
	int dir;                    /* the root of the file system; -1 */
};

struct autofs_set {
	struct autofs *items;
	size_t nr, cap;
	int device;   /* /dev/autofs of the host; -1: nobody needs it */
	int *numbers; /* of dir of each in the builder; in memory it shares with the coordinator */
};
void autofs_set_free(struct autofs_set *set);

/* Callbacks of its row in mnt-fs.c. */
int mnt_autofs_dump(struct dump *d, const struct mnt *m, int dir, int users, struct error *err);
int mnt_autofs_mount(struct restore *r, const struct mnt *m, const char *name, unsigned long flags,
		     struct error *err);

/* mnt-autofs-daemon.c: file systems with their daemons. In the coordinator: */
/** Read and check all of them, when mounts are planned. */
int autofs_load(struct restore *r, struct error *err);
/** Keep the pipes, when all files are open. */
int autofs_keep_pipes(struct restore *r, struct error *err);
/** Keep the file systems, when all mounts are there. */
int autofs_keep_dirs(struct restore *r, struct error *err);
/** In a task that has its descriptors, when no path is gone any more: connect those it serves. */
int autofs_connect(struct restore *r, const struct rtask *t, struct error *err);
