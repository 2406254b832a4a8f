/* SPDX-License-Identifier: MIT
 * Inside files/: file locks and leases, filelocks.img.
 */
#pragma once

#include "engine/files/file.h"

/**
 * What this descriptor of the task shows of locks. @param id  of its description
 * @return -ENOTSUP, naming the option, when these are not to be carried
 */
int locks_note(struct dump *d, const struct open_file *f, uint32_t id, struct error *err);
/** May the file have a lock or lease? If so, fdinfo of its descriptors has to be read. Asks only
 * once what there is, and only for many descriptors: all tasks are frozen.
 * @param f  fs_type and st are set */
bool locks_may_be_on(const struct dump *d, const struct open_file *f);
int locks_write(struct dump *d, struct error *err);

int locks_load(struct restore *r, struct error *err);
/** In the task, its descriptors in place: all but those that closing any descriptor undoes. */
int locks_install(struct restore *r, const struct rtask *t, struct error *err);
