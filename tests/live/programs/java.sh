# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # programs.sh has the other half
# A virtual machine with its compilers and collectors, half a line read from a socket.
needs="java javac"
options=(--tcp-established)

start()
{
	cat >"$dir/Server.java" <<-'END'
		import java.io.*;
		import java.net.*;
		import java.util.*;
		public class Server {
			static volatile long spins;
			public static void main(String[] args) throws Exception {
				Thread busy = new Thread(() -> { while (true) spins += new byte[1000].length; });
				busy.setDaemon(true);
				busy.start();
				var server = new ServerSocket(8000, 5, InetAddress.getByName("127.0.0.1"));
				var client = server.accept();
				var in = new BufferedReader(new InputStreamReader(client.getInputStream()));
				Map<Integer, String> seen = new TreeMap<>();
				for (String line; (line = in.readLine()) != null;) {
					long before = spins;
					while (spins == before)
						Thread.sleep(1);
					seen.put(seen.size(), line);
					System.gc();
					client.getOutputStream().write((seen + "\n").getBytes());
				}
			}
		}
	END
	javac -d "$dir" "$dir/Server.java" && launch java -Xmx64m -cp "$dir" Server && until_true accepts &&
		exec 4<>/dev/tcp/127.0.0.1/8000
}
accepts() { ss -Hltn "sport = 8000" | grep -q .; }
begin() { say 'half'; }
complete()
{
	say -- "-$1\n"
	seen=${seen:+$seen, }$(($1 - 1))=half-$1
	hear "{$seen}"
}
