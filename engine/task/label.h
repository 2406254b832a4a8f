/* SPDX-License-Identifier: MIT
 * Labels of security modules: profiles of AppArmor, contexts of SELinux. creds.lsm_profile and
 * lsm_sockcreate of each thread, the module in inventory.img.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "inventory.pb-c.h"

struct dump;
struct restore;
struct restorer_args;
struct thread;

struct label_host {        /* the module of this kernel */
	int module;        /* LSMTYPE__*; LABEL_UNKNOWN: one whose labels nobody knows to set */
	const char *attr;  /* its file below attr/ */
	struct strbuf own; /* the label of this program; empty: no module gives any */
};
enum { LABEL_UNKNOWN = -1 };
#define auto_label_host __attribute__((cleanup(label_host_fini))) struct label_host
void label_host_fini(struct label_host *host);

/** @param proc  /proc */
int label_host_find(int proc, struct label_host *out, struct error *err);

/**
 * The label of a thread, when it is confined.
 * @param proc_fd  /proc/PID
 * @return 0: th->label and th->sock_label are set, owned, or NULL; -ENOTSUP naming thread and label
 */
int label_collect(const struct label_host *host, int proc_fd, struct thread *th, struct error *err);
void label_thread_fini(struct thread *th);
/** All labels of a task can be set again: those of its threads as well. */
int label_check_threads(const struct label_host *host, const struct thread *threads, size_t nr,
			struct error *err);

/**
 * What is written to attr/current to get a label.
 * @param label  of the images; @param want  --lsm-profile, or NULL
 * @param module  LSMTYPE__* of the images; LSMTYPE__NO_LSM: they do not tell
 * @param out  empty: nothing, it is there already, or there is to be none
 * @return 0; -ENOTSUP, -EINVAL, -EBADMSG
 */
int label_choose(const struct label_host *host, int module, const char *label, const char *want,
		 struct strbuf *out, struct error *err);
/** All labels of the tree become what is written for them. When all cores are read. */
int label_prepare(struct restore *r, struct error *err);
/** In a task. */
void label_fill(const struct restore *r, struct restorer_args *args);
