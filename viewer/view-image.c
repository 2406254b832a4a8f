/* SPDX-License-Identifier: MIT
 * The entries of an image: a tree of fields that is made as it is unfolded.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "convert/codec/message.h"
#include "convert/describe/process.h"
#include "images/fields.h"
#include "images/payload.h"
#include "viewer/edits.h"
#include "viewer/hex.h"
#include "viewer/image-pieces.h"
#include "viewer/image.h"
#include "viewer/views.h"

enum { PER_STEP = 256, LIST_INLINE = 8, ENTRIES_MAX = 1 << 21, PREVIEW = 4 };

enum node_kind { NODE_ENTRY, NODE_FIELD, NODE_ELEMENT, NODE_PAYLOAD };

struct node {
	const ProtobufCMessage *msg; /* the entry, or what holds the field */
	const ProtobufCFieldDescriptor *field;
	size_t index; /* of the entry, or the element */
	uint16_t depth;
	uint8_t kind; /* enum node_kind */
	bool open, hex;
};

struct image_state {
	struct image_pieces pieces;
	const struct image_type *type;
	struct {
		ProtobufCMessage **items;
		size_t nr, cap;
	} entries;
	struct node *items; /* shown */
	size_t nr, cap;
	size_t goal; /* entry to go to when it is read; SIZE_MAX: none */
};

static struct image_state *state_of(struct view *v)
{
	return v->state;
}

/* The message below a node; NULL: a leaf, or a list. */
static const ProtobufCMessage *node_message(const struct node *n)
{
	if (n->kind == NODE_ENTRY)
		return n->msg;
	if (n->kind == NODE_PAYLOAD || n->field->type != PROTOBUF_C_TYPE_MESSAGE)
		return NULL;
	const char *at = (const char *)n->msg + n->field->offset;
	if (n->kind == NODE_ELEMENT)
		return (*(ProtobufCMessage *const *const *)at)[n->index];
	return n->field->label == PROTOBUF_C_LABEL_REPEATED ? NULL : *(ProtobufCMessage *const *)at;
}

static bool is_list(const struct node *n)
{
	return n->kind == NODE_FIELD && n->field->label == PROTOBUF_C_LABEL_REPEATED;
}

static bool node_folds(const struct node *n)
{
	return node_message(n) || (is_list(n) && (n->field->type == PROTOBUF_C_TYPE_MESSAGE ||
						  field_count(n->msg, n->field) > LIST_INLINE));
}

/* Children of one node, in order. */
struct children {
	struct node *items;
	size_t nr, cap;
	bool failed;
};

/* @param nr  of them, which differ in their index alone */
static void children_add(struct children *c, const struct node *parent, const struct node *child,
			 size_t nr)
{
	struct node *grown = array_grow_(c->items, &c->cap, c->nr + nr, sizeof(*grown));
	if (!grown) {
		c->failed = true;
		return;
	}
	c->items = grown;
	struct node n = *child;
	n.depth = (uint16_t)(parent->depth + 1);
	n.hex = parent->hex || (parent->field && parent->kind == NODE_FIELD &&
				message_field_is_hex(parent->msg, parent->field));
	for (; nr; nr--, n.index++)
		c->items[c->nr++] = n;
}

static void child_add(struct children *c, const struct node *parent, enum node_kind kind,
		      const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field,
		      size_t index)
{
	const struct node child = {
		.msg = msg, .field = field, .index = index, .kind = (uint8_t)kind
	};
	children_add(c, parent, &child, 1);
}

/* One row for all that follows the entry. */
static void payload_add(struct view *v, struct children *c, const struct node *entry)
{
	struct payload_plan plan;
	const struct image_type *type = state_of(v)->type;
	payload_plan(type->payload, entry->msg, &plan);
	if (plan.nr_parts && (plan.header || plan.to_end || plan.len[0] || plan.len[1]))
		child_add(c, entry, NODE_PAYLOAD, entry->msg, NULL, 0);
}

static void children_make(struct view *v, const struct node *n, struct children *c)
{
	const ProtobufCMessage *msg = node_message(n);
	if (is_list(n)) {
		const struct node element = { .msg = n->msg,
					      .field = n->field,
					      .kind = NODE_ELEMENT };
		children_add(c, n, &element, field_count(n->msg, n->field));
		return;
	}
	for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &msg->descriptor->fields[i];
		if (field_count(msg, field))
			child_add(c, n, NODE_FIELD, msg, field, SIZE_MAX);
	}
	if (n->kind == NODE_ENTRY)
		payload_add(v, c, n);
}

