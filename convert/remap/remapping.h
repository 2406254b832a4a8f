/* SPDX-License-Identifier: MIT
 * Inside a remap: what the parts share.
 */
#pragma once

#include "convert/raw/netlink.h"
#include "convert/remap/facts.h"
#include "convert/remap/remap.h"
#include "images/reader.h"
#include "network.pb-c.h"

/* A word of a page image to write. */
struct page_patch {
	uint32_t pages_id;
	uint64_t offset; /* bytes */
	uint8_t bytes[4];
};

struct remapping {
	const struct remap_job *job;
	struct remap_rules *rules;
	struct facts facts;
	bool looking; /* the first pass: changes are noted, values collected */

	/* where it is */
	const char *image;
	uint32_t number; /* in its name */
	bool has_entry;
	uint64_t entry;
	uint32_t mtype;      /* machine of the last core image */
	struct strbuf field; /* the way to the field at hand */
	size_t nr_changes;   /* so far */

	struct {
		struct page_patch *items;
		size_t nr, cap;
	} patches;
};

/** A value changes. @param field  NULL: the one the walk is at. @return 0 or -ENOMEM */
int remapping_note(struct remapping *r, const char *field, const char *from, const char *to,
		   struct error *err);

/** remap.c: a member that is text. @return 0; -ENOENT: there is none */
int remapping_text(struct remapping *r, const char *name, struct strbuf *out, struct error *err);

/** rule-sets.c: packet filters that are no text. */
int remap_rule_sets(struct remapping *r, NetnsEntry *e, struct error *err);

/** message.c: all fields of a message that have a role. */
int remap_message(struct remapping *r, ProtobufCMessage *msg, struct error *err);

/** A value that a message has in bytes: what the rules make of it. @param bytes  4 or 16 */
int remap_ip(struct remapping *r, void *bytes, size_t len, unsigned bits, struct error *err);
int remap_number(struct remapping *r, enum remap_kind kind, uint32_t *value, struct error *err);
/** A path to the end of the bytes, or the NUL in them. @param skip  bytes in front */
int remap_socket_path(struct remapping *r, ProtobufCBinaryData *data, size_t skip,
		      struct error *err);

/** sockaddr.c: a struct sockaddr; the port is changed where it is the set's own. */
int remap_sockaddr(struct remapping *r, ProtobufCBinaryData *data, struct error *err);
/** An option of a socket. */
int remap_sock_option(struct remapping *r, SkOptionEntry *e, struct error *err);

/** netlink.c: a raw netlink dump. @param fd  where to write; -1: only look */
int remap_netlink(struct remapping *r, struct image_reader *reader, int fd, struct error *err);

/** Messages in a field of another image. @param row  of all of them; NULL: each tells */
int remap_netlink_bytes(struct remapping *r, const struct netlink_row *row,
			const ProtobufCBinaryData *data, struct error *err);
/** Attributes alone. */
int remap_netlink_attrs(struct remapping *r, const struct netlink_row *row,
			const ProtobufCBinaryData *data, struct error *err);

/** words.c: addresses in a line of text. @param out  the line as it becomes, appended */
int remap_addresses(struct remapping *r, const char *text, size_t len, struct strbuf *out,
		    struct error *err);
/** Numbers in a list: "80,443:445"; what is part of a range stays. */
int remap_numbers(struct remapping *r, enum remap_kind kind, const char *text, size_t len,
		  struct strbuf *out, struct error *err);

/** filter.c: rules of a packet filter, as text. */
int remap_filter(struct remapping *r, const char *text, size_t len, struct strbuf *out,
		 struct error *err);

/** document.c: is this a document of a container engine? By its path in the archive. */
bool remap_is_document(const char *path);
int remap_document(struct remapping *r, const char *text, size_t len, struct strbuf *out,
		   struct error *err);

/** memory.c: find the words of threads whose ids change. */
int remap_find_words(struct remapping *r, struct error *err);
/** Write the page images they are in. */
int remap_write_words(struct remapping *r, struct error *err);

/** refuse.c: what would break. @return 0; -EINVAL */
int remap_refuse(struct remapping *r, struct error *err);
