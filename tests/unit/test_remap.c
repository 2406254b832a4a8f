/* SPDX-License-Identifier: MIT
 * Rules of crit remap, and what they make of text, signals and mount options.
 */
#include "tests/unit/image_fixture.h"

#include "convert/remap/remapping.h"
#include "images/siginfo.h"
#include "mounts.pb-c.h"
#include "task.pb-c.h"

static struct remap_rules rules;

static int rules_reset(void **state)
{
	(void)state;
	remap_rules_fini(&rules);
	return 0;
}

static void add(enum remap_kind kind, const char *text)
{
	assert_ok(remap_rules_add(&rules, kind, text, &err));
}

static struct ip address(const char *text)
{
	struct ip ip;
	assert_true(ip_parse(text, strlen(text), &ip));
	return ip;
}

/* What becomes of an address, as text. */
static const char *moved(const char *text, unsigned bits)
{
	static char out[64];
	struct ip ip = address(text);
	const struct remap_rule *rule = rule_for_ip(&rules, &ip, bits);
	if (!rule)
		return "-";
	struct ip new = rule_new_ip(rule, &ip);
	return ip_text(&new, out);
}

static void rules_add_rejects_what_cannot_be(void **state)
{
	(void)state;
	static const struct {
		enum remap_kind kind;
		const char *text, *why;
	} wrong[] = {
		{ REMAP_IP, "10.0.0.1", "OLD=NEW" },
		{ REMAP_IP, "10.0.0.1=::1", "family" },
		{ REMAP_IP, "10.0.0.0/24=10.0.0.0/25", "different lengths" },
		{ REMAP_IP, "10.0.0.1/24=10.0.1.0/24", "bits behind" },
		{ REMAP_IP, "10.0.0.1=10.0.0.256", "no address" },
		{ REMAP_IP, "10.0.0.0/33=10.0.0.0/33", "such a length" },
		{ REMAP_IP, "10.0.0.0/=10.0.0.0/", "such a length" },
		{ REMAP_IP, "::=::1", "no host" },
		{ REMAP_IP, "ff02::1=fd00::1", "group" },
		{ REMAP_PORT, "0=1", "not a port" },
		{ REMAP_PORT, "80=65536", "not a port" },
		{ REMAP_PORT, "80=+81", "not a port" },
		{ REMAP_PID, "1=2", "first of a pid namespace" },
		{ REMAP_PID, "2=4194305", "not a process id" },
		{ REMAP_UID, "4294967295=1", "not a user id" },
		{ REMAP_UID, "1=99999999999999999999999", "not a user id" },
		{ REMAP_PATH, "/=/a", "below /" },
		{ REMAP_PATH, "a=/a", "absolute" },
		{ REMAP_PATH, "/a/../b=/a", "without" },
		{ REMAP_COMM, "a=sixteen-long-str", "1 to 15" },
		{ REMAP_HOSTNAME, "", "1 to 64" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_fails(remap_rules_add(&rules, wrong[i].kind, wrong[i].text, &err), EINVAL,
			     wrong[i].why);
		rules_reset(NULL);
	}
	add(REMAP_PORT, "80=81");
	assert_fails(remap_rules_add(&rules, REMAP_PORT, "80=82", &err), EINVAL, "twice");
}

static void rule_for_ip_takes_the_longest_that_covers_the_prefix(void **state)
{
	(void)state;
	add(REMAP_IP, "10.0.0.0/8=172.0.0.0/8");
	add(REMAP_IP, "10.1.2.3=192.0.2.1");
	add(REMAP_IP, "fd00::/65=fd01:0:0:0:8000::/65");
	assert_string_equal(moved("10.9.8.7", IP_BITS), "172.9.8.7");
	assert_string_equal(moved("10.1.2.3", IP_BITS), "192.0.2.1");
	assert_string_equal(moved("::ffff:10.1.2.3", IP_BITS), "192.0.2.1");
	assert_string_equal(moved("10.1.2.0", IP_BITS - 8), "172.1.2.0");
	assert_string_equal(moved("10.0.0.0", IP_BITS - 25), "-"); /* 10.0.0.0/7 */
	assert_string_equal(moved("11.0.0.0", IP_BITS), "-");
	assert_string_equal(moved("fd00::5", IP_BITS), "fd01::8000:0:0:5");
	assert_string_equal(moved("fd00::8000:0:0:5", IP_BITS), "-");
}

static void rule_for_path_ends_at_a_slash(void **state)
{
	(void)state;
	auto_strbuf out = { 0 };
	add(REMAP_PATH, "/a/b/=/x/");
	add(REMAP_PATH, "/a/b/c=/y");
	assert_null(rule_for_path(&rules, "/a/bc", 5));
	assert_null(rule_for_path(&rules, "/a", 2));
	const struct remap_rule *rule = rule_for_path(&rules, "/a/b/d", 6);
	assert_int_equal(rule_new_path(rule, "/a/b/d", 6, &out), 0);
	assert_string_equal(out.data, "/x/d");
	strbuf_reset(&out);
	assert_int_equal(rule_new_path(rule_for_path(&rules, "/a/b/c", 6), "/a/b/c", 6, &out), 0);
	assert_string_equal(out.data, "/y");
}

struct text_case {
	const char *from, *to; /* NULL: nothing changes */
};

static void check_text(int (*change)(struct remapping *r, const char *text, size_t len,
				     struct strbuf *out, struct error *err),
		       const struct text_case *cases, size_t nr)
{
	const struct remap_job job = { 0 };
	struct remapping r = { .job = &job, .rules = &rules, .image = "text" };
	struct net_socket server = { .src = address("10.0.0.2"), .sport = 80 };
	r.facts.sockets.items = &server;
	r.facts.sockets.nr = 1;
	for (size_t i = 0; i < nr; i++) {
		auto_strbuf out = { 0 };
		const char *want = cases[i].to ?: cases[i].from;
		assert_ok(change(&r, cases[i].from, strlen(cases[i].from), &out, &err));
		if (strcmp(out.data, want))
			fail_msg("\"%s\" became \"%s\", want \"%s\"", cases[i].from, out.data,
				 want);
	}
}

static void addresses_are_found_wherever_they_stand(void **state)
{
	(void)state;
	static const struct text_case cases[] = {
		{ "10.0.0.2", "10.1.0.2" },
		{ "10.0.0.2/24", "10.1.0.2/24" },
		{ "10.0.0.0/23", NULL },
		{ "10.7.0.2/16 10.7.0.0/16 10.7.0.2/32", "10.7.0.3/16 10.7.0.0/16 10.7.0.3/32" },
		{ "10.0.0.2:80", "10.1.0.2:8080" },
		{ "10.0.0.3:80", "10.1.0.3:80" }, /* nobody of the set's is there */
		{ "10.0.0.1-10.0.0.2,", "10.1.0.1-10.1.0.2," },
		{ "[fd00::2]:80", "[fd00::7]:80" },
		{ "at 10.0.0.2.", "at 10.1.0.2." },
		{ "110.0.0.2 10.0.0.22 10.0.0.2a x10.0.0.2",
		  "110.0.0.2 10.1.0.22 10.0.0.2a x10.0.0.2" },
		{ "10.0.0 10.0.0.2.3 aa:bb:cc:dd:ee:ff 12:34 :: 1:65535", NULL },
		{ "::ffff:10.0.0.2", "::ffff:10.1.0.2" },
	};
	add(REMAP_IP, "10.0.0.0/24=10.1.0.0/24");
	add(REMAP_IP, "10.7.0.2=10.7.0.3");
	add(REMAP_IP, "fd00::2=fd00::7");
	add(REMAP_PORT, "80=8080");
	check_text(remap_addresses, cases, ARRAY_SIZE(cases));
}

static void filters_change_numbers_behind_words_that_say_what_they_are(void **state)
{
	(void)state;
	static const struct text_case cases[] = {
		{ "-A INPUT --dport 80 -j X", "-A INPUT --dport 8080 -j X" },
		{ "-A INPUT --sport 80", NULL },
		{ "-A OUTPUT --sport 80", "-A OUTPUT --sport 8080" },
		{ "-A FORWARD --dport 80 --sport 80", "-A FORWARD --dport 8080 --sport 8080" },
		{ "-A INPUT ! --dport 80:90 --dports 1,80,443",
		  "-A INPUT ! --dport 80:90 --dports 1,8080,443" },
		{ ":INPUT ACCEPT [80:80]", NULL },
		{ "\ttcp dport != 80 accept", "\ttcp dport != 8080 accept" },
		{ "tcp dport {80,443} drop", "tcp dport {8080,443} drop" },
		{ "tcp dport { 22, 80 } tcp sport 80", "tcp dport { 22, 8080 } tcp sport 8080" },
		{ "chain c { type filter hook output\ntcp dport 80\nchain d {\ntcp dport 80",
		  "chain c { type filter hook output\ntcp dport 80\nchain d {\ntcp dport 8080" },
		{ "redirect to :80", "redirect to :8080" },
		{ "meta skuid 1000 ct mark 1000", "meta skuid 2000 ct mark 1000" },
		{ "comment \"dport 80 10.0.0.2\" dport 80",
		  "comment \"dport 80 10.0.0.2\" dport 8080" },
	};
	add(REMAP_PORT, "80=8080");
	add(REMAP_UID, "1000=2000");
	check_text(remap_filter, cases, ARRAY_SIZE(cases));
}

static void documents_keep_what_does_not_change(void **state)
{
	(void)state;
	static const struct text_case cases[] = {
		{ "{\"a\" :\t[1.5e3, \"10.0.0.2\"], \"b\":\"\\u003c\"} ",
		  "{\"a\" :\t[1.5e3, \"10.1.0.2\"], \"b\":\"\\u003c\"} " },
		{ "{\"process\":{\"user\":{\"uid\":1000,\"gid\":1000}},\"uid\":1000}",
		  "{\"process\":{\"user\":{\"uid\":2000,\"gid\":1000}},\"uid\":1000}" },
		{ "{\"spec\":{\"process\":{\"user\":{\"uid\":1000}}}}",
		  "{\"spec\":{\"process\":{\"user\":{\"uid\":2000}}}}" },
		{ "{\"process\":{\"user\":{\"uid\":1000.5}}}", NULL },
	};
	add(REMAP_IP, "10.0.0.0/24=10.1.0.0/24");
	add(REMAP_UID, "1000=2000");
	check_text(remap_document, cases, ARRAY_SIZE(cases));
	const struct remap_job job = { 0 };
	struct remapping r = { .job = &job, .rules = &rules, .image = "config.dump" };
	auto_strbuf out = { 0 };
	assert_fails(remap_document(&r, "{\"a\": ", 6, &out, &err), EBADMSG, "config.dump");
}

static void put(uint8_t *bytes, size_t at, uint32_t value, bool big)
{
	value = big ? __builtin_bswap32(value) : value;
	memcpy(bytes + at, &value, sizeof(value));
}

static void siginfo_sender_knows_every_machine(void **state)
{
	(void)state;
	static const struct {
		uint32_t mtype;
		size_t code_at, pid_at;
		bool big;
		uint32_t sigchld;
	} machines[] = {
		{ CORE_ENTRY__MARCH__X86_64, 8, 16, false, 17 },
		{ CORE_ENTRY__MARCH__ARM, 8, 12, false, 17 },
		{ CORE_ENTRY__MARCH__S390, 8, 16, true, 17 },
		{ CORE_ENTRY__MARCH__MIPS, 4, 16, false, 18 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		uint8_t info[128] = { 0 };
		struct siginfo_sender s;
		bool big = machines[i].big;
		put(info, 0, machines[i].sigchld, big);
		put(info, machines[i].code_at, 1, big); /* CLD_EXITED */
		put(info, machines[i].pid_at, 77, big);
		put(info, machines[i].pid_at + 4, 1000, big);
		assert_true(siginfo_sender(info, sizeof(info), machines[i].mtype, &s));
		assert_int_equal(s.pid, 77);
		assert_int_equal(s.uid, 1000);
		s.pid = 78;
		siginfo_set_sender(info, sizeof(info), machines[i].mtype, &s);
		assert_true(siginfo_sender(info, sizeof(info), machines[i].mtype, &s));
		assert_int_equal(s.pid, 78);
		put(info, 0, 11, big); /* SEGV_MAPERR: an address stands there */
		assert_false(siginfo_sender(info, sizeof(info), machines[i].mtype, &s));
		put(info, machines[i].code_at, (uint32_t)-2, big); /* SI_TIMER */
		assert_false(siginfo_sender(info, sizeof(info), machines[i].mtype, &s));
		put(info, machines[i].code_at, (uint32_t)-6, big); /* SI_TKILL */
		assert_true(siginfo_sender(info, sizeof(info), machines[i].mtype, &s));
		assert_false(siginfo_sender(info, 20, machines[i].mtype, &s) &&
			     machines[i].pid_at == 16);
	}
}

static void mount_options_change_word_by_word(void **state)
{
	(void)state;
	static const struct text_case cases[] = {
		{ "size=64k,uid=1000,gid=1000", "size=64k,uid=2000,gid=1000" },
		{ "lowerdir=/a/x:/b:/a,upperdir=/ab", "lowerdir=/n/x:/b:/n,upperdir=/ab" },
		{ "resuid=1000,uid=10000,uid", NULL },
		{ "/a", "/n" },
		{ "", NULL },
	};
	const struct remap_job job = { 0 };
	add(REMAP_UID, "1000=2000");
	add(REMAP_PATH, "/a=/n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct remapping r = { .job = &job, .rules = &rules, .image = "mounts" };
		MntEntry *mnt = malloc(sizeof(*mnt));
		mnt_entry__init(mnt);
		mnt->root = strdup("/");
		mnt->mountpoint = strdup("/");
		mnt->source = strdup("none");
		mnt->options = strdup(cases[i].from);
		assert_ok(remap_message(&r, &mnt->base, &err));
		assert_string_equal(mnt->options, cases[i].to ?: cases[i].from);
		assert_int_equal(r.nr_changes, cases[i].to != NULL);
		mnt_entry__free_unpacked(mnt, NULL);
		strbuf_fini(&r.field);
	}
}

static void own_end_is_where_a_socket_is(void **state)
{
	(void)state;
	struct net_socket sockets[] = {
		{ .src = address("10.0.0.2"), .sport = 80 },
		{ .src = address("0.0.0.0"), .sport = 81 },
	};
	struct facts facts = { .sockets = { sockets, ARRAY_SIZE(sockets), 0 } };
	const struct {
		const char *ip;
		uint32_t port;
		bool own;
	} cases[] = {
		{ "10.0.0.2", 80, true },   { "10.0.0.3", 80, false }, { "10.0.0.2", 82, false },
		{ "10.0.0.2", 81, true },   { "127.0.0.1", 81, true }, { "10.0.0.3", 81, false },
		{ "127.0.0.1", 80, false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip ip = address(cases[i].ip);
		assert_int_equal(facts_own_end(&facts, &ip, cases[i].port), cases[i].own);
	}
}

#define RULES_TEST(f) cmocka_unit_test_setup_teardown(f, rules_reset, rules_reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RULES_TEST(rules_add_rejects_what_cannot_be),
		RULES_TEST(rule_for_ip_takes_the_longest_that_covers_the_prefix),
		RULES_TEST(rule_for_path_ends_at_a_slash),
		RULES_TEST(addresses_are_found_wherever_they_stand),
		RULES_TEST(filters_change_numbers_behind_words_that_say_what_they_are),
		RULES_TEST(documents_keep_what_does_not_change),
		RULES_TEST(siginfo_sender_knows_every_machine),
		RULES_TEST(mount_options_change_word_by_word),
		RULES_TEST(own_end_is_where_a_socket_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
