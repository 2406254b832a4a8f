/* SPDX-License-Identifier: MIT
 * Every view.
 */
#pragma once

#include "convert/doc/doc.h"
#include "viewer/view.h"

/* Tabs of the checkpoint. */
extern const struct view_ops view_tree, view_overview, view_all_fds, view_all_sockets, view_mounts,
    view_images, view_audit;
/* Tabs of a process. */
extern const struct view_ops view_summary, view_memory, view_fds, view_sockets, view_files,
    view_environment, view_threads, view_stack, view_process_images;
/* On pages of their own. */
extern const struct view_ops view_help, view_hex, view_image, view_raw, view_found, view_diff;

/** Audit the process of a view, or all, and go to the finding for what is seen there. */
void audit_show(struct view *about);

/** The keymap as a document: help shows it, the manual takes it from there. */
int keymap_write(struct doc *doc, struct error *err);
