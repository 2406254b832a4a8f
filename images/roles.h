/* SPDX-License-Identifier: MIT
 * What the value of a field stands for outside of the set: the one table of who carries what.
 */
#pragma once

#include "images/image-type.h"

enum role {
	ROLE_PID,       /* of a process, thread, group or session; 0 or negative: none */
	ROLE_UID,       /* all bits set: none */
	ROLE_GID,       /* as ROLE_UID */
	ROLE_IP,        /* a list of words in network order: one is IPv4, four are IPv6 */
	ROLE_PORT,      /* of this end of a socket */
	ROLE_PEER_PORT, /* of its other end */
	ROLE_PATH,      /* of a file, absolute; bytes or text */
	ROLE_COMM,      /* name of a task or thread */
	ROLE_HOSTNAME,
	ROLE_MOUNT_OPTIONS, /* "lowerdir=/a:/b,uid=1000" */
	ROLE_SIGINFO,       /* struct siginfo of the machine: who sent it */
	ROLE_NETLINK,       /* messages of rtnetlink */
	ROLE_MPTCP,         /* messages of its family of generic netlink */
	ROLE_VXLAN,         /* IFLA_INFO_DATA */
	ROLE_SOCKADDR,
	ROLE_SOCK_OPTION, /* the value of one */
	ROLE_TID_ADDR,    /* address of a word in memory that holds the thread's id */
	ROLE_ROBUST_LIST, /* address of the list of locks the thread holds, by its id */
};

struct role_row {
	const char *message, *field;
	enum role role;
	bool (*when)(const ProtobufCMessage *msg); /* NULL: always */
};

extern const struct role_row role_rows[]; /* sorted by message, then field */
extern const size_t nr_role_rows;

/** The row of one field of a message; NULL: it has no role, or not in this message. */
const struct role_row *role_find(const ProtobufCMessage *msg, const char *field);

/** Is the number in the names of such images the id of a process or thread? */
bool image_named_by_pid(const struct image_type *type);
