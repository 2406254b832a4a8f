/* SPDX-License-Identifier: MIT
 * Build id of an ELF file, read from the file itself: every offset in it is hostile.
 */
#include "base/build-id.h"

#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"

#define NOTES_MAX 65536 /* of one PT_NOTE segment; real ones have a few hundred bytes */

struct segment {
	uint32_t type;
	uint64_t offset, size, align;
};

static bool read_at(int fd, void *buf, size_t len, uint64_t offset)
{
	return offset <= INT64_MAX && fd_pread_full(fd, buf, len, (off_t)offset) == (ssize_t)len;
}

/* Program header number i, of either class. */
static bool segment_read(int fd, const Elf64_Ehdr *head, unsigned int i, struct segment *out)
{
	if (head->e_ident[EI_CLASS] == ELFCLASS64) {
		Elf64_Phdr p;
		if (!read_at(fd, &p, sizeof(p), head->e_phoff + i * sizeof(p)))
			return false;
		*out = (struct segment){ p.p_type, p.p_offset, p.p_filesz, p.p_align };
		return true;
	}
	const Elf32_Ehdr *head32 = (const Elf32_Ehdr *)head;
	Elf32_Phdr p;
	if (!read_at(fd, &p, sizeof(p), head32->e_phoff + i * (uint64_t)sizeof(p)))
		return false;
	*out = (struct segment){ p.p_type, p.p_offset, p.p_filesz, p.p_align };
	return true;
}

static size_t notes_find(const uint8_t *notes, size_t len, size_t align, uint8_t *out)
{
	size_t at = 0;
	while (len - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note; /* the same in both classes */
		memcpy(&note, notes + at, sizeof(note));
		size_t name = at + sizeof(note);
		size_t desc = name + ((note.n_namesz + align - 1) & ~(align - 1));
		if (note.n_namesz > len || desc > len || note.n_descsz > len - desc)
			return 0;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp(notes + name, "GNU", 4) && note.n_descsz > 0 &&
		    note.n_descsz <= BUILD_ID_MAX) {
			memcpy(out, notes + desc, note.n_descsz);
			return note.n_descsz;
		}
		at = desc + ((note.n_descsz + align - 1) & ~(align - 1));
		if (at > len)
			return 0;
	}
	return 0;
}

size_t build_id_read(int fd, uint8_t out[BUILD_ID_MAX])
{
	Elf64_Ehdr head = { 0 };
	ssize_t n = fd_pread_full(fd, &head, sizeof(head), 0);
	if (n < (ssize_t)sizeof(Elf32_Ehdr) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
		return 0;
	bool is64 = head.e_ident[EI_CLASS] == ELFCLASS64;
	unsigned int nr = is64 ? head.e_phnum : ((const Elf32_Ehdr *)&head)->e_phnum;
	for (unsigned int i = 0; i < nr; i++) {
		struct segment seg;
		if (!segment_read(fd, &head, i, &seg))
			return 0;
		if (seg.type != PT_NOTE || seg.size > NOTES_MAX)
			continue;
		auto_free uint8_t *notes = malloc(seg.size ? seg.size : 1);
		if (!notes || !read_at(fd, notes, seg.size, seg.offset))
			continue;
		size_t len = notes_find(notes, seg.size, seg.align == 8 ? 8 : 4, out);
		if (len)
			return len;
	}
	return 0;
}
