/* SPDX-License-Identifier: MIT
 * Processes of an inspection: tree, environment, descriptors, sockets.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "convert/describe/file.h"
#include "convert/describe/process.h"
#include "convert/inspect/sections.h"

static int command_cell(const struct process_facts *facts, struct doc *doc)
{
	auto_strbuf line = { 0 };
	if (!facts->has_args) {
		doc_none(doc, NULL, NULL);
		return 0;
	}
	if (process_command_line(facts, &line) < 0)
		return -ENOMEM;
	doc_str(doc, NULL, NULL, line.data ?: "");
	return 0;
}

static int tree_row(struct checkpoint *cp, const struct process *p, bool commands, struct doc *doc,
		    struct error *err)
{
	auto_process_facts facts = { 0 };
	int rc = process_describe(cp, p, commands, &facts, err);
	if (rc < 0)
		return rc;
	doc_row(doc);
	doc_u64(doc, NULL, NULL, p->pid);
	doc_u64(doc, NULL, NULL, p->entry->ppid);
	doc_u64(doc, NULL, NULL, p->entry->pgid);
	doc_u64(doc, NULL, NULL, p->entry->sid);
	doc_u64(doc, NULL, NULL, p->entry->n_threads);
	if (facts.has_owner) {
		doc_u64(doc, NULL, NULL, facts.uid);
		doc_u64(doc, NULL, NULL, facts.gid);
	} else {
		doc_none(doc, NULL, NULL);
		doc_none(doc, NULL, NULL);
	}
	doc_str(doc, NULL, NULL, facts.state);
	doc_tree_cell(doc, p->depth, facts.comm);
	doc_str(doc, NULL, NULL, facts.exe);
	doc_str(doc, NULL, NULL, facts.cwd);
	doc_str(doc, NULL, NULL, facts.root);
	if (commands && command_cell(&facts, doc) < 0)
		return error_set(err, ENOMEM, "pid %u: out of memory", p->pid);
	return 0;
}

int inspect_tree(struct checkpoint *cp, const struct inspect_options *options, struct doc *doc,
		 struct error *err)
{
	static const struct doc_column columns[] = {
		{ "pid", "PID", DOC_RIGHT },
		{ "ppid", NULL, DOC_RIGHT },
		{ "pgid", "PGID", DOC_RIGHT },
		{ "sid", "SID", DOC_RIGHT },
		{ "threads", "THREADS", DOC_RIGHT },
		{ "uid", "UID", DOC_RIGHT },
		{ "gid", NULL, DOC_RIGHT },
		{ "state", "STATE", DOC_LEFT },
		{ "comm", "PROCESS", DOC_LEFT },
		{ "exe", "PROGRAM", DOC_LEFT },
		{ "cwd", NULL, DOC_LEFT },
		{ "root", NULL, DOC_LEFT },
		{ "command_line", "COMMAND LINE", DOC_LEFT },
	};
	bool commands = options->sections & INSPECT_COMMANDS;
	int rc = 0;
	doc_table(doc, "processes", "Processes", columns, ARRAY_SIZE(columns) - !commands);
	for (size_t i = 0; rc == 0 && i < checkpoint_nr_processes(cp); i++) {
		const struct process *p = checkpoint_process(cp, i);
		if (inspect_means(options, p))
			rc = tree_row(cp, p, commands, doc, err);
	}
	doc_end(doc);
	return rc;
}

int inspect_environment(struct checkpoint *cp, const struct inspect_options *options,
			struct doc *doc, struct error *err)
{
	static const struct doc_column columns[] = { { "pid", "PID", DOC_RIGHT },
						     { "variable", "VARIABLE", DOC_LEFT } };
	int rc = 0;
	doc_table(doc, "environment", "Environment", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; rc == 0 && i < checkpoint_nr_processes(cp); i++) {
		auto_process_facts facts = { 0 };
		const struct process *p = checkpoint_process(cp, i);
		if (!inspect_means(options, p))
			continue;
		rc = process_describe(cp, p, true, &facts, err);
		size_t at = 0;
		for (const char *s;
		     rc == 0 && (s = process_next_string(&facts.environment, &at));) {
			doc_row(doc);
			doc_u64(doc, NULL, NULL, p->pid);
			doc_str(doc, NULL, NULL, s);
		}
	}
	doc_end(doc);
	return rc;
}

/* @param fd  -1: not a descriptor, `what` says what */
static void file_row(const struct process *p, int64_t fd, const char *what,
		     const struct file_facts *file, struct doc *doc)
{
	char flags[80];
	doc_row(doc);
	doc_u64(doc, NULL, NULL, p->pid);
	if (fd >= 0)
		doc_i64(doc, NULL, NULL, fd);
	else
		doc_str(doc, NULL, NULL, what);
	doc_str(doc, NULL, NULL, file->kind);
	doc_str(doc, NULL, NULL,
		file->has_flags && fd >= 0 ? file_flags_text(file->flags, flags, sizeof(flags))
					   : NULL);
	if (file->has_position && fd >= 0)
		doc_u64(doc, NULL, NULL, file->position);
	else
		doc_none(doc, NULL, NULL);
	doc_str(doc, NULL, NULL, file->target.data);
	doc_str(doc, NULL, NULL, file->detail.data);
	doc_u64(doc, NULL, NULL, file->id);
}

