/* SPDX-License-Identifier: MIT
 * The address space of a process: fields of its image, areas one after the other.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "images/checkpoint.h"
#include "images/damage.h"

struct mm_load {
	const struct checkpoint *cp;
	uint32_t pid;
	struct image_reader *reader;
	MmEntry *mm;
	size_t nr; /* areas it says it has */
};

struct old_areas {
	VmaEntry **items;
	size_t nr, cap;
};

static int old_area_add(void *ctx, struct image_reader *r, ProtobufCMessage **msg,
			struct error *err)
{
	struct old_areas *vmas = ctx;
	VmaEntry **slot = array_add(vmas);
	if (!slot)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	*slot = (VmaEntry *)take_ptr(*msg);
	return 0;
}

/* Until CRIU 1.7 the areas had an image of their own. */
static int old_areas_read(const struct checkpoint *cp, uint32_t pid, MmEntry *mm, struct error *err)
{
	struct old_areas vmas = { 0 };
	int rc = image_each(checkpoint_source(cp), IMG_VMAS, pid, old_area_add, &vmas, err);
	mm->vmas = vmas.items; /* freed with the message, whatever rc says */
	mm->n_vmas = vmas.nr;
	return rc;
}

void mm_load_free(struct mm_load *load)
{
	if (!load)
		return;
	image_reader_close(load->reader);
	if (load->mm)
		mm_entry__free_unpacked(load->mm, NULL);
	free(load);
}

static void load_cleanup(struct mm_load **load)
{
	mm_load_free(*load);
}

#define auto_mm_load __attribute__((cleanup(load_cleanup))) struct mm_load *

int mm_load_begin(const struct checkpoint *cp, const struct process *p, struct mm_load **out,
		  struct error *err)
{
	auto_mm_load load = calloc(1, sizeof(*load));
	if (!load)
		return error_set(err, ENOMEM, "out of memory");
	load->cp = cp;
	load->pid = p->pid;
	struct error why;
	int rc = image_open_typed(checkpoint_source(cp), IMG_MM, p->pid, &load->reader, &why);
	if (rc == 0) {
		rc = image_next_lazy(load->reader, "vmas", (ProtobufCMessage **)&load->mm,
				     &load->nr, &why);
		if (rc == 0)
			rc = error_set(&why, EBADMSG, "%s: wanted one entry, found none",
				       image_reader_name(load->reader));
	}
	rc = process_pass(cp, p, rc, &why, err);
	if (rc < 0)
		return rc;
	load->mm->vmas = load->nr ? malloc(load->nr * sizeof(struct VmaEntry *)) : NULL;
	if (load->nr && !load->mm->vmas)
		return error_set(err, ENOMEM, "mm-%u.img: out of memory", p->pid);
	*out = take_ptr(load);
	return 0;
}

/* Behind the last area. */
static int load_end(struct mm_load *load, struct error *err)
{
	auto_message ProtobufCMessage *second = NULL;
	int rc = image_next(load->reader, &second, err);
	if (rc > 0)
		return error_set(err, EBADMSG, "%s: wanted one entry, found more",
				 image_reader_name(load->reader));
	if (rc == 0 && !load->mm->n_vmas)
		rc = old_areas_read(load->cp, load->pid, load->mm, err);
	return rc;
}

static int areas_read(struct mm_load *load, size_t nr, struct error *err)
{
	for (size_t i = 0; i < nr; i++) {
		ProtobufCMessage *vma;
		int rc = image_element_next(load->reader, &vma, err);
		if (rc <= 0)
			return rc < 0 ? rc : load_end(load, err);
		load->mm->vmas[load->mm->n_vmas++] = (VmaEntry *)vma;
	}
	return 1;
}

/* Where damage is passed over, areas before it are all there are. */
int mm_load_step(struct mm_load *load, size_t nr, struct error *err)
{
	struct error why;
	int rc = areas_read(load, nr, &why);
	if (rc >= 0)
		return rc;
	return damage_noted(checkpoint_source(load->cp), rc, &why)
		   ? 0
		   : error_set(err, rc, "%s", why.text);
}

MmEntry *mm_load_take(struct mm_load *load)
{
	return take_ptr(load->mm);
}

int process_mm(const struct checkpoint *cp, const struct process *p, MmEntry **out,
	       struct error *err)
{
	auto_mm_load load = NULL;
	int rc = mm_load_begin(cp, p, &load, err);
	if (rc == 0)
		rc = mm_load_step(load, SIZE_MAX, err);
	if (rc == 0)
		*out = mm_load_take(load);
	return rc;
}
