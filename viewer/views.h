/* SPDX-License-Identifier: MIT
 * Every view.
 */
#pragma once

#include "convert/doc/doc.h"
#include "viewer/view.h"

/* Tabs of the checkpoint. */
extern const struct view_ops view_tree, view_overview, view_mounts;
/* On pages of their own. */
extern const struct view_ops view_help;

/** The keymap as a document: help shows it, the manual takes it from there. */
int keymap_write(struct doc *doc, struct error *err);
