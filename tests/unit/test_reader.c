/* SPDX-License-Identifier: MIT
 * The image reader: every head, every message of the schema, every way to be cut short.
 */
#include "tests/unit/image_fixture.h"

#include "files.pb-c.h"
#include "images/payload.h"
#include "inventory.pb-c.h"
#include "security.pb-c.h"
#include "task.pb-c.h"

#define PSTREE_MAGIC "\x30\x30\x27\x50"
#define COMMON       "\x19\x43\x56\x54"
#define SERVICE      "\x40\x59\x10\x55"
#define ENTRY(pid)   "\x08\0\0\0\x08" pid "\x10\x00\x18\x01\x20\x01"
#define PSTREE       COMMON PSTREE_MAGIC

static int open_bytes(const char *name, const void *bytes, size_t len, struct image_reader **out,
		      struct error *err)
{
	struct istream *in;
	int rc = istream_open_memory(bytes, len, name, &in, err);
	return rc < 0 ? rc : image_open_stream(in, name, out, err);
}

/* The first error of reading all entries, or the number of entries. */
static int read_all(const char *name, const void *bytes, size_t len, struct error *err)
{
	auto_image_reader r = NULL;
	int rc = open_bytes(name, bytes, len, &r, err), nr = 0;
	while (rc >= 0) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, err);
		if (rc == 0)
			return nr;
		nr++;
	}
	return rc;
}

static void image_open_accepts_every_head(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		enum image_head head;
	} cases[] = {
		{ BYTES(COMMON PSTREE_MAGIC ENTRY("\x05")), HEAD_COMMON },
		{ BYTES(SERVICE PSTREE_MAGIC ENTRY("\x05")), HEAD_SERVICE },
		{ BYTES(PSTREE_MAGIC ENTRY("\x05")), HEAD_MAGIC },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_image_reader r = NULL;
		assert_ok(open_bytes("-", cases[i].bytes, cases[i].len, &r, &err));
		assert_int_equal(image_reader_head(r), cases[i].head);
		assert_ptr_equal(image_reader_type(r), &image_types[IMG_PSTREE]);
		auto_message ProtobufCMessage *msg = NULL;
		assert_ok(image_next(r, &msg, &err));
		assert_int_equal(((PstreeEntry *)msg)->pid, 5);

		auto_strbuf copy = { 0 };
		assert_ok(bytes_copy(cases[i].bytes, cases[i].len, "-", &copy, &err));
		assert_int_equal(copy.len, cases[i].len);
		assert_memory_equal(copy.data, cases[i].bytes, copy.len);
	}
}

static void image_open_rejects_what_is_no_image(void **state)
{
	(void)state;
	assert_fails(read_all("core-1.img", BYTES(""), &err), EBADMSG, "header is 0 bytes");
	assert_fails(read_all("core-1.img", BYTES("\x19\x43"), &err), EBADMSG, "header is 2 bytes");
	assert_fails(read_all("core-1.img", BYTES(COMMON "\x30"), &err), EBADMSG, "header is 5");
	assert_fails(read_all("core-1.img", BYTES("ABCD"), &err), EBADMSG, "magic 0x44434241");
	assert_fails(read_all("core-1.img", BYTES(COMMON "ABCD"), &err), EBADMSG, "at byte 4");
}

static void image_open_tells_shared_magics_apart_by_name(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum image_id type;
	} cases[] = { { "pagemap-1.img", IMG_PAGEMAP },
		      { "pagemap-shmem-1.img", IMG_SHMEM_PAGEMAP },
		      { "-", IMG_PAGEMAP } };
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_image_reader r = NULL;
		assert_ok(open_bytes(cases[i].name, BYTES(COMMON "\x25\x40\x08\x56"), &r, &err));
		assert_int_equal(image_reader_type(r)->id, cases[i].type);
	}
}

