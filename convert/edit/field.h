/* SPDX-License-Identifier: MIT
 * Fields of messages by descriptor: read as text, cleared, set from text, appended to.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/strbuf.h"
#include "convert/edit/path.h"

/** One place a path leads to. */
struct field_ref {
	ProtobufCMessage *msg;
	const ProtobufCFieldDescriptor *field;
	size_t index;                  /* of an element of a list; SIZE_MAX: the field as a whole */
	const struct field_ref *above; /* the field that msg is in; NULL: the entry itself */
};
/** "vmas[3].prot", appended. @return 0 or -ENOMEM */
int field_path(const struct field_ref *ref, struct strbuf *out);

/** Called for every place a path leads to. */
typedef int (*field_visit)(void *arg, const struct field_ref *ref, struct error *err);

/**
 * Follow the parts of a path below a message.
 * @param part, nr  without "entries"; at least one
 * @param found  counted up by the places visited
 * @return 0; -EINVAL when a name is not a field; what visit returns
 */
int field_walk(ProtobufCMessage *msg, const struct path_part *part, size_t nr, size_t *found,
	       field_visit visit, void *arg, struct error *err);

/**
 * Does the field a selector names have that value? In every form field_set() takes.
 * @param there  set when there is such a field, whatever its value
 */
int field_matches(ProtobufCMessage *msg, const char *key, const char *value, bool *there,
		  struct error *err);

/** As JSON on one line, in the form of show. @return 0 or -ENOMEM */
int field_text(const struct field_ref *ref, struct strbuf *out, struct error *err);

/**
 * Set it. Text is taken as it is, or in quotes (path_value_check()), but for names of unix sockets
 * and bytes, which are given as show prints them; numbers in every form of encode; lists and
 * messages as JSON.
 */
int field_set(const struct field_ref *ref, const char *value, struct error *err);
/** Add an element to a list. @param ref  of the list; then of the element */
int field_append(struct field_ref *ref, const char *value, struct error *err);
/** Take it away: an optional field, a list, or an element. -EINVAL for what has to be there. */
int field_delete(const struct field_ref *ref, struct error *err);
