/* SPDX-License-Identifier: MIT
 * The text of /proc/PID/smaps into mappings.
 */
#include "engine/mem/smaps.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "base/page.h"
#include "engine/mem/huge.h"
#include "engine/mem/uapi.h"

/* What the two letters of a VmFlags word mean for us. Source: show_smap_vma_flags() of Linux. */
struct vm_flag {
	char word[3];
	uint32_t map;  /* MAP_* bit */
	int madv;      /* MADV_* that sets it, or -1 */
	uint32_t mark; /* VM_FLAG_* */
};

static const struct vm_flag vm_flags[] = {
	{ "gd", MAP_GROWSDOWN, -1, 0 },        { "lo", MAP_LOCKED, -1, 0 },
	{ "nr", MAP_NORESERVE, -1, 0 },        { "ht", MAP_HUGETLB, -1, 0 },
	{ "dp", MAP_DROPPABLE, -1, 0 },        { "sr", 0, MADV_SEQUENTIAL, 0 },
	{ "rr", 0, MADV_RANDOM, 0 },           { "dc", 0, MADV_DONTFORK, 0 },
	{ "dd", 0, MADV_DONTDUMP, 0 },         { "mg", 0, MADV_MERGEABLE, 0 },
	{ "hg", 0, MADV_HUGEPAGE, 0 },         { "nh", 0, MADV_NOHUGEPAGE, 0 },
	{ "wf", 0, MADV_WIPEONFORK, 0 },       { "mw", 0, -1, VM_FLAG_MAYWRITE },
	{ "io", 0, -1, VM_FLAG_IO },           { "pf", 0, -1, VM_FLAG_PFNMAP },
	{ "ss", 0, -1, VM_FLAG_SHADOW_STACK }, { "sl", 0, -1, VM_FLAG_SEALED },
	{ "um", 0, -1, VM_FLAG_USERFAULT },    { "uw", 0, -1, VM_FLAG_USERFAULT },
	{ "ui", 0, -1, VM_FLAG_USERFAULT },
};

/* A cursor over one line. */
struct text {
	const char *p, *end;
};

static bool take_hex(struct text *t, uint64_t *out)
{
	uint64_t v = 0;
	const char *first = t->p;

	for (; t->p < t->end; t->p++) {
		char c = *t->p;
		unsigned digit;
		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else
			break;
		if (v >> 60)
			return false;
		v = v << 4 | digit;
	}
	*out = v;
	return t->p > first;
}

static bool take_decimal(struct text *t, uint64_t *out)
{
	uint64_t v = 0;
	const char *first = t->p;

	for (; t->p < t->end && *t->p >= '0' && *t->p <= '9'; t->p++)
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*t->p - '0'), &v))
			return false;
	*out = v;
	return t->p > first;
}

static bool take_char(struct text *t, char c)
{
	if (t->p >= t->end || *t->p != c)
		return false;
	t->p++;
	return true;
}

static bool take_perms(struct text *t, struct vma *v)
{
	if (t->end - t->p < 4)
		return false;
	v->prot = (t->p[0] == 'r' ? PROT_READ : 0) | (t->p[1] == 'w' ? PROT_WRITE : 0) |
		  (t->p[2] == 'x' ? PROT_EXEC : 0);
	v->flags = t->p[3] == 's' ? MAP_SHARED : MAP_PRIVATE;
	t->p += 4;
	return true;
}

/* "start-end perms offset major:minor inode   path" */
static bool take_header(struct text *t, struct vma *v)
{
	uint64_t maj, min, ino;

	if (!take_hex(t, &v->start) || !take_char(t, '-') || !take_hex(t, &v->end) ||
	    !take_char(t, ' ') || !take_perms(t, v) || !take_char(t, ' ') ||
	    !take_hex(t, &v->pgoff) || !take_char(t, ' ') || !take_hex(t, &maj) ||
	    !take_char(t, ':') || !take_hex(t, &min) || !take_char(t, ' ') ||
	    !take_decimal(t, &ino))
		return false;
	v->dev = makedev(maj, min);
	v->ino = ino;
	while (take_char(t, ' '))
		;
	return v->start < v->end && !(v->start % PAGE) && !(v->end % PAGE) && !(v->pgoff % PAGE);
}