static void unfold(struct view *v, size_t at)
{
	struct image_state *s = v->state;
	struct children c = { 0 };
	if (s->items[at].open || !node_folds(&s->items[at]))
		return;
	children_make(v, &s->items[at], &c);
	struct node *grown =
	    c.failed ? NULL : array_grow_(s->items, &s->cap, s->nr + c.nr + 1, sizeof(*s->items));
	if (!grown) {
		app_say(v->app, "out of memory");
		free(c.items);
		return;
	}
	s->items = grown;
	memmove(s->items + at + 1 + c.nr, s->items + at + 1, (s->nr - at - 1) * sizeof(*grown));
	if (c.nr)
		memcpy(s->items + at + 1, c.items, c.nr * sizeof(*grown));
	s->nr += c.nr;
	s->items[at].open = true;
	free(c.items);
	view_changed(v);
}

static void fold(struct view *v, size_t at)
{
	struct image_state *s = v->state;
	size_t end = at + 1;
	while (end < s->nr && s->items[end].depth > s->items[at].depth)
		end++;
	memmove(s->items + at + 1, s->items + end, (s->nr - end) * sizeof(*s->items));
	s->nr -= end - at - 1;
	s->items[at].open = false;
	view_changed(v);
}

static void entry_add(struct view *v, ProtobufCMessage *msg)
{
	struct image_state *s = v->state;
	ProtobufCMessage **slot = array_add(&s->entries);
	struct node *n = slot ? array_add(s) : NULL;
	if (!n) {
		protobuf_c_message_free_unpacked(msg, NULL);
		s->entries.nr -= slot != NULL;
		v->error.code = error_set(&v->error, ENOMEM, "out of memory");
		image_pieces_close(&s->pieces);
		return;
	}
	*slot = msg;
	*n = (struct node){ .msg = msg, .index = s->entries.nr - 1, .kind = NODE_ENTRY };
}

/* "entries[3].reg.name" */
static int path_of(struct view *v, size_t at, struct strbuf *out)
{
	const struct image_state *s = v->state;
	size_t chain[64], nr = 0;
	for (size_t i = at, depth = SIZE_MAX; nr < ARRAY_SIZE(chain); i--) {
		if (s->items[i].depth < depth) {
			depth = s->items[i].depth;
			chain[nr++] = i;
		}
		if (!depth || !i)
			break;
	}
	int rc = 0;
	while (rc == 0 && nr-- > 0) {
		const struct node *n = &s->items[chain[nr]];
		if (n->kind == NODE_ENTRY)
			rc = strbuf_printf(out, "entries[%zu]", n->index);
		else if (n->kind == NODE_FIELD)
			rc = strbuf_printf(out, ".%s", n->field->name);
		else if (n->kind == NODE_ELEMENT)
			rc = strbuf_printf(out, "[%zu]", n->index);
	}
	return rc;
}

/* The child of an unfolded node, none of whose children are, that a path begins with.
 * @param path  ".name…" or "[3]…"; moved on */
static size_t child_find(const struct image_state *s, size_t at, const char **path)
{
	const char *name = *path + 1;
	size_t len = **path == '.' ? strcspn(name, ".[") : 0, depth = s->items[at].depth + 1u;
	size_t i = at + 1 + (len ? 0 : (size_t)strtoull(name, (char **)path, 10));
	for (; i < s->nr && s->items[i].depth == depth; i++) {
		const ProtobufCFieldDescriptor *field = s->items[i].field;
		if (!len) {
			*path += **path == ']';
			return i;
		}
		if (field && strlen(field->name) == len && !memcmp(field->name, name, len)) {
			*path = name + len;
			return i;
		}
	}
	return SIZE_MAX;
}

/* Unfold what leads to a field and go there, as far as there still is a way. */
static void path_go(struct view *v, size_t at, const char *path)
{
	path += strcspn(path, "]");
	path += *path == ']';
	for (; *path && at != SIZE_MAX; at = child_find(state_of(v), at, &path)) {
		view_move(v, at);
		unfold(v, at);
	}
	if (at != SIZE_MAX)
		view_move(v, at);
}

/* @return whether there is more to read */
static bool entries_read(struct view *v)
{
	struct image_state *s = v->state;
	for (int i = 0; s->pieces.reader && i < PER_STEP; i++) {
		ProtobufCMessage *msg = NULL;
		bool full = s->entries.nr == ENTRIES_MAX;
		int rc = full ? error_set(&v->error, EFBIG, "the rest is not shown")
			      : image_piece_next(&s->pieces, &msg, &v->error);
		if (rc == 2)
			return true;
		if (msg)
			entry_add(v, msg);
		if (rc <= 0) {
			v->error.code = rc;
			image_pieces_close(&s->pieces);
		}
	}
	return s->pieces.reader;
}

