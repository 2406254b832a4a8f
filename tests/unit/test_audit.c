/* SPDX-License-Identifier: MIT
 * Secrets in bytes: every rule finds a sample of it wherever it lies, and nothing that only looks
 * like one; findings that say the same are one.
 */
#include "tests/unit/image_fixture.h"

#include "convert/audit/finding.h"
#include "convert/audit/pairs.h"
#include "convert/audit/secrets.h"

/* Made up, in two pieces so that no other search finds them here. In the order of the rules. */
static const struct {
	const char *rule, *first, *second;
} samples[] = {
	{ "private-key", "-----BEGIN ",
	  "RSA PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIDh0Zq9yLx3mWv7RkTnC5bPqJfYs2uGd\n" },
	{ "private-key-base64", "LS0tLS1CRUdJTi",
	  "BQUklWQVRFIEtFWS0tLS0tCk1DNENBUUF3QlFZREsyVndCQ0lFSURoMFpxOXlMeDNt" },
	{ "age-key", "AGE-SECRET-KEY-1",
	  "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE" },
	{ "aws-key-id", "AKIA", "Q3EGRIYTLKZV7WNB" },
	{ "aws-secret-key", "aws_secret_access_key",
	  " = Zq9yLx3mWv7RkTnC5bPqJfYs2uGdAe8HiXoNzMlK" },
	{ "azure-storage-key", "AccountKey=",
	  "Zq9yLx3mWv7RkTnC5bPqJfYs2uGdAe8HiXoNzMlKZq9yLx3mWv7RkTnC5bPqJfYs2uGdAe8HiXoNzMlKabcdef="
	  "=" },
	{ "google-api-key", "AIza", "SyZq9yLx3mWv7RkTnC5bPqJfYs2uGdAe8Hi" },
	{ "google-oauth", "GOCSPX-", "Zq9yLx3mWv7RkTnC5bPqJfYs2uGd" },
	{ "github-token", "ghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17" },
	{ "github-fine-token", "github_pat_",
	  "11ABCDEFG0Zq9yLx3mWv7R_kTnC5bPqJfYs2uGdAe8HiXoNzMlKZq9yLx3mWv7RkTnC5bPqJfYs2uGdAe8" },
	{ "gitlab-token", "glpat-", "Zq8yT2mWx5Lk9RbVn3Cd" },
	{ "npm-token", "npm_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17" },
	{ "pypi-token", "pypi-AgEIcHlwaS5vcmc",
	  "Zq9yLx3mWv7RkTnC5bPqJfYs2uGdAe8HiXoNzMlKZq9yLx3mWv7RkT" },
	{ "docker-token", "dckr_pat_", "Zq9yLx3mWv7RkTnC5bPqJfYs2uG" },
	{ "huggingface-token", "hf_", "ZqoyLxamWvqRkTnCbbPqJfYsauGdAeoHiX" },
	{ "slack-token", "xoxb-", "2415342341-Zq9yLx3mWv7RkTnC5bPqJfYs" },
	{ "slack-webhook", "hooks.slack.com/services/",
	  "T0Q3EGRI/B0YTLKZV/Zq9yLx3mWv7RkTnC5bPqJfYs" },
	{ "stripe-key", "sk_live_", "Zq9yLx3mWv7RkTnC5bPqJfYs" },
	{ "sendgrid-key", "SG.",
	  "Zq9yLx3mWv7RkTnC5bPqJf.Ys2uGdAe8HiXoNzMlKZq9yLx3mWv7RkTnC5bPqJfYs2" },
	{ "digitalocean-token", "dop_v1_",
	  "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0" },
	{ "openai-key", "sk-", "proj-Zq9yLx3mWv7RkTnC5bPqT3BlbkFJJfYs2uGdAe8HiXoNzMlK" },
	{ "anthropic-key", "sk-ant-",
	  "api03-Zq9yLx3mWv7RkTnC5bPqJfYs2uGdAe8HiXoNzMlKZq9yLx3mWv7RkTnC5bPqJfYs" },
	{ "vault-token", "hvs.", "CAESIJZq9yLx3mWv7RkTnC5bPq" },
	{ "jwt", "eyJ",
	  "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.Zq9yLx3mWv7RkTnC5bPqJfYs2uGdAe8Hi" },
	{ "authorization-header", "Authorization: ", "Bearer Zq9yLx3mWv7RkTnC" },
	{ "url-password", "postgres://", "app:Zq9yLx3mWv@db/app" },
	{ "password-hash", "$6$",
	  "Zq9yLx3m$"
	  "Zq9yLx3mWv7RkTnC5bPqJfYs2uGdAe8HiXoNzMlKZq9yLx3mWv7RkTnC5bPqJfYs2uGdAe8HiXoNzMlKabcde"
	  "f" },
};

