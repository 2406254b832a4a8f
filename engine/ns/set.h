/* SPDX-License-Identifier: MIT
 * Inside of ns/: the namespaces of a restore, and standing in one of mounts.
 */
#pragma once

#include "engine/ns/ns.h"
#include "engine/ns/user.h"

struct ns_nested { /* besides the root's; nested.h */
	enum ns_kind kind;
	uint32_t id;
	int fd; /* of the process that has it, the builder or the coordinator; else -1 */
	const struct rtask *maker; /* a time namespace for this one's children; else NULL */
	struct user_maps *users;   /* of a user namespace; else NULL */
	pid_t holder;              /* in it, with the coordinator's descriptors; 0: none */
	int holder_fd;             /* a pidfd of that */
};

struct ns_dead { /* a pid namespace whose tasks are dead; pid-held.h */
	uint32_t id, around;
	const struct rtask *maker; /* whose children would be born there; NULL: nobody's */
	int fd;                    /* of the coordinator, once made; else -1 */
};

struct ns_set {
	uint32_t ids[NS_KINDS]; /* of the root's that are to be made; 0: the coordinator's own */
	bool users_late;        /* that of the root is entered by its restorer: ns/user-nested.c */
	int given[NS_KINDS];    /* entered, not made: the descriptor; else -1 */
	int back[NS_KINDS];     /* the coordinator's own, while it is in another; else -1 */
	struct ns_mount_place place;
	uint32_t files_as[ID_KINDS]; /* who made files before; user.h */
	pid_t builder;               /* 0: none */
	int channel;                 /* to the builder */
	int time_back;               /* the coordinator's own, while its children are born into one
					that is joined; else -1 */
	int user_fd;                 /* the user namespace, or -1 */
	int net_fd;                  /* the network namespace, or -1 */
	struct {
		struct ns_nested *items;
		size_t nr, cap;
		int *numbers; /* shared: of the builder's descriptors, one each */
	} nested;
	struct {
		struct ns_dead *items;
		size_t nr, cap;
	} dead;
};
struct ns_set *ns_set_new(void);

/** Enter a mount namespace. @param back  set to where this process was */
int ns_place_enter(int ns, struct ns_mount_place *back, struct error *err);
int ns_place_leave(struct ns_mount_place *back, struct error *err);