static int add_vma(struct text *line, struct vma_list *out, struct error *err)
{
	struct vma v = { .fd = -1 };
	const char *first = line->p;
	char *path = NULL;

	if (!take_header(line, &v))
		return error_set(err, EBADMSG, "not a mapping: %.*s",
				 (int)(line->end - first > 80 ? 80 : line->end - first), first);
	if (out->nr && out->items[out->nr - 1].end > v.start)
		return error_set(err, EBADMSG, "mapping %#lx is not in address order",
				 (unsigned long)v.start);
	if (line->p < line->end) {
		path = strndup(line->p, line->end - line->p);
		if (!path)
			return error_set(err, ENOMEM, "out of memory for mappings");
	}
	struct vma *slot = array_add(out);
	if (!slot) {
		free(path);
		return error_set(err, ENOMEM, "out of memory for mappings");
	}
	*slot = v;
	slot->path = path;
	return 0;
}

static void apply_flag(struct vma *v, const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(vm_flags); i++) {
		const struct vm_flag *f = &vm_flags[i];
		if (word[0] != f->word[0] || word[1] != f->word[1])
			continue;
		v->flags |= f->map;
		v->vm_flags |= f->mark;
		if (f->madv >= 0)
			v->madv |= 1ull << f->madv;
		return;
	}
}

static void apply_flags(struct vma *v, const char *p, const char *end)
{
	while (end - p >= 2) {
		if (*p == ' ') {
			p++;
			continue;
		}
		apply_flag(v, p);
		p += 2;
	}
	if (v->flags & MAP_HUGETLB)
		v->flags |= huge_flag(v->page_size);
	/* Both are private by nature, but mmap(2) wants exactly one type. */
	if (v->flags & MAP_DROPPABLE)
		v->flags &= ~MAP_PRIVATE;
}

static bool is_header(const char *p, const char *end)
{
	return p < end && ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f'));
}

/* "Shared_Clean:          4 kB" and Shared_Dirty */
static bool tells_of_sharing(const char *p, const char *end)
{
	static const char clean[] = "Shared_Clean:", dirty[] = "Shared_Dirty:";

	if (end - p < (ptrdiff_t)sizeof(clean) ||
	    (memcmp(p, clean, sizeof(clean) - 1) && memcmp(p, dirty, sizeof(dirty) - 1)))
		return false;
	for (p += sizeof(clean) - 1; p < end && *p == ' '; p++)
		;
	return p < end && *p != '0';
}

/* "KernelPageSize:     4 kB" */
static void take_page_size(struct text line, struct vma *v)
{
	static const char key[] = "KernelPageSize:";
	uint64_t kib;

	if ((size_t)(line.end - line.p) < sizeof(key) || memcmp(line.p, key, sizeof(key) - 1))
		return;
	line.p += sizeof(key) - 1;
	while (take_char(&line, ' '))
		;
	if (take_decimal(&line, &kib) && kib <= HUGE_MAX >> 10)
		v->page_size = kib << 10;
}

int smaps_parse(const char *buf, size_t len, struct vma_list *out, size_t *used, struct error *err)
{
	static const char key[] = "VmFlags:";
	const char *p = buf, *end = buf + len, *nl;

	for (; p < end && (nl = memchr(p, '\n', end - p)); p = nl + 1) {
		struct text line = { p, nl };
		if (is_header(p, nl)) {
			int rc = add_vma(&line, out, err);
			if (rc < 0)
				return rc;
			continue;
		}
		if (!out->nr)
			return error_set(err, EBADMSG, "text before the first mapping");
		struct vma *v = &out->items[out->nr - 1];
		if (*p == 'V' && (size_t)(nl - p) >= sizeof(key) - 1 &&
		    !memcmp(p, key, sizeof(key) - 1))
			apply_flags(v, p + sizeof(key) - 1, nl);
		else if (*p == 'K')
			take_page_size(line, v);
		else if (*p == 'S' && tells_of_sharing(p, nl))
			v->vm_flags |= VM_FLAG_COMMON;
	}
	*used = p - buf;
	return 0;
}
