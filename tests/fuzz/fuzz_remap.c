/* SPDX-License-Identifier: MIT
 * Rules and what they meet: a byte that says which form, "OLD=NEW" for each kind that has one, NUL
 * terminated and ended by an empty one ("i10.0.0.1=10.0.0.2"), then a packed core_entry, files
 * entry or mnt_entry, a netlink dump, a rule set or a document. Messages stay whole, dumps keep
 * their length, rule sets their lines, and documents are JSON as before.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "convert/remap/remapping.h"
#include "files.pb-c.h"
#include "images/wire.h"
#include "mounts.pb-c.h"
#include "task.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum form {
	FORM_CORE,
	FORM_FILES,
	FORM_MOUNTS,
	FORM_NETLINK,
	FORM_FLOWS,
	FORM_FILTER,
	FORM_DOCUMENT,
	NR_FORMS
};

static const char letters[NR_REMAP_KINDS] = { 'i', 'p', 'f', 'u', 'g', 't', 'c', 'h' };

static void must(bool condition)
{
	if (!condition)
		abort();
}

/* @return what is behind the rules; NULL: there is nothing */
static const uint8_t *rules_read(const uint8_t *at, const uint8_t *end, struct remap_rules *rules)
{
	while (at < end) {
		const uint8_t *stop = memchr(at, 0, (size_t)(end - at));
		if (!stop)
			return NULL;
		if (stop == at)
			return at + 1;
		for (unsigned kind = 0; kind < NR_REMAP_KINDS; kind++) {
			struct error err;
			if (*at == letters[kind] &&
			    remap_rules_add(rules, kind, (const char *)at + 1, &err) < 0)
				return NULL;
		}
		at = stop + 1;
	}
	return NULL;
}

static void message(struct remapping *r, const ProtobufCMessageDescriptor *desc,
		    const uint8_t *bytes, size_t len)
{
	struct error err;
	if (wire_check(desc, bytes, len, &err) < 0)
		return;
	ProtobufCMessage *msg = protobuf_c_message_unpack(desc, NULL, len, bytes);
	if (!msg)
		return;
	remap_message(r, msg, &err);
	size_t packed_len = protobuf_c_message_get_packed_size(msg);
	auto_free uint8_t *packed = malloc(packed_len + 1);
	must(protobuf_c_message_pack(msg, packed) == packed_len);
	ProtobufCMessage *again = protobuf_c_message_unpack(desc, NULL, packed_len, packed);
	must(again != NULL);
	protobuf_c_message_free_unpacked(again, NULL);
	protobuf_c_message_free_unpacked(msg, NULL);
}

static void netlink(struct remapping *r, const char *name, const uint8_t *bytes, size_t len)
{
	struct istream *in = NULL;
	auto_image_reader reader = NULL;
	auto_file out = tmpfile();
	struct error err;
	if (!out || istream_open_memory(bytes, len, name, &in, &err) < 0 ||
	    image_open_stream(in, name, &reader, &err) < 0)
		return;
	if (remap_netlink(r, reader, fileno(out), &err) == 0)
		must((size_t)lseek(fileno(out), 0, SEEK_END) == len);
}

static size_t nr_lines(const char *text, size_t len)
{
	size_t nr = 0;
	for (size_t i = 0; i < len; i++)
		nr += text[i] == '\n';
	return nr;
}

static void filter(struct remapping *r, const uint8_t *bytes, size_t len)
{
	struct error err;
	auto_strbuf out = { 0 };
	if (remap_filter(r, (const char *)bytes, len, &out, &err) == 0)
		must(nr_lines(out.data, out.len) == nr_lines((const char *)bytes, len));
}

static void document(struct remapping *r, const uint8_t *bytes, size_t len)
{
	struct error err;
	struct remap_rules none = { 0 };
	auto_strbuf out = { 0 };
	auto_strbuf again = { 0 };
	if (remap_document(r, (const char *)bytes, len, &out, &err) < 0)
		return;
	r->rules = &none;
	must(remap_document(r, out.data, out.len, &again, &err) == 0);
	must(again.len == out.len && (!out.len || !memcmp(out.data, again.data, out.len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct remap_changes changes = { 0 };
	const struct remap_job job = { .changes = &changes };
	struct remap_rules rules = { 0 };
	struct remapping r = { .job = &job, .rules = &rules, .looking = true, .image = "image" };
	const uint8_t *at = size ? rules_read(data + 1, data + size, &rules) : NULL;
	size_t len = at ? (size_t)(data + size - at) : 0;
	switch (at ? data[0] % NR_FORMS : NR_FORMS) {
	case FORM_CORE:
		message(&r, &core_entry__descriptor, at, len);
		break;
	case FORM_FILES:
		message(&r, &file_entry__descriptor, at, len);
		break;
	case FORM_MOUNTS:
		message(&r, &mnt_entry__descriptor, at, len);
		break;
	case FORM_NETLINK:
		netlink(&r, "route-1.img", at, len);
		break;
	case FORM_FLOWS:
		netlink(&r, "netns-ct-1.img", at, len);
		break;
	case FORM_FILTER:
		filter(&r, at, len);
		break;
	case FORM_DOCUMENT:
		document(&r, at, len);
		break;
	default:
		break;
	}
	remap_changes_fini(&changes);
	remap_rules_fini(&rules);
	facts_fini(&r.facts);
	strbuf_fini(&r.field);
	free(r.patches.items);
	return 0;
}
