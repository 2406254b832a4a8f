/* SPDX-License-Identifier: MIT
 * The compiled schema, registry and hints against the tables of format facts, row by row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "images/hints.h"
#include "images/image-type.h"
#include "files.pb-c.h"
#include "ipc.pb-c.h"
#include "mounts.pb-c.h"
#include "rpc.pb-c.h"
#include "streamer.pb-c.h"

#define OWN_FIELDS  1000 /* first number of fields that are Stasis's */
#define TABLES      "tests/fixtures/format/"
#define MAX_COLUMNS 8

static const char *const own_messages[] = {
	"cg_namespace_entry", "autofs_name",       "sk_option_entry",    "sched_more_entry",
	"prctl_entry",        "net_sysctl_entry",  "xtables_entry",      "tun_device_entry",
	"io_uring_entry",     "ring_fds_entry",    "deleted_root_entry", "pstree_level",
	"mqueue_entry",       "mqueue_message",    "mqueue_file_entry",  "numa_policy_entry",
	"namespace_entry",    "ghost_xattr_entry", "unix_cred_entry",    "epoll_params_entry",
	"ns_limit_entry",
};

/* Messages no image starts with: payload parts, and what travels over sockets. */
static const ProtobufCMessageDescriptor *const extra_roots[] = {
	&ghost_chunk_entry__descriptor,
	&ipc_msg__descriptor,
	&criu_req__descriptor,
	&criu_resp__descriptor,
	&img_streamer_request_entry__descriptor,
	&img_streamer_reply_entry__descriptor,
};

struct descriptors {
	const ProtobufCMessageDescriptor **items;
	size_t nr, cap;
};

static void reach(struct descriptors *all, const ProtobufCMessageDescriptor *desc)
{
	for (size_t i = 0; i < all->nr; i++) {
		if (all->items[i] == desc)
			return;
	}
	const ProtobufCMessageDescriptor **item = array_add(all);
	assert_non_null(item);
	*item = desc;
	for (unsigned i = 0; i < desc->n_fields; i++) {
		if (desc->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
			reach(all, desc->fields[i].descriptor);
	}
}

static struct descriptors reach_all(void)
{
	struct descriptors all = { 0 };
	for (size_t i = 0; i < IMG_NR_TYPES; i++) {
		if (image_types[i].first)
			reach(&all, image_types[i].first);
		if (image_types[i].entry)
			reach(&all, image_types[i].entry);
	}
	for (size_t i = 0; i < ARRAY_SIZE(extra_roots); i++)
		reach(&all, extra_roots[i]);
	return all;
}

static const ProtobufCMessageDescriptor *find(const struct descriptors *all, const char *name)
{
	for (size_t i = 0; i < all->nr; i++) {
		if (!strcmp(all->items[i]->name, name))
			return all->items[i];
	}
	fail_msg("message %s is in the table but not in the schema", name);
	return NULL;
}

/* Split one line at tabs; every column set, empty when missing. */
static bool next_row(FILE *f, char *line, size_t len, char *cols[MAX_COLUMNS])
{
	static char none[] = "";
	if (!fgets(line, (int)len, f))
		return false;
	line[strcspn(line, "\n")] = '\0';
	for (int i = 0; i < MAX_COLUMNS; i++)
		cols[i] = line ? strsep(&line, "\t") : none;
	return true;
}

static FILE *open_table(const char *name)
{
	char path[256], skipped[1024];
	snprintf(path, sizeof(path), TABLES "%s.tsv", name);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(skipped, sizeof(skipped), f)); /* column names */
	return f;
}

static const char *type_name(ProtobufCType type)
{
	static const char *const names[] = {
		[PROTOBUF_C_TYPE_INT32] = "int32",   [PROTOBUF_C_TYPE_SINT32] = "sint32",
		[PROTOBUF_C_TYPE_INT64] = "int64",   [PROTOBUF_C_TYPE_SINT64] = "sint64",
		[PROTOBUF_C_TYPE_UINT32] = "uint32", [PROTOBUF_C_TYPE_UINT64] = "uint64",
		[PROTOBUF_C_TYPE_BOOL] = "bool",     [PROTOBUF_C_TYPE_STRING] = "string",
		[PROTOBUF_C_TYPE_BYTES] = "bytes",   [PROTOBUF_C_TYPE_FIXED64] = "fixed64",
	};
	return names[type];
}

