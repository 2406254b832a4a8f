/* SPDX-License-Identifier: MIT
 * The process tree: folded, sorted, filtered; or flat.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "viewer/app.h"
#include "viewer/facts.h"
#include "viewer/image.h"
#include "viewer/views.h"

enum tree_sort {
	SORT_IMAGE,
	SORT_PID,
	SORT_STATE,
	SORT_UID,
	SORT_THREADS,
	SORT_MEMORY,
	SORT_FDS,
	SORT_NAME,
	NR_SORTS
};

static const char *const sort_names[NR_SORTS] = {
	"their order in the image",
	"pid",
	"state",
	"user",
	"threads",
	"memory stored",
	"descriptors",
	"name",
};

enum { MAX_GUIDES = 40 }; /* levels of the tree that are drawn */

struct node {
	const struct process *process;
	uint32_t first_child, next; /* nodes; 0: none (the forest itself is node 0) */
	uint32_t parent;
	bool folded;
	bool last;    /* of its siblings */
	bool matches; /* the filter, or has one below that does */
};

struct tree {
	struct node *nodes; /* node i + 1 is checkpoint_listed(i) */
	size_t nr;
	uint32_t *order; /* nodes as shown */
	size_t nr_order;
	bool flat, reverse;
	enum tree_sort sort;
	uint32_t keep; /* node to stay on when the order changes */
};

static const struct column columns[] = {
	{ "PID", 7, true, 0 },      { "STATE", 7, false, 60 }, { "UID", 6, true, 90 },
	{ "THR", 4, true, 0 },      { "MEMORY", 6, true, 0 },  { "FDS", 5, true, 0 },
	{ "PROCESS", 0, false, 0 },
};
static const enum tree_sort column_sorts[ARRAY_SIZE(columns)] = {
	SORT_PID, SORT_STATE, SORT_UID, SORT_THREADS, SORT_MEMORY, SORT_FDS, SORT_NAME,
};

static struct tree *tree_of(struct view *v)
{
	return v->state;
}

static const struct process_row *row_of(struct view *v, uint32_t node)
{
	return facts_row(v->app->facts, tree_of(v)->nodes[node].process);
}

/* What sorting needs of a node, taken out once. */
struct sort_key {
	uint32_t node;
	uint64_t number;
	const char *text;
};

static struct sort_key key_of(struct view *v, uint32_t node)
{
	const struct tree *t = v->state;
	const struct process *p = t->nodes[node].process;
	struct sort_key key = { .node = node, .text = "" };
	switch (t->sort) {
	case SORT_PID:
		key.number = p->pid;
		break;
	case SORT_STATE:
		key.text = row_of(v, node)->state;
		break;
	case SORT_UID:
		key.number = row_of(v, node)->uid;
		break;
	case SORT_THREADS:
		key.number = UINT64_MAX - p->entry->n_threads;
		break;
	case SORT_MEMORY:
		key.number = UINT64_MAX - row_of(v, node)->stored;
		break;
	case SORT_FDS:
		key.number = UINT64_MAX - row_of(v, node)->nr_fds;
		break;
	case SORT_NAME:
		key.text = row_of(v, node)->comm ?: "";
		break;
	default:
		break;
	}
	return key;
}

static int key_compare(const void *a_, const void *b_)
{
	const struct sort_key *a = a_, *b = b_;
	int rc = strcmp(a->text, b->text);
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return rc ? rc : (a->node > b->node) - (a->node < b->node);
}

static void matches_mark(struct view *v)
{
	struct tree *t = v->state;
	for (size_t i = 0; i <= t->nr; i++)
		t->nodes[i].matches = !v->filter;
	for (uint32_t i = 1; v->filter && i <= t->nr; i++) {
		const struct process_row *row = row_of(v, i);
		char pid[16];
		snprintf(pid, sizeof(pid), "%u", row->process->pid);
		if (!text_find(row->comm ?: "", v->filter) &&
		    !text_find(row->command ?: "", v->filter) &&
		    !text_find(row->state, v->filter) && !strstr(pid, v->filter))
			continue;
		for (uint32_t up = i; up && !t->nodes[up].matches;
		     up = t->flat ? 0 : t->nodes[up].parent)
			t->nodes[up].matches = true;
	}
}

