/* SPDX-License-Identifier: MIT
 * Rows of open files, sockets and mounts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/array.h"
#include "convert/describe/file.h"
#include "convert/describe/mounts.h"
#include "convert/export/rows.h"

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

/* What became of a name: "GHOST", "LINKED", "PROCFS". */
static const char *remap_name(RemapType type)
{
	const ProtobufCEnumValue *value =
	    protobuf_c_enum_descriptor_get_value(&remap_type__descriptor, (int)type);
	return value ? value->name : NULL;
}

static int file_row(const FileEntry *file, const struct file_facts *facts, struct row_writer *w,
		    struct error *err)
{
	const ProtobufCMessage *body = file_body(file);
	const ProtobufCEnumValue *type =
	    protobuf_c_enum_descriptor_get_value(&fd_types__descriptor, (int)file->type);
	row_begin(w, TABLE_FILES);
	row_str(w, type ? type->name : NULL);
	row_u64(w, file->id);
	/* those of sockets are in a table of their own */
	row_str(w, facts->is_socket ? NULL : facts->target.data);
	row_number(w, body, "flags");
	row_number(w, body, "pos");
	row_number(w, body, "size");
	row_number(w, body, "mode");
	row_number(w, body, "mnt_id");
	row_str(w, facts->gone ? remap_name(facts->remap) : NULL);
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

static int unix_row(const FileEntry *file, const struct socket_facts *facts, struct row_writer *w,
		    struct error *err)
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
	row_str(w, facts->local[0] ? facts->local : NULL);
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

static int socket_row(const FileEntry *file, const struct file_facts *facts, struct row_writer *w,
		      struct error *err)
{
	if (file->isk)
		return inet_row(file, w, err);
	if (file->usk)
		return unix_row(file, &facts->socket, w, err);
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
	auto_file_describer describer = NULL;
	FileEntry *const *files;
	ssize_t nr = checkpoint_files(cp, &files, err);
	int rc = nr < 0 ? (int)nr : file_describer_new(cp, &describer, err);
	for (ssize_t i = 0; rc == 0 && i < nr; i++) {
		auto_file_facts facts = { 0 };
		rc = file_describe(describer, files[i]->type, files[i]->id, &facts, err);
		if (rc == 0)
			rc = file_row(files[i], &facts, w, err);
		if (rc == 0)
			rc = socket_row(files[i], &facts, w, err);
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
	int rc = mount_list_read(cp, &mounts, err);
	for (size_t i = 0; rc == 0 && i < mounts.nr; i++)
		rc = mount_row(mounts.items[i].entry, mounts.items[i].ns, w, err);
	return rc;
}
