/* SPDX-License-Identifier: MIT
 * A view: something to look at, in a tab or on a page of its own. A row of operations each.
 */
#pragma once

#include "images/checkpoint.h"
#include "viewer/key.h"
#include "viewer/line.h"

struct app;
struct view;

/* What is under the cursor, for who looks for things about it. */
struct view_object {
	char what[96];  /* "descriptor 3"; "": nothing of its own */
	char name[112]; /* path or address it goes by; "": none */
	struct {
		char name[64]; /* "": none */
		size_t entry;  /* SIZE_MAX: any */
	} images[2];           /* it stands in */
	uint64_t start, end;   /* of memory it is; end 0: none */
};

/* Writing what a view shows. Keys go on meanwhile, so the view notes here what it is to be. */
struct view_write {
	int fd;
	uint64_t at;         /* the view's own count, 0 at first */
	struct bytes *bytes; /* of a view of bytes, from start up to end */
	uint64_t start, end;
	uint64_t unknown; /* bytes that are not in the dump: zeros stand for them */
};

enum { BELOW_DEPTH = 64 };

/* Where a search is in the rows that a folded one hides; zeroed before the first of them. */
struct below {
	size_t path[BELOW_DEPTH], depth; /* of the row composed last, as the view counts */
	void *state;
};

struct view_ops {
	const char *name;             /* in tabs: "memory" */
	uint32_t places;              /* which keys mean something: bits of enum key_place */
	size_t state_size;            /* zeroed, before open */
	const struct column *columns; /* of a table, or NULL */
	size_t nr_columns;
	const char *nothing; /* stands there without rows: "no sockets" */

	/** Read what is to be shown; called when it first is. What fails is shown in its place. */
	int (*open)(struct view *v, struct error *err);
	void (*close)(struct view *v);
	size_t (*rows)(struct view *v);
	/** Compose row i. */
	void (*row)(struct view *v, size_t i, struct line *line);
	/**
	 * Read a piece of what row i shows, for who wants all of it; else row() leaves out what is
	 * not read yet. NULL: nothing is. @return whether there is more
	 */
	bool (*read)(struct view *v, size_t i);
	/**
	 * Compose the next of the rows that row i hides, also those that are folded among them.
	 * NULL: none ever does.
	 * @param line  NULL: no more of them are wanted
	 * @return 1; 0 there is no more; 2 it is being read: ask again; -ENOMEM
	 */
	int (*below)(struct view *v, size_t i, struct below *walk, struct line *line);
	/** Unfold what hides the row the walk was at. @return where it is now */
	size_t (*reveal)(struct view *v, size_t i, const struct below *walk);
	/** Instead of rows: draw all of it. Keeps v->height. NULL: rows are drawn. */
	void (*draw)(struct view *v, struct canvas *c, struct rect r);
	/** The line below the rows: sums, where the cursor is. NULL: none. */
	void (*footer)(struct view *v, struct line *line);
	/** @return whether it did anything; else the list, then the application does what it can */
	bool (*act)(struct view *v, enum action action);
	/** A small piece of reading ahead while nobody presses a key. @return whether there is more
	 */
	bool (*idle)(struct view *v);
	/** A click on what draw() has drawn. */
	void (*click)(struct view *v, struct rect r, int x, int y);
	/** A click on column heading i. */
	void (*heading)(struct view *v, size_t column);
	/** Show only what holds a text (NULL: all); NULL: the list filters by its rows. */
	void (*filter)(struct view *v, const char *text);
	/** What is under the cursor. @param out  names are empty, entries SIZE_MAX */
	void (*object)(struct view *v, struct view_object *out);
	/** Arguments of crit that print this: "mem -p 12 …"; the source is {}. NULL: none. */
	void (*command)(struct view *v, struct strbuf *out);
	/**
	 * What `w` writes, piece by piece; NULL: the rows as text.
	 * @return 1 more to do; 0 done; -errno
	 */
	int (*write)(struct view *v, struct view_write *w, struct error *err);
	/** The file name `w` proposes; NULL: made of the view's. */
	void (*write_name)(struct view *v, struct strbuf *out);
	/** What stands in the place of tabs on a page of its own; NULL: the name. */
	void (*title)(struct view *v, struct line *line);
};

struct view {
	const struct view_ops *ops;
	struct app *app;
	const struct process *process; /* NULL: the checkpoint as a whole */
	void *state;                   /* ops->state_size bytes */
	void *arg; /* what it was opened for; owned by the view, released by ops->close */
	bool opened;
	const char *working; /* what ops->idle is still busy with: "reading"; NULL: nothing */
	struct error error;  /* code < 0: why it is empty, or ends early */
	size_t cursor, top;  /* rows, of those shown */
	size_t left;         /* cells scrolled out */
	size_t widest;       /* of the rows last drawn: cells */
	int room;            /* for them: cells */
	int footer;          /* rows it has had at most ... */
	int footer_width;    /* on a screen of this width */
	int height;          /* rows when last drawn */
	char *filter;        /* NULL: none */
	struct {
		size_t *items; /* rows the filter keeps */
		size_t nr, cap;
	} kept;
};

void view_init(struct view *v, const struct view_ops *ops, struct app *app,
	       const struct process *process, void *arg);
/** Open when it was not. */
void view_need(struct view *v);
void view_fini(struct view *v);
/** Read on now, for some milliseconds: what takes no longer is there at the first picture. */
void view_hurry(struct view *v);
/** Its rows are not all there because they were not waited for: says so in their place. */
void view_stopped(struct view *v);
/** Begin to read it again. @return false: it was not stopped, or has to be opened again for that */
bool view_again(struct view *v);

/** Rows shown, and which row of ops->row one of them is. */
size_t view_rows(struct view *v);
size_t view_index(struct view *v, size_t shown);
/** The row under the cursor, SIZE_MAX: there is none. */
size_t view_current(struct view *v);
void view_compose(struct view *v, size_t shown, struct line *line, int screen);
/** Its rows are others now: the filter of the list ends, the cursor stays inside. */
void view_changed(struct view *v);
void view_move(struct view *v, size_t shown);
/** Moves that every list knows. @return whether it was one */
bool view_list_act(struct view *v, enum action action);
void view_draw(struct view *v, struct canvas *c, struct rect r);
/** A click inside of its rectangle. */
void view_click(struct view *v, struct rect r, int x, int y);