/* Lists of children in the order wanted: pushed in front, last first. */
static void children_link(struct view *v, const struct sort_key *keys)
{
	struct tree *t = v->state;
	for (size_t i = 0; i <= t->nr; i++)
		t->nodes[i].first_child = t->nodes[i].next = 0;
	for (size_t i = t->nr; i-- > 0;) {
		struct node *node = &t->nodes[keys[t->reverse ? t->nr - 1 - i : i].node];
		struct node *parent = &t->nodes[t->flat ? 0 : node->parent];
		if (!node->matches)
			continue;
		node->next = parent->first_child;
		node->last = !parent->first_child;
		parent->first_child = (uint32_t)(node - t->nodes);
	}
}

static void order_walk(struct tree *t)
{
	uint32_t at = t->nodes[0].first_child;
	t->nr_order = 0;
	while (at) {
		const struct node *node = &t->nodes[at];
		t->order[t->nr_order++] = at;
		if (node->first_child && !node->folded) {
			at = node->first_child;
			continue;
		}
		while (at && !t->nodes[at].next)
			at = t->flat ? 0 : t->nodes[at].parent;
		at = at ? t->nodes[at].next : 0;
	}
}

/* All that sorting and filtering ask for was read. */
static void tree_order(struct view *v)
{
	struct tree *t = v->state;
	auto_free struct sort_key *keys = calloc(t->nr + 1, sizeof(*keys));
	if (!keys) {
		app_say(v->app, "out of memory");
		return;
	}
	matches_mark(v);
	for (uint32_t i = 0; i < t->nr; i++)
		keys[i] = key_of(v, i + 1);
	if (t->sort != SORT_IMAGE)
		qsort(keys, t->nr, sizeof(*keys), key_compare);
	children_link(v, keys);
	order_walk(t);
	for (size_t i = 0; i < t->nr_order; i++) {
		if (t->order[i] == t->keep)
			v->cursor = i;
	}
	if (v->cursor >= t->nr_order)
		v->cursor = 0;
}

static void order_say(struct view *v)
{
	const struct tree *t = v->state;
	app_say(v->app, "%s, %s%s%s", t->flat ? "a flat list" : "a tree",
		t->sort == SORT_IMAGE ? "in " : "sorted by ", sort_names[t->sort],
		t->reverse ? ", turned round" : "");
}

static int read_step(struct job *job, struct error *err)
{
	(void)err;
	struct app *app = job->view->app;
	for (int i = 0; i < 16; i++) {
		if (job->done >= checkpoint_nr_processes(app->cp))
			return 0;
		if (facts_step(app->facts, checkpoint_listed(app->cp, job->done)))
			return 1;
		job->done++;
	}
	return 1;
}

/* Stopped: back to an order that needs nothing. */
static void read_end(struct job *job, int rc)
{
	struct view *v = job->view;
	struct tree *t = v->state;
	if (rc != 0) {
		t->sort = SORT_IMAGE;
		free(v->filter);
		v->filter = NULL;
	}
	tree_order(v);
	if (rc == 0 && v->filter)
		app_say(v->app, "%zu of %zu processes are shown; Esc shows all", t->nr_order,
			t->nr);
	else if (rc == 0)
		order_say(v);
}

static void tree_update(struct view *v)
{
	struct tree *t = v->state;
	bool facts =
	    v->filter || (t->sort != SORT_IMAGE && t->sort != SORT_PID && t->sort != SORT_THREADS);
	t->keep = v->cursor < t->nr_order ? t->order[v->cursor] : 0;
	if (facts && v->app->job.what && v->app->job.step == read_step)
		return; /* it ends with the order that is wanted by then */
	if (facts) {
		app_job(v->app, &(struct job){ .what = "reading processes",
					       .total = t->nr,
					       .view = v,
					       .step = read_step,
					       .end = read_end });
		return;
	}
	tree_order(v);
	order_say(v);
}

