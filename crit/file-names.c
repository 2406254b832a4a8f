/* SPDX-License-Identifier: MIT
 * What the descriptors of a checkpoint refer to, by the id of their file.
 */
#include "crit/file-names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "convert/json/quoted.h"
#include "crit/text.h"
#include "images/reader.h"

struct file_name {
	uint32_t id;
	size_t order; /* of two files with one id, the first counts */
	int type;     /* FdTypes */
	char *text;
};

struct file_names {
	struct file_name *items;
	size_t nr, cap;
};

void file_names_free(struct file_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->nr; i++)
		free(names->items[i].text);
	free(names->items);
	free(names);
}

static char *unix_text(const UnixSkEntry *usk)
{
	auto_strbuf name = { 0 };
	if (quoted_encode(usk->name.data, usk->name.len, &name) < 0)
		return NULL;
	char *text = NULL;
	if (asprintf(&text, "unix[%u (%u)%s%s]", usk->ino, usk->peer, name.len ? " " : "",
		     name.len ? name.data : "") < 0)
		return NULL;
	return text;
}

static char *pipe_text(const PipeEntry *pipe)
{
	char *text = NULL;
	return asprintf(&text, "pipe[%u]", pipe->pipe_id) < 0 ? NULL : text;
}

/* Takes the text; NULL: memory is short. */
static int names_add(struct file_names *names, uint32_t id, int type, char *text)
{
	struct file_name *name = text ? array_add(names) : NULL;
	if (!name) {
		free(text);
		return -ENOMEM;
	}
	*name = (struct file_name){ id, names->nr, type, text };
	return 0;
}

static int add_file(struct file_names *names, const ProtobufCMessage *msg)
{
	const FileEntry *fe = (const FileEntry *)msg;
	if (fe->type == FD_TYPES__REG && fe->reg)
		return names_add(names, fe->id, fe->type, strdup(fe->reg->name));
	if (fe->type == FD_TYPES__PIPE && fe->pipe)
		return names_add(names, fe->id, fe->type, pipe_text(fe->pipe));
	if (fe->type == FD_TYPES__UNIXSK && fe->usk)
		return names_add(names, fe->id, fe->type, unix_text(fe->usk));
	return 0;
}

static int add_reg(struct file_names *names, const ProtobufCMessage *msg)
{
	const RegFileEntry *rfe = (const RegFileEntry *)msg;
	return names_add(names, rfe->id, FD_TYPES__REG, strdup(rfe->name));
}

static int add_pipe(struct file_names *names, const ProtobufCMessage *msg)
{
	const PipeEntry *pipe = (const PipeEntry *)msg;
	return names_add(names, pipe->id, FD_TYPES__PIPE, pipe_text(pipe));
}

static int add_unix(struct file_names *names, const ProtobufCMessage *msg)
{
	const UnixSkEntry *usk = (const UnixSkEntry *)msg;
	return names_add(names, usk->id, FD_TYPES__UNIXSK, unix_text(usk));
}

/* files.img since CRIU 3.3; one image per type before. */
static const struct {
	enum image_id id;
	int (*add)(struct file_names *names, const ProtobufCMessage *msg);
} readers[] = {
	{ IMG_FILES, add_file },
	{ IMG_REG_FILES, add_reg },
	{ IMG_PIPES, add_pipe },
	{ IMG_UNIXSK, add_unix },
};

static int read_image(struct source *src, size_t which, struct file_names *names, struct error *err)
{
	auto_image_reader r = NULL;
	int rc = image_open_typed(src, readers[which].id, 0, &r, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	for (;;) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, err);
		if (rc <= 0)
			return rc;
		if (readers[which].add(names, msg) < 0)
			return error_set(err, ENOMEM, "%s: out of memory", image_reader_name(r));
	}
}

static int name_compare(const void *a_, const void *b_)
{
	const struct file_name *a = a_, *b = b_;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

int file_names_read(struct source *src, struct file_names **out, struct error *err)
{
	auto_file_names names = calloc(1, sizeof(*names));
	if (!names)
		return error_set(err, ENOMEM, "files: out of memory");
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		int rc = read_image(src, i, names, err);
		if (rc < 0)
			return rc;
	}
	if (names->nr)
		qsort(names->items, names->nr, sizeof(*names->items), name_compare);
	*out = take_ptr(names);
	return 0;
}

static const char *name_find(const struct file_names *names, int type, uint32_t id)
{
	size_t low = 0, high = names->nr;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (names->items[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < names->nr && names->items[low].id == id; low++) {
		if (names->items[low].type == type)
			return names->items[low].text;
	}
	return NULL;
}

const char *file_path(const struct file_names *names, uint32_t id)
{
	const char *path = name_find(names, FD_TYPES__REG, id);
	return path && *path ? path : "unknown path";
}

void file_print(const struct file_names *names, FdTypes type, uint32_t id)
{
	if (type == FD_TYPES__REG) {
		text_print(file_path(names, id));
	} else if (type == FD_TYPES__PIPE || type == FD_TYPES__UNIXSK) {
		const char *text = name_find(names, type, id);
		const char *unknown = type == FD_TYPES__PIPE ? "pipe[?]" : "unix[?]";
		text_print(text ? text : unknown);
	} else {
		const ProtobufCEnumValue *named =
		    protobuf_c_enum_descriptor_get_value(&fd_types__descriptor, type);
		if (named)
			printf("%s.%u", named->name, id);
		else
			printf("%d.%u", (int)type, id);
	}
}