static int directories_write(struct file_describer *fd, struct checkpoint *cp,
			     const struct process *p, struct doc *doc, struct error *err)
{
	auto_message FsEntry *fs = NULL;
	int rc = process_fs(cp, p, &fs, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	for (int i = 0; rc == 0 && i < 2; i++) {
		auto_file_facts file = { 0 };
		rc = file_describe(fd, FD_TYPES__REG, i ? fs->root_id : fs->cwd_id, &file, err);
		if (rc == 0)
			file_row(p, -1, i ? "root" : "cwd", &file, doc);
	}
	return rc;
}

static void file_visit(void *doc, const struct process *p, const FdinfoEntry *entry,
		       const struct file_facts *file)
{
	file_row(p, entry->fd, NULL, file, doc);
}

int inspect_files(struct checkpoint *cp, const struct inspect_options *options, struct doc *doc,
		  struct error *err)
{
	static const struct doc_column columns[] = {
		{ "pid", "PID", DOC_RIGHT },      { "fd", "FD", DOC_RIGHT },
		{ "kind", "KIND", DOC_LEFT },     { "flags", "FLAGS", DOC_LEFT },
		{ "position", "POS", DOC_RIGHT }, { "target", "TARGET", DOC_LEFT },
		{ "detail", "DETAIL", DOC_LEFT }, { "file_id", NULL, DOC_RIGHT },
	};
	auto_file_describer fd = NULL;
	int rc = file_describer_new(cp, &fd, err);
	if (rc < 0)
		return rc;
	doc_table(doc, "files", "Files", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; rc == 0 && i < checkpoint_nr_processes(cp); i++) {
		const struct process *p = checkpoint_process(cp, i);
		if (!inspect_means(options, p))
			continue;
		rc = directories_write(fd, cp, p, doc, err);
		if (rc == 0)
			rc = file_describe_each(fd, p, file_visit, doc, err);
	}
	doc_end(doc);
	return rc;
}

static void queue_cell(const struct queue_facts *queue, uint64_t bytes, struct doc *doc)
{
	if (queue->known)
		doc_u64(doc, NULL, NULL, bytes);
	else
		doc_none(doc, NULL, NULL);
}

static void socket_visit(void *doc_, const struct process *p, const FdinfoEntry *entry,
			 const struct file_facts *file)
{
	struct doc *doc = doc_;
	const struct socket_facts *socket = &file->socket;
	if (!file->is_socket)
		return;
	doc_row(doc);
	doc_u64(doc, NULL, NULL, p->pid);
	doc_u64(doc, NULL, NULL, entry->fd);
	doc_str(doc, NULL, NULL, socket->family);
	doc_str(doc, NULL, NULL, socket->type);
	doc_str(doc, NULL, NULL, socket->protocol);
	doc_str(doc, NULL, NULL, socket->state);
	doc_str(doc, NULL, NULL, socket->local[0] ? socket->local : NULL);
	doc_str(doc, NULL, NULL, socket->peer[0] ? socket->peer : NULL);
	queue_cell(&socket->queue, socket->queue.received, doc);
	queue_cell(&socket->queue, socket->queue.sent, doc);
	doc_u64(doc, NULL, NULL, socket->inode);
	doc_u64(doc, NULL, NULL, socket->peer_inode);
	doc_u64(doc, NULL, NULL, socket->backlog);
	doc_u64(doc, NULL, NULL, file->id);
}

int inspect_sockets(struct checkpoint *cp, const struct inspect_options *options, struct doc *doc,
		    struct error *err)
{
	static const struct doc_column columns[] = {
		{ "pid", "PID", DOC_RIGHT },
		{ "fd", "FD", DOC_RIGHT },
		{ "family", "FAMILY", DOC_LEFT },
		{ "type", "TYPE", DOC_LEFT },
		{ "protocol", "PROTO", DOC_LEFT },
		{ "state", "STATE", DOC_LEFT },
		{ "local", "LOCAL", DOC_LEFT },
		{ "peer", "PEER", DOC_LEFT },
		{ "receive_bytes", "RECV-Q", DOC_RIGHT },
		{ "send_bytes", "SEND-Q", DOC_RIGHT },
		{ "inode", "INODE", DOC_RIGHT },
		{ "peer_inode", NULL, DOC_RIGHT },
		{ "backlog", NULL, DOC_RIGHT },
		{ "file_id", NULL, DOC_RIGHT },
	};
	auto_file_describer fd = NULL;
	int rc = file_describer_new(cp, &fd, err);
	if (rc < 0)
		return rc;
	doc_table(doc, "sockets", "Sockets", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; rc == 0 && i < checkpoint_nr_processes(cp); i++) {
		const struct process *p = checkpoint_process(cp, i);
		if (inspect_means(options, p))
			rc = file_describe_each(fd, p, socket_visit, doc, err);
	}
	doc_end(doc);
	return rc;
}
