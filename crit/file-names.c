/* SPDX-License-Identifier: MIT
 * What the descriptors of a checkpoint refer to, as `crit x` prints it.
 */
#include "crit/file-names.h"

#include <errno.h>
#include <stdio.h>

#include "base/strbuf.h"
#include "convert/codec/quoted.h"
#include "crit/text.h"

const char *file_path(struct checkpoint *cp, uint32_t id)
{
	const char *path = checkpoint_path(cp, id);
	return path && *path ? path : "unknown path";
}

static int unix_print(const UnixSkEntry *usk, struct error *err)
{
	auto_strbuf name = { 0 };
	if (quoted_encode(usk->name.data, usk->name.len, &name) < 0)
		return error_set(err, ENOMEM, "files.img: out of memory");
	printf("unix[%u (%u)%s", usk->ino, usk->peer, name.len ? " " : "");
	text_print(name.len ? name.data : "");
	putchar(']');
	return 0;
}

static void other_print(FdTypes type, uint32_t id)
{
	const ProtobufCEnumValue *named =
	    protobuf_c_enum_descriptor_get_value(&fd_types__descriptor, (int)type);
	if (named)
		printf("%s.%u", named->name, id);
	else
		printf("%d.%u", (int)type, id);
}

int file_print(struct checkpoint *cp, FdTypes type, uint32_t id, struct error *err)
{
	const FileEntry *file = NULL;
	int rc = checkpoint_file(cp, type, id, &file, err);
	if (rc < 0)
		return rc;
	if (type == FD_TYPES__REG)
		text_print(file_path(cp, id));
	else if (type == FD_TYPES__PIPE && file && file->pipe)
		printf("pipe[%u]", file->pipe->pipe_id);
	else if (type == FD_TYPES__PIPE)
		printf("pipe[?]");
	else if (type == FD_TYPES__UNIXSK && file && file->usk)
		return unix_print(file->usk, err);
	else if (type == FD_TYPES__UNIXSK)
		printf("unix[?]");
	else
		other_print(type, id);
	return 0;
}
