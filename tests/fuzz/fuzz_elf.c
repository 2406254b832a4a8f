/* SPDX-License-Identifier: MIT
 * A set becomes an ELF core: lengths of pstree, core, mm and page map (two bytes each), these
 * images, and pages. What is written must be as long as it says.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "convert/core/core.h"
#include "images/backend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PSTREE, CORE, MM, PAGEMAP, PAGES, NR };

struct set {
	struct source base;
	const uint8_t *at[NR];
	size_t len[NR];
};

static int set_open(struct source *src, const char *name, struct istream **out, struct error *err)
{
	static const char *const names[NR] = { "pstree.img", "core-", "mm-", "pagemap-", "pages-" };
	const struct set *set = (struct set *)src;
	for (int i = 0; i < NR; i++)
		if (set->len[i] && !strncmp(name, names[i], strlen(names[i])))
			return istream_open_memory(set->at[i], set->len[i], name, out, err);
	return error_set(err, ENOENT, "no %s", name);
}

static int set_parent(struct source *src, struct source **out, struct error *err)
{
	(void)src;
	(void)out;
	(void)err;
	return 0;
}

static ssize_t set_list(struct source *src, struct source_member **out, struct error *err)
{
	(void)src;
	(void)out;
	(void)err;
	return 0;
}

static void set_close(struct source *src)
{
	free(src);
}

static const struct source_ops set_ops = {
	.list = set_list,
	.open_member = set_open,
	.open_parent = set_parent,
	.close = set_close,
};

static int open_set(const uint8_t *data, size_t size, struct source **out)
{
	struct set *set = calloc(1, sizeof(*set));
	if (!set)
		return -ENOMEM;
	set->base = (struct source){ .ops = &set_ops, .name = strdup("set") };
	size_t at = 2 * PAGES;
	for (int i = 0; i < NR; i++) {
		size_t want = i == PAGES ? size : data[2 * i] | (size_t)data[2 * i + 1] << 8;
		set->at[i] = data + at;
		set->len[i] = want < size - at ? want : size - at;
		at += set->len[i];
	}
	*out = &set->base;
	return 0;
}

static void write_core(struct checkpoint *cp, const struct process *p)
{
	struct error err;
	struct core_stats stats;
	struct stat st;
	auto_memory_view mv = NULL;
	auto_fd fd = memfd_create("core", MFD_CLOEXEC);
	if (fd < 0 || memory_view_open(cp, p, NULL, &mv, &err) < 0)
		return;
	if (core_write(cp, p, mv, fd, "core", NULL, &stats, &err) < 0)
		return;
	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size != stats.size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err;
	auto_source src = NULL;
	auto_checkpoint cp = NULL;
	if (size < 2 * PAGES || open_set(data, size, &src) < 0 ||
	    checkpoint_open(src, &cp, &err) < 0)
		return 0;
	for (size_t i = 0; i < checkpoint_nr_processes(cp) && i < 4; i++)
		write_core(cp, checkpoint_process(cp, i));
	return 0;
}
