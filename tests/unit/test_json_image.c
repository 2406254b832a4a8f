/* SPDX-License-Identifier: MIT
 * Messages and images through JSON: every message of the registry, every presentation, payloads,
 * what newer images add, and what is refused.
 */
#include "tests/unit/image_fixture.h"

#include <sys/mman.h>

#include "convert/codec/image.h"
#include "convert/codec/message.h"
#include "convert/json/value.h"
#include "files.pb-c.h"
#include "images/hints.h"
#include "ipc.pb-c.h"

/* Every field of every message set, with values that change from field to field. */
static void fill(ProtobufCMessage *msg, unsigned *seed, unsigned depth);

static void *fill_message(const ProtobufCMessageDescriptor *desc, unsigned *seed, unsigned depth)
{
	ProtobufCMessage *msg = calloc(1, desc->sizeof_message);
	assert_non_null(msg);
	protobuf_c_message_init(desc, msg);
	fill(msg, seed, depth);
	return msg;
}

static void fill_element(const ProtobufCFieldDescriptor *field, void *at, unsigned *seed,
			 unsigned depth)
{
	uint64_t value = (uint64_t)++ * seed * UINT64_C(0x9e3779b97f4a7c15);
	char text[32];
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		snprintf(text, sizeof(text), "t\xc3\xbc\xff-%u", *seed);
		*(char **)at = strdup(text);
		return;
	case PROTOBUF_C_TYPE_BYTES:
		*(ProtobufCBinaryData *)at = (ProtobufCBinaryData){ 8, malloc(8) };
		memcpy(((ProtobufCBinaryData *)at)->data, &value, 8);
		return;
	case PROTOBUF_C_TYPE_MESSAGE:
		*(void **)at = fill_message(field->descriptor, seed, depth + 1);
		return;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)at = 1;
		return;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		*(uint64_t *)at = value;
		return;
	default:
		*(uint32_t *)at = (uint32_t)(value >> 32);
		return;
	}
}

static size_t size_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return 8;
	default:
		return 4;
	}
}

static void fill(ProtobufCMessage *msg, unsigned *seed, unsigned depth)
{
	for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &msg->descriptor->fields[i];
		char *at = (char *)msg + field->offset;
		bool required = field->label == PROTOBUF_C_LABEL_REQUIRED;
		if (depth > 6 && !required)
			continue;
		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			size_t nr = depth > 3 ? 1 : 3, size = size_of(field->type);
			char *items = calloc(nr, size);
			for (size_t k = 0; k < nr; k++)
				fill_element(field, items + k * size, seed, depth);
			*(size_t *)((char *)msg + field->quantifier_offset) = nr;
			*(char **)at = items;
			continue;
		}
		fill_element(field, at, seed, depth);
		bool pointer =
		    field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
		if (!required && !pointer)
			*(protobuf_c_boolean *)((char *)msg + field->quantifier_offset) = 1;
	}
}

static void assert_same_packed(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	size_t len = protobuf_c_message_get_packed_size(a);
	assert_int_equal(protobuf_c_message_get_packed_size(b), len);
	auto_free uint8_t *x = malloc(len + 1);
	auto_free uint8_t *y = malloc(len + 1);
	protobuf_c_message_pack(a, x);
	protobuf_c_message_pack(b, y);
	assert_memory_equal(x, y, len);
}

static void assert_round_trip(const ProtobufCMessage *msg, bool pretty)
{
	auto_json_out out;
	assert_int_equal(json_out_init(&out, -1, "test", pretty, NULL), 0);
	message_to_json(msg, &out);
	struct json_in in;
	json_in_init_text(&in, out.buf, out.len, "test");
	auto_message ProtobufCMessage *back = NULL;
	struct error err = { 0 };
	if (message_from_json(&in, msg->descriptor, NULL, NULL, &back, &err) < 0)
		fail_msg("%s: %s", msg->descriptor->name, err.text);
	assert_same_packed(msg, back);
}

static void every_message_round_trips(void **state)
{
	(void)state;
	for (size_t i = 0; i < IMG_NR_TYPES; i++) {
		const ProtobufCMessageDescriptor *descs[] = { image_types[i].first,
							      image_types[i].entry };
		for (size_t k = 0; k < 2; k++) {
			if (!descs[k])
				continue;
			unsigned seed = 0;
			auto_message ProtobufCMessage *full = fill_message(descs[k], &seed, 0);
			assert_round_trip(full, false);
			assert_round_trip(full, true);
		}
	}
}

