/* SPDX-License-Identifier: MIT
 * Every type of descriptor that can be dumped and restored; the first that matches takes it.
 */
#include <stddef.h>

#include "engine/files/types.h"

const struct file_type *const file_types[] = {
	&file_device, &file_tty,   &file_epoll,     &file_eventfd,  &file_signalfd, &file_timerfd,
	&file_pipe,   &file_fifo,  &file_unix,      &file_inet,     &file_netlink,  &file_packet,
	&file_memfd,  &file_pidfd, &file_inotify,   &file_fanotify, &file_bpf_map,  &file_io_uring,
	&file_mqueue, &file_tun,   &file_namespace, &file_pressure, &file_regular,  NULL,
};