static void check_type(const ProtobufCFieldDescriptor *f, const char *want)
{
	if (!strncmp(want, "message ", 8)) {
		assert_int_equal(f->type, PROTOBUF_C_TYPE_MESSAGE);
		const ProtobufCMessageDescriptor *d = f->descriptor;
		assert_string_equal(d->name, want + 8);
	} else if (!strncmp(want, "enum ", 5)) {
		assert_int_equal(f->type, PROTOBUF_C_TYPE_ENUM);
		const ProtobufCEnumDescriptor *d = f->descriptor;
		assert_string_equal(d->name, want + 5);
	} else {
		assert_non_null(type_name(f->type));
		assert_string_equal(type_name(f->type), want);
	}
}

static void check_default(const ProtobufCFieldDescriptor *f, const char *want)
{
	if (!*want || !strcmp(want, "false") || !strcmp(want, "0"))
		return;
	assert_non_null(f->default_value);
	if (f->type == PROTOBUF_C_TYPE_ENUM) {
		const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(
		    f->descriptor, *(const int *)f->default_value);
		assert_string_equal(v->name, want);
	} else if (!strcmp(want, "true")) {
		assert_true(*(const protobuf_c_boolean *)f->default_value);
	} else {
		assert_int_equal(*(const uint32_t *)f->default_value,
				 (uint32_t)strtoll(want, NULL, 10));
	}
}

static void check_label(const ProtobufCFieldDescriptor *f, const char *want)
{
	static const char *const names[] = {
		[PROTOBUF_C_LABEL_REQUIRED] = "required",
		[PROTOBUF_C_LABEL_OPTIONAL] = "optional",
		[PROTOBUF_C_LABEL_REPEATED] = "repeated",
	};
	assert_string_equal(names[f->label], want);
	assert_false(f->flags & PROTOBUF_C_FIELD_FLAG_PACKED);
}

static size_t nr_fields_of_format(const ProtobufCMessageDescriptor *d)
{
	size_t nr = 0;
	for (size_t i = 0; i < ARRAY_SIZE(own_messages); i++)
		if (!strcmp(d->name, own_messages[i]))
			return 0;
	for (unsigned i = 0; i < d->n_fields; i++)
		nr += d->fields[i].id < OWN_FIELDS;
	return nr;
}

static void schema_matches_every_field(void **state)
{
	(void)state;
	struct descriptors all = reach_all();
	auto_file f = open_table("messages");
	char line[1024], *cols[MAX_COLUMNS], last[128] = "";
	size_t nr_rows = 0, nr_fields = 0, nr_messages = 0;
	while (next_row(f, line, sizeof(line), cols)) {
		const ProtobufCMessageDescriptor *desc = find(&all, cols[1]);
		const ProtobufCFieldDescriptor *field =
		    protobuf_c_message_descriptor_get_field_by_name(desc, cols[5]);
		if (!field)
			fail_msg("%s.%s is not in the schema", cols[1], cols[5]);
		assert_int_equal(field->id, strtoul(cols[2], NULL, 10));
		check_label(field, cols[3]);
		check_type(field, cols[4]);
		check_default(field, cols[6]);
		nr_rows++;
		if (strcmp(last, cols[1]))
			nr_messages++;
		snprintf(last, sizeof(last), "%s", cols[1]);
	}
	/* nothing beyond the table either, except what has a number of our own */
	for (size_t i = 0; i < all.nr; i++)
		nr_fields += nr_fields_of_format(all.items[i]);
	assert_int_equal(nr_fields, nr_rows);
	assert_true(nr_messages >= 200 || nr_messages == all.nr - ARRAY_SIZE(own_messages));
	free(all.items);
}

