/* SPDX-License-Identifier: MIT
 * Payloads: each kind's parts, what is left of them skipped, each cut short.
 */
#include "tests/unit/image_fixture.h"

#include "files.pb-c.h"
#include "images/payload.h"
#include "ipc.pb-c.h"
#include "sockets.pb-c.h"

#define COMMON   "\x19\x43\x56\x54"
#define IPC_DESC "\x0a\x0e\x08\x01\x10\0\x18\0\x20\0\x28\0\x30\0\x38\0"

struct sample {
	const char *name, *image;
	size_t len;
	const char *parts; /* of all entries, each followed by a bar */
	size_t nr_entries;
};

static const struct sample samples[] = {
	{ "pipes-data.img",
	  BYTES(COMMON "\x09\x37\x45\x56"
		       "\4\0\0\0\x08\1\x10\3abc\4\0\0\0\x08\2\x10\0\4\0\0\0\x08\3\x10\5hello"),
	  "abc||hello|", 3 },
	{ "fifo-data.img", BYTES(COMMON "\x54\x30\x33\x59\4\0\0\0\x08\1\x10\2hi"), "hi|", 1 },
	{ "sk-queues.img",
	  BYTES(COMMON "\x26\x40\x26\x56\4\0\0\0\x08\1\x10\2hi\4\0\0\0\x08\1\x10\3you"), "hi|you|",
	  2 },
	{ "tcp-stream-1f.img",
	  BYTES(COMMON
		"\x06\x55\x46\x51\x0e\0\0\0\x08\3\x10\0\x18\4\x20\0\x28\0\x30\0\x38\0inqoutq"),
	  "inq|outq|", 1 },
	{ "ipcns-shm-1.img",
	  BYTES(COMMON "\x44\x30\x28\x46\x12\0\0\0" IPC_DESC "\x10\5shmem\0\0\0"
		       "\x14\0\0\0" IPC_DESC "\x10\5\x18\1"
		       "\x12\0\0\0" IPC_DESC "\x10\4last"),
	  "shmem|last|", 3 },
	{ "ipcns-msg-1.img",
	  BYTES(COMMON
		"\x37\x37\x45\x55\x14\0\0\0" IPC_DESC "\x10\0\x18\2"
		"\4\0\0\0\x08\1\x10\3one\0\0\0\0\0\4\0\0\0\x08\2\x10\x08two two.\x14\0\0\0" IPC_DESC
		"\x10\0\x18\0"),
	  "one|two two.|", 2 },
	{ "ipcns-sem-1.img",
	  BYTES(COMMON "\x19\x30\x57\x59\x12\0\0\0" IPC_DESC "\x10\3\1\1\2\2\3\3\0\0"
		       "\x12\0\0\0" IPC_DESC "\x10\4"
		       "12345678"),
	  "\1\1\2\2\3\3|12345678|", 2 },
	{ "ghost-file-1.img", BYTES(COMMON "\x05\x36\x58\x52\6\0\0\0\x08\0\x10\0\x18\1the rest"),
	  "the rest|", 1 },
	{ "ghost-file-2.img", BYTES(COMMON "\x05\x36\x58\x52\6\0\0\0\x08\0\x10\0\x18\1"), "|", 1 },
	{ "ghost-file-3.img",
	  BYTES(COMMON "\x05\x36\x58\x52\x08\0\0\0\x08\0\x10\0\x18\1\x48\1"
		       "\4\0\0\0\x08\2\x10\0ab\5\0\0\0\x08\3\x10\x80\x20xyz"),
	  "ab|xyz|", 1 },
	{ "bpfmap-data.img",
	  BYTES(COMMON "\x33\x40\x32\x64\x08\0\0\0\x08\1\x10\3\x18\2\x20\1keyva"), "keyva|", 1 },
};

static int open_sample(const struct sample *s, size_t len, struct image_reader **out,
		       struct error *err)
{
	struct istream *in;
	int rc = istream_open_memory(s->image, len, s->name, &in, err);
	return rc < 0 ? rc : image_open_stream(in, s->name, out, err);
}

/* All parts of one entry, each followed by a bar, read in pieces of `step` bytes. */
static int read_parts(struct image_reader *r, size_t step, struct strbuf *out, struct error *err)
{
	struct payload_part part;
	char buf[64];
	int rc;
	while ((rc = image_payload_next(r, &part, err)) == 1) {
		ssize_t n;
		uint64_t len = 0;
		while ((n = image_payload_read(r, buf, step, err)) > 0) {
			strbuf_add(out, buf, (size_t)n);
			len += (uint64_t)n;
		}
		if (n < 0)
			return (int)n;
		assert_true(part.len == PAYLOAD_TO_END || part.len == len);
		strbuf_char(out, '|');
	}
	return rc;
}

static int read_sample(const struct sample *s, size_t len, size_t step, struct strbuf *out,
		       size_t *nr_entries, struct error *err)
{
	auto_image_reader r = NULL;
	int rc = open_sample(s, len, &r, err);
	*nr_entries = 0;
	while (rc >= 0) {
		auto_message ProtobufCMessage *msg = NULL;
		rc = image_next(r, &msg, err);
		if (rc <= 0)
			return rc;
		++*nr_entries;
		rc = read_parts(r, step, out, err);
	}
	return rc;
}

