/* SPDX-License-Identifier: MIT
 * The order of an export, and the row of the checkpoint itself.
 */
#include "convert/export/export.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "convert/export/rows.h"
#include "images/hints.h"
#include "namespaces.pb-c.h"
#include "stats.pb-c.h"

const char *field_name(const char *message, const char *field, uint64_t value)
{
	const struct hint *hint = hint_find(message, field);
	for (const struct hint_value *v = hint ? hint->values : NULL; v && v->name; v++) {
		if (v->value == value)
			return v->name;
	}
	return NULL;
}

void row_named(struct row_writer *w, const char *message, const char *field, uint64_t value)
{
	const char *name = field_name(message, field, value);
	if (name)
		row_str(w, name);
	else
		row_strf(w, "%llu", (unsigned long long)value);
}

/* The host name the first process sees; only its namespace's image has it. */
static void hostname(struct checkpoint *cp, struct row_writer *w)
{
	auto_message TaskKobjIdsEntry *ids = NULL;
	auto_message ProtobufCMessage *uts = NULL;
	if (checkpoint_nr_processes(cp) &&
	    process_ids(cp, checkpoint_process(cp, 0), &ids, NULL) == 0 && ids->has_uts_ns_id &&
	    image_read_one(checkpoint_source(cp), IMG_UTSNS, ids->uts_ns_id, &uts, NULL) == 0)
		row_str(w, ((const UtsnsEntry *)uts)->nodename);
	else
		row_null(w);
}

static void machine(struct checkpoint *cp, struct row_writer *w)
{
	auto_message CoreEntry *core = NULL;
	const ProtobufCEnumValue *value = NULL;
	if (checkpoint_nr_processes(cp) &&
	    process_core(cp, checkpoint_process(cp, 0)->pid, &core, NULL) == 0)
		value = protobuf_c_enum_descriptor_get_value(&core_entry__march__descriptor,
							     (int)core->mtype);
	row_str(w, value ? value->name : NULL);
}

static void dump_times(struct checkpoint *cp, struct row_writer *w)
{
	auto_message ProtobufCMessage *msg = NULL;
	const DumpStatsEntry *dump = NULL;
	if (image_read_one(checkpoint_source(cp), IMG_STATS, 0, &msg, NULL) == 0)
		dump = ((const StatsEntry *)msg)->dump;
	row_optional(w, dump, dump ? dump->freezing_time : 0);
	row_optional(w, dump, dump ? dump->frozen_time : 0);
	row_optional(w, dump, dump ? dump->memdump_time : 0);
	row_optional(w, dump, dump ? dump->memwrite_time : 0);
	row_optional(w, dump, dump ? dump->pages_scanned : 0);
	row_optional(w, dump, dump ? dump->pages_written : 0);
}

static int checkpoint_row(struct checkpoint *cp, struct row_writer *w, struct error *err)
{
	const InventoryEntry *inventory = checkpoint_inventory(cp);
	const struct source_member *members;
	ssize_t nr = source_list(checkpoint_source(cp), &members, err);
	if (nr < 0)
		return (int)nr;
	uint64_t bytes = 0;
	for (ssize_t i = 0; i < nr; i++)
		bytes += members[i].size;
	row_begin(w, TABLE_CHECKPOINTS);
	row_str(w, source_name(checkpoint_source(cp)));
	row_optional(w, inventory, inventory ? inventory->img_version : 0);
	row_str(w, inventory ? inventory->dump_criu_run_id : NULL);
	machine(cp, w);
	hostname(cp, w);
	row_u64(w, checkpoint_nr_processes(cp));
	row_u64(w, bytes);
	dump_times(cp, w);
	return row_end(w, err);
}

int export_checkpoint(struct checkpoint *cp, uint64_t number, struct row_writer *w,
		      struct error *err)
{
	w->checkpoint = number;
	int rc = checkpoint_row(cp, w, err);
	if (rc == 0)
		rc = export_processes(cp, w, err);
	if (rc == 0)
		rc = export_files(cp, w, err);
	if (rc == 0)
		rc = export_mounts(cp, w, err);
	return rc;
}