/* Where the view was opened for. */
static void goal_reach(struct view *v)
{
	struct image_state *s = v->state;
	size_t goal = s->goal;
	s->goal = SIZE_MAX;
	if (goal >= s->nr)
		return;
	v->cursor = v->top = goal; /* nothing is unfolded yet */
	unfold(v, goal);
	path_go(v, goal, image_view_field(v));
}

/* Entries come while nobody presses a key. */
static bool image_idle(struct view *v)
{
	struct image_state *s = v->state;
	bool was = s->pieces.reader, more = entries_read(v);
	if (s->goal != SIZE_MAX && (s->goal < s->entries.nr || !more))
		goal_reach(v);
	else if (was && !more && s->nr == 1)
		unfold(v, 0); /* an entry alone */
	return more;
}

static int image_open_view(struct view *v, struct error *err)
{
	struct image_state *s = v->state;
	int rc = image_open(v->app->src, image_view_name(v), &s->pieces.reader, err);
	if (rc < 0)
		return rc;
	s->type = image_reader_type(s->pieces.reader);
	s->goal = image_view_entry(v);
	image_idle(v);
	return v->error.code;
}

static void image_close_view(struct view *v)
{
	struct image_state *s = v->state;
	image_pieces_close(&s->pieces);
	for (size_t i = 0; i < s->entries.nr; i++)
		protobuf_c_message_free_unpacked(s->entries.items[i], NULL);
	free(s->entries.items);
	free(s->items);
	free(v->arg);
}

static size_t image_rows(struct view *v)
{
	return state_of(v)->nr;
}

/* One value as show prints it. */
static int value_text(const struct node *n, struct json_out *out)
{
	size_t index = n->kind == NODE_ELEMENT ? n->index : SIZE_MAX;
	if (json_out_init(out, -1, "value", false, NULL) < 0)
		return -ENOMEM;
	out->pretty = false;
	struct json_out pretty = *out;
	pretty.pretty = true; /* for the words; a list of numbers stays on its line */
	if (is_list(n) && field_count(n->msg, n->field) > 1)
		pretty.pretty = false;
	if (n->hex)
		message_field_to_json_hex(n->msg, n->field, index, &pretty);
	else
		message_field_to_json(n->msg, n->field, index, &pretty);
	*out = pretty;
	return pretty.error;
}

static enum style value_style(const struct node *n)
{
	switch (n->field->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
		return ST_STRING;
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_BOOL:
		return ST_KEY;
	default:
		return ST_NUMBER;
	}
}

static void value_add(const struct node *n, struct line *line)
{
	auto_json_out out = { .fd = -1 };
	line_style(line, value_style(n));
	if (value_text(n, &out) < 0)
		line_plain(line, "?");
	else
		line_bytes(line, out.buf, out.len < 4096 ? out.len : 4096);
}

/* What a folded message begins with. */
static void preview_add(const struct node *n, struct line *line)
{
	const ProtobufCMessage *msg = node_message(n);
	int shown = 0;
	if (!msg) {
		line_printf(line, " %zu", field_count(n->msg, n->field));
		return;
	}
	for (unsigned i = 0; i < msg->descriptor->n_fields && shown < PREVIEW; i++) {
		const ProtobufCFieldDescriptor *field = &msg->descriptor->fields[i];
		struct node child = { msg, field, SIZE_MAX, 0, NODE_FIELD, false, n->hex };
		if (!field_count(msg, field))
			continue;
		line_style(line, ST_DIM);
		line_printf(line, "%s%s", shown++ ? ", " : " ", field->name);
		if (node_folds(&child))
			continue;
		line_plain(line, " ");
		value_add(&child, line);
	}
}

static void node_compose(const struct node *n, struct line *line)
{
	line_pad(line, (size_t)n->depth * 2 + 1);
	line_style(line, ST_KEY);
	line_plain(line, !node_folds(n) ? "  " : n->open ? "- " : "+ ");
	if (n->kind == NODE_PAYLOAD) {
		line_style(line, ST_LINK);
		line_plain(line, "bytes that follow (Enter shows them)");
		return;
	}
	line_style(line, n->kind == NODE_FIELD ? ST_NAME : ST_TITLE);
	if (n->kind == NODE_FIELD)
		line_str(line, n->field->name);
	else
		line_printf(line, "[%zu]", n->index);
	line_style(line, ST_NORMAL);
	if (!node_folds(n)) {
		line_plain(line, ": ");
		value_add(n, line);
	} else if (!n->open) {
		preview_add(n, line);
	}
}

