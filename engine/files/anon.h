/* SPDX-License-Identifier: MIT
 * Descriptors of anonymous inodes whose whole state stands in /proc/PID/fdinfo: what they share.
 */
#pragma once

#include "base/strbuf.h"
#include "engine/files/file.h"

/** Is it "anon_inode:[NAME]"? */
bool anon_is(const struct open_file *f, const char *name);
/** Text of /proc/PID/fdinfo/N, with a NUL behind. Errors name the holder. */
int anon_fdinfo_text(const struct open_file *f, struct strbuf *out, struct error *err);
/** The number behind "KEY:" in that text, in a base. @return false: there is none */
bool anon_number(const char *text, const char *key, int base, uint64_t *out);
/** What the kernel printed is not what was expected. @return -EPROTO, always */
int anon_odd(const struct open_file *f, const char *what, struct error *err);

/** What every entry has to have. @param fields  the entry's own message, NULL: missing */
int anon_check(const FileEntry *e, const void *fields, uint32_t id, const FownEntry *fown,
	       const char *what, struct error *err);
