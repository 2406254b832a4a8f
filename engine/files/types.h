/* SPDX-License-Identifier: MIT
 * The rows of types.c, each defined at the end of its own file.
 */
#pragma once

#include "engine/files/file.h"

extern const struct file_type file_bpf_map;   /* bpf-map.c */
extern const struct file_type file_device;    /* dev.c */
extern const struct file_type file_fanotify;  /* fsnotify.c */
extern const struct file_type file_inotify;   /* fsnotify.c */
extern const struct file_type file_io_uring;  /* io-uring.c */
extern const struct file_type file_memfd;     /* memfd.c */
extern const struct file_type file_mqueue;    /* mqueue.c */
extern const struct file_type file_pidfd;     /* pidfd.c */
extern const struct file_type file_pipe;      /* pipe.c */
extern const struct file_type file_epoll;     /* epoll.c */
extern const struct file_type file_eventfd;   /* eventfd.c */
extern const struct file_type file_signalfd;  /* signalfd.c */
extern const struct file_type file_timerfd;   /* timerfd.c */
extern const struct file_type file_fifo;      /* pipe.c */
extern const struct file_type file_pressure;  /* pressure.c */
extern const struct file_type file_regular;   /* reg.c */
extern const struct file_type file_namespace; /* nsfile.c */
extern const struct file_type file_netlink;   /* net/netlink.c */
extern const struct file_type file_packet;    /* net/packet.c */
extern const struct file_type file_inet;      /* net/inet.c */
extern const struct file_type file_tty;       /* tty.c */
extern const struct file_type file_tun;       /* net/tun.c */
extern const struct file_type file_unix;      /* net/unix.c */
