/* SPDX-License-Identifier: MIT
 * What takes two images to tell: whether a ghost file is as long as the file was when it was open,
 * whether a FIFO that can be read has what waits in it, whether a TUN descriptor has its device,
 * whether the two ends of a connection are each other's.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/verify/check.h"
#include "images/checkpoint.h"

struct contents {
	struct check *check;
	struct checkpoint *cp;
};

/* Bytes of a ghost file: what is behind its entry, unless that says it. @return whether it is of a
 * regular file, and can be read */
static bool ghost_size(const struct check *check, uint32_t id, uint64_t *out, uint32_t *mode)
{
	auto_image_reader r = NULL;
	auto_message ProtobufCMessage *msg = NULL;
	if (image_open_typed(check->src, IMG_GHOST_FILE, id, &r, NULL) < 0 ||
	    image_next(r, &msg, NULL) != 1)
		return false;
	const GhostFileEntry *ghost = (const GhostFileEntry *)msg;
	*out = ghost->has_chunks && ghost->chunks ? ghost->size : image_bytes_left(r);
	*mode = ghost->mode;
	return S_ISREG(ghost->mode) && *out != UINT64_MAX;
}

static int ghost_check(void *ctx, struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	struct contents *c = ctx;
	const RemapFilePathEntry *remap = (const RemapFilePathEntry *)*msg;
	const FileEntry *file = NULL;
	uint64_t entry = image_reader_entry(r), size;
	uint32_t mode = 0;
	char name[64];
	int rc = 0;
	if (remap->has_remap_type && remap->remap_type == REMAP_TYPE__GHOST)
		rc = checkpoint_file(c->cp, FD_TYPES__REG, remap->orig_id, &file, err);
	if (rc == 1 && file->reg && file->reg->has_size &&
	    ghost_size(c->check, remap->remap_id, &size, &mode) && size != file->reg->size)
		finding_at(c->check,
			   image_filename(&image_types[IMG_GHOST_FILE], remap->remap_id, name,
					  sizeof(name)),
			   NULL, NULL,
			   "%" PRIu64 " bytes, the file had %" PRIu64 " (remap-fpath.img %" PRIu64
			   ")",
			   size, file->reg->size, entry);
	if (rc == 1 && file->reg && file->reg->has_mode && mode && mode != file->reg->mode)
		finding_at(c->check,
			   image_filename(&image_types[IMG_GHOST_FILE], remap->remap_id, name,
					  sizeof(name)),
			   NULL, "mode",
			   "%#" PRIo32 ", the file had %#" PRIo32 " (remap-fpath.img %" PRIu64 ")",
			   mode, file->reg->mode, entry);
	return rc < 0 ? rc : 0;
}

static int fifo_check(struct contents *c, const FileEntry *file, uint64_t entry, struct error *err)
{
	const FileEntry *reg = NULL;
	int rc = checkpoint_file(c->cp, FD_TYPES__REG, file->fifo->regf_id, &reg, err);
	if (rc != 1 || !reg->reg || (reg->reg->flags & O_WRONLY))
		return rc < 0 ? rc : 0;
	if (c->check->has_run_id &&
	    !object_set_has(&c->check->objects, OBJ_FIFO_DATA, file->fifo->pipe_id))
		finding_at(c->check, "files.img", &entry, "fifo.pipe_id",
			   "no data of fifo %" PRIu32, file->fifo->pipe_id);
	return 0;
}

/* One that goes with the descriptor is in the entry itself. */
static void tun_check(struct contents *c, const FileEntry *file, uint64_t entry)
{
	const TunfileEntry *tun = file->tunf;
	char name[64];
	if (!tun->netdev || file->tun_device ||
	    !object_set_has(&c->check->objects, IMG_NETDEV, tun->ns_id) ||
	    object_set_has(&c->check->objects, OBJ_TUN, object_named(tun->ns_id, tun->netdev)))
		return;
	finding_at(c->check, "files.img", &entry, "tunf.netdev", "no TUN device %s in %s",
		   tun->netdev,
		   image_filename(&image_types[IMG_NETDEV], tun->ns_id, name, sizeof(name)));
}

static int unix_compare(const void *a_, const void *b_)
{
	const UnixSkEntry *a = (*(FileEntry *const *)a_)->usk, *b = (*(FileEntry *const *)b_)->usk;
	return (a->ino > b->ino) - (a->ino < b->ino);
}

/* The two ends of a connection lead to each other; one that was not accepted yet leads to who
 * listens. Of an end outside of the tree only the number is true. */
static void pair_check(struct contents *c, const FileEntry *file, const UnixSkEntry *peer)
{
	enum { DATAGRAM = 2, LISTENS = 10, EXTERN = 1 }; /* USK_EXTERN */
	const UnixSkEntry *sk = file->usk;
	const struct file_place *place = checkpoint_file_place(c->cp, file->type, file->id);
	if (!place || place->image != IMG_FILES || peer->uflags & EXTERN)
		return;
	if (sk->type != peer->type)
		finding_at(c->check, "files.img", &place->entry, "usk.peer",
			   "%" PRIu32 " is a socket of another type", sk->peer);
	else if (sk->type != DATAGRAM && peer->state != LISTENS && peer->peer != sk->ino)
		finding_at(c->check, "files.img", &place->entry, "usk.peer",
			   "%" PRIu32 " is not connected with it", sk->peer);
}

static int pairs_check(struct contents *c, FileEntry *const *files, size_t nr, struct error *err)
{
	auto_free FileEntry **sockets = calloc(nr + 1, sizeof(*sockets));
	size_t n = 0;
	if (!sockets)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < nr; i++) {
		if (files[i]->type == FD_TYPES__UNIXSK && files[i]->usk)
			sockets[n++] = files[i];
	}
	if (n)
		qsort(sockets, n, sizeof(FileEntry *), unix_compare);
	for (size_t i = 0; i < n; i++) {
		uint32_t peer = sockets[i]->usk->peer;
		size_t low = array_lower_bound(n, k, sockets[k]->usk->ino < peer);
		if (peer && low < n && sockets[low]->usk->ino == peer)
			pair_check(c, sockets[i], sockets[low]->usk);
	}
	return 0;
}

/* Sets until CRIU 3.3 have images per type, and say less. */
int check_contents(struct check *check, struct checkpoint *cp, struct error *err)
{
	struct contents c = { check, cp };
	FileEntry *const *files;
	struct error why = { 0 };
	ssize_t nr = checkpoint_files(cp, &files, &why);
	int rc = nr < 0 ? (int)nr : 0;
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		const struct file_place *place =
		    checkpoint_file_place(cp, files[i]->type, files[i]->id);
		if (!place || place->image != IMG_FILES)
			continue;
		if (files[i]->type == FD_TYPES__FIFO && files[i]->fifo)
			rc = fifo_check(&c, files[i], place->entry, &why);
		if (files[i]->type == FD_TYPES__TUNF && files[i]->tunf)
			tun_check(&c, files[i], place->entry);
	}
	if (rc == 0)
		rc = pairs_check(&c, files, (size_t)nr, &why);
	if (rc == 0)
		rc = image_each(check->src, IMG_REMAP_FPATH, 0, ghost_check, &c, &why);
	return rc == -ENOMEM ? error_set(err, rc, "%s", why.text) : 0;
}
