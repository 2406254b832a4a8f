/* SPDX-License-Identifier: MIT
 * The terminal by ncursesw, which is loaded here: other commands start without it.
 * Source: curs_*(3ncurses); console_codes(4) for what is sent when the program crashes.
 */
#define NCURSES_WIDECHAR 1
#include "viewer/terminal.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/library.h"
#include "viewer/width.h"

#define SONAME "libncursesw.so.6"

/* What is taken from the library: types come from its header. */
/* clang-format off */
#define FUNCTIONS(F)                                                                               \
	F(newterm)                                                                                 \
	F(set_term) F(delscreen) F(endwin) F(raw) F(noecho) F(nonl) F(keypad) F(nodelay)           \
	    F(set_escdelay) F(curs_set) F(has_colors) F(start_color) F(use_default_colors)         \
		F(init_extended_pair) F(setcchar) F(wmove) F(wadd_wchnstr) F(wrefresh) F(wget_wch) \
		    F(mousemask) F(mouseinterval) F(getmouse) F(resizeterm) F(clearok) F(tigetstr)

struct libcurses {
#define F(name) __typeof__(name) *name##_;
	FUNCTIONS(F)
#undef F
	WINDOW **screen; /* stdscr */
	int *nr_colors, *nr_pairs;
};

static const struct library_symbol symbols[] = {
#define F(name) { #name, offsetof(struct libcurses, name##_) },
	FUNCTIONS(F)
#undef F
	    { "stdscr", offsetof(struct libcurses, screen) },
	{ "COLORS", offsetof(struct libcurses, nr_colors) },
	{ "COLOR_PAIRS", offsetof(struct libcurses, nr_pairs) },
};

enum { MAX_PAIRS = 256 };

struct terminal {
	struct libcurses lib;
	SCREEN *screen;
	bool utf8, colors;
	int signals; /* signalfd */
	sigset_t old_mask;
	int ended_by; /* signal */
	struct {
		int fg, bg;
	} pairs[MAX_PAIRS]; /* pair i + 1 */
	int nr_pairs;
	struct cell *shown; /* what is on the screen */
	int width, height;  /* of shown */
	enum theme theme;   /* it was painted in */
	cchar_t *row;       /* being painted */
};

/* For the handler of crashes: what was found when the terminal was opened. */
static struct crash {
	struct termios modes;
	char leave[128];
	size_t leave_len;
} crash;

static void crash_handler(int number)
{
	/* only calls that signal-safety(7) allows */
	ssize_t n = write(STDOUT_FILENO, crash.leave, crash.leave_len);
	(void)n;
	tcsetattr(STDIN_FILENO, TCSANOW, &crash.modes);
	signal(number, SIG_DFL);
	raise(number);
}

static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

static void crash_add(const char *sequence)
{
	size_t len = sequence && sequence != (char *)-1 ? strlen(sequence) : 0;
	if (len && crash.leave_len + len <= sizeof(crash.leave)) {
		memcpy(crash.leave + crash.leave_len, sequence, len);
		crash.leave_len += len;
	}
}

static void crash_watch(const struct libcurses *lib)
{
	crash.leave_len = 0;
	crash_add("\033[?1006l\033[?1002l\033[?1000l"); /* the mouse */
	crash_add(lib->tigetstr_("sgr0"));
	crash_add(lib->tigetstr_("cnorm"));
	crash_add(lib->tigetstr_("rmkx"));
	crash_add(lib->tigetstr_("rmcup"));
	for (size_t i = 0; i < ARRAY_SIZE(crash_signals); i++) {
		struct sigaction old, new = { .sa_handler = crash_handler };
		/* a sanitizer has its own */
		if (sigaction(crash_signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(crash_signals[i], &new, NULL);
	}
}

static void crash_unwatch(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(crash_signals); i++) {
		struct sigaction old;
		if (sigaction(crash_signals[i], NULL, &old) == 0 && old.sa_handler == crash_handler)
			signal(crash_signals[i], SIG_DFL);
	}
}

static int lib_load(struct libcurses *lib, struct error *err)
{
	return library_load(SONAME, "the browser needs ncurses", symbols, ARRAY_SIZE(symbols), lib,
			    err);
}

static int signals_take(struct terminal *t, struct error *err)
{
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGQUIT);
	sigaddset(&mask, SIGWINCH);
	sigprocmask(SIG_BLOCK, &mask, &t->old_mask);
	t->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return t->signals < 0 ? error_sys(err, "signalfd") : 0;
}

