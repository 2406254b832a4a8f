/* SPDX-License-Identifier: MIT
 * The main loop of the browser.
 */
#include "viewer/viewer.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "viewer/app.h"
#include "viewer/print.h"
#include "viewer/terminal.h"
#include "viewer/views.h"

enum { WORK_MS = 10 }; /* what a key does and goes on with, before the screen shows it */

static int theme_parse(const char *name, enum theme *out, struct error *err)
{
	for (int i = 0; i < NR_THEMES; i++) {
		if (!strcmp(name, theme_names[i])) {
			*out = (enum theme)i;
			return 0;
		}
	}
	return error_set(err, EINVAL, "--theme %s: want dark, light or mono", name);
}

static int size_parse(const char *text, int *width, int *height, struct error *err)
{
	char end;
	if (sscanf(text, "%dx%d%c", width, height, &end) == 2 && *width >= 20 && *height >= 5 &&
	    *width <= 1000 && *height <= 1000)
		return 0;
	return error_set(err, EINVAL, "--size %s: want WIDTHxHEIGHT, from 20x5 to 1000x1000", text);
}

static int keys_press(struct app *app, const char *keys, struct error *err)
{
	struct key_event event = { 0 };
	int rc = 0;
	while (!app->quit && keys && (rc = key_parse(&keys, &event.key, err)) > 0) {
		app_key(app, &event);
		app_settle(app);
		if (!app->reopen)
			continue;
		int bad = app_reopen(app, err);
		if (bad < 0)
			return bad;
		app_settle(app);
	}
	return rc;
}

static int keymap_print(struct error *err)
{
	auto_doc doc = NULL;
	int rc = doc_open(STDOUT_FILENO, "standard output", DOC_TEXT, &doc, err);
	if (rc == 0)
		rc = keymap_write(doc, err);
	int closed = doc_close(doc, rc < 0 ? NULL : err);
	doc = NULL;
	return rc < 0 ? rc : closed;
}

static int screen_print(struct app *app, const struct viewer_options *options,
			struct damage_list *passed, struct error *err)
{
	auto_strbuf out = { 0 };
	int width = 80, height = 24;
	bool svg = !strcmp(options->print, "svg");
	if (!svg && strcmp(options->print, "text") != 0)
		return error_set(err, EINVAL, "--print %s: want text, svg or keys", options->print);
	int rc = options->size ? size_parse(options->size, &width, &height, err) : 0;
	if (rc == 0 && app_resize(app, width, height) < 0)
		rc = error_set(err, ENOMEM, "out of memory");
	if (rc == 0) {
		app_settle(app);
		rc = keys_press(app, options->keys, err);
	}
	if (rc < 0)
		return rc;
	rc = svg ? canvas_to_svg(&app->canvas, app->options.theme, &out)
		 : canvas_to_text(&app->canvas, &out);
	if (rc == 0)
		rc = fd_write_full(STDOUT_FILENO, out.data ?: "", out.len);
	if (rc < 0)
		return error_code(err, rc, "standard output");
	/* what stands in the place of rows */
	if (!app->quit)
		app_note(app, &app_view(app)->error);
	*passed = app->passed;
	app->passed = (struct damage_list){ 0 };
	return 0;
}

static void size_follow(struct app *app, struct terminal *t)
{
	int width, height;
	terminal_size(t, &width, &height);
	if (app_resize(app, width, height) < 0)
		app->quit = true;
}

static void requests_serve(struct app *app, struct terminal *t)
{
	if (app->clipboard.len) {
		terminal_copy(t, app->clipboard.data);
		strbuf_reset(&app->clipboard);
	}
	if (app->suspend) {
		app->suspend = false;
		terminal_suspend(t);
		size_follow(app, t);
	}
}

static int loop(struct app *app, struct terminal *t, struct error *err)
{
	int rc = 0;
	bool busy = true;
	while (rc == 0 && !app->quit) {
		struct key_event key;
		app_draw(app);
		terminal_paint(t, &app->canvas, app->options.theme, app->redraw);
		app->redraw = false;
		enum terminal_event event = terminal_wait(t, busy ? 0 : -1, &key);
		int64_t until = clock_ms() + WORK_MS;
		/* a key may open what is read ahead once it is on the screen */
		bool pressed = event == TERMINAL_KEY;
		/* keys that wait already are all taken before the next picture */
		for (int i = 0; event == TERMINAL_KEY && i < 64; i++) {
			app_key(app, &key);
			if (app->quit || app->suspend || app->reopen)
				break;
			event = terminal_wait(t, 0, &key);
		}
		if (event == TERMINAL_END)
			break;
		if (event == TERMINAL_RESIZED)
			size_follow(app, t);
		requests_serve(app, t);
		int64_t left = until - clock_ms();
		busy = app_work(app, left > 0 ? (int)left : 0) || pressed;
		if (app->reopen) {
			rc = app_reopen(app, err);
			busy = true;
		}
	}
	return rc;
}

static int on_terminal(struct app *app, const struct viewer_options *options, struct error *err)
{
	struct terminal *t = NULL;
	int rc = terminal_open(&t, err);
	if (rc < 0)
		return rc;
	if (!options->theme)
		app->options.theme = terminal_theme(t);
	size_follow(app, t);
	rc = keys_press(app, options->keys, err);
	if (rc >= 0)
		rc = loop(app, t, err);
	int number = terminal_signal(t);
	terminal_close(t);
	if (number) {
		signal(number, SIG_DFL);
		raise(number);
	}
	return rc < 0 ? rc : 0;
}

int viewer_run(const struct viewer_options *options, struct damage_list *passed, struct error *err)
{
	struct app_options how = {
		.path = options->path,
		.diff = options->diff,
		.sysroot = options->sysroot,
		.pid = options->pid,
		.edit = options->edit,
	};
	struct app *app;
	if (options->print && !strcmp(options->print, "keys"))
		return keymap_print(err);
	int rc = options->theme ? theme_parse(options->theme, &how.theme, err) : 0;
	if (rc == 0)
		rc = app_new(&how, &app, err);
	if (rc < 0)
		return rc;
	rc = options->print ? screen_print(app, options, passed, err)
			    : on_terminal(app, options, err);
	app_free(app);
	return rc;
}
