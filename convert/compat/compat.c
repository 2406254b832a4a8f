/* SPDX-License-Identifier: MIT
 * The order of the checks.
 */
#include "convert/compat/compat.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "convert/compat/check.h"
#include "images/damage.h"
#include "images/namespace-kind.h"
#include "namespaces.pb-c.h"
#include "network.pb-c.h"

const char *const answer_names[NR_ANSWERS] = {
	[ANSWER_YES] = "yes",
	[ANSWER_UNKNOWN] = "unknown",
	[ANSWER_NO] = "no",
};

static const struct {
	const char *name, *help;
} rows[NR_CHECKS] = {
#define CHECK(id, name, help) [CHECK_##id] = { name, help },
#include "convert/compat/checks.def"
#undef CHECK
};

void compat_say(struct compat *c, enum check_id check, enum answer answer, const char *object,
		const char *fmt, ...)
{
	char text[1024];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	c->counts[answer]++;
	doc_row(c->doc);
	doc_str(c->doc, NULL, NULL, answer_names[answer]);
	doc_str(c->doc, NULL, NULL, rows[check].name);
	doc_str(c->doc, NULL, NULL, object);
	doc_str(c->doc, NULL, NULL, text);
}

enum answer own_namespace(const struct compat *c, uint32_t clone_flag)
{
	const InventoryEntry *inventory = checkpoint_inventory(c->cp);
	const TaskKobjIdsEntry *root = inventory ? inventory->root_ids : NULL;
	if (!root || !c->ids)
		return ANSWER_UNKNOWN;
	const struct namespace_kind *kind = namespace_kind_of(clone_flag);
	uint32_t had = namespace_id(kind, root), has = namespace_id(kind, c->ids);
	return had && has && had != has ? ANSWER_YES : ANSWER_NO;
}

static int ids_load(struct compat *c, struct error *err)
{
	for (size_t i = 0; !c->ids && i < checkpoint_nr_processes(c->cp); i++) {
		int rc = process_ids(c->cp, checkpoint_process(c->cp, i), &c->ids, err);
		if (rc < 0 && rc != -ENOENT)
			return rc;
	}
	return 0;
}

/* Last: what is broken was found meanwhile. */
int compat_set(struct compat *c, struct error *err)
{
	const InventoryEntry *inventory = checkpoint_inventory(c->cp);
	const struct damage_list *damage = source_damage(checkpoint_source(c->cp));
	(void)err;
	for (size_t i = 0; damage && i < damage->nr; i++)
		compat_say(c, CHECK_SET, ANSWER_NO, NULL, "%s", damage->items[i]);
	if ((damage && damage->nr) || !inventory) /* which is among these */
		return 0;
	if (inventory->img_version > 2)
		compat_say(c, CHECK_SET, ANSWER_UNKNOWN, "inventory.img",
			   "version %u of the format, newer than 2", inventory->img_version);
	else
		compat_say(c, CHECK_SET, ANSWER_YES, NULL, "whole, version %u of the format",
			   inventory->img_version);
	return 0;
}

/* runc knows what it calls extRootNetNS and extRootPidNS. */
static void say_namespace(struct compat *c, const char *kind, const char *key)
{
	if (!strncmp(key, "extRoot", 7))
		compat_say(c, CHECK_EXTERNAL, ANSWER_YES, key,
			   "a %s namespace from outside, the runtime gives it", kind);
	else
		compat_say(c, CHECK_EXTERNAL, ANSWER_UNKNOWN, key,
			   "a %s namespace from outside: give it with --inherit-fd", kind);
}

/* Namespaces and plugins that are not in the set. */
static int compat_external(struct compat *c, struct error *err)
{
	const InventoryEntry *inventory = checkpoint_inventory(c->cp);
	const PluginsEntry *plugins = inventory ? inventory->plugins_entry : NULL;
	struct source *src = checkpoint_source(c->cp);
	auto_message ProtobufCMessage *net = NULL;
	auto_message ProtobufCMessage *pid = NULL;
	struct error why;
	for (size_t i = 0; plugins && i < plugins->n_plugins; i++)
		compat_say(c, CHECK_EXTERNAL, ANSWER_UNKNOWN, plugins->plugins[i],
			   "this plugin took part in the dump and has to be there");
	if (!c->ids)
		return 0;
	int rc = image_read_one(src, IMG_NETNS, c->ids->net_ns_id, &net, &why);
	if (rc < 0 && rc != -ENOENT)
		return error_set(err, rc, "%s", why.text);
	if (net && ((NetnsEntry *)net)->ext_key)
		say_namespace(c, "network", ((NetnsEntry *)net)->ext_key);
	rc = image_read_one(src, IMG_PIDNS, c->ids->pid_ns_id, &pid, &why);
	if (rc < 0 && rc != -ENOENT)
		return error_set(err, rc, "%s", why.text);
	if (pid && ((PidnsEntry *)pid)->ext_key)
		say_namespace(c, "pid", ((PidnsEntry *)pid)->ext_key);
	return 0;
}

int compat_checkpoint(struct checkpoint *cp, const struct compat_options *options, struct doc *doc,
		      enum answer *answer, struct error *err)
{
	static int (*const checks[])(struct compat * c, struct error * err) = {
		compat_machine, compat_kernel,  compat_tasks,    compat_files,
		compat_mounts,  compat_sockets, compat_external, compat_set,
	};
	static const struct doc_column columns[] = {
		{ "answer", "ANSWER", DOC_LEFT },
		{ "check", "CHECK", DOC_LEFT },
		{ "object", "OBJECT", DOC_LEFT },
		{ "reason", "REASON", DOC_LEFT },
	};
	struct compat c = { .cp = cp, .options = options, .doc = doc };
	doc_table(doc, "checks", NULL, columns, ARRAY_SIZE(columns));
	int rc = ids_load(&c, err);
	if (rc == 0)
		rc = compat_only_load(&c, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(checks); i++)
		rc = checks[i](&c, err);
	doc_end(doc);
	*answer = c.counts[ANSWER_NO]        ? ANSWER_NO
		  : c.counts[ANSWER_UNKNOWN] ? ANSWER_UNKNOWN
					     : ANSWER_YES;
	doc_str(doc, "answer", "Answer", answer_names[*answer]);
	if (c.ids)
		task_kobj_ids_entry__free_unpacked(c.ids, NULL);
	free(c.files.items);
	return rc;
}

void compat_write_checks(struct doc *doc)
{
	static const struct doc_column columns[] = { { "check", "CHECK", DOC_LEFT },
						     { "help", "QUESTION", DOC_LEFT } };
	doc_table(doc, "checks", NULL, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < NR_CHECKS; i++) {
		doc_row(doc);
		doc_str(doc, NULL, NULL, rows[i].name);
		doc_str(doc, NULL, NULL, rows[i].help);
	}
	doc_end(doc);
}
