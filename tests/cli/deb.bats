#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The Debian packages, made of the objects that are there: what is in them, and that they install.
bats_require_minimum_version 1.5.0
load crit

setup_file()
{
	local program
	for program in dpkg-buildpackage dh dpkg $([ "$(id -u)" = 0 ] || echo fakeroot); do
		command -v "$program" >/dev/null || skip "needs $program"
	done
	export DEBS=$BATS_FILE_TMPDIR/debs
	"$BATS_TEST_DIRNAME/../../tools/deb" "$DEBS" "$O" >"$BATS_FILE_TMPDIR/log" 2>&1 \
		|| { tail -n 20 "$BATS_FILE_TMPDIR/log"; return 1; }
}

# as_root COMMAND…: with the rights of root, or the looks of them
as_root()
{
	if [ "$(id -u)" = 0 ]; then "$@"; else fakeroot "$@"; fi
}

# install ROOT PACKAGE…: into a root directory that has nothing but packages installed before
install()
{
	local root=$1
	shift
	mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
	touch "$root/var/lib/dpkg/status" "$root/var/lib/dpkg/available"
	as_root dpkg --root="$root" --log=/dev/null --force-depends --force-script-chrootless \
		--install "$@"
}

# an_empty_criu: a package with that name
an_empty_criu()
{
	mkdir -p criu/DEBIAN
	printf '%s\n' 'Package: criu' 'Version: 4.3' 'Architecture: all' \
		'Maintainer: nobody <nobody@example.org>' 'Description: a package' >criu/DEBIAN/control
	dpkg-deb --root-owner-group --build criu criu.deb
}

@test "deb: programs, manuals and completion are installed and run" {
	local root=$BATS_TEST_TMPDIR/root program file
	install "$root" "$DEBS"/{stasis,crit}_*.deb "$DEBS"/stasis-criu-compat_*.deb
	for program in stasis crit criu; do
		gzip -t "$root/usr/share/man/man1/$program.1.gz"
	done
	for program in stasis crit; do
		"$root/usr/bin/$program" --version | diff - <("$O/$program" --version)
		for file in bash-completion/completions/$program zsh/vendor-completions/_$program \
			fish/vendor_completions.d/$program.fish doc/$program/copyright; do
			[ -s "$root/usr/share/$file" ]
		done
	done
	[ "$(readlink "$root/usr/bin/criu")" = stasis ]
	"$root/usr/bin/criu" --version | grep -q '^Version: 4\.2 '
}

@test "deb: who provides the name criu takes the place of who had it" {
	local compat root=$BATS_TEST_TMPDIR/root
	compat=$(echo "$DEBS"/stasis-criu-compat_*.deb)
	[ "$(dpkg-deb -f "$compat" Provides)" = "criu (= 4.2)" ]
	cd "$BATS_TEST_TMPDIR"
	an_empty_criu
	install "$root" criu.deb
	install "$root" "$DEBS"/{stasis,crit}_*.deb "$compat"
	run dpkg-query --root="$root" -W -f '${db:Status-Status}' criu
	[ "$output" != installed ]
	[ "$(readlink "$root/usr/bin/criu")" = stasis ]
}

@test "deb: packages have the version of the programs" {
	local version
	version=$("$O/stasis" --version | sed -n 's/.*(stasis \(.*\))$/\1/p')
	[ -n "$version" ]
	for package in "$DEBS"/{stasis,crit,stasis-criu-compat}_*.deb; do
		[ "$(dpkg-deb -f "$package" Version)" = "$version" ]
	done
	"$O/crit" --version | grep -q -F "$version"
}

@test "deb: lintian has nothing to say" {
	command -v lintian >/dev/null || skip "needs lintian"
	# flags of the compiler are those of the objects that were there
	run -0 lintian --allow-root --display-info --suppress-tags \
		hardening-no-bindnow,hardening-no-fortify-functions "$DEBS"/*.changes
	[ -z "$output" ]
}
