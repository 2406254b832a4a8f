/* SPDX-License-Identifier: MIT
 * Searching in bytes, a piece at a time.
 */
#include <stdlib.h>
#include <string.h>

#include "viewer/app.h"
#include "viewer/hex-parts.h"
#include "viewer/pattern.h"
#include "viewer/scan.h"

/* From the cursor on, once round to where it began. */
struct byte_search {
	struct scan scan;
	uint64_t from, at; /* cursor; where to look next: up to there when backwards */
	bool backwards, wrapped, found;
	uint64_t found_at, found_len;
};

static bool step_forwards(struct byte_search *s, struct pattern *pattern, struct error *err)
{
	struct bytes *b = s->scan.bytes;
	uint64_t start, end, limit = s->wrapped ? s->from : UINT64_MAX;
	size_t from = 0, at, len;
	if (!b->ops->data(b, s->at, &start, &end) || start >= limit)
		return false;
	scan_load(&s->scan, start, end);
	s->at = start + s->scan.len;
	if (scan_next(&s->scan, pattern, &from, &at, &len, err) && start + at < limit) {
		s->found = true;
		s->found_at = start + at;
		s->found_len = len;
	}
	return true;
}

/* The last match that begins in [low, high). */
static void last_match(struct byte_search *s, struct pattern *pattern, uint64_t low, uint64_t high,
		       struct error *err)
{
	struct bytes *b = s->scan.bytes;
	uint64_t start, end;
	while (low < high && b->ops->data(b, low, &start, &end) && start < high) {
		size_t from = 0, at, len;
		scan_load(&s->scan, start, end < high ? end : high);
		while (scan_next(&s->scan, pattern, &from, &at, &len, err)) {
			s->found = true;
			s->found_at = start + at;
			s->found_len = len;
		}
		low = start + s->scan.len;
	}
}

static bool step_backwards(struct byte_search *s, struct pattern *pattern, struct error *err)
{
	struct bytes *b = s->scan.bytes;
	uint64_t start, end, limit = s->wrapped ? s->from : 0;
	if (s->at <= limit || !b->ops->stretch_below(b, s->at - 1, &start, &end))
		return false;
	uint64_t high = s->at < end ? s->at : end;
	uint64_t low = high - start > SCAN_PIECE ? high - SCAN_PIECE : start;
	last_match(s, pattern, low < limit ? limit : low, high, err);
	s->at = low;
	return true;
}

static int byte_search_step(struct job *job, struct error *err)
{
	struct byte_search *s = job->arg;
	const struct hex *h = job->view->state;
	bool more =
	    s->backwards ? step_backwards(s, h->pattern, err) : step_forwards(s, h->pattern, err);
	job->done += s->scan.len;
	if (s->scan.failed)
		return -EIO;
	if (s->found || (!more && s->wrapped))
		return 0;
	if (!more) {
		s->wrapped = true;
		s->at = s->backwards ? UINT64_MAX : 0;
	}
	return 1;
}

static void byte_search_end(struct job *job, int rc)
{
	struct byte_search *s = job->arg;
	struct view *v = job->view;
	struct hex *h = v->state;
	if (rc == 0 && s->found) {
		hex_jump(v, s->found_at);
		h->match = s->found_len;
		if (s->wrapped)
			app_say(v->app, "found after going round");
	} else if (rc == 0) {
		bool trouble = h->bytes->trouble.code < 0;
		app_say(v->app, "not found as %s: \"%s\"%s%s", pattern_modes[h->mode], h->text,
			trouble ? ", but some cannot be read: "
				: " (/ and Tab: any case, regex, hex)",
			trouble ? h->bytes->trouble.text : "");
	}
	scan_fini(&s->scan);
	free(s);
}

static void byte_search_start(struct view *v, bool backwards)
{
	struct hex *h = v->state;
	struct byte_search *s = calloc(1, sizeof(*s));
	if (!s || scan_init(&s->scan, h->bytes, h->pattern) < 0) {
		free(s);
		app_say(v->app, "out of memory");
		return;
	}
	h->bytes->trouble.code = 0;
	s->from = backwards ? h->at : h->at + 1;
	s->at = s->from;
	s->backwards = backwards;
	app_job(v->app, &(struct job){ .what = "searching, bytes:",
				       .view = v,
				       .step = byte_search_step,
				       .end = byte_search_end,
				       .arg = s });
}

static void search_typed(struct view *v, const char *text, size_t mode)
{
	struct hex *h = v->state;
	struct error err;
	if (!*text)
		return;
	struct pattern *pattern = NULL;
	char *copy = strdup(text);
	if (!copy || pattern_typed(text, mode, &pattern, &err) < 0) {
		/* a search that is under way goes on with the old one */
		if (copy)
			app_fail(v->app, &err);
		free(copy);
		return;
	}
	pattern_free(h->pattern);
	free(h->text);
	h->pattern = pattern;
	h->text = copy;
	h->mode = mode;
	byte_search_start(v, false);
}

void hex_search(struct view *v, enum action action)
{
	if (action == ACT_SEARCH)
		app_ask(v->app,
			&(struct prompt){ .label = "Search ",
					  .modes = pattern_modes,
					  .mode = ((struct hex *)v->state)->mode,
					  .view = v,
					  .done = search_typed },
			NULL);
	else if (!((struct hex *)v->state)->pattern)
		app_say(v->app, "nothing was searched for yet: / begins");
	else
		byte_search_start(v, action == ACT_PREV);
}