static void every_hint_reads_what_it_writes(void **state)
{
	(void)state;
	static const uint64_t values[] = { 0, 1, 3, 6, 0x1f, 0x100005, 0x7fffffff, 0xffffffff };
	for (size_t i = 0; i < nr_hints; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
			auto_json_out out;
			assert_int_equal(json_out_init(&out, -1, "test", true, NULL), 0);
			value_to_json(&out, values[k], &hints[i]);
			if (out.buf[0] != '"')
				continue;
			out.buf[out.len - 1] = '\0';
			uint64_t back;
			bool negative;
			assert_int_equal(value_from_text(out.buf + 1, &hints[i], &back, &negative),
					 0);
			assert_true(back == values[k] && !negative);
		}
	}
}

static void assert_value(const char *message, const char *field, uint64_t value, const char *want)
{
	auto_json_out out;
	assert_int_equal(json_out_init(&out, -1, "test", true, NULL), 0);
	value_to_json(&out, value, hint_find(message, field));
	json_raw(&out, "", 1);
	assert_string_equal(out.buf, want);
}

static void values_look_as_they_should(void **state)
{
	(void)state;
	assert_value("vma_entry", "start", 0xdeadbeef, "\"0xdeadbeef\"");
	assert_value("vma_entry", "flags", 0x1022, "\"MAP_PRIVATE | MAP_ANON | 0x1000\"");
	assert_value("vma_entry", "status", 0, "\"\"");
	assert_value("ghost_file_entry", "dev", 266338304, "\"254:0\"");
	assert_value("ghost_file_entry", "rdev", 0x103, "\"1:3\"");
	assert_value("task_core_entry", "task_state", 6, "\"Stopped\"");
	assert_value("task_core_entry", "task_state", 9, "9");
	assert_value("inet_sk_entry", "proto", 0, "\"IP\"");
	uint32_t words[4];
	assert_int_equal(address_from_text("1.2.3.4", words), 1);
	assert_int_equal(words[0], 0x04030201);
	assert_int_equal(address_from_text("::1", words), 4);
	assert_int_equal(address_from_text("1.2.3", words), -EINVAL);
}

static int encode(const char *text, struct strbuf *image, struct error *err)
{
	auto_fd fd = memfd_create("image", MFD_CLOEXEC);
	assert_true(fd >= 0);
	struct json_in in;
	json_in_init_text(&in, text, strlen(text), "in.json");
	int rc = image_from_json(&in, fd, "out.img", err);
	if (rc < 0)
		return rc;
	off_t len = lseek(fd, 0, SEEK_CUR);
	strbuf_reset(image);
	assert_int_equal(strbuf_reserve(image, (size_t)len), 0);
	image->len = (size_t)len;
	assert_int_equal(fd_pread_full(fd, image->data, image->len, 0), len);
	return 0;
}

static int decode(const void *bytes, size_t len, const char *name, struct json_out *out,
		  struct error *err)
{
	struct istream *stream;
	auto_image_reader r = NULL;
	int rc = istream_open_memory(bytes, len, name, &stream, err);
	if (rc == 0)
		rc = image_open_stream(stream, name, &r, err);
	if (rc == 0)
		rc = json_out_init(out, -1, "test", false, err);
	const struct image_json how = { 0 };
	if (rc == 0)
		rc = image_to_json(r, &how, out, err);
	if (rc == 0)
		json_raw(out, "", 1);
	return rc;
}

