# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # programs.sh has the other half
# A server of Python has read half a request, in a thread, and its client waits for the rest.
needs="/usr/bin/python3"
options=(--tcp-established)

start()
{
	cat >"$dir/server.py" <<-'END'
		import http.server
		count = 0
		class Handler(http.server.BaseHTTPRequestHandler):
		    protocol_version = "HTTP/1.1"
		    def do_POST(self):
		        global count
		        self.log_message("reading")
		        body = self.rfile.read(int(self.headers["Content-Length"]))
		        count += 1
		        answer = b"%d %s\n" % (count, body)
		        self.send_response(200)
		        self.send_header("Content-Length", len(answer))
		        self.end_headers()
		        self.wfile.write(answer)
		http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Handler).serve_forever()
	END
	launch /usr/bin/python3 "$dir/server.py" && connect 8000
}
reads() { [ "$(grep -c reading "$dir/out")" = "$1" ]; }
begin()
{
	say 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf' && until_true reads "$1"
}
complete()
{
	local line
	say 'rest-%d' "$1"
	while read -r -t 20 line <&4 && [ "$line" != $'\r' ]; do :; done
	hear "$1 halfrest-$1"
}
