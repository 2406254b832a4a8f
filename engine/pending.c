/* SPDX-License-Identifier: MIT
 * Stand-ins for functions of rooms that are still being built; real ones win over them.
 */
#include <errno.h>

#include "engine/mem/arena.h"
#include "engine/procfs/procfs.h"
#include "images/reader.h"
#include "images/writer.h"

#define PENDING __attribute__((weak))

PENDING void *arena_alloc(struct arena *a, size_t size, size_t align)
{
	(void)a, (void)size, (void)align;
	return NULL;
}
PENDING int image_write_one(int dirfd, enum image_id type, uint64_t id, const ProtobufCMessage *msg,
			    struct error *err)
{
	(void)dirfd, (void)type, (void)id, (void)msg;
	return error_set(err, ENOSYS, "not built yet");
}
PENDING int image_read_one(struct source *src, enum image_id type, uint64_t id,
			   ProtobufCMessage **msg, struct error *err)
{
	(void)src, (void)type, (void)id, (void)msg;
	return error_set(err, ENOSYS, "not built yet");
}
PENDING int proc_timers_parse(const char *buf, size_t len, struct proc_timers *out,
			      struct error *err)
{
	(void)buf, (void)len, (void)out;
	return error_set(err, ENOSYS, "not built yet");
}