static const ProtobufCEnumDescriptor *find_enum(const struct descriptors *all, const char *name)
{
	for (size_t i = 0; i < all->nr; i++) {
		const ProtobufCMessageDescriptor *desc = all->items[i];
		for (unsigned k = 0; k < desc->n_fields; k++) {
			if (desc->fields[k].type != PROTOBUF_C_TYPE_ENUM)
				continue;
			const ProtobufCEnumDescriptor *e = desc->fields[k].descriptor;
			if (!strcmp(e->name, name))
				return e;
		}
	}
	return NULL;
}

/* Enums that no field has as its type: the fields that carry them are plain integers. */
static const ProtobufCEnumDescriptor *const unused_enums[] = {
	&fh_entry_sizes__descriptor,
	&fstype__descriptor,
	&tty_type__descriptor,
};

static void schema_matches_every_enum_value(void **state)
{
	(void)state;
	struct descriptors all = reach_all();
	auto_file f = open_table("enums");
	char line[1024], *cols[MAX_COLUMNS];
	while (next_row(f, line, sizeof(line), cols)) {
		const ProtobufCEnumDescriptor *e = find_enum(&all, cols[1]);
		for (size_t i = 0; !e && i < ARRAY_SIZE(unused_enums); i++) {
			if (!strcmp(unused_enums[i]->name, cols[1]))
				e = unused_enums[i];
		}
		if (!e)
			fail_msg("enum %s is not in the schema", cols[1]);
		const ProtobufCEnumValue *v =
		    protobuf_c_enum_descriptor_get_value_by_name(e, cols[2]);
		if (!v)
			fail_msg("%s of enum %s is not in the schema", cols[2], cols[1]);
		assert_int_equal(v->value, strtol(cols[3], NULL, 10));
	}
	free(all.items);
}

static enum image_head head_from_words(const char *words)
{
	if (!strcmp(words, "raw"))
		return HEAD_RAW;
	if (!strcmp(words, "magic only"))
		return HEAD_MAGIC;
	return !strcmp(words, "IMG_SERVICE+magic") ? HEAD_SERVICE : HEAD_COMMON;
}

static void registry_has_every_image_type(void **state)
{
	(void)state;
	auto_file f = open_table("images");
	char line[1024], *cols[MAX_COLUMNS];
	size_t nr = 0;
	while (next_row(f, line, sizeof(line), cols)) {
		const struct image_type *t = image_type_by_name(cols[0]);
		if (!t)
			fail_msg("image type %s has no row", cols[0]);
		assert_ptr_equal(t, &image_types[t->id]);
		assert_int_equal(t->head, head_from_words(cols[3]));
		assert_int_equal(t->magic,
				 strtoul(strcmp(cols[1], "raw") ? cols[1] : "0", NULL, 16));
		size_t stem = strcspn(cols[2], "%");
		assert_memory_equal(t->pattern, cols[2], stem);
		if (t->entry && !t->first)
			assert_memory_equal(t->entry->name, cols[4], strlen(t->entry->name));
		assert_int_equal(t->payload != PAYLOAD_NONE, strcmp(cols[5], "-") != 0);
		nr++;
	}
	assert_int_equal(nr, IMG_NR_TYPES);
}

static void registry_finds_types_by_filename(void **state)
{
	(void)state;
	static const struct {
		const char *file;
		enum image_id id;
	} cases[] = {
		{ "core-12.img", IMG_CORE },
		{ "/a/b/pstree.img", IMG_PSTREE },
		{ "tcp-stream-3fa.img", IMG_TCP_STREAM },
		{ "stats-dump", IMG_STATS },
		{ "stats-restore", IMG_STATS },
		{ "pages-1.img", IMG_PAGES },
		{ "route6-9.img", IMG_ROUTE6 },
		{ "tmpfs-7.tar.gz.img", IMG_TMPFS_IMG },
		{ "pagemap-shmem-9.img", IMG_SHMEM_PAGEMAP },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct image_type *t = image_type_by_filename(cases[i].file);
		assert_non_null(t);
		assert_int_equal(t->id, cases[i].id);
	}
	assert_null(image_type_by_filename("core-.img"));
	assert_null(image_type_by_filename("core-x.img"));
	assert_null(image_type_by_filename("stats-else"));
}

