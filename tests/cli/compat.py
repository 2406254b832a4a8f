# SPDX-License-Identifier: MIT
# Sets that fit this machine, or do not in one way after the other, and what `crit compat` says:
#   compat.py CRIT WORKDIR
import os
import shutil
import socket
import subprocess
import sys

import whole_set
from whole_set import HOST_NS, inet, reg, unix

CRIT, WORK = sys.argv[1], sys.argv[2]


def host(*edits):
    """Without namespaces of its own, and nothing open but what the edits add."""
    def edit(made):
        for name in ("ids-1.img", "ids-3.img"):
            made[name][0].update(HOST_NS)
        for name in ("mountpoints-12.img", "netns-11.img", "netdev-11.img", "utsns-10.img",
                     "ipcns-var-13.img", "ipcns-shm-13.img", "remap-fpath.img", "ghost-file-1.img",
                     "fdinfo-2.img", "fdinfo-3.img", "cgroup.img"):
            del made[name]
        made["files.img"] = []
        pids = {1: 1999999, 2: 1999998, 3: 1999997, 4: 1999996}
        for entry in made["pstree.img"]:
            for key in ("pid", "ppid", "pgid", "sid"):
                entry[key] = pids.get(entry[key], entry[key])
            entry["threads"] = [pids.get(t, t) for t in entry["threads"]]
        for name in list(made):
            stem, _, number = name[:-len(".img")].rpartition("-")
            if stem in ("core", "ids", "fs", "mm", "pagemap") and int(number) in pids:
                made["%s-%d.img" % (stem, pids[int(number)])] = made.pop(name)
        # whose parent is of other pids
        pages = made["pagemap-1999999.img"]
        pages[:] = [run for run in pages if run.get("flags") != 1]
        for one in edits:
            one(made)
    return edit


def add_file(entry):
    return lambda made: made["files.img"].append(entry)


def changed(entry, member, **more):
    entry[member].update(more)
    return entry


def end(number, port, peer, **more):
    """A connection of two ports of this machine."""
    return changed(inet(number, number + 4, 1, port, 0x0100007f), "isk", dst_port=peer,
                   dst_addr=[0x0100007f], **more)


def first(made):
    return made["core-1.img"][0] if "core-1.img" in made else made["core-1999999.img"][0]


def xsave(bits):
    return lambda made: first(made)["thread_info"]["fpregs"].update(xsave={"xstate_bv": bits})


def processor(**words):
    capability = [0] * 19
    for word, value in words.items():
        capability[int(word[1:])] = value
    return lambda made: made.update({"cpuinfo.img": [{"x86_entry": [{
        "vendor_id": "INTEL", "cpu_family": 6, "model": 1, "stepping": 1, "capability_ver": 2,
        "capability": capability, "model_id": "Other"}]}]})


def tree(**fields):
    return lambda made: made["pstree.img"][0].update(fields)


def mount(**more):
    def edit(made):
        new = whole_set.mount(22, 20, "/mnt", 0)
        new.update(more)
        made["mountpoints-12.img"].append(new)
    return edit


