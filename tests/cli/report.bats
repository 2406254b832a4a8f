#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit mem and crit report: memory maps, and the page that shows a checkpoint.
bats_require_minimum_version 1.5.0
load crit

setup_file()
{
	export whole=$BATS_FILE_TMPDIR/whole
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/whole_set.py" "$crit" "$whole"
}

# areas [OPTION…]: start, kind, stored pages and dirty bytes of the areas of $whole, a line each
areas()
{
	"$crit" mem --format json "$@" "$whole" | /usr/bin/python3 -c 'import json, sys
for a in json.load(sys.stdin)["areas"]:
    print(a["pid"], a["start"], a["prot"], a["kind"], a["stored_pages"], a["zero_pages"], a["parent_pages"], a["shared_pages"], a["dirty_bytes"])'
}

# damaged COMMAND…: a page in spite of damage, and status 1; its text in red into $red
damaged()
{
	run -1 --separate-stderr "$crit" "$@"
	[[ $output == *"</html>" ]]
	red=$(/usr/bin/python3 -c 'import re, sys
for row in re.findall(r"<tr class=\"damaged\".*?</tr>", sys.argv[1]):
    print(re.sub("<[^>]*>", " ", row))' "$output")
}

@test "report: of a damaged set what can be read, and the rest marked" {
	local copy=$BATS_TEST_TMPDIR/copy name rows
	run -0 "$crit" report "$whole"
	rows=$(grep -c '^<tr' <<<"$output")
	for name in pagemap-1 core-1 mm-1 fdinfo-2; do
		rm -rf "$copy"
		cp -r "$whole" "$copy"
		truncate -s -3 "$copy/$name.img"
		damaged report "$copy"
		[[ $red == *"$name.img"* && $stderr == *"$name.img"* ]] || { echo "$name: $red $stderr"; return 1; }
		[ "$(grep -c '^<tr' <<<"$output")" -gt $((rows / 3)) ]
		damaged mem --format html "$copy"
		[[ $red == *"$name.img"* ]]
		run -1 "$crit" report -o "$BATS_TEST_TMPDIR/page.html" "$copy"
		grep -q "</html>" "$BATS_TEST_TMPDIR/page.html"
	done
	rm -rf "$copy"
	cp -r "$whole" "$copy"
	truncate -s 20 "$copy/files.img"
	damaged report "$copy"
	[[ $red == *files.img* && $stderr == *files.img* ]]
}

@test "mem: areas and where their pages are" {
	[ "$(areas -p 1)" = "1 0x400000 r-xp file 1 0 0 0 4096
1 0x500000 rw-p anon 2 0 1 0 8192
1 0x600000 rw-s shmem 2 0 0 2 0
1 0x680000 rw-s sysv 1 0 0 1 0
1 0x690000 rw-s memfd 1 0 0 1 0
1 0x7ff000 rw-p stack 1 0 0 0 4096" ]
}

@test "mem: filters by protection, kind, range and file" {
	[ "$(areas --prot x)" = "$(areas -k file)" ]
	[ "$(areas --prot r-x)" = "$(areas --file prog)" ]
	[ "$(areas --file '/bin/*')" = "1 0x400000 r-xp file 1 0 0 0 4096" ]
	[ "$(areas --range 501000-503000 -p 1)" = "1 0x501000 rw-p anon 1 0 1 0 4096" ]
	run -1 "$crit" mem --file nothing "$whole"
	run -2 "$crit" mem --prot rq "$whole"
	run -2 "$crit" mem --range 5 --format html "$whole"
	run -1 "$crit" mem -p 4 "$whole"
	[[ $output == *zombie* ]]
}

@test "mem: sums by kind and file" {
	run -0 "$crit" mem "$whole"
	[[ $output == *"By kind"*total*"By file"*/bin/prog* ]]
	"$crit" mem --format json "$whole" | /usr/bin/python3 -c 'import json, sys
d = json.load(sys.stdin)
kinds = {k["kind"]: k for k in d["kinds"]}
total = kinds.pop("total")
for key in ("areas", "size_bytes", "stored_pages", "dirty_bytes"):
    assert total[key] == sum(k[key] for k in kinds.values()), key
assert total["areas"] == len(d["areas"])
assert total["stored_pages"] == sum(a["stored_pages"] for a in d["areas"])
assert sorted(f["path"] for f in d["files"])[0] == "/bin/prog"'
}

@test "report: a page that is well-formed and needs nothing else" {
	"$crit" report "$whole" -o "$BATS_TEST_TMPDIR/r.html"
	/usr/bin/python3 "$BATS_TEST_DIRNAME/page.py" "$BATS_TEST_TMPDIR/r.html"
	grep -q 'prog --serve' "$BATS_TEST_TMPDIR/r.html"
	"$crit" mem --format html "$whole" | cmp - "$BATS_TEST_TMPDIR/r.html"
	"$crit" report -p 3 "$whole" > "$BATS_TEST_TMPDIR/one.html"
	[ "$(grep -c 'class="process"' "$BATS_TEST_TMPDIR/one.html")" = 1 ]
}

@test "report: names from images are text, whatever they are" {
	cp -r "$whole" "$BATS_TEST_TMPDIR/evil"
	local evil='</td></script><script>alert(1)</script><img src=x onerror=alert(2)>&quot;\\u001b[2J\\udcff'
	evil=${evil//&/\\&}
	"$crit" decode -i "$whole/files.img" | sed "s|/tmp/linked|$evil|; s|\"/srv\"|\"$evil\"|; s|/bin/prog|$evil|; s|/tmp/gone|$evil|" \
		| "$crit" encode -o "$BATS_TEST_TMPDIR/evil/files.img"
	"$crit" decode -i "$whole/core-1.img" | sed "s|\"first\"|\"<b>'\\&\"|" | "$crit" encode -o "$BATS_TEST_TMPDIR/evil/core-1.img"
	"$crit" report "$BATS_TEST_TMPDIR/evil" -o "$BATS_TEST_TMPDIR/<i>.html"
	/usr/bin/python3 "$BATS_TEST_DIRNAME/page.py" "$BATS_TEST_TMPDIR/<i>.html"
	run -1 grep -c 'alert(1)</script>\|<img' "$BATS_TEST_TMPDIR/<i>.html"
	grep -q '&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;&amp;quot;' "$BATS_TEST_TMPDIR/<i>.html"
}

@test "report: a failure leaves the file as it was" {
	echo before > "$BATS_TEST_TMPDIR/r.html"
	# no room for the whole page
	run -1 bash -c 'trap "" XFSZ; ulimit -f 4; exec "$@"' bash "$crit" report "$whole" -o "$BATS_TEST_TMPDIR/r.html"
	[ "$(find "$BATS_TEST_TMPDIR" -name 'r.html*')" = "$BATS_TEST_TMPDIR/r.html" ]
	[ "$(cat "$BATS_TEST_TMPDIR/r.html")" = before ]
}

need_chromium()
{
	program=$(type -P chromium chromium-browser google-chrome | head -n 1)
	[ -n "$program" ] || skip "no Chromium"
}

# chromium HTML SCHEME WIDTH: the page as it is after its script, dark (0) or light (1)
chromium()
{
	timeout 60 "$program" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
		--disable-background-networking --disable-component-update --disable-sync \
		--user-data-dir="$BATS_TEST_TMPDIR/profile" --blink-settings=preferredColorScheme="${2:-1}" \
		--window-size="${3:-1400},900" --dump-dom "file://$1" 2>/dev/null
}

@test "report: the script runs in Chromium, draws every area and follows a click" {
	need_chromium
	"$crit" report "$whole" -o "$BATS_TEST_TMPDIR/r.html"
	sed 's|</body>|<script>document.querySelectorAll("tr.process")[1].click()</script></body>|' \
		"$BATS_TEST_TMPDIR/r.html" > "$BATS_TEST_TMPDIR/click.html"
	local page
	for page in r click; do
		chromium "$BATS_TEST_TMPDIR/$page.html" >"$BATS_TEST_TMPDIR/$page.dom"
	done
	[ "$(grep -o '<g class="area ' "$BATS_TEST_TMPDIR/r.dom" | wc -l)" = 7 ]
	[ "$(grep -o '<g class="area ' "$BATS_TEST_TMPDIR/click.dom" | wc -l)" = 1 ]
	grep -q 'class="process pick"' "$BATS_TEST_TMPDIR/click.dom"
}

@test "report: in Chromium everything can be read, light and dark, and fits windows of any width" {
	local source name scheme width page=$BATS_TEST_TMPDIR/r.html
	need_chromium
	for source in "$whole" ${containers:+"$containers"/multi.tar.gz} ${corpus:+"$corpus"/a13}; do
		"$crit" report "$source" -o "$page"
		{
			sed 's|</body>.*||' "$page"
			printf '<script>%s</script></body></html>' "$(cat "$BATS_TEST_DIRNAME/page-probe.js")"
		} >"$BATS_TEST_TMPDIR/probe.html"
		for scheme in 0 1; do
			name=$([ $scheme = 0 ] && echo dark || echo light)
			for width in 1400 500; do
				run -0 chromium "$BATS_TEST_TMPDIR/probe.html" $scheme $width
				output=$(grep -o '<html [^>]*>' <<<"$output")
				echo "$source $name $width: $output"
				[[ $output == *'data-scheme="'$name'"'*  ]]
				[[ $output == *'data-sideways="0"'* ]]
				[[ $output == *'data-contrast="'[1-9]* ]]
			done
		done
	done
}

@test "report of every set and archive at hand is well-formed" {
	local source
	need_corpus
	need_containers
	for source in "$containers"/{multi,tty,volume-tmpfs}.tar* "$corpus"/a{3,4,6,7,11}; do
		"$crit" report "$source" -o "$BATS_TEST_TMPDIR/r.html"
		/usr/bin/python3 "$BATS_TEST_DIRNAME/page.py" "$BATS_TEST_TMPDIR/r.html"
	done
}
