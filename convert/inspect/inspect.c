/* SPDX-License-Identifier: MIT
 * Inspection of checkpoints: the order of its parts, and the table of many.
 */
#include "convert/inspect/inspect.h"

#include "base/array.h"
#include "convert/inspect/sections.h"

bool process_is_below(const struct process *p, const struct process *of)
{
	while (of && p && p != of)
		p = p->parent;
	return p != NULL;
}

bool inspect_means(const struct inspect_options *options, const struct process *p)
{
	return options->alone && options->only ? p == options->only
					       : process_is_below(p, options->only);
}

int inspect_checkpoint(struct checkpoint *cp, const struct inspect_options *options,
		       struct doc *doc, struct error *err)
{
	unsigned sections = options->sections;
	int rc = 0;
	doc_str(doc, "source", "Checkpoint", source_name(checkpoint_source(cp)));
	if (sections & INSPECT_METADATA)
		rc = inspect_metadata(cp, doc, err);
	if (rc == 0 && (sections & INSPECT_STATS))
		rc = inspect_stats(cp, doc, err);
	if (rc == 0 && (sections & (INSPECT_TREE | INSPECT_COMMANDS)))
		rc = inspect_tree(cp, options, doc, err);
	if (rc == 0 && (sections & INSPECT_TASKS))
		rc = inspect_tasks(cp, options, doc, err);
	if (rc == 0 && (sections & INSPECT_THREADS))
		rc = inspect_threads(cp, options, doc, err);
	if (rc == 0 && (sections & INSPECT_ENVIRONMENT))
		rc = inspect_environment(cp, options, doc, err);
	if (rc == 0 && (sections & INSPECT_FILES))
		rc = inspect_files(cp, options, doc, err);
	if (rc == 0 && (sections & INSPECT_SOCKETS))
		rc = inspect_sockets(cp, options, doc, err);
	if (rc == 0 && (sections & INSPECT_MOUNTS))
		rc = inspect_mounts(cp, doc, err);
	return rc;
}

void inspect_table_begin(struct doc *doc)
{
	static const struct doc_column columns[] = {
		{ "source", "CHECKPOINT", DOC_LEFT },
		{ "engine", "ENGINE", DOC_LEFT },
		{ "name", "NAME", DOC_LEFT },
		{ "image", "IMAGE", DOC_LEFT },
		{ "id", NULL, DOC_LEFT },
		{ "runtime", "RUNTIME", DOC_LEFT },
		{ "created", "CREATED", DOC_LEFT },
		{ "checkpointed", "CHECKPOINTED", DOC_LEFT },
		{ "ip", "IP", DOC_LEFT },
		{ "mac", NULL, DOC_LEFT },
		{ "processes", "PROCESSES", DOC_RIGHT },
		{ "pages_bytes", "PAGES", DOC_RIGHT },
		{ "total_bytes", "SIZE", DOC_RIGHT },
	};
	doc_table(doc, "checkpoints", NULL, columns, ARRAY_SIZE(columns));
}

int inspect_table_row(struct checkpoint *cp, struct doc *doc, struct error *err)
{
	static const enum container_word words[] = { CT_NAME,    CT_IMAGE,        CT_ID, CT_RUNTIME,
						     CT_CREATED, CT_CHECKPOINTED, CT_IP, CT_MAC };
	auto_container_facts facts = { 0 };
	struct set_facts set;
	int rc = container_describe(checkpoint_source(cp), &facts, err);
	if (rc == 0)
		rc = set_facts_read(checkpoint_source(cp), &set, err);
	if (rc < 0)
		return rc;
	doc_row(doc);
	doc_str(doc, NULL, NULL, source_name(checkpoint_source(cp)));
	doc_str(doc, NULL, NULL, facts.engine);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		doc_str(doc, NULL, NULL, facts.words[words[i]]);
	doc_u64(doc, NULL, NULL, checkpoint_nr_processes(cp));
	doc_size(doc, NULL, NULL, set.pages);
	doc_size(doc, NULL, NULL, set.total);
	return 0;
}
