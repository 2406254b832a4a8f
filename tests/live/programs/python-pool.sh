# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # programs.sh has the other half
# A pool of multiprocessing in the middle of its work, with queues and semaphores that have no name.
needs="/usr/bin/python3"

start()
{
	cat >"$dir/pool.py" <<-'END'
		import multiprocessing, os, sys, time
		def work(n):
		    while not os.path.exists(sys.argv[1] + "/go%d" % (n // 1000)):
		        time.sleep(0.01)
		    with counter.get_lock():
		        counter.value += 1
		    return n * n
		counter = multiprocessing.Value("i", 0)
		if __name__ == "__main__":
		    with multiprocessing.Pool(3) as pool:
		        for batch in 1, 2:
		            numbers = range(batch * 1000, batch * 1000 + 500)
		            results = pool.map_async(work, numbers, chunksize=7)
		            print("started", batch, flush=True)
		            print(results.get() == [n * n for n in numbers], counter.value, flush=True)
		    time.sleep(1000)
	END
	launch /usr/bin/python3 "$dir/pool.py" "$dir"
}
begin() { until_true has_line "$dir/out" "started $1"; }
complete()
{
	touch "$dir/go$1"
	until_true has_line "$dir/out" "True $(($1 * 500))"
}