static void payload_reads_the_parts_of_every_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		for (size_t step = 1; step < 16; step += 6) {
			auto_strbuf got = { 0 };
			size_t nr;
			assert_ok(read_sample(&samples[i], samples[i].len, step, &got, &nr, &err));
			assert_int_equal(nr, samples[i].nr_entries);
			assert_string_equal(got.data ? got.data : "", samples[i].parts);
		}
	}
}

static void every_payload_kind_has_a_sample(void **state)
{
	(void)state;
	for (size_t i = 0; i < IMG_NR_TYPES; i++) {
		bool found = image_types[i].payload == PAYLOAD_NONE;
		for (size_t k = 0; k < ARRAY_SIZE(samples) && !found; k++)
			found = image_type_by_filename(samples[k].name) == &image_types[i];
		if (!found)
			fail_msg("no sample for %s", image_types[i].name);
	}
}

static void payload_left_unread_is_skipped(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		for (int touch = 0; touch < 3; touch++) {
			auto_image_reader r = NULL;
			assert_ok(open_sample(&samples[i], samples[i].len, &r, &err));
			size_t nr = 0;
			for (;; nr++) {
				auto_message ProtobufCMessage *msg = NULL;
				struct error err = { 0 };
				int rc = image_next(r, &msg, &err);
				if (rc < 0)
					fail_msg("%s", err.text);
				if (rc == 0)
					break;
				struct payload_part part;
				char byte;
				if (touch > 0 && image_payload_next(r, &part, NULL) == 1 &&
				    touch > 1)
					image_payload_read(r, &byte, 1, NULL);
			}
			assert_int_equal(nr, samples[i].nr_entries);
		}
	}
}

static void payload_survives_being_written_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		auto_strbuf copy = { 0 };
		assert_ok(
		    bytes_copy(samples[i].image, samples[i].len, samples[i].name, &copy, &err));
		assert_int_equal(copy.len, samples[i].len);
		assert_memory_equal(copy.data, samples[i].image, copy.len);
	}
}

/* At every length: an error, or a prefix that ends where an entry or a ghost's bytes may end. */
static void payload_cut_short_is_an_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *s = &samples[i];
		bool ghost = image_type_by_filename(s->name)->payload == PAYLOAD_GHOST;
		for (size_t len = 0; len < s->len; len++) {
			auto_strbuf got = { 0 };
			size_t nr;
			struct error err = { 0 };
			int rc = read_sample(s, len, 7, &got, &nr, &err);
			if (rc < 0) {
				assert_int_equal(rc, -EBADMSG);
				assert_non_null(strstr(err.text, s->name));
			} else {
				assert_true(nr < s->nr_entries || ghost);
			}
		}
	}
	struct strbuf none = { 0 };
	size_t nr;
	assert_fails(
	    read_sample(&samples[0], 17, 7, &none, &nr, &err), EBADMSG,
	    "pipes-data.img: entry 0 at byte 8: part 0: wanted 3 bytes of payload, found 1");
}

static void payload_lengths_that_cannot_be_are_refused(void **state)
{
	(void)state;
	static const struct sample huge[] = {
		{ "ipcns-shm-1.img",
		  BYTES(COMMON "\x44\x30\x28\x46\x1b\0\0\0" IPC_DESC
			       "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"),
		  "", 1 },
		{ "ghost-file-3.img",
		  BYTES(COMMON "\x05\x36\x58\x52\x08\0\0\0\x08\0\x10\0\x18\1\x48\1"
			       "\x0d\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\x10\0ab"),
		  "", 1 },
		{ "ipcns-msg-1.img",
		  BYTES(COMMON "\x37\x37\x45\x55\x18\0\0\0" IPC_DESC
			       "\x10\0\x18\xff\xff\xff\xff\x0f"),
		  "", 1 },
		{ "ipcns-sem-1.img",
		  BYTES(COMMON "\x19\x30\x57\x59\x16\0\0\0" IPC_DESC "\x10\xff\xff\xff\xff\x0f"),
		  "", 1 },
		{ "bpfmap-data.img",
		  BYTES(COMMON "\x33\x40\x32\x64\x10\0\0\0\x08\1\x10\xff\xff\xff\xff\x0f"
			       "\x18\xff\xff\xff\xff\x0f\x20\1"),
		  "", 1 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(huge); i++) {
		auto_strbuf got = { 0 };
		size_t nr;
		assert_fails(read_sample(&huge[i], huge[i].len, 7, &got, &nr, &err), EBADMSG,
			     "entry 0 at byte 8");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payload_reads_the_parts_of_every_kind),
		cmocka_unit_test(every_payload_kind_has_a_sample),
		cmocka_unit_test(payload_left_unread_is_skipped),
		cmocka_unit_test(payload_survives_being_written_again),
		cmocka_unit_test(payload_cut_short_is_an_error),
		cmocka_unit_test(payload_lengths_that_cannot_be_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
