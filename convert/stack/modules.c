/* SPDX-License-Identifier: MIT
 * Modules. A file is looked for when the first frame is in it: in the archive or below the sysroot,
 * if it is still the one that was dumped; the vdso and memfds are in the images themselves.
 */
#include "convert/stack/modules.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/build-id.h"
#include "base/cleanup.h"
#include "convert/stack/held.h"
#include "images/sysroot.h"

#define IMAGE_MAX (64u << 20)
#define DEBUG_DIR "/usr/lib/debug"

void modules_fini(struct modules *m)
{
	for (size_t i = 0; i < m->nr; i++) {
		free(m->items[i].build_id);
		free(m->items[i].missing);
		free(m->items[i].image);
	}
	free(m->items);
	fd_close(m->sysroot);
	*m = (struct modules){ .sysroot = -1 };
}

static bool has_code(const struct area *area)
{
	switch (area->kind) {
	case AREA_FILE:
	case AREA_FILE_SHARED:
	case AREA_MEMFD:
		return area->path[0];
	default:
		return area->kind == AREA_VDSO;
	}
}

static const char *path_of(const struct area *area)
{
	return area->kind == AREA_VDSO ? "[vdso]" : area->path;
}

/*
 * The areas of one file follow each other, maybe with anonymous ones (bss) between. The same file
 * once more from its beginning is a second copy; only the data of a very small file starts at 0.
 */
static bool continues(const struct module *last, const struct area *area)
{
	return last && !strcmp(last->seen.path, path_of(area)) &&
	       (area->vma->pgoff != 0 || area->vma->prot & PROT_WRITE);
}

int modules_collect(struct modules *m, struct error *err)
{
	const struct area *areas;
	size_t nr = memory_view_areas(m->mv, &areas), kept = 0;
	for (size_t i = 0; i < nr; i++) {
		const struct area *area = &areas[i];
		struct module *last = m->nr ? &m->items[m->nr - 1] : NULL;
		if (!has_code(area))
			continue;
		if (!continues(last, area)) {
			last = array_add(m);
			if (!last)
				return error_set(err, ENOMEM, "out of memory");
			last->seen = (struct stack_module){ .start = area->vma->start,
							    .path = path_of(area),
							    .build_id = "" };
			last->all = m;
			last->file_id = area->file_id;
			last->in_memory = area->kind == AREA_VDSO || area->kind == AREA_MEMFD;
		}
		last->seen.end = area->vma->end;
		last->executable |= area->vma->prot & PROT_EXEC;
	}
	for (size_t i = 0; i < m->nr; i++) {
		if (m->items[i].executable)
			m->items[kept++] = m->items[i];
	}
	m->nr = kept;
	return 0;
}

static const RegFileEntry *reg_of(const struct module *module)
{
	const FileEntry *file = NULL;
	if (checkpoint_file(module->all->cp, FD_TYPES__REG, module->file_id, &file, NULL) != 1)
		return NULL;
	return file->reg;
}

int modules_report(struct modules *m, Dwfl *dwfl, struct error *err)
{
	const struct libdw *lib = m->lib;
	char id[2 * BUILD_ID_MAX + 1];
	lib->dwfl_report_begin(dwfl);
	for (size_t i = 0; i < m->nr; i++) {
		struct module *module = &m->items[i];
		const RegFileEntry *reg = module->in_memory ? NULL : reg_of(module);
		void **data;
		if (reg && reg->n_build_id) {
			module->build_id = strdup(mapped_build_id(reg, id, sizeof(id)));
			if (!module->build_id)
				return error_set(err, ENOMEM, "out of memory");
			module->seen.build_id = module->build_id;
		}
		Dwfl_Module *mod = lib->dwfl_report_module(dwfl, module->seen.path,
							   module->seen.start, module->seen.end);
		if (!mod)
			return error_set(err, EBADMSG, "%s at %#" PRIx64 ": %s", module->seen.path,
					 module->seen.start, lib->dwfl_errmsg(-1));
		lib->dwfl_module_info(mod, &data, NULL, NULL, NULL, NULL, NULL, NULL);
		*data = module;
	}
	return lib->dwfl_report_end(dwfl, NULL, NULL)
		   ? error_set(err, EBADMSG, "modules: %s", lib->dwfl_errmsg(-1))
		   : 0;
}

