#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit export: checkpoints as tables.
bats_require_minimum_version 1.5.0
load crit

setup_file()
{
	export whole=$BATS_FILE_TMPDIR/whole
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/whole_set.py" "$crit" "$whole"
}

# rows TABLE [FIELD…]: the values of a table of $whole, a row a line
rows()
{
	"$crit" export --ndjson "$whole" | /usr/bin/python3 -c 'import json, sys
for line in sys.stdin:
    row = json.loads(line)
    if row.pop("table") == sys.argv[1]:
        print(*(row[field] for field in sys.argv[2:]), sep="|")' "$@"
}

# query SQL: the rows of a query of the database $db
query()
{
	/usr/bin/python3 -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]):
    print(*row, sep="|")' "$db" "$1"
}

@test "export --ndjson has a line for each process, thread and namespace" {
	[ "$(rows processes pid ppid comm state exe cwd cgroup command_line)" = \
"1|0|first|alive|/bin/prog|/srv|/a|prog --serve
3|1|child|alive|/bin/prog|/srv|/a|None
4|1|gone|zombie|None|None|/a|None" ]
	[ "$(rows threads pid tid comm seccomp no_new_privs cap_effective | head -n 2)" = \
"1|1|first|filter|True|0000000000000000
1|2|second|filter|True|0000000000000000" ]
	[ "$(rows namespaces pid kind ns dumped | grep -c 'True$')" = 10 ]
	rows namespaces pid kind ns dumped | grep -qx '1|net|11|True'
	rows namespaces pid kind ns dumped | grep -qx '1|user|7|False'
}

@test "export: memory areas with where their pages are, and the environment" {
	rows vmas pid start end prot shared kind path stored_bytes parent_bytes > "$BATS_TEST_TMPDIR/vmas"
	grep -qx '1|4194304|4202496|r-x|False|file|/bin/prog|4096|0' "$BATS_TEST_TMPDIR/vmas"
	grep -qx '1|5242880|5259264|rw-|False|anon|None|8192|4096' "$BATS_TEST_TMPDIR/vmas"
	grep -qx '1|6291456|6299648|rw-|True|shmem|None|8192|0' "$BATS_TEST_TMPDIR/vmas"
	[ "$(rows environment pid name value)" = "1|PATH|/bin
1|A|1" ]
}

@test "export: descriptors, files, sockets and mounts" {
	rows descriptors pid fd type file_id | grep -qx '1|5|INETSK|10'
	rows files type file_id name remap > "$BATS_TEST_TMPDIR/files"
	grep -qx 'REG|4|/tmp/gone|GHOST' "$BATS_TEST_TMPDIR/files"
	grep -qx 'PIPE|5|pipe:\[55\]|None' "$BATS_TEST_TMPDIR/files"
	grep -qx 'MEMFD|14|memfd:mem|None' "$BATS_TEST_TMPDIR/files"
	rows sockets file_id family type state local_address local_port peer_inode > "$BATS_TEST_TMPDIR/sockets"
	grep -qx '8|UNIX|STREAM|ESTABLISHED|None|None|809' "$BATS_TEST_TMPDIR/sockets"
	grep -qx '11|INET|STREAM|LISTEN|127.0.0.1|8080|None' "$BATS_TEST_TMPDIR/sockets"
	[ "$(rows mounts mnt_ns mount_id parent_id mountpoint fstype)" = "12|21|20|/proc|PROC
12|20|10|/|TMPFS" ]
}

@test "export --sqlite has the same rows, of several checkpoints" {
	db=$BATS_TEST_TMPDIR/all.db
	"$crit" export --sqlite "$db" "$whole" "$whole"
	[ "$(query 'SELECT checkpoint, count(*) FROM processes GROUP BY 1')" = "1|3
2|3" ]
	[ "$(query 'SELECT p.comm, s.local_port FROM sockets s JOIN descriptors USING (checkpoint, file_id)
		JOIN processes p USING (checkpoint, pid) WHERE s.state = "LISTEN" AND checkpoint = 2')" = "first|8080" ]
	[ "$(query 'SELECT sum(stored_bytes) FROM vmas WHERE pid = 1 AND checkpoint = 1')" = 32768 ]
	[ "$(query 'SELECT count(*) FROM environment')" = 4 ]
	local table
	for table in checkpoints processes threads vmas descriptors files sockets mounts namespaces; do
		[ "$(query "SELECT count(*) FROM $table WHERE checkpoint = 1")" = "$(rows $table checkpoint | wc -l)" ]
	done
}

@test "export: what is no text is kept" {
	"$crit" decode -i "$whole/files.img" | sed 's|/tmp/linked|/tmp/\\udcff\\u00fc|' \
		| "$crit" encode -o "$BATS_TEST_TMPDIR/files.img"
	cp -r "$whole" "$BATS_TEST_TMPDIR/set"
	cp "$BATS_TEST_TMPDIR/files.img" "$BATS_TEST_TMPDIR/set/"
	db=$BATS_TEST_TMPDIR/odd.db
	"$crit" export --sqlite "$db" "$BATS_TEST_TMPDIR/set"
	[ "$(query 'SELECT typeof(name), hex(name) FROM files WHERE file_id = 16 AND type = "REG"')" \
		= "blob|2F746D702FFFC3BC" ]
	"$crit" export --ndjson "$BATS_TEST_TMPDIR/set" | grep -q '"name": "/tmp/\\udcff\\u00fc"'
}

# shellcheck disable=SC2016 # the backquotes are of Markdown
@test "export: docs/export.md has every table and column, and no other" {
	db=$BATS_TEST_TMPDIR/doc.db
	"$crit" export --sqlite "$db" "$whole"
	query 'SELECT t.name || "." || c.name FROM sqlite_master t, pragma_table_info(t.name) c
		WHERE c.name != "checkpoint"' | sort > "$BATS_TEST_TMPDIR/columns"
	/usr/bin/python3 -c 'import re, sys
table = None
for line in open(sys.argv[1]):
    if line.startswith("## "):
        table = line[3:].strip()
    elif line.startswith("| `"):
        for name in re.findall("`(.*?)`", line.split("|")[1]):
            if name != "checkpoint":
                print(table + "." + name)' "$BATS_TEST_DIRNAME/../../docs/export.md" | sort \
		> "$BATS_TEST_TMPDIR/documented"
	diff "$BATS_TEST_TMPDIR/columns" "$BATS_TEST_TMPDIR/documented"
}

@test "export: the queries of the documentation run" {
	db=$BATS_TEST_TMPDIR/doc.db
	"$crit" export --sqlite "$db" "$whole"
	/usr/bin/python3 -c 'import re, sqlite3, sys
queries = [q for path in sys.argv[2:]
           for q in re.findall(r"^ *(?:sqlite3 all.db \")?(SELECT .*?)(?:\"|\n\n|\n*\Z)",
                               open(path).read().replace("$ ", ""), re.M | re.S)]
assert len(queries) >= 3, queries
db = sqlite3.connect(sys.argv[1])
for query in queries:
    db.execute(query).fetchall()' "$db" "$BATS_TEST_DIRNAME"/../../docs/{export.md,crit.1.scd}
}

@test "export leaves nothing behind when it fails" {
	db=$BATS_TEST_TMPDIR/out/x.db
	mkdir "$BATS_TEST_TMPDIR/out"
	echo old > "$db"
	run -1 "$crit" export --sqlite "$db" "$whole" "$BATS_TEST_TMPDIR/nothing"
	[[ $output == *nothing* ]]
	[ "$(cat "$db")" = old ]
	[ "$(ls "$BATS_TEST_TMPDIR/out")" = x.db ]
	run -2 "$crit" export "$whole"
	run -2 "$crit" export --ndjson --sqlite "$db" "$whole"
	run -2 "$crit" export --ndjson
}

@test "export takes every set of the corpus and every archive" {
	local dir sets=()
	need_corpus
	need_containers
	for dir in "$corpus"/*/ "$corpus"/*/*/ "$containers"/*.tar*; do
		[ -f "$dir/pstree.img" ] || [ -f "$dir" ] || continue
		sets+=("$dir")
	done
	db=$BATS_TEST_TMPDIR/corpus.db
	"$crit" export --sqlite "$db" "${sets[@]}"
	[ "$(query 'SELECT count(*) FROM checkpoints')" = "${#sets[@]}" ]
	[ "${#sets[@]}" -ge 30 ]
	[ "$(query 'SELECT count(DISTINCT checkpoint) FROM environment WHERE name = "PATH"')" -ge 30 ]
}