static void registry_names_files_it_recognises(void **state)
{
	(void)state;
	for (size_t i = 0; i < IMG_NR_TYPES; i++) {
		char name[128];
		image_filename(&image_types[i], 1, name, sizeof(name));
		const struct image_type *t = image_type_by_filename(name);
		assert_non_null(t);
		assert_string_equal(t->pattern, image_types[i].pattern);
	}
}

static const char *hint_words(const struct hint *h)
{
	static const char *const words[] = {
		[HINT_HEX] = "hex",
		[HINT_DEV] = "dev",
		[HINT_ODEV] = "dev,odev",
		[HINT_ADDRESS] = "ipadd",
		[HINT_FLAGS] = "flags=",
		[HINT_DICT] = "dict=",
		[HINT_UNIX_NAME] = "conv=unix_name",
	};
	return words[h->kind];
}

static void hints_match_every_field(void **state)
{
	(void)state;
	auto_file f = open_table("messages");
	char line[1024], *cols[MAX_COLUMNS];
	size_t nr = 0;
	while (next_row(f, line, sizeof(line), cols)) {
		const struct hint *h = hint_find(cols[1], cols[5]);
		if (!*cols[7]) {
			assert_null(h);
			continue;
		}
		if (!h)
			fail_msg("%s.%s has no hint", cols[1], cols[5]);
		const char *words = hint_words(h);
		assert_memory_equal(words, cols[7], strlen(words));
		assert_int_equal(h->values != NULL, h->kind == HINT_FLAGS || h->kind == HINT_DICT);
		nr++;
	}
	assert_int_equal(nr, nr_hints);
}

static bool hint_value_known(const char *set, const char *name, uint64_t value)
{
	bool seen = false;
	for (size_t i = 0; i < nr_hints; i++) {
		const struct hint *h = &hints[i];
		bool dict = !strncmp(set, "sk:", 3) && !strcmp(h->field, set + 3);
		bool state = !strcmp(set, "gen:task_state") && !strcmp(h->field, "task_state");
		bool flags = h->kind == HINT_FLAGS && !strncmp(set, "mmap.", 5) &&
			     !strcmp(h->field, set + 5) && !strcmp(h->message, "vma_entry");
		bool named =
		    (!strcmp(set, "rfile.flags") && !strcmp(h->message, "reg_file_entry")) ||
		    (!strcmp(set, "pmap.flags") && !strcmp(h->message, "pagemap_entry")) ||
		    (!strcmp(set, "seals.flags") && !strcmp(h->field, "seals"));
		if (!h->values || !(dict || state || flags || (named && h->kind == HINT_FLAGS)))
			continue;
		seen = true;
		const struct hint_value *v = h->values;
		while (v->name && strcmp(v->name, name))
			v++;
		if (!v->name || v->value != value)
			return false;
	}
	return seen;
}

static void hints_know_every_flag_name(void **state)
{
	(void)state;
	auto_file f = open_table("flagsets");
	char line[1024], *cols[MAX_COLUMNS];
	while (next_row(f, line, sizeof(line), cols)) {
		if (!hint_value_known(cols[0], cols[1], strtoull(cols[2], NULL, 0)))
			fail_msg("%s of %s is missing or has another value", cols[1], cols[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_matches_every_field),
		cmocka_unit_test(schema_matches_every_enum_value),
		cmocka_unit_test(registry_has_every_image_type),
		cmocka_unit_test(registry_finds_types_by_filename),
		cmocka_unit_test(registry_names_files_it_recognises),
		cmocka_unit_test(hints_match_every_field),
		cmocka_unit_test(hints_know_every_flag_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