static void set_missing(struct module *module, const char *why)
{
	if (module->missing)
		return;
	module->missing = strdup(why);
	module->seen.missing = module->missing ?: "out of memory";
}

/* The file as far as it is mapped: its areas at their offsets. */
static size_t image_read(struct module *module)
{
	struct memory_view *mv = module->all->mv;
	const struct area *areas;
	size_t nr = memory_view_areas(mv, &areas), size = 0;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < nr; i++) {
			const VmaEntry *vma = areas[i].vma;
			size_t len = (size_t)(vma->end - vma->start);
			if (vma->start < module->seen.start || vma->end > module->seen.end ||
			    strcmp(path_of(&areas[i]), module->seen.path))
				continue;
			if (vma->pgoff > IMAGE_MAX || len > IMAGE_MAX - vma->pgoff)
				return 0;
			if (pass == 0 && vma->pgoff + len > size)
				size = (size_t)vma->pgoff + len;
			if (pass == 1 &&
			    memory_view_read(mv, vma->start, (char *)module->image + vma->pgoff,
					     len, NULL, NULL) < 0)
				return 0;
		}
		if (pass == 0 && (!size || !(module->image = calloc(1, size))))
			return 0;
	}
	return size;
}

/* In the archive, or below the sysroot. */
static int file_open(struct module *module)
{
	const struct modules *all = module->all;
	const RegFileEntry *reg = reg_of(module);
	struct error held = { 0 }, below = { 0 };
	int fd = -1;
	if (!reg) {
		const struct error *damage = checkpoint_files_damage(all->cp);
		set_missing(module,
			    damage ? damage->text : "the set does not say which file it is");
		return -1;
	}
	if (source_is_archive(checkpoint_source(all->cp)))
		fd = held_open(checkpoint_source(all->cp), reg, &held);
	if (fd < 0 && all->sysroot >= 0)
		fd = sysroot_mapped(all->sysroot, reg, &below);
	if (fd < 0) /* a broken archive, or another file in it, says more than that there is none */
		set_missing(module, held.code && held.code != -ENOENT ? held.text
				    : all->sysroot < 0                ? "no sysroot to look in"
								      : below.text);
	return fd;
}

static int find_elf(Dwfl_Module *mod, void **data, const char *name, Dwarf_Addr base, char **path,
		    Elf **elf)
{
	(void)mod;
	(void)name;
	(void)base;
	struct module *module = *data;
	*path = strdup(module->seen.path);
	if (module->in_memory) {
		size_t size = image_read(module);
		*elf = size ? module->all->lib->elf_memory(module->image, size) : NULL;
		if (!*elf)
			set_missing(module, "its memory holds no ELF file");
		return -1;
	}
	int fd = file_open(module);
	return fd < 0 ? -1 : fd;
}

static int same_id(int fd, const unsigned char *id, size_t len)
{
	uint8_t has[BUILD_ID_MAX];
	if (fd >= 0 && build_id_read(fd, has) == len && !memcmp(has, id, len))
		return fd;
	fd_close(fd);
	return -1;
}

/* By build id below DEBUG_DIR. */
static int debug_by_id(int sysroot, const unsigned char *id, size_t len, char *path, size_t size)
{
	if (len < 2 || len > BUILD_ID_MAX)
		return -1;
	int at = snprintf(path, size, DEBUG_DIR "/.build-id/%02x/", id[0]);
	for (size_t i = 1; i < len; i++)
		at += snprintf(path + at, size - (size_t)at, "%02x", id[i]);
	snprintf(path + at, size - (size_t)at, ".debug");
	return sysroot_file(sysroot, path);
}