static void image_open_knows_raw_images_by_name(void **state)
{
	(void)state;
	auto_image_reader r = NULL;
	char buf[16];
	assert_ok(open_bytes("pages-3.img", BYTES(PSTREE), &r, &err));
	assert_int_equal(image_reader_type(r)->id, IMG_PAGES);
	assert_int_equal(image_reader_head(r), HEAD_RAW);
	assert_int_equal(image_read_raw(r, buf, sizeof(buf), NULL), 8);
	ProtobufCMessage *msg;
	assert_fails(image_next(r, &msg, &err), EINVAL, "only bytes");
}

static void image_open_typed_checks_the_type(void **state)
{
	const struct temp_dir *dir = *state;
	put_file(dir, "core-4.img", BYTES(PSTREE));
	auto_source src = open_dir(dir);
	struct image_reader *r = NULL;
	assert_fails(image_open_typed(src, IMG_CORE, 4, &r, &err), EBADMSG,
		     "wanted a CORE image, found PSTREE");
	assert_fails(image_open_typed(src, IMG_CORE, 5, &r, &err), ENOENT, "core-5.img");
}

static void image_next_reports_every_way_to_be_cut_short(void **state)
{
	(void)state;
	static const char image[] = PSTREE ENTRY("\x01") ENTRY("\x02");
	for (size_t len = 8; len < sizeof(image); len++) {
		struct error err = { 0 };
		int rc = read_all("pstree.img", image, len, &err);
		if ((len - 8) % 12 == 0)
			assert_int_equal(rc, (len - 8) / 12);
		else
			assert_int_equal(rc, -EBADMSG);
	}
	assert_fails(read_all("pstree.img", image, 25, &err), EBADMSG,
		     "pstree.img: entry 1 at byte 20: wanted a message of 8 bytes, found 1");
}

static void image_next_refuses_huge_sizes(void **state)
{
	(void)state;
	assert_fails(read_all("pstree.img", BYTES(PSTREE "\0\0\0\x80"), &err), EBADMSG,
		     "the limit");
	assert_fails(read_all("pstree.img", BYTES(PSTREE "\xff\xff\xff\xff"), &err), EBADMSG,
		     "message of 4294967295 bytes");
	assert_fails(read_all("pstree.img", BYTES(PSTREE "\0\0\0\x02"), &err), EBADMSG,
		     "33554432 bytes, found 0");
}

/* Through a pipe nobody knows how much will come: memory must follow the bytes, not the promise. */
static void image_next_believes_a_pipe_only_as_it_comes(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fd_write_full(ends[1], BYTES(PSTREE ENTRY("\x07") "\0\0\0\x03\x08")), 0);
	close(ends[1]);
	struct istream *in;
	auto_image_reader r = NULL;
	assert_ok(istream_open_fd(ends[0], "-", &in, &err));
	assert_false(istream_seekable(in));
	assert_ok(image_open_stream(in, "-", &r, &err));
	ProtobufCMessage *msg;
	assert_int_equal(image_next(r, &msg, NULL), 1);
	assert_int_equal(((PstreeEntry *)msg)->pid, 7);
	protobuf_c_message_free_unpacked(msg, NULL);
	assert_fails(image_next(r, &msg, &err), EBADMSG, "50331648 bytes, found 1");
}

static void image_next_names_the_field_at_fault(void **state)
{
	(void)state;
	assert_fails(read_all("pstree.img", BYTES(PSTREE "\x06\0\0\0\x08\1\x10\0\x18\1"), &err),
		     EBADMSG, "entry 0 at byte 8: pstree_entry.sid: required, but missing");
	assert_fails(
	    read_all("pstree.img", BYTES(PSTREE "\x08\0\0\0\x0a\1\x10\0\x18\1\x20\1"), &err),
	    EBADMSG, "pstree_entry.pid: wanted wire type 0, found 2");
	assert_fails(read_all("pstree.img", BYTES(PSTREE "\x07\0\0\0\x08\1\x10\0\x18\1\x20"), &err),
		     EBADMSG, "no whole field at byte 6 of 7");
	/* pid 2^32: unpacking would make it 0 */
	assert_fails(read_all("pstree.img",
			      BYTES(PSTREE "\x0c\0\0\0\x08\x80\x80\x80\x80\x10"
					   "\x10\0\x18\1\x20\1"),
			      &err),
		     EBADMSG, "pstree_entry.pid: 4294967296 does not fit");
	/* ext_file_entry: id 1, fown, a NUL byte in memfd's name */
	assert_fails(read_all("memfd.img",
			      BYTES(COMMON "\x99\x34\x45\x48\x15\0\0\0"
					   "\x0a\3a\0b\x10\0\x18\0\x20\0\x28\0\x30\0\x38\0\x40\0"
					   "\x48\0"),
			      &err),
		     EBADMSG, "memfd_inode_entry.name: a NUL byte");
}

