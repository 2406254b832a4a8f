/* SPDX-License-Identifier: MIT
 * crit pages: bytes of a process's memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/array.h"
#include "base/replace.h"
#include "convert/memory/extract.h"
#include "crit/commands.h"
#include "crit/memory-arg.h"

struct pages_opts {
	struct memory_opts memory;
	const char *out;
	bool hexdump;
};

static const struct arg_row rows[] = {
	MEMORY_ROWS(struct pages_opts, memory, "the only one"),
	{ 'o', "out", "FILE", "write the bytes to a file; holes stay holes", ARG_PATH,
	  offsetof(struct pages_opts, out), 0, NULL },
	{ 'x', "hexdump", NULL,
	  "print addresses, hexadecimal bytes and characters; default on a "
	  "terminal",
	  ARG_FLAG, offsetof(struct pages_opts, hexdump), 0, NULL },
};

static uint64_t size_of(const struct memory_ranges *ranges)
{
	uint64_t size = 0;
	for (size_t i = 0; i < ranges->nr; i++)
		size += ranges->items[i].end - ranges->items[i].start;
	return size;
}

static int write_bytes(struct memory_view *mv, const struct memory_ranges *ranges, int fd,
		       const char *name, struct error *err)
{
	uint64_t missing;
	auto_progress progress = { 0 };
	progress_start(&progress, "extracting", size_of(ranges));
	int rc = memory_extract(mv, ranges, fd, name, &progress, &missing, err);
	progress_end(&progress);
	if (rc == 0 && missing)
		fprintf(stderr,
			"crit pages: %" PRIu64 " bytes are not in the checkpoint and stand as "
			"zeros (file pages come with --sysroot)\n",
			missing);
	return rc;
}

static int print_lines(struct memory_view *mv, const struct memory_ranges *ranges,
		       struct error *err)
{
	auto_progress progress = { 0 };
	struct hexdump h = { .to = stdout, .progress = isatty(STDOUT_FILENO) ? NULL : &progress };
	progress_start(&progress, "printing", size_of(ranges));
	return memory_hexdump(mv, ranges, &h, err);
}

static int visit(void *arg, const struct process *p, const char *comm, struct memory_view *mv,
		 const struct memory_ranges *ranges, struct error *err)
{
	const struct pages_opts *o = arg;
	(void)p;
	(void)comm;
	if (o->hexdump || (!o->out && isatty(STDOUT_FILENO)))
		return print_lines(mv, ranges, err);
	if (!o->out)
		return write_bytes(mv, ranges, STDOUT_FILENO, "standard output", err);
	auto_replace file = { .fd = -1 };
	int rc = replace_open(o->out, &file, err);
	if (rc == 0)
		rc = write_bytes(mv, ranges, file.fd, o->out, err);
	return rc < 0 ? rc : replace_commit(&file, err);
}

static int pages_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	struct pages_opts *o = opts;
	if (nr_operands < 1 || nr_operands > 2)
		return error_set(err, EUSAGE, "want a checkpoint, and maybe an address or a range");
	if (o->out && o->hexdump)
		return error_set(err, EUSAGE, "--hexdump goes to standard output: leave out --out");
	o->memory.query.range = nr_operands == 2 ? operands[1] : NULL;
	auto_checkpoint_arg arg = { 0 };
	int rc = memory_arg_open(operands[0], &o->memory, &arg, err);
	if (rc == 0 && !o->memory.pid && checkpoint_nr_processes(arg.cp) != 1)
		rc = error_set(err, EUSAGE, "%zu processes: say which with -p PID",
			       checkpoint_nr_processes(arg.cp));
	if (rc == 0)
		rc = memory_arg_each(&arg, &o->memory, visit, o, err);
	return checkpoint_arg_end(&arg, &cmd_pages, rc, err);
}

const struct command cmd_pages = {
	.name = "pages",
	.group = GROUP_SEARCH,
	.args = "[-p PID] [--kind KIND] [--vma N] [-o FILE|--hexdump] SRC [ADDR|START-END]",
	.summary = "the exact bytes of a process's memory",
	.detail =
	    "Through parent sets, shared segments and memfds. Addresses are hexadecimal; one\n"
	    "alone means its page. Several areas follow each other without gaps.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct pages_opts),
	.run = pages_run,
};
