# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # programs.sh has the other half
# Workers of another user, a kept connection with half a request; then a reload and what it makes.
needs="nginx"
options=(--tcp-established)

configure()
{
	cat >"$dir/conf" <<-END
		daemon off; worker_processes 2; pid $dir/nginx.pid; error_log $dir/errors notice;
		events { worker_connections 64; }
		http {
			access_log $dir/access; keepalive_timeout 600s;
			client_header_timeout 600s; client_body_timeout 600s;
			client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
			uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
			limit_req_zone \$uri zone=all:1m rate=10000r/s; limit_req zone=all;
			server { listen 127.0.0.1:8080; default_type text/plain; return 200 "$1\n"; }
		}
	END
}
# answers TEXT [FD]: over a connection of its own
answers() { (exec 4<>/dev/tcp/127.0.0.1/8080 && request && body "$1"); }
request() { say 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n'; }
body()
{
	local line
	while read -r -t 20 line <&4 && [ "$line" != $'\r' ]; do :; done
	read -r -t 20 line <&4 && equal "$line" "$1"
}
workers() { pgrep -P "$pid" | sort; }
reload()
{
	local old
	old=$(workers)
	configure "$1"
	kill -HUP "$pid"
	until_true answers "$1" || return 1
	exec 4>&-
	for one in $old; do
		until_true gone "$one" || return 1
	done
	equal "$(workers | wc -l)" 2
}
start() { configure text-1 && launch nginx -c "$dir/conf" -e "$dir/errors"; }
begin()
{
	connect 8080 && request && body "text-$1" && say 'GET /second HTTP/1.1\r\nHo'
}
complete()
{
	say 'st: a\r\n\r\n' && body "text-$1" && request && body "text-$1" && answers "text-$1" &&
		reload "text-$((1 + $1))" && grep -q "GET /second" "$dir/access"
}
