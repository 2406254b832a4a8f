/* SPDX-License-Identifier: MIT
 * Images without messages: netlink dumps, rule sets, tars, pages. What they hold is shown, and
 * their bytes travel as they are.
 */
#pragma once

#include "convert/json/emit.h"
#include "convert/json/parse.h"
#include "images/reader.h"
#include "images/writer.h"

/* How the bytes of an image are told. */
struct raw_json {
	bool no_payload; /* sizes in place of them */
	/** Open the image once more: it is read twice. NULL: its bytes are left out. */
	int (*reopen)(void *arg, struct image_reader **out, struct error *err);
	void *arg;
};

/** Members after "magic": what the image holds, then "raw" (base64) unless "lines" says it all. */
int raw_to_json(struct image_reader *r, const struct raw_json *how, struct json_out *out,
		struct error *err);

enum raw_member {
	RAW_UNKNOWN,
	RAW_SHOWN,   /* for people only */
	RAW_CONTENT, /* the bytes: "raw" or "lines" */
};
enum raw_member raw_member_kind(const char *key);
/** Write the bytes that the member in->key holds. */
int raw_from_json(struct json_in *in, struct image_writer *w, struct error *err);

/* What the bytes are. */
enum raw_kind {
	RAW_NONE, /* not known, or no raw image */
	RAW_NETLINK,
	RAW_FILTER, /* the text of a packet filter */
	RAW_TAR,
	RAW_PAGES,
};
enum raw_kind raw_kind_of(enum image_id id);
/** Are they in the form of their kind? What shows them checks that, too. @return 0; -EBADMSG */
int raw_check(struct image_reader *r, struct error *err);

/* One way to show bytes; rows in raw.c. */
struct raw_form {
	enum image_id id;
	enum raw_kind kind;
	/** Add members to the open object. */
	int (*show)(struct image_reader *r, struct json_out *out, struct error *err);
	/** Read all, where show() would take anything; NULL: it does not. */
	int (*check)(struct image_reader *r, struct error *err);
	/** Whether even one with nothing in it has bytes: a word in front. */
	bool headed;
	/** Whether show() says every byte: then there is no "raw". */
	bool whole;
	/** Whether only a summary is shown in pretty form, and only bytes in compact form. */
	bool summary;
};

int netlink_to_json(struct image_reader *r, struct json_out *out, struct error *err);
int lines_to_json(struct image_reader *r, struct json_out *out, struct error *err);
int lines_from_json(struct json_in *in, struct image_writer *w, struct error *err);
/** Does it go on to its end: a whole line, and what begins ends? */
int filter_text_check(struct image_reader *r, struct error *err);
int tar_to_json(struct image_reader *r, struct json_out *out, struct error *err);
int pages_to_json(struct image_reader *r, struct json_out *out, struct error *err);