/* The nodes on the way to where a search is, each with its siblings. */
struct hidden {
	struct children levels[BELOW_DEPTH];
	size_t next[BELOW_DEPTH], nr;
};

static void hidden_enter(struct view *v, struct hidden *h, const struct node *n)
{
	if (h->nr == BELOW_DEPTH)
		return;
	h->levels[h->nr] = (struct children){ 0 };
	h->next[h->nr] = 0;
	children_make(v, n, &h->levels[h->nr++]);
}

static int image_below(struct view *v, size_t i, struct below *walk, struct line *line)
{
	const struct node *root = &state_of(v)->items[i];
	struct hidden *h = walk->state;
	if (!h) {
		if (!line || root->open || !node_folds(root))
			return 0;
		h = walk->state = calloc(1, sizeof(*h));
		if (!h)
			return -ENOMEM;
		hidden_enter(v, h, root);
	}
	while (h->nr && (!line || h->next[h->nr - 1] == h->levels[h->nr - 1].nr))
		free(h->levels[--h->nr].items);
	if (!h->nr) {
		free(take_ptr(walk->state));
		return 0;
	}
	const struct node *n = &h->levels[h->nr - 1].items[h->next[h->nr - 1]++];
	for (walk->depth = 0; walk->depth < h->nr; walk->depth++)
		walk->path[walk->depth] = h->next[walk->depth] - 1;
	line_begin(line, NULL, 0, 1000);
	node_compose(n, line);
	if (node_folds(n))
		hidden_enter(v, h, n);
	return 1;
}

static size_t image_reveal(struct view *v, size_t i, const struct below *walk)
{
	for (size_t level = 0; level < walk->depth && i < state_of(v)->nr; level++) {
		unfold(v, i);
		i += 1 + walk->path[level];
	}
	return i;
}

static void image_row(struct view *v, size_t i, struct line *line)
{
	auto_strbuf path = { 0 };
	node_compose(&state_of(v)->items[i], line);
	if (!edits_count(v->app) || path_of(v, i, &path) < 0)
		return;
	const char *waits = edits_waiting(v->app, image_view_name(v), path.data ?: "");
	if (!waits)
		return;
	line_style(line, ST_ADDED);
	line_plain(line, "  waits: ");
	line_str(line, waits);
}

static size_t entry_of(struct view *v, size_t at)
{
	const struct image_state *s = v->state;
	while (at && s->items[at].kind != NODE_ENTRY)
		at--;
	return s->items[at].index;
}

static void payload_show(struct view *v, size_t at)
{
	struct error err;
	struct bytes *b;
	const struct payload_query query = { .image = image_view_name(v),
					     .entry = entry_of(v, at) };
	if (bytes_of_payload(v->app, v->process, &query, &b, &err) < 0)
		app_fail(v->app, &err);
	else
		hex_open(v->app, b, 0);
}

static void edit(struct view *v, size_t at, bool away)
{
	const struct node *n = &state_of(v)->items[at];
	auto_strbuf path = { 0 }, value = { 0 };
	auto_json_out out = { .fd = -1 };
	if (n->kind == NODE_PAYLOAD || (!away && node_folds(n))) {
		app_say(v->app, "this is no field that can be changed; unfold it first");
		return;
	}
	if (path_of(v, at, &path) < 0)
		return;
	if (n->kind != NODE_ENTRY && !node_folds(n) && value_text(n, &out) == 0 && out.len) {
		/* text without its quotes, unless something in it has to be escaped or looks like
		 * quotes */
		bool quoted = out.buf[0] == '"' && out.len >= 2 && out.buf[1] != '\'' &&
			      !memchr(out.buf, '\\', out.len);
		strbuf_add(&value, out.buf + quoted, out.len - 2 * quoted);
	}
	edits_ask(v, image_view_name(v), path.data, away ? NULL : value.data ?: "");
}

static bool to_parent(struct view *v, size_t at)
{
	const struct image_state *s = v->state;
	size_t i = at;
	while (i && s->items[i].depth >= s->items[at].depth)
		i--;
	if (!s->items[at].depth || v->filter)
		return false;
	view_move(v, i);
	return true;
}