/* The same terminal with colours given as they are, when it says so and terminfo knows one. */
static SCREEN *direct_screen(struct libcurses *lib)
{
	const char *term = getenv("TERM"), *color = getenv("COLORTERM");
	char name[128];
	if (!term || !color || (strcmp(color, "truecolor") != 0 && strcmp(color, "24bit") != 0))
		return NULL;
	const char *end = strstr(term, "-256color");
	int len = end ? (int)(end - term) : (int)strlen(term);
	snprintf(name, sizeof(name), "%.*s-direct", len, term);
	return lib->newterm_(name, stdout, stdin);
}

static int screen_open(struct terminal *t, struct error *err)
{
	struct libcurses *lib = &t->lib;
	const char *no_color = getenv("NO_COLOR");
	bool wanted = !no_color || !*no_color;
	t->screen = wanted ? direct_screen(lib) : NULL;
	if (!t->screen)
		t->screen = lib->newterm_(NULL, stdout, stdin);
	if (!t->screen)
		return error_set(err, ENOTSUP,
				 "TERM=%s is no terminal that terminfo knows; "
				 "try TERM=xterm-256color",
				 getenv("TERM") ?: "");
	WINDOW *w = *lib->screen;
	lib->raw_();
	lib->noecho_();
	lib->nonl_();
	lib->keypad_(w, TRUE);
	lib->nodelay_(w, TRUE);
	lib->set_escdelay_(12); /* sequences come in one piece; a key is answered in 16 */
	lib->curs_set_(0);
	t->colors = wanted && lib->has_colors_() && lib->start_color_() == OK;
	if (t->colors)
		lib->use_default_colors_();
	lib->mousemask_(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	lib->mouseinterval_(0);
	return 0;
}

int terminal_open(struct terminal **out, struct error *err)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return error_set(err, ENOTTY,
				 "standard input and output are no terminal; --keys and --print "
				 "show a screen without one");
	struct terminal *t = calloc(1, sizeof(*t));
	if (!t)
		return error_set(err, ENOMEM, "out of memory");
	t->signals = -1;
	setlocale(LC_CTYPE, "");
	t->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	tcgetattr(STDIN_FILENO, &crash.modes);
	int rc = lib_load(&t->lib, err);
	if (rc == 0)
		rc = signals_take(t, err);
	if (rc == 0)
		rc = screen_open(t, err);
	if (rc < 0) {
		terminal_close(t);
		return rc;
	}
	crash_watch(&t->lib);
	*out = t;
	return 0;
}

void terminal_close(struct terminal *t)
{
	if (!t)
		return;
	if (t->screen) {
		crash_unwatch();
		t->lib.endwin_();
		t->lib.delscreen_(t->screen);
	}
	if (t->signals >= 0) {
		fd_close(t->signals);
		sigprocmask(SIG_SETMASK, &t->old_mask, NULL);
	}
	free(t->shown);
	free(t->row);
	free(t);
}

enum theme terminal_theme(const struct terminal *t)
{
	/* set by rxvt, konsole and others: "15;default;0", the last is the background */
	const char *hint = getenv("COLORFGBG"), *last = hint ? strrchr(hint, ';') : NULL;
	if (!t->colors)
		return THEME_MONO;
	return last && (atoi(last + 1) == 7 || atoi(last + 1) >= 9) ? THEME_LIGHT : THEME_DARK;
}

void terminal_size(const struct terminal *t, int *width, int *height)
{
	struct winsize size;
	(void)t;
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row;
	*width = known ? size.ws_col : 80;
	*height = known ? size.ws_row : 24;
}

/* Colours of this terminal. @param bright  set when bold stands for one of the upper eight */
static int color_of(const struct terminal *t, int32_t rgb, int index16, bool *bright)
{
	if (rgb < 0 && index16 < 0)
		return -1;
	if (*t->lib.nr_colors > 256)
		return rgb < 0 ? -1 : rgb < 8 ? 0 : rgb;
	if (*t->lib.nr_colors == 256)
		return rgb < 0 ? -1 : color_256(rgb);
	if (*t->lib.nr_colors >= 16 || index16 < 8)
		return index16;
	*bright = true;
	return index16 - 8;
}

static int pair_of(struct terminal *t, int fg, int bg)
{
	if (fg < 0 && bg < 0)
		return 0;
	for (int i = 0; i < t->nr_pairs; i++) {
		if (t->pairs[i].fg == fg && t->pairs[i].bg == bg)
			return i + 1;
	}
	if (t->nr_pairs == MAX_PAIRS || t->nr_pairs + 1 >= *t->lib.nr_pairs ||
	    t->lib.init_extended_pair_(t->nr_pairs + 1, fg, bg) == ERR)
		return 0;
	t->pairs[t->nr_pairs].fg = fg;
	t->pairs[t->nr_pairs].bg = bg;
	return ++t->nr_pairs;
}

