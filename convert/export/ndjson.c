/* SPDX-License-Identifier: MIT
 * A JSON object a line: {"table": NAME, COLUMN: VALUE, …}.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "convert/export/writer.h"
#include "convert/json/emit.h"

struct ndjson_writer {
	struct row_writer base;
	struct json_out out;
};

static struct json_out *out_of(struct row_writer *w)
{
	return &((struct ndjson_writer *)w)->out;
}

static void ndjson_begin(struct row_writer *w, enum export_table_id table)
{
	json_begin(out_of(w), '{');
	json_key(out_of(w), "table");
	json_str(out_of(w), export_tables[table].name);
}

static void ndjson_integer(struct row_writer *w, const struct export_column *column, uint64_t value,
			   bool negative)
{
	json_key(out_of(w), column->name);
	if (column->type == COL_BOOLEAN)
		json_bool(out_of(w), value != 0);
	else if (negative)
		json_i64(out_of(w), (int64_t)value);
	else
		json_u64(out_of(w), value);
}

static void ndjson_text(struct row_writer *w, const struct export_column *column, const char *bytes,
			size_t len)
{
	json_key(out_of(w), column->name);
	json_bytes(out_of(w), bytes, len);
}

static void ndjson_null(struct row_writer *w, const struct export_column *column)
{
	json_key(out_of(w), column->name);
	json_null(out_of(w));
}

static int ndjson_end(struct row_writer *w, struct error *err)
{
	struct json_out *out = out_of(w);
	json_end(out, '}');
	json_raw(out, "\n", 1);
	out->fresh = true; /* the next object has nothing before it */
	return out->error ? json_out_flush(out, err) : 0;
}

static int ndjson_commit(struct row_writer *w, struct error *err)
{
	return json_out_flush(out_of(w), err);
}

static void ndjson_close(struct row_writer *w)
{
	json_out_fini(out_of(w));
	free(w);
}

static const struct row_writer_ops ndjson_ops = {
	.begin = ndjson_begin,
	.integer = ndjson_integer,
	.text = ndjson_text,
	.null = ndjson_null,
	.end = ndjson_end,
	.commit = ndjson_commit,
	.close = ndjson_close,
};

int ndjson_writer_open(int fd, const char *name, struct row_writer **out, struct error *err)
{
	auto_free struct ndjson_writer *w = calloc(1, sizeof(*w));
	if (!w)
		return error_set(err, ENOMEM, "out of memory");
	w->base.ops = &ndjson_ops;
	int rc = json_out_init(&w->out, fd, name, false, err);
	if (rc == 0)
		*out = &take_ptr(w)->base;
	return rc;
}