static int tree_open(struct view *v, struct error *err)
{
	struct tree *t = v->state;
	struct facts *facts = v->app->facts;
	t->nr = checkpoint_nr_processes(v->app->cp);
	t->nodes = calloc(t->nr + 1, sizeof(*t->nodes));
	t->order = calloc(t->nr + 1, sizeof(*t->order));
	if (!t->nodes || !t->order)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < t->nr; i++) {
		const struct process *p = checkpoint_listed(v->app->cp, i);
		t->nodes[i + 1].process = p;
		t->nodes[i + 1].parent =
		    p->parent ? (uint32_t)facts_index(facts, p->parent) + 1 : 0;
	}
	tree_order(v);
	if (v->app->damage.code < 0)
		*err = v->app->damage;
	return v->app->damage.code;
}

static void tree_close(struct view *v)
{
	free(tree_of(v)->nodes);
	free(tree_of(v)->order);
}

static size_t tree_rows(struct view *v)
{
	return tree_of(v)->nr_order;
}

/* "│  ├─ " */
static void guides(const struct tree *t, uint32_t at, struct line *line)
{
	uint32_t up[MAX_GUIDES] = { 0 };
	size_t nr = 0;
	for (uint32_t i = at; t->nodes[i].parent; i = t->nodes[i].parent) {
		if (nr == MAX_GUIDES) {
			line_plain(line, "…");
			break;
		}
		up[nr++] = i;
	}
	for (size_t i = nr; i-- > 0;) {
		bool last = t->nodes[up[i]].last;
		line_plain(line, i ? (last ? "   " : "│  ") : (last ? "└─ " : "├─ "));
	}
}

static enum style state_style(const char *state)
{
	return !strcmp(state, "zombie") || !strcmp(state, "dead") ? ST_ERROR
	       : !strcmp(state, "stopped")                        ? ST_WARN
								  : ST_GOOD;
}

static void unread_row(const struct process *p, struct line *line)
{
	line_cellf(line, ST_NUMBER, "%u", p->pid);
	line_cell_skip(line);
	line_cell_skip(line);
	line_cellf(line, ST_NORMAL, "%zu", p->entry->n_threads);
	line_cell_skip(line);
	line_cell_skip(line);
}

/* @param row  of which at least the core was read */
static void read_row(const struct process_row *row, struct line *line)
{
	const struct process *p = row->process;
	line_cellf(line, ST_NUMBER, "%u", p->pid);
	line_cell(line, state_style(row->state), row->state);
	if (row->has_owner)
		line_cellf(line, ST_NORMAL, "%u", row->uid);
	else
		line_cell(line, ST_DIM, "-");
	line_cellf(line, p->entry->n_threads > 1 ? ST_NAME : ST_NORMAL, "%zu", p->entry->n_threads);
	if (!row->read)
		line_cell(line, ST_DIM, "…");
	else if (row->memory_damaged)
		line_cell(line, ST_ERROR, "?");
	else
		line_cell_size(line, ST_PAGE_STORED, row->stored);
	if (row->fds_damaged)
		line_cell(line, ST_ERROR, "?");
	else
		line_cellf(line, ST_NORMAL, "%u", row->nr_fds);
}