/* What stands for our own characters where there is no UTF-8. */
static wchar_t plain_char(uint32_t ch)
{
	static const struct {
		uint32_t ch;
		char plain;
	} table[] = {
		{ 0x2502, '|' }, { 0x2503, '#' }, { 0x2514, '`' }, { 0x251c, '+' },
		{ 0x2500, '-' }, { 0x2588, '#' }, { 0x2591, '.' }, { 0x2592, ':' },
		{ 0x2593, '%' }, { 0x2584, '_' }, { 0x2026, '.' }, { 0x00b7, '.' }, { 0x2192, '>' },
		{ 0x2039, '<' }, { 0x203a, '>' },
	};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].ch == ch)
			return (wchar_t)table[i].plain;
	}
	return L'?';
}

static void cell_paint(struct terminal *t, const struct cell *cell, enum theme theme, cchar_t *out)
{
	wchar_t text[3] = { (wchar_t)cell->ch, (wchar_t)cell->mark, 0 };
	struct look look = style_look(theme, cell->style, cell->base);
	bool bright = false, dummy = false;
	attr_t attr = A_NORMAL;
	if (cell->ch >= 0x7f && !t->utf8)
		text[0] = plain_char(cell->ch), text[1] = 0;
	else if (cell->ch >= 0x7f && wcwidth(text[0]) != char_width(cell->ch))
		text[0] = L'?', text[1] = 0; /* the terminal may see it otherwise */
	int fg = t->colors ? color_of(t, look.fg, look.fg16, &bright) : -1;
	int bg = t->colors ? color_of(t, look.bg, look.bg16, &dummy) : -1;
	int pair = t->colors && theme != THEME_MONO ? pair_of(t, fg, bg) : 0;
	attr |= look.attr & LOOK_BOLD || bright ? A_BOLD : 0;
	attr |= look.attr & LOOK_UNDER ? A_UNDERLINE : 0;
	attr |= look.attr & LOOK_REVERSE ? A_REVERSE : 0;
	t->lib.setcchar_(out, text, attr, (short)pair, &pair);
}

static bool shown_prepare(struct terminal *t, const struct canvas *c)
{
	size_t nr = (size_t)c->width * (size_t)c->height;
	if (t->width == c->width && t->height == c->height)
		return true;
	free(t->shown);
	free(t->row);
	t->shown = calloc(nr, sizeof(*t->shown));
	t->row = calloc((size_t)c->width + 1, sizeof(*t->row));
	t->width = t->shown && t->row ? c->width : 0;
	t->height = c->height;
	return t->width != 0;
}

static void row_paint(struct terminal *t, const struct cell *cells, int y, int width,
		      enum theme theme)
{
	WINDOW *w = *t->lib.screen;
	int nr = 0;
	for (int x = 0; x < width; x++) {
		if (cells[x].ch)
			cell_paint(t, &cells[x], theme, &t->row[nr++]);
	}
	t->lib.wmove_(w, y, 0);
	t->lib.wadd_wchnstr_(w, t->row, nr);
}

void terminal_paint(struct terminal *t, const struct canvas *c, enum theme theme, bool anew)
{
	WINDOW *w = *t->lib.screen;
	size_t row_size = (size_t)c->width * sizeof(struct cell);
	bool same = t->width == c->width && t->height == c->height && t->theme == theme && !anew;
	if (!shown_prepare(t, c))
		return;
	t->theme = theme;
	if (anew)
		t->lib.clearok_(w, TRUE);
	for (int y = 0; y < c->height; y++) {
		const struct cell *cells = &c->cells[(size_t)y * (size_t)c->width];
		struct cell *shown = &t->shown[(size_t)y * (size_t)c->width];
		if (same && !memcmp(cells, shown, row_size))
			continue;
		memcpy(shown, cells, row_size);
		row_paint(t, cells, y, c->width, theme);
	}
	t->lib.curs_set_(c->cursor_x >= 0);
	if (c->cursor_x >= 0)
		t->lib.wmove_(w, c->cursor_y, c->cursor_x);
	t->lib.wrefresh_(w);
}

static const struct {
	int code;
	uint32_t key;
} special_keys[] = {
	{ KEY_UP, KEY_CODE_UP },         { KEY_DOWN, KEY_CODE_DOWN },
	{ KEY_LEFT, KEY_CODE_LEFT },     { KEY_RIGHT, KEY_CODE_RIGHT },
	{ KEY_PPAGE, KEY_CODE_PAGE_UP }, { KEY_NPAGE, KEY_CODE_PAGE_DOWN },
	{ KEY_HOME, KEY_CODE_HOME },     { KEY_END, KEY_CODE_END },
	{ KEY_BTAB, KEY_CODE_BACKTAB },  { KEY_BACKSPACE, KEY_CODE_BACKSPACE },
	{ KEY_DC, KEY_CODE_DELETE },     { KEY_ENTER, KEY_CODE_ENTER },
};