static void fold_all(struct view *v)
{
	struct image_state *s = v->state;
	bool any = false;
	for (size_t i = 0; i < s->nr; i++)
		any |= s->items[i].open;
	if (any) {
		size_t entry = s->nr && v->cursor < s->nr ? entry_of(v, v->cursor) : 0;
		s->nr = 0;
		for (size_t i = 0; i < s->entries.nr; i++)
			s->items[s->nr++] = (struct node){ .msg = s->entries.items[i],
							   .index = i,
							   .kind = NODE_ENTRY };
		view_changed(v);
		view_move(v, entry);
	} else if (v->cursor < s->nr) {
		/* all below the entry of the cursor: the whole image may be too much */
		unfold(v, v->cursor);
		for (size_t i = v->cursor + 1; i < s->nr && s->items[i].depth && s->nr < 20000; i++)
			unfold(v, i);
	}
}

static bool image_act(struct view *v, enum action action)
{
	struct image_state *s = v->state;
	size_t at = view_current(v);
	if (action == ACT_FOLD_ALL) {
		fold_all(v);
		return true;
	}
	if (at == SIZE_MAX)
		return false;
	struct node *n = &s->items[at];
	bool folds = node_folds(n);
	if (action == ACT_OPEN && n->kind == NODE_PAYLOAD)
		payload_show(v, at);
	else if ((action == ACT_OPEN || action == ACT_FOLD) && folds && n->open)
		fold(v, at);
	else if ((action == ACT_OPEN || action == ACT_FOLD || action == ACT_RIGHT) && folds &&
		 !n->open)
		unfold(v, at);
	else if (action == ACT_LEFT && !v->left && folds && n->open)
		fold(v, at);
	else if (action == ACT_LEFT && !v->left)
		return to_parent(v, at);
	else if (action == ACT_EDIT || action == ACT_DELETE)
		edit(v, at, action == ACT_DELETE);
	else
		return false;
	return true;
}

static void image_footer(struct view *v, struct line *line)
{
	const struct image_state *s = v->state;
	auto_strbuf path = { 0 };
	size_t at = view_current(v);
	line_style(line, ST_DIM);
	line_printf(line, " %zu entr%s%s", s->entries.nr, s->entries.nr == 1 ? "y" : "ies",
		    s->pieces.reader ? " so far" : "");
	if (at != SIZE_MAX && path_of(v, at, &path) == 0) {
		line_plain(line, "  ");
		line_str(line, path.data);
	}
}

static void image_object(struct view *v, struct view_object *out)
{
	size_t row = view_current(v);
	if (row == SIZE_MAX)
		return;
	out->images[0].entry = entry_of(v, row);
	snprintf(out->images[0].name, sizeof(out->images[0].name), "%s", image_view_name(v));
	snprintf(out->what, sizeof(out->what), "entry %zu", out->images[0].entry);
}

/* The entry under the cursor as JSON. */
static int image_write_entry(struct view *v, struct view_write *w, struct error *err)
{
	struct image_state *s = v->state;
	size_t row = view_current(v);
	auto_json_out out = { .fd = -1 };
	if (row == SIZE_MAX)
		return 0;
	int rc = json_out_init(&out, w->fd, "the file", true, err);
	if (rc < 0)
		return rc;
	message_to_json(s->entries.items[entry_of(v, row)], &out);
	json_raw(&out, "\n", 1);
	return json_out_flush(&out, err);
}

static void image_write_name(struct view *v, struct strbuf *out)
{
	size_t row = view_current(v);
	strbuf_printf(out, "%s-%zu.json", image_view_name(v),
		      row == SIZE_MAX ? 0 : entry_of(v, row));
}

static void image_title(struct view *v, struct line *line)
{
	line_str(line, image_view_name(v));
	if (state_of(v)->type)
		line_printf(line, " (%s)", state_of(v)->type->name);
}

const struct view_ops view_image = {
	.name = "image",
	.places = IN_LIST | IN_FOLDS | IN_FIELDS,
	.state_size = sizeof(struct image_state),
	.open = image_open_view,
	.close = image_close_view,
	.rows = image_rows,
	.row = image_row,
	.below = image_below,
	.reveal = image_reveal,
	.footer = image_footer,
	.act = image_act,
	.object = image_object,
	.idle = image_idle,
	.command = image_view_command,
	.write = image_write_entry,
	.write_name = image_write_name,
	.title = image_title,
};

int image_view_path(struct view *v, struct strbuf *out)
{
	size_t at = view_current(v);
	return v->ops == &view_image && at != SIZE_MAX ? path_of(v, at, out) : strbuf_str(out, "");
}
