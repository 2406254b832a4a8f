# SPDX-License-Identifier: MIT
# debuggers.py CRIT SET PID ROOT EXE CORE: gdb and eu-stack see in the core of a process what its
# images say: threads, backtraces, auxiliary vector, mapped files. ROOT has its program and
# libraries, EXE is the program.
import json
import os
import re
import subprocess
import sys

crit, top, pid, root, exe, core = sys.argv[1:7]
failed = 0


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def same(what, ours, theirs):
    global failed
    if not ours or ours != theirs:
        failed = 1
        print(what, "differ:\n  images:  ", ours, "\n  debugger:", theirs)


def gdb(*commands):
    # without libthread_db, which believes the C library's list: a child of clone(2) keeps its parent's
    setup = ["set pagination off", "set libthread-db-search-path /none", "set sysroot " + root, "set debug-file-directory /none",
             "set backtrace past-main on", "set backtrace past-entry on", "file " + exe, "core " + core]
    words = [w for c in setup + list(commands) for w in ("-ex", c)]
    return output("gdb", "-q", "-nx", "-batch", *words)


def decode(image):
    return json.loads(output(crit, "decode", "-i", top + "/" + image))["entries"]


stack = json.loads(output(crit, "stack", "--sysroot", root, "-p", pid, "--format", "json", top))
threads = {t["tid"]: t["frames"] for t in stack["processes"][0]["threads"]}
ours = {tid: [int(f["pc"], 16) for f in frames] for tid, frames in threads.items()}
names = {int(f["pc"], 16): f["symbol"].split("@")[0] for frames in threads.values()
         for f in frames if f["symbol"]}


# eu-stack: "TID 12:" and "#0  0x7f… name"
theirs, where = {}, None
for line in output("eu-stack", "--core=" + core, "-e", exe).splitlines():
    if found := re.match(r"TID (\d+):", line):
        where = theirs.setdefault(int(found[1]), [])
    elif found := re.match(r"#\d+ +(0x[0-9a-f]+)(?: - \d)? ?(\S*)", line):
        pc = int(found[1], 16)
        where.append(pc)
        if pc in names and exe.endswith(found[2]) and found[2] != names[pc]:
            same("names at %#x" % pc, names[pc], found[2])
same("frames of eu-stack", ours, theirs)

# gdb: "Thread 2 (LWP 12):" and "#0  0x7f… in name () from …"
theirs, where = {}, None
for line in gdb("thread apply all bt").splitlines():
    if found := re.match(r"Thread \d+ .*LWP (\d+)\)", line):
        where = theirs.setdefault(int(found[1]), [])
    elif (found := re.match(r"#\d+ +(0x[0-9a-f]+) in (\S+)", line)) and where is not None:
        where.append(int(found[1], 16))
        if int(found[1], 16) in names:
            same("names", names[int(found[1], 16)], found[2].split("@")[0])
same("frames of gdb", ours, theirs)
same("threads", sorted(ours), sorted(int(n) for n in re.findall(
    r"LWP (\d+)", gdb("info threads").split("Target Id")[1])))

mm = decode("mm-%s.img" % pid)[0]
saved = mm["mm_saved_auxv"]
vector = {}
for key, value in zip(saved[::2], saved[1::2]):
    if key == 0:
        break
    vector[key] = value
seen = {}
for line in gdb("info auxv").splitlines():
    if found := re.match(r"(\d+) +(AT_\w+|\?\?\?) .*? (0x[0-9a-f]+|\d+)( \".*\")?$", line):
        seen[int(found[1])] = int(found[3], 0)
seen.pop(0, None)
same("auxiliary vectors", vector, seen)

areas = json.loads(output(crit, "mem", "-p", pid, "--format", "json", top))["areas"]
# as /proc/PID/maps calls them
NAMES = {"file": "%s", "file-shared": "%s", "memfd": "/%s (deleted)", "shmem": "/dev/zero (deleted)%.0s",
         "aio": "/[aio] (deleted)%.0s", "sysv": "/SYSV%08x (deleted)"}
space = decode("ids-%s.img" % pid)[0]["ipc_ns_id"]
keys, gone = {}, set()
if os.path.exists(top + "/ipcns-shm-%d.img" % space):
    keys = {e["desc"]["id"]: e["desc"]["key"] for e in decode("ipcns-shm-%d.img" % space)}
if os.path.exists(top + "/remap-fpath.img"):
    gone = {e["orig_id"] for e in decode("remap-fpath.img")}
vmas = {v["start"]: v["shmid"] for v in mm["vmas"]}


def mapped_name(kind, path, number):
    name = NAMES[kind] % (keys[number] if kind == "sysv" else path)
    return name + " (deleted)" * (kind.startswith("file") and number in gone)


files = [(int(a["start"], 16), int(a["end"], 16), mapped_name(a["kind"], a["path"], vmas[int(a["start"], 16)]))
         for a in areas if a["kind"] in NAMES]
seen = [(int(start, 16), int(end, 16), path) for start, end, path in re.findall(
    r"^ +(0x[0-9a-f]+) +(0x[0-9a-f]+) +0x[0-9a-f]+ +0x[0-9a-f]+ +(/.*)$", gdb("info proc mappings"), re.M)]
same("mapped files", files, seen)
sys.exit(failed)
