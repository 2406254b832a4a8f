/* SPDX-License-Identifier: MIT
 * What follows an entry's message, as its "extra" member, in both directions.
 */
#pragma once

#include "convert/codec/message.h"
#include "convert/json/emit.h"
#include "images/reader.h"
#include "images/writer.h"

/**
 * Add "extra" to the entry's open object. Ghost chunks are entries of their own and come from
 * payload_chunks_to_json() after the object is closed.
 * @param no_payload  only its size: "... <112B>"
 */
int payload_to_json(struct image_reader *r, const ProtobufCMessage *entry, bool no_payload,
		    struct json_out *out, struct error *err);
int payload_chunks_to_json(struct image_reader *r, const ProtobufCMessage *entry, bool no_payload,
			   struct json_out *out, struct error *err);

/* The payloads of an image's entries on their way from JSON into it, one after the other. */
struct payload_read;

int payload_read_new(enum image_payload kind, struct image_writer *w, struct payload_read **out,
		     struct error *err);
void payload_read_free(struct payload_read *p);
/** Forget the entry before. */
void payload_read_reset(struct payload_read *p);

/**
 * Read the value of "extra". It is kept until the message is complete; a long one is written as
 * it is read, with the message in front, and then has to be the last member.
 */
int payload_extra_read(void *payload_read, struct json_in *in, const struct message_build *build,
		       struct error *err);
/**
 * Read the value of "_raw": the entry as it stood in the image, for a message that does not pack
 * to the same bytes again. It is used as long as the other members still say the same.
 */
int payload_raw_read(void *payload_read, struct json_in *in, const struct message_build *build,
		     struct error *err);
/** Write the entry and its payload, after the length was checked against the message. */
int payload_write_entry(struct payload_read *p, const ProtobufCMessage *msg, struct json_in *in,
			struct error *err);
