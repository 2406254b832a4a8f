/* SPDX-License-Identifier: MIT
 * Typing a line: as in a shell, but shorter.
 */
#include "viewer/prompt.h"

#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "viewer/width.h"

void app_ask(struct app *app, const struct prompt *prompt, const char *text)
{
	strbuf_fini(&app->prompt.text);
	app->prompt = *prompt;
	app->prompt.on = true;
	if (text && strbuf_str(&app->prompt.text, text) == 0)
		app->prompt.at = app->prompt.text.len;
}

static void confirm_answered(struct view *v, const char *text, size_t mode)
{
	const struct prompt *prompt = &v->app->prompt;
	(void)mode;
	if (!strcasecmp(text, "y") || !strcasecmp(text, "yes"))
		prompt->yes(v);
	else
		app_say(v->app, "%s", prompt->no);
}

void app_confirm(struct view *v, const char *question, void (*yes)(struct view *v), const char *no)
{
	app_ask(v->app,
		&(struct prompt){
		    .label = question, .view = v, .done = confirm_answered, .yes = yes, .no = no },
		NULL);
}

static size_t char_before(const struct prompt *p)
{
	size_t at = p->at;
	while (at > 0 && ((unsigned char)p->text.data[--at] & 0xc0) == 0x80)
		;
	return at;
}

static size_t char_after(const struct prompt *p)
{
	size_t at = p->at;
	if (at < p->text.len)
		at++;
	while (at < p->text.len && ((unsigned char)p->text.data[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static void cut(struct prompt *p, size_t from, size_t to)
{
	if (from >= to)
		return;
	memmove(p->text.data + from, p->text.data + to, p->text.len - to + 1);
	p->text.len -= to - from;
	p->at = from;
}

static size_t word_before(const struct prompt *p)
{
	size_t at = p->at;
	while (at && p->text.data[at - 1] == ' ')
		at--;
	while (at && p->text.data[at - 1] != ' ')
		at--;
	return at;
}

static void insert(struct prompt *p, uint32_t key)
{
	char utf8[4];
	size_t len = utf8_encode(key, utf8), tail = p->text.len - p->at;
	if (p->text.len > 4096 || strbuf_add(&p->text, utf8, len) < 0)
		return;
	memmove(p->text.data + p->at + len, p->text.data + p->at, tail);
	memcpy(p->text.data + p->at, utf8, len);
	p->at += len;
}

static void finish(struct app *app)
{
	struct prompt *p = &app->prompt;
	struct strbuf text = p->text; /* done() may ask for the next thing */
	p->text = (struct strbuf){ 0 };
	p->on = false;
	p->done(p->view, text.data ?: "", p->mode);
	strbuf_fini(&text);
}

static void next_mode(struct prompt *p)
{
	if (p->modes)
		p->mode = p->modes[p->mode + 1] ? p->mode + 1 : 0;
}

void prompt_key(struct app *app, uint32_t key)
{
	struct prompt *p = &app->prompt;
	if (strbuf_str(&p->text, "") < 0) /* it is a text from now on */
		return;
	switch (key) {
	case KEY_CODE_ENTER:
		finish(app);
		break;
	case KEY_CODE_ESC:
	case KEY_CTRL('C'):
		p->on = false;
		break;
	case KEY_CODE_TAB:
		next_mode(p);
		break;
	case KEY_CODE_LEFT:
		p->at = char_before(p);
		break;
	case KEY_CODE_RIGHT:
		p->at = char_after(p);
		break;
	case KEY_CODE_HOME:
	case KEY_CTRL('A'):
		p->at = 0;
		break;
	case KEY_CODE_END:
	case KEY_CTRL('E'):
		p->at = p->text.len;
		break;
	case KEY_CODE_BACKSPACE:
		if (!p->text.len)
			p->on = false;
		cut(p, char_before(p), p->at);
		break;
	case KEY_CODE_DELETE:
		cut(p, p->at, char_after(p));
		break;
	case KEY_CTRL('U'):
		cut(p, 0, p->at);
		break;
	case KEY_CTRL('K'):
		cut(p, p->at, p->text.len);
		break;
	case KEY_CTRL('W'):
		cut(p, word_before(p), p->at);
		break;
	default:
		if (key >= ' ' && key != 0x7f && key < KEY_CODE_UP)
			insert(p, key);
	}
}

void prompt_draw(struct app *app, int y)
{
	struct prompt *p = &app->prompt;
	struct canvas *c = &app->canvas;
	int x = canvas_str(c, 0, y, ST_TITLE, p->label);
	if (p->modes) {
		x = canvas_str(c, x, y, ST_KEY, p->modes[p->mode]);
		x = canvas_str(c, x, y, ST_DIM, " (Tab)");
	}
	if (p->yes)
		x = canvas_str(c, x, y, ST_TITLE, " y or n, Enter");
	x = canvas_str(c, x, y, ST_TITLE, ": ");
	const char *text = p->text.data ?: "";
	size_t before = text_width(text, p->at);
	int room = c->width - x - 1;
	size_t skip = room > 0 && before > (size_t)room ? before - (size_t)room : 0;
	canvas_text(c, x, y, c->width, ST_NORMAL, text, p->text.len, skip);
	c->cursor_x = x + (int)(before - skip);
	c->cursor_y = y;
}