static bool mouse_event(struct terminal *t, struct key_event *event)
{
	MEVENT mouse;
	if (t->lib.getmouse_(&mouse) != OK)
		return false;
	*event = (struct key_event){ KEY_CODE_CLICK, mouse.x, mouse.y };
	if (mouse.bstate & BUTTON4_PRESSED)
		event->key = KEY_CODE_WHEEL_UP;
	else if (mouse.bstate & BUTTON5_PRESSED)
		event->key = KEY_CODE_WHEEL_DOWN;
	return true;
}

static bool special_event(struct terminal *t, int code, struct key_event *event)
{
	if (code == KEY_MOUSE)
		return mouse_event(t, event);
	if (code > KEY_F(0) && code <= KEY_F(12)) {
		event->key = KEY_CODE_F1 + (uint32_t)(code - KEY_F(1));
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(special_keys); i++) {
		if (special_keys[i].code == code) {
			event->key = special_keys[i].key;
			return true;
		}
	}
	return false;
}

/* A key that was typed; false: none that means anything. */
static bool key_read(struct terminal *t, struct key_event *event)
{
	wint_t ch = 0;
	int rc;
	*event = (struct key_event){ 0 };
	while ((rc = t->lib.wget_wch_(*t->lib.screen, &ch)) != ERR) {
		if (rc == KEY_CODE_YES) {
			if (special_event(t, (int)ch, event))
				return true;
			continue;
		}
		event->key = ch == '\n' ? KEY_CODE_ENTER : ch == 0x7f ? KEY_CODE_BACKSPACE : ch;
		return true;
	}
	return false;
}

static enum terminal_event signal_read(struct terminal *t)
{
	struct signalfd_siginfo info;
	enum terminal_event event = TERMINAL_NOTHING;
	while (read(t->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGWINCH) {
			event = TERMINAL_RESIZED;
			continue;
		}
		t->ended_by = (int)info.ssi_signo;
		return TERMINAL_END;
	}
	if (event == TERMINAL_RESIZED) {
		int width, height;
		terminal_size(t, &width, &height);
		t->lib.resizeterm_(height, width);
	}
	return event;
}

enum terminal_event terminal_wait(struct terminal *t, int ms, struct key_event *event)
{
	struct pollfd fds[] = { { t->signals, POLLIN, 0 }, { STDIN_FILENO, POLLIN, 0 } };
	if (key_read(t, event)) /* the library may hold some */
		return TERMINAL_KEY;
	if (poll(fds, 2, ms) <= 0)
		return TERMINAL_NOTHING;
	if (fds[0].revents) {
		enum terminal_event got = signal_read(t);
		if (got != TERMINAL_NOTHING)
			return got;
	}
	if (!fds[1].revents)
		return TERMINAL_NOTHING;
	if (key_read(t, event))
		return TERMINAL_KEY;
	return fds[1].revents & (POLLHUP | POLLERR) ? TERMINAL_END : TERMINAL_NOTHING;
}

int terminal_signal(const struct terminal *t)
{
	return t->ended_by;
}

void terminal_suspend(struct terminal *t)
{
	t->lib.endwin_();
	kill(0, SIGTSTP); /* the whole job, as the terminal would */
	t->width = 0;
	t->lib.clearok_(*t->lib.screen, TRUE);
	t->lib.wrefresh_(*t->lib.screen);
}

void terminal_copy(struct terminal *t, const char *text)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	auto_strbuf out = { 0 };
	size_t len = strlen(text);
	(void)t;
	int rc = strbuf_str(&out, "\033]52;c;");
	for (size_t i = 0; rc == 0 && i < len; i += 3) {
		size_t left = len - i < 3 ? len - i : 3;
		unsigned char b[3] = { 0 };
		memcpy(b, text + i, left);
		char four[4] = { digits[b[0] >> 2], digits[(b[0] & 3) << 4 | b[1] >> 4],
				 left > 1 ? digits[(b[1] & 15) << 2 | b[2] >> 6] : '=',
				 left > 2 ? digits[b[2] & 63] : '=' };
		rc = strbuf_add(&out, four, 4);
	}
	if (rc == 0 && strbuf_char(&out, '\a') == 0)
		fd_write_full(STDOUT_FILENO, out.data, out.len);
}
