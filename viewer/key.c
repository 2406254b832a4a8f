/* SPDX-License-Identifier: MIT
 * The keymap, and names of keys.
 */
#include "viewer/key.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/utf8.h"
#include "viewer/width.h"

const struct key_row key_rows[] = {
#define ACTION(action, name, group, keys, places, help)                                            \
	{ ACT_##action, name, group, keys, places, help },
#include "viewer/key.def"
#undef ACTION
};
const size_t nr_key_rows = ARRAY_SIZE(key_rows);

static const struct {
	uint32_t key;
	const char *name;
} key_names[] = {
	{ KEY_CODE_TAB, "Tab" },
	{ KEY_CODE_ENTER, "Enter" },
	{ KEY_CODE_ESC, "Esc" },
	{ ' ', "Space" },
	{ '<', "lt" },
	{ KEY_CODE_UP, "Up" },
	{ KEY_CODE_DOWN, "Down" },
	{ KEY_CODE_LEFT, "Left" },
	{ KEY_CODE_RIGHT, "Right" },
	{ KEY_CODE_PAGE_UP, "PgUp" },
	{ KEY_CODE_PAGE_DOWN, "PgDn" },
	{ KEY_CODE_HOME, "Home" },
	{ KEY_CODE_END, "End" },
	{ KEY_CODE_BACKTAB, "S-Tab" },
	{ KEY_CODE_BACKSPACE, "BS" },
	{ KEY_CODE_DELETE, "Del" },
};

static bool row_has(const struct key_row *row, uint32_t key)
{
	for (size_t i = 0; i < KEYS_PER_ACTION && row->keys[i]; i++) {
		if (row->keys[i] == key)
			return true;
	}
	return false;
}

enum action key_action(uint32_t key, uint32_t places)
{
	for (size_t i = 0; i < nr_key_rows; i++) {
		if ((key_rows[i].places & places) && row_has(&key_rows[i], key))
			return key_rows[i].action;
	}
	return ACT_NONE;
}

const char *key_elsewhere(uint32_t key)
{
	static const struct {
		enum key_place place;
		const char *text;
	} rows[] = {
		{ IN_TREE, "in the process tree" },
		{ IN_FOLDS, "where rows fold" },
		{ IN_BYTES, "in bytes" },
		{ IN_PROCESS, "on the pages of a process" },
		{ IN_LIST, "in lists" },
		{ IN_FIELDS, "in fields of images (tab images)" },
		{ IN_EDITS, "in the review of changes (R)" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (key_action(key, rows[i].place) != ACT_NONE)
			return rows[i].text;
	}
	return NULL;
}

int key_text(uint32_t key, struct strbuf *out)
{
	char utf8[4];
	if (key >= KEY_CODE_F1 && key <= KEY_CODE_F12)
		return strbuf_printf(out, "F%u", key - KEY_CODE_F1 + 1);
	for (size_t i = 0; i < ARRAY_SIZE(key_names); i++) {
		if (key_names[i].key == key && key != '<')
			return strbuf_str(out, key_names[i].name);
	}
	if (key < ' ')
		return strbuf_printf(out, "^%c", (char)(key + 64));
	return strbuf_add(out, utf8, utf8_encode(key, utf8));
}

int key_row_text(const struct key_row *row, struct strbuf *out)
{
	int rc = 0;
	if (row->keys[KEYS_PER_ACTION - 1]) /* so many are in a row of their own */
		return strbuf_printf(out, "%c … %c", (char)row->keys[0],
				     (char)row->keys[KEYS_PER_ACTION - 1]);
	for (size_t i = 0; rc == 0 && i < KEYS_PER_ACTION && row->keys[i]; i++) {
		if (i)
			rc = strbuf_char(out, ' ');
		if (rc == 0)
			rc = key_text(row->keys[i], out);
	}
	return rc;
}

/* @return KEY_NONE when there is no such key */
static uint32_t key_named(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(key_names); i++) {
		if (strlen(key_names[i].name) == len && !strncasecmp(key_names[i].name, name, len))
			return key_names[i].key;
	}
	if (len == 3 && !strncasecmp(name, "C-", 2) && (name[2] | 0x20) >= 'a' &&
	    (name[2] | 0x20) <= 'z')
		return (uint32_t)(name[2] & 0x1f);
	if (len >= 2 && len <= 3 && (*name | 0x20) == 'f') {
		char digits[3] = { name[1], len == 3 ? name[2] : '\0', '\0' };
		int number = atoi(digits);
		if (number >= 1 && number <= 12)
			return KEY_CODE_F1 + (uint32_t)number - 1;
	}
	return KEY_NONE;
}

int key_parse(const char **text, uint32_t *key, struct error *err)
{
	const char *s = *text;
	if (!*s)
		return 0;
	const char *close = *s == '<' ? strchr(s, '>') : NULL;
	if (!close) {
		*text += char_decode(s, strlen(s), key);
		return 1;
	}
	*key = key_named(s + 1, (size_t)(close - s - 1));
	if (*key == KEY_NONE)
		return error_set(err, EINVAL, "%.*s is no key; <lt> stands for <",
				 (int)(close - s + 1), s);
	*text = close + 1;
	return 1;
}
