/* SPDX-License-Identifier: MIT
 * Which views there are, in the order of their tabs.
 */
#include "viewer/page.h"
#include "viewer/views.h"

const struct view_ops *const checkpoint_tabs[] = {
	&view_tree,
	&view_overview,
	NULL,
};

const struct view_ops *const process_tabs[] = {
	&view_overview,
	NULL,
};
