/* SPDX-License-Identifier: MIT
 * Character devices whose descriptors hold nothing but a position. In images they are files.
 * Source: Documentation/admin-guide/devices.txt.
 */
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"

#define ANY_MINOR (-1)

static const struct device {
	unsigned int major;
	int minor;
} devices[] = {
	{ 1, 1 },           /* mem */
	{ 1, 3 },           /* null */
	{ 1, 4 },           /* port */
	{ 1, 5 },           /* zero */
	{ 1, 7 },           /* full */
	{ 1, 8 },           /* random */
	{ 1, 9 },           /* urandom */
	{ 1, 11 },          /* kmsg */
	{ 7, ANY_MINOR },   /* vcs*: what is on virtual consoles */
	{ 10, 144 },        /* nvram */
	{ 10, 183 },        /* hwrng */
	{ 10, 232 },        /* kvm: makes machines */
	{ 10, 234 },        /* btrfs-control */
	{ 10, 235 },        /* autofs */
	{ 10, 237 },        /* loop-control */
	{ 202, ANY_MINOR }, /* cpu/N/msr */
	{ 203, ANY_MINOR }, /* cpu/N/cpuid */
};

static bool is_log(dev_t rdev)
{
	return rdev == makedev(1, 11);
}

static bool device_match(const struct open_file *f)
{
	if (!S_ISCHR(f->st.st_mode) || f->path[0] != '/')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (devices[i].major == major(f->st.st_rdev) &&
		    (devices[i].minor == ANY_MINOR ||
		     (unsigned int)devices[i].minor == minor(f->st.st_rdev)))
			return true;
	return false;
}

/* How far the kernel's log has been read it does not tell. */
static int device_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	char holder[96];
	if (is_log(f->st.st_rdev) && (f->flags & O_ACCMODE) != O_WRONLY && !(f->flags & O_PATH))
		log_warn("%s reads the log of the kernel: messages from before the restore that it "
			 "has not read are skipped",
			 file_holder(f, holder, sizeof(holder)));
	return reg_dump(d, f, e, err);
}

int device_settle(int fd, const RegFileEntry *reg, struct error *err)
{
	struct stat st;
	bool reads = (reg->flags & O_ACCMODE) != O_WRONLY && !(reg->flags & O_PATH);
	if (!reg->has_mode || !S_ISCHR(reg->mode) || !reads || fstat(fd, &st) < 0 ||
	    !is_log(st.st_rdev))
		return 0;
	return lseek(fd, 0, SEEK_END) < 0 ? error_sys(err, "%s: go to its end", reg->name) : 0;
}

const struct file_type file_device = {
	.name = "character device without state",
	.type = FD_TYPES__REG,
	.match = device_match,
	.dump = device_dump,
	.check = reg_check,
	.open = reg_open,
	.open_mapped = reg_open_mapped,
	.owner = reg_owner,
};
