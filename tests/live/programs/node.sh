# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # programs.sh has the other half
# An event loop with a timer, a worker thread, and half a request read.
needs="node"
options=(--tcp-established)

start()
{
	cat >"$dir/server.js" <<-'END'
		const { Worker, isMainThread, parentPort } = require('worker_threads');
		if (!isMainThread) {
			let n = 0;
			parentPort.on('message', (text) => parentPort.postMessage(`${++n} ${text}\n`));
		} else {
			const worker = new Worker(__filename);
			let ticks = 0;
			setInterval(() => ++ticks, 5);
			require('http').createServer((request, response) => {
				let body = '';
				request.on('data', (part) => { body += part; console.log('part'); });
				request.on('end', () => {
					worker.once('message', (text) => response.end(text));
					const before = ticks;
					const wait = () => ticks > before ? worker.postMessage(body) : setTimeout(wait, 1);
					wait();
				});
			}).listen(8000, '127.0.0.1').keepAliveTimeout = 600000;
		}
	END
	launch node "$dir/server.js" && connect 8000
}
reads() { [ "$(grep -c part "$dir/out")" -ge "$1" ]; }
begin()
{
	say 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf' && until_true reads "$(($1 * 2 - 1))"
}
complete()
{
	local line
	say 'rest-%d' "$1"
	while read -r -t 20 line <&4 && [ "$line" != $'\r' ]; do :; done
	hear "$1 halfrest-$1"
}
