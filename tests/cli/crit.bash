# SPDX-License-Identifier: MIT
# What the crit tests share: the program, and a small checkpoint made from tests/fixtures/set.

O=${O:-$PWD/build}
crit=$O/crit
fixtures=$BATS_TEST_DIRNAME/../fixtures/set
# From outside, see tests/run.
export corpus=${CORPUS:-} containers=${CONTAINERS:-}

need_corpus() { [ -n "$corpus" ] || skip "no sets of images to look at (CORPUS=DIR)"; }
need_containers() { [ -n "$containers" ] || skip "no exported containers to look at (CONTAINERS=DIR)"; }

# Once per file: every fixture encoded into $set.
make_set()
{
	export set=$BATS_FILE_TMPDIR/set
	mkdir -p "$set"
	local json
	for json in "$fixtures"/*.json; do
		"$crit" encode -i "$json" -o "$set/$(basename "$json" .json)" || return 1
	done
}

# Equal as JSON values, whatever the layout.
same_json()
{
	/usr/bin/python3 -c 'import json, sys
a, b = (json.load(open(p)) for p in sys.argv[1:3])
sys.exit(a != b)' "$1" "$2"
}

# A page image of 1 TiB, nearly all of it a hole, in a directory and in archives: $holed.
holed_set()
{
	cp -r "$set" "$BATS_TEST_TMPDIR/holed"
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 - "$crit" "$BATS_TEST_TMPDIR/holed" <<-'END2'
		import json, os, subprocess, sys
		crit, directory = sys.argv[1:]
		def change(name, edit):
		    path = os.path.join(directory, name)
		    made = json.loads(subprocess.run([crit, "decode", path], capture_output=True, check=True).stdout)
		    edit(made["entries"])
		    subprocess.run([crit, "encode", "-o", path], input=json.dumps(made).encode(), check=True)
		size, start = 1 << 40, 0x100000000000
		def area(entries):
		    vmas = entries[0]["vmas"]
		    vmas.append(dict(vmas[0], start=start, end=start + size, pgoff=0, shmid=0, prot=3, flags=0x22, status=0x201))
		    vmas.sort(key=lambda v: v["start"])
		def pages(entries):
		    global at
		    one = entries[-1]
		    at = 4096 * sum(e.get("nr_pages") or e["compat_nr_pages"] for e in entries[1:]
		                    if e["vaddr"] < start and e.get("flags", 4) & 4)
		    entries.append(dict(one, **{"vaddr": start, "flags": 4, "compat_nr_pages": 0, "nr_pages": size >> 12}))
		    entries[1:] = sorted(entries[1:], key=lambda e: e["vaddr"])
		change("mm-100.img", area)
		change("pagemap-100.img", pages)
		path = os.path.join(directory, "pages-1.img")
		had = open(path, "rb").read()
		with open(path, "r+b") as f:
		    f.seek(at)
		    f.write(b"in the first page of it".ljust(4096, b"\0"))
		    f.seek(at + (size >> 1))
		    f.write(b"in the middle of it")
		    f.seek(at + size)
		    f.write(had[at:])
		    f.truncate(len(had) + size)
	END2
	tar -C "$BATS_TEST_TMPDIR/holed" -Scf "$BATS_TEST_TMPDIR/holed.tar" .
	gzip -k "$BATS_TEST_TMPDIR/holed.tar"
	zstd -q "$BATS_TEST_TMPDIR/holed.tar"
	holed=("$BATS_TEST_TMPDIR"/holed{,.tar,.tar.gz,.tar.zst})
}
