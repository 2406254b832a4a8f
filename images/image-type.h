/* SPDX-License-Identifier: MIT
 * The registry: what each image type is called, how it starts, what its entries are.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

enum image_id {
#define IMAGE(id, ...) IMG_##id,
#include "images/types.def"
#undef IMAGE
	IMG_NR_TYPES
};

/* The first words of a file. */
#define IMG_COMMON_MAGIC  0x54564319u /* every image, before its own magic */
#define IMG_SERVICE_MAGIC 0x55105940u /* stats and irmap cache */

enum image_head {
	HEAD_RAW,     /* no magic at all */
	HEAD_MAGIC,   /* only the type's own: inventory, and every v1.0 image */
	HEAD_COMMON,  /* IMG_COMMON_MAGIC, then its own */
	HEAD_SERVICE, /* IMG_SERVICE_MAGIC, then its own */
};

/* What follows an entry's message in the stream. */
enum image_payload {
	PAYLOAD_NONE,
	PAYLOAD_PIPE,     /* pipe_data_entry.bytes */
	PAYLOAD_SK_QUEUE, /* sk_packet_entry.length */
	PAYLOAD_TCP,      /* inq_len, then outq_len */
	PAYLOAD_IPC_SHM,  /* size, padded to 4, unless in_pagemaps */
	PAYLOAD_IPC_MSG,  /* qnum × { u32 size, ipc_msg, msize bytes padded to 8 } */
	PAYLOAD_IPC_SEM,  /* nsems × u16, padded to 8 */
	PAYLOAD_GHOST,    /* rest of the file, or { ghost_chunk_entry, len bytes } × n */
	PAYLOAD_BPFMAP,   /* keys_bytes + values_bytes */
};

struct image_type {
	enum image_id id;
	const char *name;    /* as in JSON: "PSTREE" */
	const char *pattern; /* file name, one printf conversion at most: "core-%u.img" */
	uint32_t magic;      /* 0 for raw types */
	enum image_head head;
	const ProtobufCMessageDescriptor *first; /* message of the first entry when it differs */
	const ProtobufCMessageDescriptor *entry; /* message of every (other) entry; NULL: raw */
	enum image_payload payload;
};

extern const struct image_type image_types[IMG_NR_TYPES]; /* indexed by enum image_id */

/** Lookups; NULL when there is none. Borrowed, constant. */
const struct image_type *image_type_by_magic(uint32_t magic);
const struct image_type *image_type_by_name(const char *name);
/** By file name ("core-12.img", directories ignored); needed for raw types. */
const struct image_type *image_type_by_filename(const char *filename);
/** The same for images that are sequences of messages; NULL for raw ones and for no image. */
const struct image_type *image_type_of_messages(const char *filename);

/** The file name of one image. @param id  number or 0 when the pattern has none. @return out. */
char *image_filename(const struct image_type *type, uint64_t id, char *out, size_t len);

/** The number in the name of an image of this type; 0 when there is none. */
uint64_t image_number(const struct image_type *type, const char *filename);