static void node_compose(struct view *v, uint32_t at, struct line *line)
{
	const struct tree *t = v->state;
	const struct node *node = &t->nodes[at];
	const struct process *p = node->process;
	const struct process_row *row = facts_peek(v->app->facts, p);
	while (!row->read && clock_ms() < v->app->draw_until_ms)
		facts_step(v->app->facts, p);
	if (row->state)
		read_row(row, line);
	else
		unread_row(p, line);
	line_rest(line);
	line_style(line, ST_DIM);
	if (!t->flat)
		guides(t, at, line);
	if (node->first_child && !t->flat) {
		line_style(line, ST_KEY);
		line_plain(line, node->folded ? "+ " : "- ");
	}
	line_style(line, ST_NAME);
	line_str(line, row->comm ?: "…");
	line_style(line, ST_NORMAL);
	if (row->command && *row->command) {
		line_plain(line, "  ");
		line_str(line, row->command);
	}
	if (row->read && row->error) {
		line_style(line, ST_ERROR);
		line_plain(line, "  ");
		line_str(line, row->error);
	}
}

static void tree_row(struct view *v, size_t i, struct line *line)
{
	node_compose(v, tree_of(v)->order[i], line);
}

static bool tree_read(struct view *v, size_t i)
{
	const struct tree *t = v->state;
	return facts_step(v->app->facts, t->nodes[t->order[i]].process);
}

/* The node behind one, among those below the root. @return 0: it was the last */
static uint32_t node_next(const struct tree *t, uint32_t root, uint32_t at)
{
	if (t->nodes[at].first_child)
		return t->nodes[at].first_child;
	while (at != root && !t->nodes[at].next)
		at = t->nodes[at].parent;
	return at == root ? 0 : t->nodes[at].next;
}

static int tree_below(struct view *v, size_t i, struct below *walk, struct line *line)
{
	const struct tree *t = v->state;
	uint32_t root = t->order[i], at = walk->depth ? (uint32_t)walk->path[0] : root;
	at = line && t->nodes[root].folded && !t->flat ? node_next(t, root, at) : 0;
	if (!at)
		return 0;
	if (facts_step(v->app->facts, t->nodes[at].process))
		return 2;
	walk->path[0] = at;
	walk->depth = 1;
	line_begin(line, columns, ARRAY_SIZE(columns), 1000);
	node_compose(v, at, line);
	return 1;
}

static size_t tree_reveal(struct view *v, size_t i, const struct below *walk)
{
	struct tree *t = v->state;
	for (uint32_t up = t->nodes[walk->path[0]].parent; up; up = t->nodes[up].parent)
		t->nodes[up].folded = false;
	order_walk(t);
	while (i + 1 < t->nr_order && t->order[i] != walk->path[0])
		i++;
	return i;
}

static void tree_footer(struct view *v, struct line *line)
{
	const struct tree *t = v->state;
	line_style(line, ST_DIM);
	line_printf(line, " %zu/%zu", t->nr_order ? v->cursor + 1 : 0, t->nr_order);
	if (t->nr_order < t->nr)
		line_printf(line, " of %zu", t->nr);
	line_printf(line, ", %s%s%s", t->flat ? "flat, " : "", t->sort == SORT_IMAGE ? "" : "by ",
		    sort_names[t->sort]);
	if (t->reverse)
		line_plain(line, ", turned round");
	if (v->filter) {
		line_style(line, ST_KEY);
		line_plain(line, ", only \"");
		line_str(line, v->filter);
		line_plain(line, "\"");
	}
}

static bool to_parent(struct view *v, const struct node *node)
{
	const struct tree *t = v->state;
	for (size_t i = 0; node->parent && i < v->cursor; i++) {
		if (t->order[i] == node->parent) {
			view_move(v, i);
			return true;
		}
	}
	return false;
}

/* Left: scroll back, fold, go to the parent. Right: unfold, go to the first child. */
static bool tree_turn(struct view *v, bool right)
{
	struct tree *t = v->state;
	if (v->cursor >= t->nr_order || t->flat)
		return false;
	struct node *node = &t->nodes[t->order[v->cursor]];
	bool open = node->first_child && !node->folded;
	if (right ? !node->first_child : v->left > 0)
		return false;
	if (right && open) {
		view_move(v, v->cursor + 1);
		return true;
	}
	if (!right && !open)
		return to_parent(v, node);
	node->folded = !right;
	order_walk(t);
	return true;
}

