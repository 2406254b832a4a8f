/* SPDX-License-Identifier: MIT
 * The memory of one process by address: its areas, where the bytes of each page are, and the
 * bytes, whichever image, parent set, shared segment or file holds them.
 */
#pragma once

#include "images/checkpoint.h"
#include "images/vma-status.h"

/* Where a page is. */
enum page_state {
	PG_HOLE, /* nowhere: never touched, reads as zero; in areas of the kernel (vvar): unknown */
	PG_ZERO, /* listed as zero */
	PG_STORED, /* in this set */
	PG_PARENT, /* in a parent set */
	PG_LAZY,   /* still with the process when the set was made */
	PG_FILE,   /* as in the mapped file, which the set does not have */
	PG_GUARD,  /* behind a guard: touching it would have been a fault (MADV_GUARD_INSTALL) */
};

enum area_kind {
	AREA_ANON, /* private anonymous */
	AREA_HEAP,
	AREA_STACK, /* of the main thread, also growing ones */
	AREA_FILE,  /* private mapping of a file */
	AREA_FILE_SHARED,
	AREA_SHMEM, /* shared anonymous */
	AREA_SYSV,
	AREA_MEMFD, /* shared or private mapping of a memfd */
	AREA_VDSO,
	AREA_VVAR,
	AREA_VSYSCALL,
	AREA_AIO,
	AREA_SOCKET, /* ring of a packet socket */
	AREA_OTHER,
	NR_AREA_KINDS
};
extern const char *const area_kind_names[NR_AREA_KINDS]; /* "anon", "heap", "file", … */

struct area {
	const VmaEntry *vma; /* start, end, prot, flags, pgoff */
	enum area_kind kind;
	const char *path; /* of the mapped file, "" when it has none or is not known */
	uint32_t file_id; /* for files and memfds, else 0 */
	uint64_t segment; /* shared segment that holds its pages, when has_segment */
	bool has_segment, private;
	bool no_dump; /* MADV_DONTDUMP */
	bool unknown; /* which file it maps: memory_view_damage() says why */
};

struct memory_view;

/**
 * @param sysroot  directory under which mapped files are looked up ("/" for this machine); a file
 *                 of another size or build id than at the dump counts as missing. NULL: none.
 * @return 0, also when page maps or the images of files are damaged: an error for who asks for
 *         pages that are not known then; -ENOENT for a zombie
 */
int memory_view_open(struct checkpoint *cp, const struct process *p, const char *sysroot,
		     struct memory_view **out, struct error *err);
/**
 * The same in steps, as there may be a hundred thousand areas and runs of pages.
 * @return memory_view_begin: as memory_view_open(), of which little is done;
 *         memory_view_step: 1 more to come; 0 it can be used; -EBADMSG
 */
int memory_view_begin(struct checkpoint *cp, const struct process *p, const char *sysroot,
		      struct memory_view **out, struct error *err);
int memory_view_step(struct memory_view *mv, struct error *err);
void memory_view_close(struct memory_view *mv);
/** What made an area `unknown`: the images of files are damaged. */
const char *memory_view_damage(const struct memory_view *mv);
/** Why areas are missing at its end, where that was passed over. Borrowed. NULL: none are */
const struct error *memory_view_cut(const struct memory_view *mv);
/** After a call about its pages: was what it said damage, noted, and so can be passed over? */
bool memory_view_passes(const struct memory_view *mv, int rc, const struct error *why);
/** Bytes of its own pages in this set. */
int memory_view_stored(struct memory_view *mv, uint64_t *bytes, struct error *err);

const MmEntry *memory_view_mm(const struct memory_view *mv);
/** In address order. Borrowed. */
size_t memory_view_areas(const struct memory_view *mv, const struct area **out);
/** The area at an address, or the next one above it; NULL: none. */
const struct area *memory_view_find(const struct memory_view *mv, uint64_t addr);

struct memory_run {
	uint64_t start, end; /* within one area */
	enum page_state state;
};
/**
 * The run of pages of one state that begins at an address.
 * @param addr  inside `area`
 */
int memory_view_run(struct memory_view *mv, const struct area *area, uint64_t addr,
		    struct memory_run *out, struct error *err);
/**
 * Does a run that is stored begin in a large hole of its page image, and is zero? It is cut where
 * that changes. As istream_hole(), for who goes over all bytes.
 */
bool memory_view_hole(struct memory_view *mv, struct memory_run *run);

/**
 * Exact bytes; holes and zero pages read as zero, PG_FILE pages come from the sysroot.
 * @param known  when not NULL, one byte per page touched: 0 where the bytes are not to be had
 *               (outside of all areas, lazy, file missing) and zeros stand in their place
 */
int memory_view_read(struct memory_view *mv, uint64_t addr, void *buf, size_t len, uint8_t *known,
		     struct error *err);

/** A NUL-terminated string, at most max bytes; less when it ends outside. @return its length. */
ssize_t memory_view_string(struct memory_view *mv, uint64_t addr, char *out, size_t max,
			   struct error *err);

static inline void memory_view_cleanup_(struct memory_view **mv)
{
	memory_view_close(*mv);
}
#define auto_memory_view __attribute__((cleanup(memory_view_cleanup_))) struct memory_view *