/* Text to an image and back to the same text. */
static void assert_image_text(const char *name, const char *text)
{
	auto_strbuf image = { 0 };
	auto_json_out out = { .fd = -1 };
	struct error err = { 0 };
	if (encode(text, &image, &err) < 0 ||
	    decode(image.data ? image.data : "", image.len, name, &out, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(out.buf, text);
}

#define ONE(magic, entry) "{\"magic\": \"" magic "\", \"entries\": [" entry "]}"
#define DESC                                                                                       \
	"\"desc\": {\"key\": 1, \"uid\": 0, \"gid\": 0, \"cuid\": 0, \"cgid\": 0, \"mode\": 0, "   \
	"\"id\": 0}, "
#define GHOST "\"uid\": 0, \"gid\": 0, \"mode\": 33152, \"dev\": 1, \"ino\": 2"

static void payloads_round_trip(void **state)
{
	(void)state;
	assert_image_text("x", ONE("PIPES_DATA", "{\"pipe_id\": 1, \"bytes\": 3, \"size\": 9, "
						 "\"extra\": \"YWJj\\n\"}"));
	assert_image_text("x", ONE("SK_QUEUES", "{\"id_for\": 1, \"length\": 0, \"extra\": \"\"}"));
	assert_image_text("x",
			  ONE("IPCNS_SEM", "{" DESC "\"nsems\": 3, \"extra\": [0, 1, 65535]}"));
	assert_image_text("x", ONE("IPCNS_SHM", "{" DESC "\"size\": 5, \"in_pagemaps\": true, "
						"\"extra\": \"\"}, {" DESC
						"\"size\": 2, \"extra\": \"YWI=\\n\"}"));
	assert_image_text("x", ONE("IPCNS_MSG", "{" DESC "\"qbytes\": 9, \"qnum\": 2, \"extra\": ["
						"{\"mtype\": 1, \"msize\": 1}, \"YQ==\\n\", "
						"{\"mtype\": 2, \"msize\": 0}, \"\"]}, {" DESC
						"\"qbytes\": 9, \"qnum\": 0, \"extra\": []}"));
	assert_image_text("x", ONE("GHOST_FILE", "{" GHOST ", \"extra\": \"YWJj\\n\"}"));
	assert_image_text("x",
			  ONE("GHOST_FILE", "{" GHOST ", \"chunks\": true, \"size\": 9}, "
					    "{\"len\": 2, \"off\": 0, \"extra\": \"YWI=\\n\"}, "
					    "{\"len\": 1, \"off\": 4, \"extra\": \"YQ==\\n\"}"));
	assert_image_text("x", ONE("PAGEMAP", "{\"pages_id\": 1}, {\"vaddr\": 4096, "
					      "\"compat_nr_pages\": 0, \"nr_pages\": 2}"));
}

static void heads_and_raw_images_round_trip(void **state)
{
	(void)state;
	static const char pid[] =
	    "\"entries\": [{\"pid\": 1, \"ppid\": 0, \"pgid\": 1, \"sid\": 1}]}";
	char text[300];
	snprintf(text, sizeof(text), "{\"magic\": \"PSTREE\", \"head\": \"magic\", %s", pid);
	assert_image_text("pstree.img", text);
	snprintf(text, sizeof(text), "{\"magic\": \"PSTREE\", \"head\": \"service\", %s", pid);
	assert_image_text("pstree.img", text);
	assert_image_text("iptables-1.img", "{\"magic\": \"IPTABLES\", \"lines\": []}");
	assert_image_text(
	    "nftables-1.img",
	    "{\"magic\": \"NFTABLES\", \"lines\": [\"a\\u00fc\\udcff\", \"\", \"b\"]}");
	assert_image_text("pages-1.img", "{\"magic\": \"PAGES\", \"raw\": \"YWJj\\n\"}");
}

static void what_newer_images_add_survives(void **state)
{
	(void)state;
	assert_image_text(
	    "x", ONE("PSTREE", "{\"pid\": 1, \"ppid\": 0, \"pgid\": 1, \"sid\": 1, \"_unknown\": ["
			       "{\"tag\": 77, \"wire\": 2, \"data\": \"A2FiYw==\\n\"}, "
			       "{\"tag\": 78, \"wire\": 0, \"data\": \"BQ==\\n\"}]}"));
	assert_image_text("x",
			  ONE("FDINFO", "{\"id\": 1, \"flags\": 0, \"type\": 4711, \"fd\": 0}"));
}

#define PSTREE_HEAD "\x19\x43\x56\x54\x30\x30\x27\x50"

static void odd_encodings_survive(void **state)
{
	(void)state;
	/* fields out of order, and pid as an overlong number */
	static const char odd[] = PSTREE_HEAD "\x0a\0\0\0\x10\x00\x08\x81\x80\x00\x18\x01\x20\x01";
	auto_json_out out = { .fd = -1 };
	auto_strbuf image = { 0 };
	struct error err = { 0 };
	assert_int_equal(decode(odd, sizeof(odd) - 1, "x", &out, &err), 0);
	assert_non_null(strstr(out.buf, "\"_raw\": "));
	assert_int_equal(encode(out.buf, &image, &err), 0);
	assert_int_equal(image.len, sizeof(odd) - 1);
	assert_memory_equal(image.data, odd, image.len);
	/* an edit wins over the kept bytes */
	memcpy(strstr(out.buf, "\"pid\": 1"), "\"pid\": 9", 8);
	assert_int_equal(encode(out.buf, &image, &err), 0);
	assert_memory_equal(image.data + 12, "\x08\x09\x10\x00\x18\x01\x20\x01", 8);
}

static void encode_takes_any_spelling(void **state)
{
	(void)state;
	auto_strbuf a = { 0 };
	auto_strbuf b = { 0 };
	assert_int_equal(
	    encode(ONE("PAGEMAP", "{\"pages_id\":\"0x1\"},{\"vaddr\":\"0x1000\","
				  "\"compat_nr_pages\":0,\"flags\":\"PE_LAZY | 0x4\"}"),
		   &a, NULL),
	    0);
	assert_int_equal(encode(ONE("PAGEMAP", "{\"pages_id\": 1}, {\"flags\": 6, \"vaddr\": "
					       "\"4096\", \"compat_nr_pages\": \"0\"}"),
				&b, NULL),
			 0);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	assert_int_equal(encode("{\"magic\":\"PIPES_DATA\",\"entries\":[{\"extra\":\"YWJj\","
				"\"pipe_id\":1,\"bytes\":3,\"size\":9}]}",
				&a, NULL),
			 0);
}

static void encode_refuses_and_says_where(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "{}", "in.json: line 1, byte 2: \"magic\" is missing" },
		{ "{\"entries\":[]}", "in.json: line 1, byte 14: \"magic\" is missing" },
		{ "{\"magic\":\"NOPE\"}", "magic: NOPE is no image type" },
		{ "{\"magic\":\"PSTREE\"}", "\"entries\" is missing" },
		{ "{\"magic\":\"PAGES\",\"pages\":1}", "use decode, not a summary" },
		{ ONE("PSTREE", "{\"pid\":1}"), "entries[0]: pstree_entry is missing its ppid" },
		{ ONE("PSTREE", "{\"pid\":1,\"pid\":1}"), "entries[0].pid: given twice" },
		{ ONE("PSTREE", "{\"pid\":-1}"), "entries[0].pid: -1 does not fit 32 bits" },
		{ ONE("PSTREE", "{\"pid\":4294967296}"), "4294967296 does not fit 32 bits" },
		{ ONE("PSTREE", "{\"pidd\":1}"),
		  "entries[0].pidd: pstree_entry has no such field" },
		{ ONE("PSTREE", "{\"pid\":1,\"extra\":\"\"}"), "pstree_entry has no payload" },
		{ ONE("REG_FILES", "{\"name\":1}"),
		  "entries[0].name: want a string, found a number" },
		{ ONE("REG_FILES", "{\"name\":\"a\\u0000b\"}"), "a NUL inside a name" },
		{ ONE("REG_FILES", "{\"flags\":\"O_NOPE\"}"), "\"O_NOPE\" is not a value of this" },
		{ ONE("FDINFO", "{\"type\":\"NOPE\"}"),
		  "\"NOPE\" is not one of this field's names" },
		{ ONE("PIPES_DATA", "{\"pipe_id\":1,\"bytes\":4,\"size\":9,\"extra\":\"YWJj\"}"),
		  "extra: 3 bytes, but the entry says 4" },
		{ ONE("PIPES_DATA", "{\"extra\":\"... <3B>\"}"), "left out by --nopl" },
		{ ONE("GHOST_FILE", "{" GHOST "},{}"), "the first does not say chunks" },
		{ ONE("PSTREE", "") "x", "want the end of the text" },
		{ ONE("PSTREE", "{\"_unknown\":[{\"tag\":1,\"wire\":0,\"data\":\"BQ==\"}]}"),
		  "not an unknown field of pstree_entry" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_strbuf image = { 0 };
		struct error err = { 0 };
		if (encode(cases[i].text, &image, &err) >= 0 || !strstr(err.text, cases[i].error))
			fail_msg("%s: \"%s\", want \"%s\"", cases[i].text, err.text,
				 cases[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_round_trips),
		cmocka_unit_test(every_hint_reads_what_it_writes),
		cmocka_unit_test(values_look_as_they_should),
		cmocka_unit_test(payloads_round_trip),
		cmocka_unit_test(heads_and_raw_images_round_trip),
		cmocka_unit_test(what_newer_images_add_survives),
		cmocka_unit_test(odd_encodings_survive),
		cmocka_unit_test(encode_takes_any_spelling),
		cmocka_unit_test(encode_refuses_and_says_where),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