def cases(work):
    same = os.path.join(work, "same")
    with open(same, "w", encoding="ascii") as out:
        out.write("twelve bytes")
    os.chmod(same, 0o640)
    status = {"size": 12, "mode": 0o100640}
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    named = socket.socket(socket.AF_UNIX)
    named.bind("\0crit-compat-%d" % os.getpid())
    # the sockets stay open as long as the list
    keep = [listening, named]
    loopback = 0x0100007f
    return keep, [
        ("a container that is whole", lambda made: None, "yes set - whole, version 2 of the format"),
        ("its pids", lambda made: None, "yes pid - a pid namespace of its own: all are free"),
        ("its files", lambda made: made["mountpoints-12.img"][1].update(fstype=0),
         "unknown file - below the root of the container"),
        ("its namespaces", lambda made: None, "yes namespace uts here"),
        ("a process that fits", host(), "yes pid - free: 4 of 4"),
        ("no inventory", lambda made: made.pop("inventory.img"), "no set - inventory.img: missing"),
        ("newer format", lambda made: made["inventory.img"][0].update(img_version=9),
         "unknown set inventory.img version 9"),
        ("other machine", lambda made: first(made).update(mtype="AARCH64"),
         "no architecture aarch64 this is " + os.uname().machine),
        ("registers", xsave(1 << 61), "no xsave ? threads use it (bit 61 of xstate_bv), it is not here"),
        ("registers that are here", xsave(3), "yes xsave - threads use 0x3"),
        ("instructions", processor(w6=1 << 11 | 1 << 16 | 1 << 21, w0=1),
         "no instructions Other not here, a program may have found them there:"),
        ("instructions that are here", processor(w0=1), "yes instructions Other what it had is here"),
        ("no processor", lambda made: None, "unknown instructions cpuinfo.img the set has none"),
        ("a pid that is used", host(tree(pid=os.getpid(), threads=[os.getpid()]), lambda made: made.update({
            "core-%d.img" % os.getpid(): made.pop("core-1999999.img"),
            "mm-%d.img" % os.getpid(): made.pop("mm-1999999.img"),
            "ids-%d.img" % os.getpid(): made.pop("ids-1999999.img")})),
         "no pid %d is in use by python3" % os.getpid()),
        ("a pid beyond the limit", host(lambda made: made["pstree.img"][2].update(
            pid=1 << 30, threads=[1 << 30]), lambda made: made.update({
                "core-%d.img" % (1 << 30): made.pop("core-1999996.img")})),
         "no pid - 1073741824 is needed, pid_max is"),
        ("a session outside", host(tree(sid=77)), "unknown session 77 of process 1999999 is outside"),
        ("a file", host(add_file(reg(1, same, **status))), "yes file - the same: 1"),
        ("a file that is gone", host(add_file(reg(1, same + ".gone"))), "no file %s.gone No such file" % same),
        ("a file that grew", host(add_file(reg(1, same, size=11, mode=0o100640))),
         "no file %s another file: it had 11 bytes, now 12" % same),
        ("another mode", host(add_file(reg(1, same, size=12, mode=0o100600))),
         "no file %s had mode 0600, has 0640" % same),
        ("another kind", host(add_file(reg(1, work, size=12, mode=0o100600))),
         "no file %s was a file, is a directory" % work),
        ("a deleted file", host(add_file(reg(1, same + ".gone")), lambda made: made.update({
            "remap-fpath.img": [{"orig_id": 1, "remap_id": 1, "remap_type": "GHOST"}]})),
         "yes file - made by the restore: 1"),
        ("a plugin's file", host(add_file({"type": "EXT", "id": 5, "ext": {"id": 5, "fown": whole_set.FOWN}})),
         "unknown external - file 5 was dumped by a plugin"),
        ("a port that is used", host(add_file(inet(1, 5, 10, port, loopback))),
         "no port 127.0.0.1:%d tcp port is in use here" % port),
        ("used, by all addresses", host(add_file(inet(1, 5, 10, port, 0))),
         "no port 0.0.0.0:%d tcp port is in use here" % port),
        ("used, elsewhere", host(add_file(inet(1, 5, 10, port, 0x0200007f))), "yes port - free: 1"),
        ("another address", host(add_file(inet(1, 5, 10, 9, 0x010200c0))),
         "no address 192.0.2.1:9 is no address of this machine"),
        ("a connection", host(add_file(end(1, 9, 10))),
         "unknown port 127.0.0.1:9 a connection to 127.0.0.1:10"),
        ("a connection of two of the set", host(add_file(end(1, 9, 10)), add_file(end(2, 10, 9))),
         "yes port - connections whose other side is in the set: 2"),
        ("two in different networks", host(add_file(end(1, 9, 10)), add_file(end(2, 10, 9, ns_id=12))),
         "unknown port 127.0.0.1:9 a connection to 127.0.0.1:10"),
        ("a name that is used", host(add_file(changed(unix(1, 5, 0), "usk", name="=00crit-compat-%d" % os.getpid()))),
         "no port @crit-compat-%d the name is in use here" % os.getpid()),
        ("a mount from outside", mount(ext_mount=True, ext_key="data"),
         "unknown mount /mnt from outside: give it with --external mnt[data]:PATH"),
        ("a file system", mount(fsname="nosuchfs"), "unknown filesystem nosuchfs not known"),
        ("control groups", lambda made: made["cgroup.img"][0]["controllers"][0].update(cnames=["nosuch"]),
         "no cgroup nosuch no hierarchy"),
        ("a plugin", lambda made: made["inventory.img"][0].update(plugins_entry={"plugins": ["gpu"]}),
         "unknown external gpu this plugin took part"),
        ("a namespace from outside", lambda made: made["netns-11.img"][0].update(ext_key="net"),
         "unknown external net a network namespace from outside"),
        ("guard regions", lambda made: made["mm-1.img"][0]["vmas"].append(
            whole_set.area(0x500000, 1, 0, 0x10000)), " kernel guard regions "),
    ]


def compat(directory):
    done = subprocess.run([CRIT, "compat", directory], capture_output=True, text=True, check=False)
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()[1:]]
    return done.returncode, lines, done.stderr


def main():
    keep, all_cases = cases(WORK)
    wrong = []
    for number, (what, change, words) in enumerate(all_cases):
        directory = os.path.join(WORK, "c%d" % number)
        whole_set.build(CRIT, directory, change)
        code, lines, errors = compat(directory)
        found = any(line.startswith(words) or words.startswith(" ") and words in line for line in lines)
        says_no = any(line.startswith("no ") for line in lines)
        answer = "Answer: no" if says_no else "Answer: unknown" \
            if any(line.startswith("unknown ") for line in lines) else "Answer: yes"
        told = "crit compat: " + words[len("no set - "):] if words.startswith("no set - ") else ""
        if not found or not errors.startswith(told) or bool(errors) != bool(told) \
                or code != says_no or lines[-1] != answer:
            wrong.append("%s: exit %d, %s %s" % (what, code, lines, errors.strip()))
        shutil.rmtree(directory)
        shutil.rmtree(directory + ".parent")
    for one in keep:
        one.close()
    print("%d cases right" % (len(all_cases) - len(wrong)))
    for line in wrong:
        print("wrong: " + line)
    return 1 if wrong else 0


sys.exit(main())