static void fold_all(struct view *v)
{
	struct tree *t = v->state;
	bool any = false;
	t->keep = v->cursor < t->nr_order ? t->order[v->cursor] : 0;
	for (size_t i = 1; i <= t->nr; i++)
		any |= t->nodes[i].folded;
	for (size_t i = 1; i <= t->nr; i++)
		t->nodes[i].folded = !any && t->nodes[i].first_child;
	order_walk(t);
	/* stay on what is shown of where it was */
	for (size_t i = 0; i < t->nr_order; i++) {
		for (uint32_t up = t->keep; up; up = t->nodes[up].parent) {
			if (t->order[i] == up)
				v->cursor = i;
		}
	}
	view_changed(v);
}

static void sort_by(struct view *v, enum tree_sort sort)
{
	struct tree *t = v->state;
	t->reverse = sort == t->sort && !t->reverse;
	t->sort = sort;
	tree_update(v);
}

static const struct process *tree_current(struct view *v)
{
	const struct tree *t = v->state;
	return v->cursor < t->nr_order ? t->nodes[t->order[v->cursor]].process : NULL;
}

static bool tree_act(struct view *v, enum action action)
{
	struct tree *t = v->state;
	const struct process *p = tree_current(v);
	switch (action) {
	case ACT_OPEN:
		if (p)
			app_open_process(v->app, p);
		return true;
	case ACT_ENTRY:
		image_open_of(v->app, p, IMG_CORE);
		return true;
	case ACT_LEFT:
		return tree_turn(v, false);
	case ACT_RIGHT:
		return tree_turn(v, true);
	case ACT_FOLD:
		if (p && t->nodes[t->order[v->cursor]].first_child && !t->flat) {
			t->nodes[t->order[v->cursor]].folded ^= true;
			order_walk(t);
		}
		return true;
	case ACT_FOLD_ALL:
		fold_all(v);
		return true;
	case ACT_TREE:
		t->flat = !t->flat;
		tree_update(v);
		return true;
	case ACT_SORT:
		t->reverse = false;
		t->sort = (t->sort + 1) % NR_SORTS;
		tree_update(v);
		return true;
	case ACT_REVERSE:
		t->reverse = !t->reverse;
		tree_update(v);
		return true;
	default:
		return false;
	}
}

/* Read what is on the screen first. */
static bool tree_idle(struct view *v)
{
	const struct tree *t = v->state;
	for (size_t i = v->top; i < t->nr_order && i < v->top + (size_t)v->height; i++) {
		const struct process *p = t->nodes[t->order[i]].process;
		if (!facts_peek(v->app->facts, p)->read) {
			facts_step(v->app->facts, p);
			return true;
		}
	}
	return false;
}

static void tree_heading(struct view *v, size_t column)
{
	sort_by(v, column_sorts[column]);
}

static void tree_filter(struct view *v, const char *text)
{
	free(v->filter);
	v->filter = text ? strdup(text) : NULL;
	tree_update(v);
}

static void tree_command(struct view *v, struct strbuf *out)
{
	(void)v;
	strbuf_str(out, "inspect --ps-tree-cmd {}");
}

const struct view_ops view_tree = {
	.name = "processes",
	.nothing = "no processes",
	.places = IN_LIST | IN_TREE | IN_FOLDS,
	.state_size = sizeof(struct tree),
	.columns = columns,
	.nr_columns = ARRAY_SIZE(columns),
	.open = tree_open,
	.close = tree_close,
	.rows = tree_rows,
	.row = tree_row,
	.read = tree_read,
	.below = tree_below,
	.reveal = tree_reveal,
	.footer = tree_footer,
	.act = tree_act,
	.idle = tree_idle,
	.heading = tree_heading,
	.filter = tree_filter,
	.command = tree_command,
};
