/* SPDX-License-Identifier: MIT
 * The browser as a whole, without a terminal: keys go in, a canvas comes out.
 */
#pragma once

#include "convert/describe/file.h"
#include "images/damage.h"
#include "viewer/view.h"

struct edits;
struct facts;
struct memory;

struct app_options {
	const char *path;    /* of the checkpoint */
	const char *diff;    /* compare with this one; NULL: do not */
	const char *sysroot; /* where mapped files are; NULL: nowhere */
	uint32_t pid;        /* begin with this process; 0: with the tree */
	bool edit;           /* fields may be changed */
	enum theme theme;
};

/* Work that takes longer than a moment: done in steps, shown with its progress, ended by Esc. */
struct job {
	const char *what;     /* "searching"; NULL: there is none */
	uint64_t done, total; /* total 0: not known */
	bool firm;            /* it is too late to stop it */
	struct view *view;    /* for which; a view that closes takes its job along */
	/** A few milliseconds of it. @return 1 more to do; 0 done; -errno */
	int (*step)(struct job *job, struct error *err);
	/** @param rc  what the last step returned, 1: it was stopped */
	void (*end)(struct job *job, int rc);
	void *arg;
};

struct prompt {
	bool on;
	const char *label;
	const char *const *modes; /* Tab goes from one to the next; NULL: none */
	size_t mode;
	struct strbuf text;
	size_t at; /* of the cursor, bytes */
	struct view *view;
	void (*done)(struct view *v, const char *text, size_t mode);
	/* of app_confirm(), else NULL */
	void (*yes)(struct view *v);
	const char *no;
};

struct page;

struct app {
	struct app_options options;
	struct source *src;
	struct checkpoint *cp;
	struct {
		struct source *src;
		struct checkpoint *cp;
	} other;                      /* what is compared with, once it is looked at; else NULL */
	struct damage_list passed;    /* what could not be read of both */
	struct error damage;          /* of the archive, the tree or the inventory; code 0: none */
	struct file_describer *files; /* app_files() */
	struct facts *facts;
	struct memory *memories; /* memory_ref() */
	struct edits *edits;
	struct page *page; /* in front */
	struct canvas canvas;
	struct prompt prompt;
	struct job job;
	struct strbuf message;
	enum style message_style;
	struct strbuf target;    /* the file a question is about */
	struct strbuf clipboard; /* to be handed to the terminal, then reset */
	char *search;            /* last text looked for in rows; NULL: none */
	bool quit, redraw, suspend;
	bool reopen;           /* the set was changed: read it anew */
	int64_t draw_until_ms; /* rows that need reading after this are left to idle time */
};

int app_new(const struct app_options *options, struct app **out, struct error *err);
void app_free(struct app *app);
/** After a change of the set (app->reopen). When it fails there is nothing left to show. */
int app_reopen(struct app *app, struct error *err);
int app_resize(struct app *app, int width, int height);
void app_key(struct app *app, const struct key_event *event);
void app_draw(struct app *app);
/** Work for up to so long. @return whether there is more to do */
bool app_work(struct app *app, int ms);
/** Work until there is nothing left to do. */
void app_settle(struct app *app);

/* For views. */
void app_say(struct app *app, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void app_fail(struct app *app, const struct error *err);
/** What is shown in the place of rows, or of what a row says: is it damage, it is kept. */
void app_note(struct app *app, const struct error *err);
/** When an archive has several sets: which one this is. */
void app_say_choice(struct app *app, const char *path, const struct source *src);
void app_job(struct app *app, const struct job *job);
void app_ask(struct app *app, const struct prompt *prompt, const char *text);
/** Ask a question of y or n. @param no  is said when it is answered otherwise */
void app_confirm(struct view *v, const char *question, void (*yes)(struct view *v), const char *no);
/** Open a view on a page of its own. Takes arg (ops->close releases it). */
void app_open(struct app *app, const struct view_ops *ops, const struct process *p, void *arg);
void app_open_process(struct app *app, const struct process *p);
struct view *app_view(struct app *app);
/** Which of the two checkpoints a process is of. */
struct checkpoint *app_checkpoint_of(const struct app *app, const struct process *p);
/** What describes files; NULL when it cannot (app says why). */
struct file_describer *app_files(struct app *app, struct error *err);
/** The command that prints what is seen, ready for a shell. */
int app_command(struct app *app, struct strbuf *out);
/** A word of such a command for a shell, for views: {} in it stays what it is. */
int command_word(const char *arg, struct strbuf *out);
