/* SPDX-License-Identifier: MIT
 * Where the restore keeps its own descriptors: a run of numbers that no task uses.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/set.h"

/* Logs, image directories, page images, pipes to other tasks: far fewer. */
#define SPARE 256

static int number_compare(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	return a < b ? -1 : a > b;
}

bool window_find(const uint32_t *used, size_t nr, unsigned int want, unsigned int limit,
		 unsigned int *first)
{
	/* 0 to 2 stay out: what prints there by mistake must not print into a file of a task. */
	unsigned int start = 3;
	for (size_t i = 0; i <= nr; i++) {
		unsigned int end = i < nr && used[i] < limit ? used[i] : limit;
		if (end > start && end - start >= want) {
			*first = start;
			return true;
		}
		if (i < nr && used[i] >= start)
			start = used[i] + 1;
	}
	return false;
}

static size_t copy_watched(const EventpollFileEntry *ep, uint32_t *out)
{
	size_t nr = ep ? ep->n_tfd : 0;
	for (size_t i = 0; i < nr; i++)
		out[i] = ep->tfd[i]->tfd;
	return nr;
}

/* Every number any task uses, sorted, once. */
static int used_numbers(const struct file_set *set, uint32_t **out, size_t *nr)
{
	size_t all = 0, kept = 0;
	for (size_t i = 0; i < set->tables.nr; i++)
		all += set->tables.items[i].nr;
	for (size_t i = 0; i < set->nr_items; i++)
		all += set->items[i].entry->epfd ? set->items[i].entry->epfd->n_tfd : 0;
	uint32_t *used = calloc(all + 1, sizeof(*used));
	if (!used)
		return -ENOMEM;
	all = 0;
	for (size_t i = 0; i < set->tables.nr; i++)
		for (size_t j = 0; j < set->tables.items[i].nr; j++)
			used[all++] = set->tables.items[i].items[j].fd;
	for (size_t i = 0; i < set->nr_items; i++) /* through these files are watched */
		all += copy_watched(set->items[i].entry->epfd, used + all);
	qsort(used, all, sizeof(*used), number_compare);
	for (size_t i = 0; i < all; i++)
		if (i == 0 || used[i] != used[kept - 1])
			used[kept++] = used[i];
	*out = used;
	*nr = kept;
	return 0;
}

static int raise_limit(unsigned int *hard, struct error *err)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return error_sys(err, "read RLIMIT_NOFILE");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return error_sys(err, "raise RLIMIT_NOFILE to its hard limit");
	*hard = limit.rlim_max > INT32_MAX ? INT32_MAX : (unsigned int)limit.rlim_max;
	return 0;
}

int window_choose(struct file_set *set, struct error *err)
{
	auto_free uint32_t *used = NULL;
	size_t nr;
	unsigned int limit;
	int rc = raise_limit(&limit, err);
	if (rc < 0)
		return rc;
	if (used_numbers(set, &used, &nr) < 0)
		return error_set(err, ENOMEM, "out of memory");
	/* A file may be open twice, as a descriptor and to be mapped; a memfd has one of its own.
	 */
	unsigned int more = (unsigned int)(2 * set->remaps.nr + set->memfds.nr);
	unsigned int least = (unsigned int)set->nr_items + more + SPARE / 4;
	unsigned int want = 2 * (unsigned int)set->nr_items + more + SPARE;
	unsigned int highest = nr ? used[nr - 1] : 0;
	if (highest >= limit)
		return error_set(err, EMFILE,
				 "a task has fd %u, the hard limit of open files is %u: raise it "
				 "(ulimit -Hn %u) and restore again",
				 highest, limit, highest + 1 + want);
	if (!window_find(used, nr, want, limit, &set->first)) {
		want = least;
		if (!window_find(used, nr, want, limit, &set->first))
			return error_set(
			    err, EMFILE,
			    "restoring needs %u free descriptor numbers in a row beside "
			    "those of the tasks (up to %u), the hard limit of open "
			    "files is %u: raise it (ulimit -Hn %u) and restore again",
			    least, highest, limit, highest + 1 + want);
	}
	set->last = set->first + want - 1;
	return 0;
}

int window_take(struct file_set *set, int fd, struct error *err)
{
	if ((unsigned int)fd >= set->first && (unsigned int)fd <= set->last)
		return fd;
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, (int)set->first);
	if (moved >= 0 && (unsigned int)moved <= set->last) {
		close(fd);
		return moved;
	}
	int rc = moved < 0 ? error_sys(err, "duplicate a descriptor")
			   : error_set(err, EMFILE, "more than %u descriptors open while restoring",
				       set->last - set->first + 1);
	fd_close(moved);
	fd_close(fd);
	return rc;
}

int files_keep(struct restore *r, int fd, struct error *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, (int)r->files->first);
	if (copy < 0)
		return error_sys(err, "duplicate fd %d", fd);
	copy = window_take(r->files, copy, err);
	if (copy >= 0)
		close(fd);
	return copy;
}

void files_window(struct restore *r, unsigned int *first, unsigned int *last)
{
	*first = r->files->first;
	*last = r->files->last;
}