static void image_next_keeps_what_it_does_not_know(void **state)
{
	(void)state;
	/* lsmtype 77; unknown field 2000 as number, 2001 as bytes */
	static const char image[] = "\x16\x31\x31\x58\x0c\0\0\0\x08\x02\x30\x4d"
				    "\x80\x7d\x2a\x8a\x7d\2ab";
	auto_strbuf copy = { 0 };
	assert_ok(bytes_copy(image, sizeof(image) - 1, "inventory.img", &copy, &err));
	assert_int_equal(copy.len, sizeof(image) - 1);
	assert_memory_equal(copy.data, image, copy.len);
}

/* Unpacking recurses: a cgroup directory in a cgroup directory in … must not cost the stack. */
static void image_next_refuses_endless_nesting(void **state)
{
	(void)state;
	size_t nr = 200000, len = 0;
	auto_free unsigned char *reversed = malloc(16 + nr * 8);
	for (size_t i = 0; i < nr; i++) { /* built from the inside out */
		size_t inner = len;
		unsigned char varint[10];
		size_t n = 0;
		for (size_t v = inner; n == 0 || v; v >>= 7)
			varint[n++] = (unsigned char)((v & 0x7f) | (v >> 7 ? 0x80 : 0));
		while (n)
			reversed[len++] = varint[--n];
		reversed[len++] = 0x12; /* cgroup_entry.controllers, .dirs, .children, … */
	}
	auto_strbuf image = { 0 };
	uint32_t size = (uint32_t)len;
	strbuf_add(&image, BYTES(COMMON "\x30\x33\x38\x59"));
	strbuf_add(&image, &size, sizeof(size));
	while (len)
		strbuf_add(&image, &reversed[--len], 1);
	assert_fails(read_all("cgroup.img", image.data, image.len, &err), EBADMSG, "nested deeper");
}

static void image_entry_bytes_are_the_bytes_of_the_file(void **state)
{
	(void)state;
	/* fields in reverse order, one number longer than needed */
	static const char entry[] = "\x20\x81\x00\x18\1\x10\0\x08\1";
	auto_image_reader r = NULL;
	assert_ok(
	    open_bytes("-", BYTES(PSTREE "\x09\0\0\0\x20\x81\0\x18\1\x10\0\x08\1"), &r, &err));
	auto_message ProtobufCMessage *msg = NULL;
	assert_ok(image_next(r, &msg, &err));
	assert_int_equal(((PstreeEntry *)msg)->sid, 1);
	size_t len;
	const void *bytes = image_entry_bytes(r, &len);
	assert_int_equal(len, sizeof(entry) - 1);
	assert_memory_equal(bytes, entry, len);
	assert_int_equal(image_reader_entry_offset(r), 8);
}

static void image_read_one_wants_exactly_one(void **state)
{
	const struct temp_dir *dir = *state;
	auto_source src = open_dir(dir);
	ProtobufCMessage *msg = NULL;
	put_file(dir, "pstree.img", BYTES(PSTREE));
	assert_fails(image_read_one(src, IMG_PSTREE, 0, &msg, &err), EBADMSG, "found none");
	put_file(dir, "pstree.img", BYTES(PSTREE ENTRY("\1") ENTRY("\2")));
	assert_fails(image_read_one(src, IMG_PSTREE, 0, &msg, &err), EBADMSG, "more at byte 20");
	put_file(dir, "pstree.img", BYTES(PSTREE ENTRY("\1")));
	assert_ok(image_read_one(src, IMG_PSTREE, 0, &msg, &err));
	assert_int_equal(((PstreeEntry *)msg)->pid, 1);
	protobuf_c_message_free_unpacked(msg, NULL);
}

