/* SPDX-License-Identifier: MIT
 * Rows of open files, sockets and mounts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "convert/describe/mounts.h"
#include "convert/export/rows.h"

/* What happened to the name of a file: "GHOST", "LINKED", "PROCFS", or NULL. */
struct remaps {
	struct remap {
		uint32_t id;
		RemapType type;
	} * items;
	size_t nr, cap;
};

static void remaps_fini(struct remaps *remaps)
{
	free(remaps->items);
}

static int remaps_read(struct source *src, struct remaps *out, struct error *err)
{
	auto_image_reader r = NULL;
	int rc = image_open_typed(src, IMG_REMAP_FPATH, 0, &r, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	for (;;) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, err);
		if (rc <= 0)
			return rc;
		const RemapFilePathEntry *entry = (const RemapFilePathEntry *)msg;
		struct remap *remap = array_add(out);
		if (!remap)
			return error_set(err, ENOMEM, "remap-fpath.img: out of memory");
		*remap =
		    (struct remap){ entry->orig_id,
				    entry->has_remap_type ? entry->remap_type : REMAP_TYPE__GHOST };
	}
}

static const char *remap_name(const struct remaps *remaps, uint32_t id)
{
	for (size_t i = 0; i < remaps->nr; i++) {
		if (remaps->items[i].id != id)
			continue;
		const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
		    &remap_type__descriptor, (int)remaps->items[i].type);
		return value ? value->name : NULL;
	}
	return NULL;
}

/* A socket name starts with a NUL when it is abstract, and the rest of it is no path. */
static void unix_name(struct row_writer *w, const ProtobufCBinaryData *name)
{
	char text[128];
	size_t len = name->len < sizeof(text) ? name->len : sizeof(text);
	if (!len) {
		row_null(w);
		return;
	}
	memcpy(text, name->data, len);
	if (!text[0])
		text[0] = '@';
	else
		len = strnlen(text, len);
	row_bytes(w, text, len);
}

static void row_name(struct checkpoint *cp, const FileEntry *file, struct row_writer *w)
{
	const MemfdInodeEntry *inode = NULL;
	switch (file->type) {
	case FD_TYPES__REG:
		row_str(w, file->reg ? file->reg->name : NULL);
		break;
	case FD_TYPES__PIPE:
		row_strf(w, "pipe:[%" PRIu32 "]", file->pipe ? file->pipe->pipe_id : 0);
		break;
	case FD_TYPES__FIFO:
		row_str(w, file->fifo ? checkpoint_path(cp, file->fifo->regf_id) : NULL);
		break;
	case FD_TYPES__TTY:
		row_str(w, file->tty && file->tty->has_regf_id
			       ? checkpoint_path(cp, file->tty->regf_id)
			       : NULL);
		break;
	case FD_TYPES__MEMFD:
		if (file->memfd && checkpoint_memfd(cp, file->memfd->inode_id, &inode, NULL) == 1)
			row_strf(w, "memfd:%s", inode->name);
		else
			row_null(w);
		break;
	default:
		row_null(w);
	}
}

