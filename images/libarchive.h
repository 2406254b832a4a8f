/* SPDX-License-Identifier: MIT
 * libarchive, loaded when the first archive is opened: with what it depends on it takes longer to
 * load than most commands take to run.
 */
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include "base/error.h"

/* Every function used, by its name without "archive_". */
#define LIBARCHIVE_FUNCTIONS(X)                                                                    \
	X(read_new)                                                                                \
	X(read_support_filter_gzip)                                                                \
	X(read_support_filter_zstd)                                                                \
	X(read_support_format_tar)                                                                 \
	X(read_set_read_callback)                                                                  \
	X(read_set_skip_callback)                                                                  \
	X(read_set_callback_data)                                                                  \
	X(read_open1)                                                                              \
	X(read_next_header)                                                                        \
	X(read_data)                                                                               \
	X(read_free)                                                                               \
	X(error_string)                                                                            \
	X(filter_count)                                                                            \
	X(filter_bytes)                                                                            \
	X(entry_pathname)                                                                          \
	X(entry_pathname_utf8)                                                                     \
	X(entry_filetype)                                                                          \
	X(entry_size)                                                                              \
	X(entry_mtime)                                                                             \
	X(entry_perm)                                                                              \
	X(entry_uid)                                                                               \
	X(entry_gid)                                                                               \
	X(entry_symlink)                                                                           \
	X(entry_symlink_utf8)                                                                      \
	X(entry_hardlink)                                                                          \
	X(entry_hardlink_utf8)                                                                     \
	X(read_data_block)                                                                         \
	X(entry_clear)                                                                             \
	X(entry_set_uid)                                                                           \
	X(entry_set_gid)                                                                           \
	X(write_add_filter_gzip)                                                                   \
	X(write_set_filter_option)                                                                 \
	X(write_set_bytes_per_block)                                                               \
	X(write_finish_entry)                                                                      \
	X(entry_sparse_count)                                                                      \
	X(read_open_fd)                                                                            \
	X(format)                                                                                  \
	X(filter_code)                                                                             \
	X(write_new)                                                                               \
	X(write_set_format_pax_restricted)                                                         \
	X(write_set_format_gnutar)                                                                 \
	X(write_add_filter)                                                                        \
	X(write_open_fd)                                                                           \
	X(write_header)                                                                            \
	X(write_data)                                                                              \
	X(write_close)                                                                             \
	X(write_free)                                                                              \
	X(entry_new)                                                                               \
	X(entry_free)                                                                              \
	X(entry_set_pathname)                                                                      \
	X(entry_set_size)                                                                          \
	X(entry_set_filetype)                                                                      \
	X(entry_set_perm)                                                                          \
	X(entry_set_mtime)                                                                         \
	X(read_next_header2)                                                                       \
	X(read_extract2)                                                                           \
	X(read_disk_new)                                                                           \
	X(read_disk_set_symlink_physical)                                                          \
	X(read_disk_set_behavior)                                                                  \
	X(read_disk_open)                                                                          \
	X(read_disk_descend)                                                                       \
	X(write_disk_new)                                                                          \
	X(write_disk_set_options)                                                                  \
	X(write_set_format_pax)                                                                    \
	X(entry_linkresolver_new)                                                                  \
	X(entry_linkresolver_set_strategy)                                                         \
	X(entry_linkify)                                                                           \
	X(entry_linkresolver_free)                                                                 \
	X(entry_set_hardlink)                                                                      \
	X(entry_sparse_clear)                                                                      \
	X(entry_set_symlink)

struct libarchive {
	void *handle;
#define X(name) __typeof__(archive_##name) *name;
	LIBARCHIVE_FUNCTIONS(X)
#undef X
};

/** @return 0; -ENOTSUP when the library or one of its functions is missing */
int libarchive_load(struct libarchive *lib, struct error *err);
void libarchive_unload(struct libarchive *lib);
