/* SPDX-License-Identifier: MIT
 * Mapped files below a sysroot.
 */
#include "images/sysroot.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/build-id.h"
#include "base/cleanup.h"

int sysroot_open(const char *path, struct error *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_sys(err, "open %s", path) : fd;
}

static int open_below(int sysroot, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC),
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int fd = (int)syscall(SYS_openat2, sysroot, path, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

int sysroot_path(int sysroot, const char *path)
{
	return open_below(sysroot, path, O_PATH);
}

int sysroot_file(int sysroot, const char *path)
{
	struct stat st;
	auto_fd fd = open_below(sysroot, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? take_fd(fd) : -ENOENT;
}

static char *to_hex(const void *bytes, size_t len, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < len && 2 * i + 2 < size; i++)
		snprintf(out + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
	return out;
}

char *mapped_build_id(const RegFileEntry *reg, char *out, size_t size)
{
	return to_hex(reg->build_id, reg->n_build_id * 4, out, size);
}

int mapped_same(int fd, const RegFileEntry *reg, struct error *err)
{
	struct stat st;
	uint8_t id[BUILD_ID_MAX + 4] = { 0 };
	char had[64], has[64];
	if (fstat(fd, &st) < 0)
		return error_sys(err, "look at %s", reg->name);
	if (reg->has_size && (uint64_t)st.st_size != reg->size)
		return error_set(err, ESTALE, "another file: it had %" PRIu64 " bytes, now %jd",
				 reg->size, (intmax_t)st.st_size);
	if (reg->n_build_id == 0)
		return 0;
	size_t len = build_id_read(fd, id); /* images hold whole words of it */
	if ((len + 3) / 4 == reg->n_build_id && !memcmp(id, reg->build_id, reg->n_build_id * 4))
		return 0;
	return error_set(err, ESTALE, "another file: it had build id %s, now %s",
			 mapped_build_id(reg, had, sizeof(had)),
			 len ? to_hex(id, len, has, sizeof(has)) : "none");
}

int sysroot_mapped(int sysroot, const RegFileEntry *reg, struct error *err)
{
	auto_fd fd = sysroot_file(sysroot, reg->name);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return error_set(err, ENOENT, "no such file");
	if (fd < 0)
		return error_code(err, fd, "open");
	int rc = mapped_same(fd, reg, err);
	return rc < 0 ? rc : take_fd(fd);
}
