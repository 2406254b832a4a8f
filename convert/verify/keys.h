/* SPDX-License-Identifier: MIT
 * What identifies an object that a field speaks of: from the field's value to the object's number,
 * and whether the field speaks of one at all.
 */
#pragma once

#include "convert/verify/check.h"

enum role { DEFINES, REFERS };

struct reference;
typedef bool key_fn(const struct check *check, const struct place *at, const struct reference *row,
		    const ProtobufCMessage *msg, uint64_t value, uint64_t *key);

/* What a field defines or refers to; rows in references.c. */
struct reference {
	const ProtobufCMessageDescriptor *in;
	const char *field;
	enum role role;
	unsigned kind; /* enum object_kind, or an enum image_id */
	key_fn *key;   /* NULL: the value */
	uint32_t ns;   /* of a key of namespaces: CLONE_NEWNET and its like */
};

/** @return false: this one refers to nothing, or defines nothing */
#define KEY(name)                                                                                  \
	bool name(const struct check *check __attribute__((unused)),                               \
		  const struct place *at __attribute__((unused)),                                  \
		  const struct reference *row __attribute__((unused)),                             \
		  const ProtobufCMessage *msg __attribute__((unused)),                             \
		  uint64_t value __attribute__((unused)), uint64_t *key)

/* keys.c */
KEY(key_not_zero);
KEY(key_index);
KEY(key_within);
KEY(key_device);
KEY(key_peer);
KEY(key_within_not_zero);
KEY(key_socket);
KEY(key_alone);
KEY(key_entry_file);
KEY(key_reg_alone);
KEY(key_fdinfo);
KEY(key_reg);
KEY(key_epoll);
KEY(key_watched_fd);
KEY(key_watched_file);
KEY(key_inotify);
KEY(key_fanotify);
KEY(key_mount);
KEY(key_mount_parent);
KEY(key_mount_given);
KEY(key_tmpfs);
KEY(key_autofs);
KEY(key_cgroup);
KEY(key_remap_ghost);
KEY(key_remap_linked);
KEY(key_pipe_data);
KEY(key_fifo_data);
KEY(key_pipe_read);
KEY(key_tcp_stream);
KEY(key_vma_file);
KEY(key_vma_segment);
KEY(key_vma_socket);
KEY(key_vma_sysv);
KEY(key_shm);
KEY(key_shm_pages);
KEY(key_seccomp);
KEY(key_old_seccomp);
KEY(key_timer_thread);
KEY(key_mqueue);
KEY(key_mqueue_any);
KEY(key_mqueue_file);
KEY(key_level_thread);
KEY(key_pidfd);
KEY(key_pidfd_thread);
KEY(key_fd_table);

/* keys-namespaces.c */
KEY(key_dumped);
KEY(key_time);
KEY(key_in);
KEY(key_root);
KEY(key_other);
KEY(key_socket_net);
KEY(key_dead);
KEY(key_held);
KEY(key_held_told);
KEY(key_open_net);
KEY(key_ns_file);