static const char *find_rule(struct secret_finder *finder, const char *bytes, size_t len,
			     struct secret_match *match)
{
	int rc = secret_find(finder, bytes, len, 0, len, match, NULL);
	assert_true(rc >= 0);
	return rc == 1 ? match->rule->id : NULL;
}

static void secret_find_finds_a_sample_of_every_rule(void **state)
{
	(void)state;
	auto_secret_finder finder = NULL;
	assert_ok(secret_finder_new(&finder, NULL));
	assert_int_equal(ARRAY_SIZE(samples), nr_secret_rules);
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		for (size_t before = 0; before < 40; before++) {
			auto_strbuf text = { 0 };
			struct secret_match match;
			strbuf_printf(&text, "%*s%s%s ", (int)before, "", samples[i].first,
				      samples[i].second);
			const char *rule = find_rule(finder, text.data, text.len, &match);
			if (!rule || strcmp(rule, samples[i].rule) || match.start < before ||
			    match.start + match.len > text.len)
				fail_msg("%s at %zu: found %s", samples[i].rule, before,
					 rule ?: "nothing");
		}
		assert_string_equal(samples[i].rule, secret_rules[i].id);
	}
}

static void secret_find_lets_pass_what_only_looks_like_one(void **state)
{
	static const char *const texts[] = {
		"AKIAIOSFODNN7EXAMPLE ",                            /* of the documentation */
		"xAKIAQ3EGRIYTLKZV7WNB ",                           /* inside a word */
		"AKIAQ3EGRIYTLKZV7WNBX ",                           /* too long */
		"ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18 ",        /* wrong checksum */
		"glpat-xxxxxxxxxxxxxxxxxxxx ",                      /* a place holder */
		"-----BEGIN RSA PRIVATE KEY-----\0the rest",        /* a parser's constant */
		"http://user:password@host/ http://user:%s@host/ ", /* how URLs are written */
		"hvs.this_is_a_word_and_another_word ",
		"gh",
		"A",
		"",
	};
	(void)state;
	auto_secret_finder finder = NULL;
	struct secret_match match;
	assert_ok(secret_finder_new(&finder, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *rule = find_rule(finder, texts[i], strlen(texts[i]), &match);
		if (rule)
			fail_msg("\"%s\" is taken for a %s", texts[i], rule);
	}
}

static void secret_find_starts_where_it_is_told(void **state)
{
	(void)state;
	auto_secret_finder finder = NULL;
	auto_strbuf text = { 0 };
	struct secret_match match;
	assert_ok(secret_finder_new(&finder, NULL));
	strbuf_printf(&text, " %s%s %s%s ", samples[3].first, samples[3].second, samples[3].first,
		      samples[3].second);
	assert_int_equal(secret_find(finder, text.data, text.len, 2, text.len, &match, NULL), 1);
	assert_int_equal(match.start, 22);
	assert_int_equal(secret_find(finder, text.data, text.len, 2, 22, &match, NULL), 0);
	assert_int_equal(secret_find(finder, text.data, text.len, 23, text.len, &match, NULL), 0);
}

static void secret_name_takes_the_last_word(void **state)
{
	(void)state;
	assert_true(secret_name("PASSWORD", 8));
	assert_true(secret_name("db_password", 11));
	assert_true(secret_name("X_API_KEY", 9));
	assert_false(secret_name("PASSWORD_FILE", 13));
	assert_false(secret_name("TOKENIZERS_PARALLELISM", 22));
	assert_false(secret_name("COMPASS", 7));
	assert_false(secret_name("", 0));
}

static void pair_set_next_finds_what_a_plain_loop_finds(void **state)
{
	static const char pairs[][2] = { { 'a', 'b' }, { 'a', 'c' },    { '-', '-' },
					 { 0, 0 },     { '\xff', 'q' }, { 'q', '\x80' },
					 { 'z', 'z' }, { '0', '1' },    { 'k', 'k' },
					 { 'k', 'l' } };
	(void)state;
	struct pair_set set = { 0 };
	unsigned char bytes[300];
	unsigned seed = 1;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		pair_set_add(&set, pairs[i]);
	for (int round = 0; round < 2000; round++) {
		size_t len = seed % sizeof(bytes), from = len ? seed / 300 % len : 0, want = len;
		for (size_t i = 0; i < len; i++) {
			seed = seed * 1103515245 + 12345;
			/* few different ones, so that pairs are met */
			bytes[i] = (unsigned char)"abc-\0\xffq\x80zk0l1"[seed / 65536 % 13];
			if (round % 2)
				bytes[i] = (unsigned char)(seed >> 16);
		}
		for (size_t i = from; want == len && i + 1 < len; i++) {
			for (size_t k = 0; k < ARRAY_SIZE(pairs); k++)
				if (!memcmp(bytes + i, pairs[k], 2))
					want = i;
		}
		assert_int_equal(pair_set_next(&set, bytes, len, from, len), want);
	}
}

static void finding_add_counts_places_and_processes(void **state)
{
	(void)state;
	auto_findings list = { 0 };
	struct finding_place at = { .pid = 5, .comm = "five", .image = IMG_CORE, .number = 5 };
	for (unsigned i = 0; i < 200; i++) {
		char object[16];
		snprintf(object, sizeof(object), "%u", i);
		assert_ok(finding_add(&list, RULE_ROOT_USER, SEV_NOTE, &at, object, "e", NULL));
	}
	at.pid = 6;
	assert_ok(finding_add(&list, RULE_ROOT_USER, SEV_NOTE, &at, "150", "e", NULL));
	assert_ok(finding_add(&list, RULE_ROOT_USER, SEV_NOTE, &at, "150", "e", NULL));
	assert_int_equal(list.nr, 200);
	assert_int_equal(list.items[150].places, 3);
	assert_int_equal(list.items[150].processes, 2);
	assert_ok(finding_add_alone(&list, RULE_SECRET_MEMORY, SEV_ERROR, &at, "150", "e", NULL));
	assert_ok(finding_add_alone(&list, RULE_SECRET_MEMORY, SEV_ERROR, &at, "150", "e", NULL));
	assert_int_equal(list.nr, 202);
	findings_sort(&list);
	assert_int_equal(list.items[0].severity, SEV_ERROR);
	char image[64];
	assert_string_equal(finding_image(&list.items[5], image, sizeof(image)), "core-5.img");
}

static void finding_add_counts_what_is_too_many(void **state)
{
	(void)state;
	auto_findings list = { 0 };
	struct finding_place at = { .pid = 1, .image = IMG_CORE };
	for (unsigned i = 0; i < FINDINGS_MAX + 7; i++) {
		char object[16];
		snprintf(object, sizeof(object), "%u", i);
		assert_ok(finding_add(&list, RULE_ROOT_USER, SEV_NOTE, &at, object, "", NULL));
	}
	assert_int_equal(list.nr, FINDINGS_MAX);
	assert_int_equal(list.left_out, 7);
	assert_ok(finding_add(&list, RULE_ROOT_USER, SEV_NOTE, &at, "3", "", NULL));
	assert_int_equal(list.items[3].places, 2);
}

static void rules_have_names_of_their_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_RULES; i++) {
		assert_true(audit_rules[i].name[0] && audit_rules[i].title[0] &&
			    audit_rules[i].help[0]);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(audit_rules[i].name, audit_rules[k].name);
	}
	enum severity severity;
	assert_ok(severity_parse("error", &severity, NULL));
	assert_int_equal(severity, SEV_ERROR);
	assert_fails(severity_parse("bad", &severity, &err), EINVAL, "want note, warning or error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret_find_finds_a_sample_of_every_rule),
		cmocka_unit_test(secret_find_lets_pass_what_only_looks_like_one),
		cmocka_unit_test(secret_find_starts_where_it_is_told),
		cmocka_unit_test(secret_name_takes_the_last_word),
		cmocka_unit_test(pair_set_next_finds_what_a_plain_loop_finds),
		cmocka_unit_test(finding_add_counts_places_and_processes),
		cmocka_unit_test(finding_add_counts_what_is_too_many),
		cmocka_unit_test(rules_have_names_of_their_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