/* By the name in the file, at the places debuggers look; only if the build id is the same. */
static int debug_by_link(int sysroot, const char *file, const char *link, const unsigned char *id,
			 size_t len, char *path, size_t size)
{
	static const char *const before[] = { "", "", DEBUG_DIR }, *const after[] = { "", "/.debug",
										      "" };
	const char *slash = strrchr(file, '/');
	int fd = -1;
	for (size_t i = 0; fd < 0 && slash && i < ARRAY_SIZE(before); i++) {
		int n = snprintf(path, size, "%s%.*s%s/%s", before[i], (int)(slash - file), file,
				 after[i], link);
		if (n > 0 && (size_t)n < size)
			fd = same_id(sysroot_file(sysroot, path), id, len);
	}
	return fd;
}

/* The file that several debug files have parts in; its name is the only one with slashes. */
static int debug_shared(int sysroot, const char *of, const char *link, char *path, size_t size)
{
	const char *slash = strrchr(of, '/');
	int dir_len = slash && link[0] != '/' ? (int)(slash - of) + 1 : 0;
	int n = snprintf(path, size, "%.*s%s", dir_len, of, link);
	return n > 0 && (size_t)n < size ? sysroot_file(sysroot, path) : -1;
}

static int find_debug(Dwfl_Module *mod, void **data, const char *name, Dwarf_Addr base,
		      const char *of, const char *link, GElf_Word crc, char **found)
{
	(void)name;
	(void)base;
	(void)crc;
	const struct module *module = *data;
	int sysroot = module->all->sysroot, fd = -1;
	const unsigned char *id;
	GElf_Addr at;
	char path[4096];
	if (sysroot < 0)
		return -1;
	if (link && strchr(link, '/')) {
		fd = debug_shared(sysroot, of ?: "", link, path, sizeof(path));
	} else {
		int len = module->all->lib->dwfl_module_build_id(mod, &id, &at);
		if (len > 0)
			fd = debug_by_id(sysroot, id, (size_t)len, path, sizeof(path));
		if (len > 0 && fd < 0 && link)
			fd = debug_by_link(sysroot, module->seen.path, link, id, (size_t)len, path,
					   sizeof(path));
	}
	if (fd >= 0)
		*found = strdup(path);
	return fd < 0 ? -1 : fd;
}

static int section_address(Dwfl_Module *mod, void **data, const char *name, Dwarf_Addr base,
			   const char *section, GElf_Word index, const GElf_Shdr *header,
			   Dwarf_Addr *addr)
{
	(void)mod;
	(void)data;
	(void)name;
	(void)base;
	(void)section;
	(void)index;
	(void)header;
	*addr = (Dwarf_Addr)-1; /* only relocatable files have such sections: none is mapped */
	return 0;
}

const Dwfl_Callbacks modules_callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = find_debug,
	.section_address = section_address,
};

static void take_build_id(struct module *module, Dwfl_Module *mod)
{
	const unsigned char *id;
	GElf_Addr at;
	int len = module->all->lib->dwfl_module_build_id(mod, &id, &at);
	if (len <= 0 || module->build_id || !(module->build_id = malloc(2 * (size_t)len + 1)))
		return;
	for (int i = 0; i < len; i++)
		sprintf(module->build_id + 2 * i, "%02x", id[i]);
	module->seen.build_id = module->build_id;
}

const struct stack_module *modules_find(const struct modules *m, Dwfl_Module *mod)
{
	void **data;
	GElf_Addr bias;
	if (!mod)
		return NULL;
	m->lib->dwfl_module_info(mod, &data, NULL, NULL, NULL, NULL, NULL, NULL);
	struct module *module = *data;
	if (!module->tried) {
		module->tried = true;
		if (!m->lib->dwfl_module_getelf(mod, &bias))
			set_missing(module, m->lib->dwfl_errmsg(-1));
		take_build_id(module, mod);
	}
	return &module->seen;
}
