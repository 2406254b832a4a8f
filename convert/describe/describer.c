/* SPDX-License-Identifier: MIT
 * What belongs to many files: bytes in pipes and sockets, names that are gone.
 */
#include "convert/describe/describer.h"

#include <errno.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "images/damage.h"
#include "images/hints.h"
#include "images/leads.h"

static int amount_compare(const void *a_, const void *b_)
{
	const struct amount *a = a_, *b = b_;
	return (a->key > b->key) - (a->key < b->key);
}

/* Many entries of one key become one. */
static void amounts_sum(struct amounts *amounts)
{
	size_t kept = 0;
	if (amounts->nr)
		qsort(amounts->items, amounts->nr, sizeof(*amounts->items), amount_compare);
	for (size_t i = 0; i < amounts->nr; i++) {
		struct amount *last = kept ? &amounts->items[kept - 1] : NULL;
		if (last && last->key == amounts->items[i].key)
			last->bytes += amounts->items[i].bytes;
		else
			amounts->items[kept++] = amounts->items[i];
	}
	amounts->nr = kept;
}

uint64_t amounts_find(const struct amounts *amounts, uint64_t key)
{
	struct amount wanted = { .key = key };
	const struct amount *found = amounts->nr ? bsearch(&wanted, amounts->items, amounts->nr,
							   sizeof(wanted), amount_compare)
						 : NULL;
	return found ? found->bytes : 0;
}

const char *field_word(const char *message, const char *field, uint64_t value)
{
	const struct hint *hint = hint_find(message, field);
	for (const struct hint_value *v = hint ? hint->values : NULL; v && v->name; v++) {
		if (v->value == value)
			return v->name;
	}
	return NULL;
}

static int remap_take(void *ctx, struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	const RemapFilePathEntry *entry = (const RemapFilePathEntry *)*msg;
	struct file_describer *fd = ctx;
	struct remap *remap = array_add(&fd->remaps);
	if (!remap)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	remap->id = entry->orig_id;
	remap->type = entry->has_remap_type ? entry->remap_type : REMAP_TYPE__GHOST;
	return 0;
}

static int amount_add(struct amounts *amounts, struct amount amount, struct image_reader *r,
		      struct error *err)
{
	struct amount *slot = array_add(amounts);
	if (!slot)
		return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	*slot = amount;
	return 0;
}

static int packet_take(void *ctx, struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	const SkPacketEntry *entry = (const SkPacketEntry *)*msg;
	struct file_describer *fd = ctx;
	return amount_add(&fd->packets, (struct amount){ entry->id_for, entry->length }, r, err);
}

static int pipe_take(void *ctx, struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	const PipeDataEntry *entry = (const PipeDataEntry *)*msg;
	struct file_describer *fd = ctx;
	return amount_add(&fd->pipes, (struct amount){ entry->pipe_id, entry->bytes }, r, err);
}

static int remap_compare(const void *a_, const void *b_)
{
	const struct remap *a = a_, *b = b_;
	return (a->id > b->id) - (a->id < b->id);
}

static int peer_compare(const void *a_, const void *b_)
{
	const struct peer *a = a_, *b = b_;
	return (a->inode > b->inode) - (a->inode < b->inode);
}

static int unix_sockets_take(struct file_describer *fd, struct error *err)
{
	FileEntry *const *files;
	ssize_t nr = checkpoint_files(fd->cp, &files, err);
	if (nr < 0)
		return (int)nr;
	for (ssize_t i = 0; i < nr; i++) {
		if (!files[i]->usk)
			continue;
		struct peer *peer = array_add(&fd->unix_sockets);
		if (!peer)
			return error_set(err, ENOMEM, "files.img: out of memory");
		*peer = (struct peer){ files[i]->usk->ino, files[i]->usk };
	}
	return 0;
}

/* Where damage is passed over what comes before it, which is remembered. */
static int image_take(struct file_describer *fd, enum image_id image, image_visit *take,
		      struct error *err)
{
	struct source *src = checkpoint_source(fd->cp);
	size_t mark = damage_mark(src);
	int rc = image == IMG_REMAP_FPATH ? remaps_each(src, take, fd, err)
					  : image_each(src, image, 0, take, fd, err);
	const struct error *damage = damage_since(src, mark);
	if (damage && fd->damage.code == 0)
		fd->damage = *damage;
	return rc;
}

const struct error *file_describer_damage(const struct file_describer *fd)
{
	return fd->damage.code < 0 ? &fd->damage : NULL;
}

int file_describer_new(struct checkpoint *cp, struct file_describer **out, struct error *err)
{
	static const struct {
		enum image_id image;
		image_visit *take;
	} images[] = { { IMG_PIPES_DATA, pipe_take },
		       { IMG_FIFO_DATA, pipe_take },
		       { IMG_SK_QUEUES, packet_take },
		       { IMG_REMAP_FPATH, remap_take } };
	auto_file_describer fd = calloc(1, sizeof(*fd));
	if (!fd)
		return error_set(err, ENOMEM, "files.img: out of memory");
	fd->cp = cp;
	int rc = unix_sockets_take(fd, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(images); i++)
		rc = image_take(fd, images[i].image, images[i].take, err);
	if (rc < 0)
		return rc;
	amounts_sum(&fd->pipes);
	amounts_sum(&fd->packets);
	if (fd->remaps.nr)
		qsort(fd->remaps.items, fd->remaps.nr, sizeof(*fd->remaps.items), remap_compare);
	if (fd->unix_sockets.nr)
		qsort(fd->unix_sockets.items, fd->unix_sockets.nr, sizeof(*fd->unix_sockets.items),
		      peer_compare);
	*out = take_ptr(fd);
	return 0;
}

void file_describer_free(struct file_describer *fd)
{
	if (!fd)
		return;
	free(fd->pipes.items);
	free(fd->packets.items);
	free(fd->remaps.items);
	free(fd->unix_sockets.items);
	free(fd);
}