static void image_next_lazy_leaves_elements_for_later(void **state)
{
	(void)state;
	/* filters "A" and "B", between them a field nobody knows, then one that is cut short */
	static const char head[] = COMMON "\x49\x30\x41\x64";
	static const char entry[] = "\x0a\3\x0a\1A\xe8\x04\5\x0a\3\x0a\1B\x0a\3\x0a\x09Z";
	char file[64];
	for (size_t cut = 0; cut < 2; cut++) {
		uint8_t len = (uint8_t)(sizeof(entry) - 1 - (cut ? 0 : 5));
		memcpy(file, head, 8);
		memcpy(file + 8, (uint8_t[]){ len, 0, 0, 0 }, 4);
		memcpy(file + 12, entry, len);
		auto_image_reader r = NULL;
		auto_message ProtobufCMessage *msg = NULL;
		ProtobufCMessage *filter;
		size_t nr;
		assert_ok(open_bytes("-", file, 12 + len, &r, &err));
		assert_int_equal(image_next_lazy(r, "seccomp_filters", &msg, &nr, NULL), 1);
		assert_int_equal(nr, cut ? 3 : 2);
		assert_int_equal(((SeccompEntry *)msg)->n_seccomp_filters, 0);
		assert_int_equal(msg->n_unknown_fields, 1);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(image_element_next(r, &filter, NULL), 1);
			assert_int_equal(((SeccompFilter *)filter)->filter.data[0], 'A' + i);
			protobuf_c_message_free_unpacked(filter, NULL);
		}
		if (cut)
			assert_fails(image_element_next(r, &filter, &err), EBADMSG, "filter");
		else
			assert_int_equal(image_element_next(r, &filter, NULL), 0);
		/* the next entry is read as ever */
		auto_message ProtobufCMessage *second = NULL;
		assert_int_equal(image_next(r, &second, NULL), 0);
	}
}

/* A message with every field set, to values that differ from field to field. */
static ProtobufCMessage *message_filled(const ProtobufCMessageDescriptor *desc, unsigned depth,
					unsigned seed);

static void value_fill(const ProtobufCFieldDescriptor *fd, void *at, unsigned depth, unsigned seed)
{
	switch (fd->type) {
	case PROTOBUF_C_TYPE_STRING:
		*(char **)at = strdup(seed % 2 ? "\xff not UTF-8" : "text");
		break;
	case PROTOBUF_C_TYPE_BYTES:
		*(ProtobufCBinaryData *)at = (ProtobufCBinaryData){ 3, malloc(3) };
		memcpy(((ProtobufCBinaryData *)at)->data, "\0\x80z", 3);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)at = message_filled(fd->descriptor, depth - 1, seed + 1);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)at = seed & 1;
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
		*(uint64_t *)at = seed % 3 ? seed : UINT64_MAX - seed;
		break;
	default:
		*(uint32_t *)at = seed % 5 ? seed : UINT32_MAX - seed;
		break;
	}
}

static size_t value_size(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return 8;
	default:
		return 4;
	}
}

