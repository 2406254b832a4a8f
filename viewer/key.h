/* SPDX-License-Identifier: MIT
 * Keys, what they do, and where: the one table that dispatch, help screen and manual read.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"

/* A key is a code point (Ctrl-A is 1) or one of these. */
enum key_code {
	KEY_NONE = 0,
	KEY_CODE_TAB = 9,
	KEY_CODE_ENTER = 13,
	KEY_CODE_ESC = 27,
	KEY_CODE_UP = 0x110000, /* above all code points */
	KEY_CODE_DOWN,
	KEY_CODE_LEFT,
	KEY_CODE_RIGHT,
	KEY_CODE_PAGE_UP,
	KEY_CODE_PAGE_DOWN,
	KEY_CODE_HOME,
	KEY_CODE_END,
	KEY_CODE_BACKTAB,
	KEY_CODE_BACKSPACE,
	KEY_CODE_DELETE,
	KEY_CODE_F1,
	KEY_CODE_F12 = KEY_CODE_F1 + 11,
	KEY_CODE_CLICK, /* with a place */
	KEY_CODE_WHEEL_UP,
	KEY_CODE_WHEEL_DOWN,
};
#define KEY_CTRL(letter) ((letter)-64)

struct key_event {
	uint32_t key;
	int x, y; /* of the mouse */
};

/* Where a key means something. */
enum key_place {
	IN_LIST = 1 << 0,  /* everything but bytes */
	IN_TREE = 1 << 1,  /* processes */
	IN_FOLDS = 1 << 2, /* rows with others below them */
	IN_BYTES = 1 << 3,
	IN_FIELDS = 1 << 4,  /* entries of images */
	IN_EDITS = 1 << 5,   /* the review of changes */
	IN_PROCESS = 1 << 6, /* one process is meant */
	IN_ALL = (1 << 7) - 1,
};

enum action {
	ACT_NONE,
#define ACTION(name, ...) ACT_##name,
#include "viewer/key.def"
#undef ACTION
	NR_ACTIONS,
	ACT_STOP, /* no key has it: end what view.working names */
};

#define KEYS_PER_ACTION 9
struct key_row {
	enum action action;
	const char *name;               /* "page-down", for people who read the table */
	const char *group;              /* heading in help; rows of one follow each other */
	uint32_t keys[KEYS_PER_ACTION]; /* 0: no more */
	uint32_t places;                /* bits of enum key_place */
	const char *help;
};
extern const struct key_row key_rows[]; /* every action, in the order of enum action */
extern const size_t nr_key_rows;
static inline const struct key_row *key_row(enum action action)
{
	return &key_rows[action - 1];
}

/** What a key does in these places. */
enum action key_action(uint32_t key, uint32_t places);
/** Where a key does something, for people: "in bytes"; NULL: nowhere. */
const char *key_elsewhere(uint32_t key);
/** "j", "Down", "^D", "F1". Appended. @return 0 or -ENOMEM */
int key_text(uint32_t key, struct strbuf *out);
/** The keys of a row: "j Down", "1 … 9". */
int key_row_text(const struct key_row *row, struct strbuf *out);

/**
 * The next key of a written sequence: characters stand for themselves, others are <Name>, <lt> is
 * '<', <C-d> is Ctrl-D.
 * @param text  moved on
 * @return 1; 0 at the end; -EINVAL naming what is no key
 */
int key_parse(const char **text, uint32_t *key, struct error *err);