/* The message a file_entry holds for its type: the member that is present. */
static const ProtobufCMessage *file_body(const FileEntry *file)
{
	const ProtobufCMessageDescriptor *desc = file->base.descriptor;
	for (unsigned i = 0; i < desc->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &desc->fields[i];
		if (field->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		const ProtobufCMessage *body =
		    *(ProtobufCMessage *const *)((const char *)file + field->offset);
		if (body)
			return body;
	}
	return NULL;
}

/* Many types have the open flags and a position, under these names. */
static void row_number(struct row_writer *w, const ProtobufCMessage *body, const char *name)
{
	const ProtobufCFieldDescriptor *field =
	    body ? protobuf_c_message_descriptor_get_field_by_name(body->descriptor, name) : NULL;
	const char *at = (const char *)body;
	if (!field || (field->label == PROTOBUF_C_LABEL_OPTIONAL &&
		       !*(const protobuf_c_boolean *)(at + field->quantifier_offset)))
		row_null(w);
	else if (field->type == PROTOBUF_C_TYPE_UINT64)
		row_u64(w, *(const uint64_t *)(at + field->offset));
	else if (field->type == PROTOBUF_C_TYPE_SINT32)
		row_i64(w, *(const int32_t *)(at + field->offset));
	else if (field->type == PROTOBUF_C_TYPE_UINT32)
		row_u64(w, *(const uint32_t *)(at + field->offset));
	else
		row_null(w);
}

static int file_row(struct checkpoint *cp, const FileEntry *file, const struct remaps *remaps,
		    struct row_writer *w, struct error *err)
{
	const ProtobufCMessage *body = file_body(file);
	const ProtobufCEnumValue *type =
	    protobuf_c_enum_descriptor_get_value(&fd_types__descriptor, (int)file->type);
	row_begin(w, TABLE_FILES);
	row_str(w, type ? type->name : NULL);
	row_u64(w, file->id);
	row_name(cp, file, w);
	row_number(w, body, "flags");
	row_number(w, body, "pos");
	row_number(w, body, "size");
	row_number(w, body, "mode");
	row_number(w, body, "mnt_id");
	row_str(w, remap_name(remaps, file->id));
	return row_end(w, err);
}

static void address(struct row_writer *w, const uint32_t *words, size_t nr)
{
	char text[INET6_ADDRSTRLEN];
	if ((nr == 1 || nr == 4) &&
	    inet_ntop(nr == 1 ? AF_INET : AF_INET6, words, text, sizeof(text)))
		row_str(w, text);
	else
		row_null(w);
}

static int inet_row(const FileEntry *file, struct row_writer *w, struct error *err)
{
	const InetSkEntry *sk = file->isk;
	row_begin(w, TABLE_SOCKETS);
	row_u64(w, file->id);
	row_str(w, sk->family == AF_INET6 ? "INET6" : "INET");
	row_named(w, "inet_sk_entry", "type", sk->type);
	row_u64(w, sk->proto);
	row_named(w, "inet_sk_entry", "state", sk->state);
	address(w, sk->src_addr, sk->n_src_addr);
	row_u64(w, sk->src_port);
	address(w, sk->dst_addr, sk->n_dst_addr);
	row_u64(w, sk->dst_port);
	row_null(w);
	row_u64(w, sk->ino);
	row_null(w);
	row_u64(w, sk->backlog);
	row_optional(w, sk->has_ns_id, sk->ns_id);
	return row_end(w, err);
}

static int unix_row(const FileEntry *file, struct row_writer *w, struct error *err)
{
	const UnixSkEntry *sk = file->usk;
	row_begin(w, TABLE_SOCKETS);
	row_u64(w, file->id);
	row_str(w, "UNIX");
	row_named(w, "unix_sk_entry", "type", sk->type);
	row_u64(w, 0);
	row_named(w, "unix_sk_entry", "state", sk->state);
	for (int i = 0; i < 4; i++)
		row_null(w); /* addresses and ports */
	unix_name(w, &sk->name);
	row_u64(w, sk->ino);
	row_optional(w, sk->peer, sk->peer);
	row_u64(w, sk->backlog);
	row_optional(w, sk->has_ns_id, sk->ns_id);
	return row_end(w, err);
}

struct plain_socket {
	const char *family, *type;
	uint32_t protocol, inode, ns_id;
	bool has_inode, has_ns_id;
};

static int plain_row(const FileEntry *file, const struct plain_socket *sk, struct row_writer *w,
		     struct error *err)
{
	row_begin(w, TABLE_SOCKETS);
	row_u64(w, file->id);
	row_str(w, sk->family);
	row_str(w, sk->type);
	row_u64(w, sk->protocol);
	for (int i = 0; i < 6; i++)
		row_null(w); /* state, addresses, ports, name */
	row_optional(w, sk->has_inode, sk->inode);
	row_null(w);
	row_null(w);
	row_optional(w, sk->has_ns_id, sk->ns_id);
	return row_end(w, err);
}

static int socket_row(const FileEntry *file, struct row_writer *w, struct error *err)
{
	if (file->isk)
		return inet_row(file, w, err);
	if (file->usk)
		return unix_row(file, w, err);
	if (file->psk) {
		const PacketSockEntry *sk = file->psk;
		struct plain_socket plain = {
			"PACKET",     field_name("packet_sock_entry", "type", sk->type),
			sk->protocol, 0,
			sk->ns_id,    false,
			sk->has_ns_id
		};
		return plain_row(file, &plain, w, err);
	}
	if (file->nlsk) {
		const NetlinkSkEntry *sk = file->nlsk;
		struct plain_socket plain = { "NETLINK", NULL, sk->protocol, sk->ino,
					      sk->ns_id, true, sk->has_ns_id };
		return plain_row(file, &plain, w, err);
	}
	return 0;
}

int export_files(struct checkpoint *cp, struct row_writer *w, struct error *err)
{
	__attribute__((cleanup(remaps_fini))) struct remaps remaps = { 0 };
	FileEntry *const *files;
	ssize_t nr = checkpoint_files(cp, &files, err);
	int rc = nr < 0 ? (int)nr : remaps_read(checkpoint_source(cp), &remaps, err);
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		rc = file_row(cp, files[i], &remaps, w, err);
		if (rc == 0)
			rc = socket_row(files[i], w, err);
	}
	return rc;
}

static int mount_row(const MntEntry *m, uint64_t ns, struct row_writer *w, struct error *err)
{
	const ProtobufCEnumValue *fstype =
	    protobuf_c_enum_descriptor_get_value(&fstype__descriptor, (int)m->fstype);
	row_begin(w, TABLE_MOUNTS);
	row_u64(w, ns);
	row_u64(w, m->mnt_id);
	row_u64(w, m->parent_mnt_id);
	row_str(w, m->mountpoint);
	row_str(w, m->root);
	row_str(w, m->fsname && *m->fsname ? m->fsname : fstype ? fstype->name : NULL);
	row_str(w, m->source);
	row_str(w, m->options);
	row_u64(w, m->flags);
	row_optional(w, m->has_shared_id && m->shared_id, m->shared_id);
	row_optional(w, m->has_master_id && m->master_id, m->master_id);
	row_str(w, m->ext_key);
	return row_end(w, err);
}

int export_mounts(struct checkpoint *cp, struct row_writer *w, struct error *err)
{
	auto_mount_list mounts = { 0 };
	int rc = mount_list_read(checkpoint_source(cp), &mounts, err);
	for (size_t i = 0; rc == 0 && i < mounts.nr; i++)
		rc = mount_row(mounts.items[i].entry, mounts.items[i].ns, w, err);
	return rc;
}
