/* SPDX-License-Identifier: MIT
 * Which views there are, in the order of their tabs.
 */
#include "viewer/page.h"
#include "viewer/views.h"

const struct view_ops *const checkpoint_tabs[] = {
	&view_tree,   &view_overview, &view_all_fds, &view_all_sockets,
	&view_mounts, &view_images,   &view_audit,   NULL,
};

const struct view_ops *const process_tabs[] = {
	&view_summary,     &view_memory,  &view_fds,   &view_sockets,        &view_files,
	&view_environment, &view_threads, &view_stack, &view_process_images, NULL,
};