static ProtobufCMessage *message_filled(const ProtobufCMessageDescriptor *desc, unsigned depth,
					unsigned seed)
{
	char *msg = calloc(1, desc->sizeof_message);
	protobuf_c_message_init(desc, msg);
	for (unsigned i = 0; i < desc->n_fields; i++) {
		const ProtobufCFieldDescriptor *fd = &desc->fields[i];
		size_t size = value_size(fd->type);
		if (fd->label == PROTOBUF_C_LABEL_REPEATED && !depth)
			continue; /* a cgroup directory holds cgroup directories */
		if (fd->label == PROTOBUF_C_LABEL_REPEATED) {
			char *items = calloc(3, size);
			for (unsigned k = 0; k < 3; k++)
				value_fill(fd, items + k * size, depth, seed + i + k);
			*(size_t *)(msg + fd->quantifier_offset) = 3;
			*(char **)(msg + fd->offset) = items;
			continue;
		}
		if (fd->label == PROTOBUF_C_LABEL_OPTIONAL && fd->type != PROTOBUF_C_TYPE_STRING &&
		    fd->type != PROTOBUF_C_TYPE_MESSAGE)
			*(protobuf_c_boolean *)(msg + fd->quantifier_offset) = 1;
		value_fill(fd, msg + fd->offset, depth, seed + i);
	}
	return (ProtobufCMessage *)msg;
}

static void every_message_of_the_registry_survives(void **state)
{
	(void)state;
	for (size_t i = 0; i < IMG_NR_TYPES; i++) {
		const struct image_type *type = &image_types[i];
		if (!type->entry || type->payload != PAYLOAD_NONE)
			continue;
		auto_file f = tmpfile();
		auto_image_writer w = NULL;
		char name[64], path[64];
		image_filename(type, 1, name, sizeof(name));
		assert_ok(image_writer_open_fd(fileno(f), name, type, type->head, &w, &err));
		for (unsigned seed = 0; seed < 3; seed++) {
			bool first = seed == 0 && type->first;
			auto_message ProtobufCMessage *msg =
			    message_filled(first ? type->first : type->entry, 5, seed);
			assert_ok(image_write(w, msg, &err));
		}
		assert_ok(image_finish(w, &err));
		auto_strbuf bytes = { 0 }, copy = { 0 };
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(f));
		assert_ok(file_read_at(AT_FDCWD, path, &bytes, &err));
		assert_ok(bytes_copy(bytes.data, bytes.len, name, &copy, &err));
		assert_int_equal(copy.len, bytes.len);
		assert_memory_equal(copy.data, bytes.data, bytes.len);
	}
}

/* Nothing here frees them: with leaks reported, what is not of the pool would be. */
static void image_reader_pool_keeps_entries(void **state)
{
	(void)state;
	auto_image_reader r = NULL;
	struct pool pool = { 0 };
	ProtobufCMessage *first = NULL, *second = NULL;
	assert_ok(open_bytes("-", BYTES(PSTREE ENTRY("\x05") ENTRY("\x06")), &r, &err));
	image_reader_pool(r, &pool);
	assert_non_null(pool_alloc(&pool, 1));
	char *before = pool.at;
	assert_ok(image_next(r, &first, &err));
	assert_ok(image_next(r, &second, &err));
	image_reader_close(take_ptr(r));
	assert_true((char *)first >= before && (char *)second < pool.at);
	assert_int_equal(((PstreeEntry *)first)->pid, 5);
	assert_int_equal(((PstreeEntry *)second)->pid, 6);
	pool_fini(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(image_open_accepts_every_head),
		cmocka_unit_test(image_open_rejects_what_is_no_image),
		cmocka_unit_test(image_open_tells_shared_magics_apart_by_name),
		cmocka_unit_test(image_open_knows_raw_images_by_name),
		TEMP_TEST(image_open_typed_checks_the_type),
		cmocka_unit_test(image_next_reports_every_way_to_be_cut_short),
		cmocka_unit_test(image_next_refuses_huge_sizes),
		cmocka_unit_test(image_next_believes_a_pipe_only_as_it_comes),
		cmocka_unit_test(image_next_names_the_field_at_fault),
		cmocka_unit_test(image_next_keeps_what_it_does_not_know),
		cmocka_unit_test(image_next_refuses_endless_nesting),
		cmocka_unit_test(image_entry_bytes_are_the_bytes_of_the_file),
		TEMP_TEST(image_read_one_wants_exactly_one),
		cmocka_unit_test(image_reader_pool_keeps_entries),
		cmocka_unit_test(image_next_lazy_leaves_elements_for_later),
		cmocka_unit_test(every_message_of_the_registry_survives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
