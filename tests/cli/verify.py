# SPDX-License-Identifier: MIT
# Corrupts a whole set in one way after the other and looks whether `crit verify` finds each:
#   verify.py CRIT WORKDIR
import copy
import gzip
import json
import os
import shutil
import struct
import subprocess
import sys

import whole_set

CRIT, WORK = sys.argv[1], sys.argv[2]
GONE = object()


def at(name, *path):
    """Change one value: at(IMAGE, KEY…, VALUE); GONE removes it."""
    *keys, last, value = path

    def change(made):
        where = made[name]
        for key in keys:
            where = where[key]
        if value is GONE:
            del where[last]
        else:
            where[last] = value
    return name, change


def append(name, *path):
    """Repeat an item of a list: append(IMAGE, KEY…, INDEX)."""
    *keys, index = path

    def change(made):
        where = made[name]
        for key in keys:
            where = where[key]
        where.append(copy.deepcopy(where[index]))
    return name, change


def emptied(empty, *change):
    """Change one value, and leave nothing of a file."""
    name, edit = at(*change)

    def copy_file(directory):
        open(os.path.join(directory, empty), "wb").close()
        made = images()
        edit(made)
        whole_set.encode(CRIT, directory, name, made[name])
    return name, copy_file


def inotify(**more):
    """A file that watches another twice, by one number."""
    handle = {"bytes": 8, "type": 1, "handle": [1]}
    watches = [{"id": 24, "i_ino": 1, "mask": 1, "ignored_mask": 0, "s_dev": 1, "wd": 1,
                "f_handle": handle, **more}] * 2
    file = whole_set.file_of("INOTIFY", 1, "ify", flags=0, fown=whole_set.FOWN, wd=watches)
    return append_item("files.img", file)


def window(**wrong):
    """What the kernel takes as a window of TCP, but for one value."""
    def change(made):
        made["tcp-stream-1f.img"][0].update({"snd_wl1": 1, "snd_wnd": 10, "max_window": 10,
                                             "rcv_wnd": 20, "rcv_wup": 1, **wrong})
    return "tcp-stream-1f.img", change


def append_item(name, item):
    def change(made):
        made[name].append(item)
    return name, change


def file_bytes(name, edit):
    """Change the bytes of a file: edit(bytes) -> bytes, or None to remove it."""
    return name, edit


def copied(name, new):
    """One image more, the same as another."""
    def copy_file(directory):
        shutil.copy(os.path.join(directory, name), os.path.join(directory, new))
    return name, copy_file


def by_pid():
    """Namespaces go by the pid of the root, as in old sets."""
    def copy_file(directory):
        for name in os.listdir(directory):
            for kind, number in ("utsns", 10), ("ipcns", 13):
                if name.startswith(kind):
                    os.rename(os.path.join(directory, name),
                              os.path.join(directory, name.replace("-%d." % number, "-1.")))
        made = images()
        del made["inventory.img"][0]["ns_per_id"]
        whole_set.encode(CRIT, directory, "inventory.img", made["inventory.img"])
    return "inventory.img", copy_file


def patch(offset, data):
    return lambda old: old[:offset] + data + old[offset + len(data):]


NFT = b"table inet t {\n\tchain c {\n\t\tcomment \"{\" # }\n\t}\n}\n"
IPT = b"*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n*nat\n:INPUT ACCEPT [0:0]\nCOMMIT\n"
def netlink(magic, *messages):
    """What `ip ... save` writes: (type, header, attributes)…"""
    made = magic.to_bytes(4, "little")
    for kind, header, attrs in messages:
        body = header + b"".join(struct.pack("<HH", 4 + len(data), number) + data
                                 for number, data in attrs)
        made += struct.pack("<IHHII", 16 + len(body), kind, 0, 0, 0) + body
    return made


def address(index):
    return netlink(0x47361222, (20, struct.pack("<BBBBI", 2, 24, 0, 0, index),
                                [(1, bytes([10, 0, 0, 1]))]))


def route(index):
    return netlink(0x45311224, (24, struct.pack("<BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0),
                                [(4, index.to_bytes(4, "little"))]))


RAW = {"ifaddr-11.img": address(6), "route-11.img": route(6), "route6-11.img": (0x45311224).to_bytes(4, "little"),
       "nftables-11.img": NFT, "ip6tables-11.img": IPT,
       "netns-ct-11.img": b"", "netns-exp-11.img": b"",
       "tmpfs-dev-34.tar.gz.img": gzip.compress(bytes(1024))}


def images():
    """The whole set, and what else sets of CRIU 4.2 have, or those of Stasis."""
    made = whole_set.images()
    made["inventory.img"][0]["dump_criu_run_id"] = "0123"
    made["netns-11.img"][0]["nf_tables"] = "AA=="
    made["netns-11.img"][0]["all_conf6"] = [{"type": "CTL_32", "iarg": 0}]
    files = made["files.img"]
    files[0]["reg"]["size"] = 0
    files[FILES["gone"]]["reg"]["size"] = len(b"ghostly")
    files[FILES["fifo's file"]]["reg"]["flags"] = 2
    files[FILES["pipe"]]["pipe"]["flags"] = 0
    files.append(whole_set.file_of("TUNF", 22, "tunf", netdev="tun0", ns_id=11))
    files.append(whole_set.file_of("BPFMAP", 23, "bpf", pos=0, flags=2, map_type=1, key_size=1,
                                   value_size=1, map_id=5, max_entries=1, map_flags=0, memlock=1,
                                   frozen=False, fown=whole_set.FOWN, map_name="m", ifindex=0,
                                   mnt_id=20))
    files.append({**whole_set.reg(27, "/mqueue:q"), "mqueue": {"name": "q"}})
    made["ipcns-var-13.img"][0]["mqueues"] = [
        {"name": "q", "mode": 384, "uid": 0, "gid": 0, "maxmsg": 10, "msgsize": 8192}]
    # namespaces that nobody is in: of processes, of users, of mounts
    for number, ns, kind in (24, 30, 0x20000000), (25, 31, 0x10000000), (26, 32, 0x00020000):
        files.append(whole_set.file_of("NS", number, "nsf", ns_id=ns, ns_cflag=kind, flags=0))
    made["pidns-30.img"] = [{"parent_ns": 9}]
    made["userns-31.img"] = [{"parent_ns": 7, "owner": 0,
                              "owned": [{"cflag": 0x40000000, "id": 11},
                                        {"cflag": 0x00020000, "id": 32}]}]
    made["mountpoints-32.img"] = []
    made["mountpoints-12.img"][0]["held"] = [32]
    made["mountpoints-12.img"][0]["user_ns"] = 31
    made["bpfmap-data.img"] = [{"map_id": 5, "keys_bytes": 0, "values_bytes": 0, "count": 0,
                                "extra": ""}]
    made["netdev-11.img"][1].update(peer_ifindex=5, peer_nsid=11)
    made["netdev-11.img"].append({"type": "TUN", "ifindex": 7, "mtu": 1500, "flags": 1,
                                  "name": "tun0"})
    made["mountpoints-12.img"] += [
        {**whole_set.mount(22, 20, "/tmp"), "root_dev": 34},
        {**whole_set.mount(23, 20, "/auto", 18), "root_dev": 35},
        {**whole_set.mount(24, 20, "/given"), "root_dev": 36, "ext_key": "given"}]
    made["autofs-35.img"] = [{"fd": 0, "pgrp": 1, "timeout": 1, "minproto": 5, "maxproto": 5,
                              "mode": 1}]
    made["ipcns-msg-13.img"] = made["ipcns-sem-13.img"] = []
    made["pstree.img"] += [
        # a session that lost its leader came to the root, and has children
        {"pid": 15, "ppid": 1, "pgid": 70, "sid": 70, "threads": [0]},
        {"pid": 16, "ppid": 15, "pgid": 71, "sid": 70, "threads": [0]},
        # a group that lost its leader
        {"pid": 17, "ppid": 3, "pgid": 72, "sid": 1, "threads": [0]},
        {"pid": 18, "ppid": 3, "pgid": 72, "sid": 1, "threads": [0]}]
    made["ids-3.img"][0]["pid_ns_id"] = 40
    made["pstree.img"][1]["levels"] = [{"ns_id": 40, "pgid": 2, "sid": 0, "threads": [2]}]
    for pid in range(15, 19):
        made["core-%d.img" % pid] = made["core-4.img"]
    return json.loads(json.dumps(made)) # nothing of it is shared


FILES = {"gone": 3, "pipe": 4, "fifo": 5, "fifo's file": 6, "unix": 7, "inet": 9, "tty": 11,
         "memfd": 13, "epoll": 14, "tun": 21}

# What is corrupted, and how: the edit, then the words of the finding.
CORRUPTIONS = [
    # framing
    ("truncated", file_bytes("files.img", lambda d: d[:-3]), "files.img 26 wanted a message"),
    ("size word cut", file_bytes("mm-1.img", lambda d: d + b"\1\0"), "mm-1.img wanted a size"),
    ("size word huge", file_bytes("fs-1.img", patch(8, b"\xff\xff\xff\x7f")), "fs-1.img message"),
    ("required field gone", file_bytes("fs-1.img", patch(8, struct.pack("<I", 0))), "fs-1.img"),
    ("bad magic", file_bytes("pstree.img", patch(4, b"\0\0\0\0")), "pstree.img unknown magic"),
    ("another image's magic", file_bytes("ids-1.img", patch(4, bytes.fromhex("12394051"))),
     "ids-1.img is a FS image, not IDS"),
    ("empty file", file_bytes("core-2.img", lambda d: b""), "core-2.img"),
    ("payload cut", file_bytes("pipes-data.img", lambda d: d[:-1]), "pipes-data.img payload"),
    ("TCP queue cut", file_bytes("tcp-stream-1f.img", lambda d: d[:-2]), "tcp-stream-1f.img"),
    ("not a message", file_bytes("utsns-10.img", patch(12, b"\xff\xff")), "utsns-10.img"),
    # missing images
    ("no inventory", file_bytes("inventory.img", None), "inventory.img missing"),
    ("no tree", file_bytes("pstree.img", None), "pstree.img missing"),
    ("no core of a thread", file_bytes("core-2.img", None), "threads no core-2.img"),
    ("no core of a process", file_bytes("core-3.img", None), "process 3 has no core-3.img"),
    ("no mm", file_bytes("mm-3.img", None), "process 3 has no mm-3.img"),
    ("no fs", file_bytes("fs-3.img", None), "process 3 has no fs-3.img"),
    ("no ids", file_bytes("ids-3.img", None), "process 3 has no ids-3.img"),
    ("no page map", file_bytes("pagemap-3.img", None), "process 3 has no pagemap-3.img"),
    ("no descriptors", file_bytes("fdinfo-3.img", None), "files_id no fdinfo-3.img"),
    ("no shared segment", file_bytes("pagemap-shmem-70.img", None), "no pagemap-shmem-70.img"),
    ("no memfd pages", file_bytes("pagemap-shmem-71.img", None), "no pagemap-shmem-71.img"),
    ("no SysV pages", file_bytes("pagemap-shmem-1.img", None), "no pagemap-shmem-1.img"),
    ("no ghost file", file_bytes("ghost-file-1.img", None), "remap_id no ghost-file-1.img"),
    ("no TCP stream", file_bytes("tcp-stream-1f.img", None), "isk.ino no tcp-stream-1f.img"),
    ("no uts namespace", file_bytes("utsns-10.img", None), "uts_ns_id no utsns-10.img"),
    ("no net namespace", file_bytes("netns-11.img", None), "net_ns_id no netns-11.img"),
    ("no ipc namespace", file_bytes("ipcns-var-13.img", None), "ipc_ns_id no ipcns-var-13.img"),
    ("no mounts", file_bytes("mountpoints-12.img", None), "mnt_ns_id no mountpoints-12.img"),
    ("no files", file_bytes("files.img", None), "cwd_id no REG file 1"),
    ("no terminals", file_bytes("tty-info.img", None), "tty.tty_info_id no terminal 2"),
    ("no memfds", file_bytes("memfd.img", None), "memfd.inode_id no memfd inode 1"),
    ("no devices", file_bytes("netdev-11.img", None), "netns-11.img 0 no netdev-11.img"),
    ("no addresses", file_bytes("ifaddr-11.img", None), "netns-11.img 0 no ifaddr-11.img"),
    ("no routes", file_bytes("route-11.img", None), "netns-11.img 0 no route-11.img"),
    ("no routes of IPv6", file_bytes("route6-11.img", None), "netns-11.img 0 no route6-11.img"),
    ("no rules", file_bytes("rule-11.img", None), "netns-11.img 0 no rule-11.img"),
    ("no packet filter", file_bytes("nftables-11.img", None), "netns-11.img 0 no nftables-11.img"),
    ("no tracked", file_bytes("netns-ct-11.img", None), "netns-11.img 0 no netns-ct-11.img"),
    ("no expected", file_bytes("netns-exp-11.img", None), "netns-11.img 0 no netns-exp-11.img"),
    ("no tmpfs", file_bytes("tmpfs-dev-34.tar.gz.img", None),
     "mountpoints-12.img 2 root_dev no tmpfs-dev-34.tar.gz.img"),
    ("no autofs", file_bytes("autofs-35.img", None), "mountpoints-12.img 3 root_dev no autofs-35"),
    ("no queues", file_bytes("ipcns-msg-13.img", None), "ipcns-var-13.img no ipcns-msg-13.img"),
    ("no semaphores", file_bytes("ipcns-sem-13.img", None), "no ipcns-sem-13.img"),
    ("no clocks", file_bytes("timens-0.img", None), "ids-1.img 0 time_ns_id no timens-0.img"),
    ("no cgroups", file_bytes("cgroup.img", None), "core-1.img 0 tc.cg_set no cgroup set 2"),
    ("no data of pipes", file_bytes("pipes-data.img", None), "pipe.pipe_id no data of pipe 55"),
    ("no data of fifos", file_bytes("fifo-data.img", None), "fifo.pipe_id no data of fifo 66"),
    ("no maps", file_bytes("bpfmap-data.img", None), "bpf.map_id no contents of BPF map 5"),
    ("no remaps", file_bytes("remap-fpath.img", None), "ghost-file-1.img nothing refers to it"),
    # cut where the form does not tell
    ("ghost file short", file_bytes("ghost-file-1.img", lambda d: d[:-1]),
     "ghost-file-1.img 6 bytes, the file had 7"),
    ("filter short", file_bytes("nftables-11.img", lambda d: d[:-1]),
     "nftables-11.img line 5: the last line has no end"),
    ("filter short by a line", file_bytes("nftables-11.img", lambda d: d[:-2]),
     "nftables-11.img line 4: a brace is not closed"),
    ("filter with a brace more", file_bytes("nftables-11.img", lambda d: d + b"}\n"),
     "line 6: a brace closes what did not open"),
    ("tables short", file_bytes("ip6tables-11.img", lambda d: d[:-1]), "line 6: the last line"),
    ("tables without an end", file_bytes("ip6tables-11.img", lambda d: d[:-7]), "no COMMIT"),
    ("a table without an end", file_bytes("ip6tables-11.img", lambda d: d.replace(
        b"COMMIT\n*nat", b"*nat")), "ip6tables-11.img line 3: a table begins"),
    ("tmpfs short", file_bytes("tmpfs-dev-34.tar.gz.img", lambda d: d[:-1]), "tmpfs-dev-34"),
    # images nobody needs
    ("ghost file of nobody", copied("ghost-file-1.img", "ghost-file-2.img"), "nothing refers"),
    ("tmpfs of nobody", copied("tmpfs-dev-34.tar.gz.img", "tmpfs-dev-9.tar.gz.img"),
     "tmpfs-dev-9.tar.gz.img nothing refers to it"),
    ("descriptors of nobody", copied("fdinfo-2.img", "fdinfo-9.img"), "nothing refers to it"),
    ("connection of nobody", copied("tcp-stream-1f.img", "tcp-stream-2f.img"),
     "tcp-stream-2f.img there is no inet socket with inode 47"),
    ("ids of nobody", copied("ids-1.img", "ids-9.img"), "ids-9.img there is no process 9"),
    ("network of nobody", copied("rule-11.img", "rule-9.img"), "there is no netdev-9.img"),
    ("no filters", file_bytes("seccomp.img", None), "seccomp_filter no seccomp filter 1"),
    # references
    ("parent of a process", at("pstree.img", 1, "ppid", 9), "pstree.img 1 ppid no process 9"),
    ("two of one pid", at("pstree.img", 1, "pid", 1), "pstree.img 1 pid a second process 1"),
    ("leader not a thread", at("pstree.img", 1, "threads", [2]), "thread 3, the leader"),
    ("cgroup set", at("core-1.img", 0, "tc", "cg_set", 7), "tc.cg_set no cgroup set 7"),
    ("seccomp filter", at("core-2.img", 0, "thread_core", "seccomp_filter", 5),
     "thread_core.seccomp_filter no seccomp filter 5"),
    ("filter before itself", at("seccomp.img", 0, "seccomp_filters", 1, "prev", 1),
     "filter 1 does not come before"),
    ("timer's thread", at("core-1.img", 0, "tc", "timers", "posix", 0, "notify_thread_id", 9),
     "tc.timers.posix[0].notify_thread_id no thread 9"),
    ("working directory", at("fs-1.img", 0, "cwd_id", 99), "fs-1.img 0 cwd_id no REG file 99"),
    ("root", at("fs-1.img", 0, "root_id", 5), "fs-1.img 0 root_id no REG file 5"),
    ("program", at("mm-1.img", 0, "exe_file_id", 99), "exe_file_id no REG file 99"),
    ("mapped file", at("mm-1.img", 0, "vmas", 0, "shmid", 98), "vmas[0].shmid no REG file 98"),
    ("shared segment", at("mm-1.img", 0, "vmas", 2, "shmid", 90), "no pagemap-shmem-90.img"),
    ("SysV segment", at("mm-1.img", 0, "vmas", 3, "shmid", 8), "vmas[3].shmid no SysV segment 8"),
    ("mapped memfd", at("mm-1.img", 0, "vmas", 4, "shmid", 3), "vmas[4].shmid no MEMFD file 3"),
    ("descriptor's file", at("fdinfo-2.img", 1, "id", 77), "fdinfo-2.img 1 id no PIPE file 77"),
    ("descriptor's type", at("fdinfo-2.img", 1, "type", "FIFO"), "no FIFO file 5"),
    ("two of one descriptor", at("fdinfo-2.img", 1, "fd", 0), "fd a second descriptor 0"),
    ("two of one file", at("files.img", 1, "id", 1), "a second REG file 1"),
    ("ids of one file", at("files.img", FILES["pipe"], "pipe", "id", 3), "pipe has id 3"),
    ("file without its member", at("files.img", FILES["pipe"], "pipe", GONE), "pipe missing"),
    ("mount of a file", at("files.img", 0, "reg", "mnt_id", 44), "reg.mnt_id no mount 44"),
    ("file of a fifo", at("files.img", FILES["fifo"], "fifo", "regf_id", 5), "no REG file 5"),
    ("peer", at("files.img", FILES["unix"], "usk", "peer", 4), "no unix socket with inode 4"),
    ("terminal", at("files.img", FILES["tty"], "tty", "tty_info_id", 3), "no terminal 3"),
    ("memfd inode", at("files.img", FILES["memfd"], "memfd", "inode_id", 4), "no memfd inode 4"),
    ("watched descriptor", at("files.img", FILES["epoll"], "epfd", "tfd", 0, "tfd", 50),
     "epfd.tfd[0].tfd no descriptor 50"),
    ("socket's network", at("files.img", FILES["inet"], "isk", "ns_id", 14),
     "isk.ns_id no net namespace 14"),
    ("address words", at("files.img", FILES["inet"], "isk", "src_addr", [1, 2]), "want 1"),
    ("port", at("files.img", FILES["inet"], "isk", "src_port", 70000),
     "isk.src_port 70000, want 0 to 65535"),
    ("pipe of data", at("pipes-data.img", 0, "pipe_id", 54), "pipe_id no pipe 54"),
    ("fifo of data", at("fifo-data.img", 0, "pipe_id", 55), "pipe_id no fifo 55"),
    ("socket of data", at("sk-queues.img", 0, "id_for", 5), "id_for no socket 5"),
    ("descriptor in flight", at("sk-queues.img", 0, "scm", 0, "rights", [60]), "no file 60"),
    ("unsent bytes", at("tcp-stream-1f.img", 0, "unsq_len", 9), "more unsent"),
    ("terminal of data", at("tty-data.img", 0, "tty_id", 9), "tty_id no terminal 9"),
    ("remapped file", at("remap-fpath.img", 0, "orig_id", 40), "orig_id no file 40"),
    ("link remap", at("remap-fpath.img", 1, "remap_id", 40), "remap_id no REG file 40"),
    ("two remaps", append("remap-fpath.img", 0), "a second remap of file 4"),
    ("pidfd", at("files.img", 17, "pidfd", "nspid", 8), "files.img 17 pidfd.nspid no process 8"),
    ("open namespace", at("files.img", 19, "nsf", "ns_id", 90),
     "files.img 19 nsf.ns_id no netns-90.img"),
    ("open namespace of another kind", at("files.img", 19, "nsf", "ns_cflag", 0x08000000),
     "files.img 19 nsf.ns_id no ipcns-var-11.img"),
    ("open user namespace", at("files.img", 19, "nsf", "ns_cflag", 0x10000000),
     "files.img 19 nsf.ns_id no userns-11.img"),
    ("user namespace of a task", at("ids-3.img", 0, "user_ns_id", 9), "user_ns_id no userns-9.img"),
    ("user namespace around another", at("userns-31.img", 0, "parent_ns", 99),
     "parent_ns no userns-99.img"),
    ("what a user namespace owns", at("userns-31.img", 0, "owned", 0, "id", 99),
     "owned[0].id no netns-99.img"),
    ("mounts that a user namespace owns", at("userns-31.img", 0, "owned", 1, "id", 99),
     "owned[1].id no mountpoints-99.img"),
    ("whose a file system is", at("mountpoints-12.img", 0, "user_ns", 99),
     "user_ns no userns-99.img"),
    ("open pid namespace of the dead", file_bytes("pidns-30.img", None),
     "nsf.ns_id no pid namespace 30"),
    ("pid namespace around another", at("pidns-30.img", 0, "parent_ns", 99),
     "parent_ns no pid namespace 99"),
    ("mounts nobody is in", file_bytes("mountpoints-32.img", None),
     "held no mountpoints-32.img"),
    ("open mount namespace", at("mountpoints-12.img", 0, "held", GONE), "no mnt namespace 32"),
    ("levels of a process", at("pstree.img", 1, "levels", GONE),
     "pstree.img 1 levels end in pid namespace 9, process 3 is in 40"),
    ("level of another namespace", at("pstree.img", 1, "levels", 0, "ns_id", 41),
     "pstree.img 1 levels end in pid namespace 41, process 3 is in 40"),
    ("thread of a level twice", at("pstree.img", 1, "levels", 0, "threads", [2, 2]),
     "pstree.img 1 levels[0].threads a second thread of one pid namespace: 2"),
    ("thread of a level too many", at("pstree.img", 1, "levels", 0, "threads", [2, 5]),
     "pstree.img 1 levels 2 threads in pid namespace 40, want 1"),
    ("message queue", at("files.img", -4, "mqueue", "name", "p"),
     "mqueue.name no message queue of this name"),
    ("credentials", at("core-1.img", 0, "thread_core", "creds", GONE), "thread_core.creds missing"),
    ("owner of a lock", at("filelocks.img", 0, "pid", 8), "filelocks.img 0 pid no process 8"),
    ("descriptor of a lock", at("filelocks.img", 0, "fd", 80), "fd no descriptor 80"),
    ("parent mount", at("mountpoints-12.img", 0, "parent_mnt_id", 6), "no mount 6"),
    ("mount below itself", at("mountpoints-12.img", 0, "parent_mnt_id", 21), "its own parent"),
    ("two of one mount", append("mountpoints-12.img", 0), "a second mount 21"),
    ("bridge of a device", at("netdev-11.img", 1, "master", 9), "master no network device 9"),
    ("other end of a pair", at("netdev-11.img", 1, "peer_ifindex", 9),
     "netdev-11.img 1 peer_ifindex no network device 9"),
    ("device of an address", file_bytes("ifaddr-11.img", lambda d: address(9)),
     "ifaddr-11.img 0 index no network device 9"),
    ("device of a route", file_bytes("route-11.img", lambda d: route(9)),
     "route-11.img 0 oif no network device 9"),
    ("addresses cut", file_bytes("ifaddr-11.img", lambda d: b""), "ifaddr-11.img is empty"),
    ("rules of routes cut", file_bytes("rule-11.img", lambda d: b""), "rule-11.img is empty"),
    ("filter cut", file_bytes("nftables-11.img", lambda d: b""), "nftables-11.img is empty"),
    ("tables cut", emptied("ip6tables-11.img", "netns-11.img", 0, "more",
                           [{"name": "core/somaxconn", "value": "1"}]),
     "ip6tables-11.img is empty"),
    ("routes cut", file_bytes("route-11.img", lambda d: b""), "route-11.img is empty"),
    ("the dumper's network", at("inventory.img", 0, "root_ids", "net_ns_id", 11),
     "inventory.img 0 root_ids.net_ns_id 11 is none of the dumper's own namespaces, 1 to 8"),
    ("the dumper's network, of another kind", at("inventory.img", 0, "root_ids", "net_ns_id", 3),
     "inventory.img 0 root_ids.ipc_ns_id 3 is that of another kind"),
    ("network of an id", at("netns-11.img", 0, "nsids", 0, "target_ns_id", 40), "netns-40.img"),
    ("pid namespace", at("ids-3.img", 0, "pid_ns_id", 99), "pid_ns_id no pid namespace 99"),
    ("cgroup namespace", at("ids-3.img", 0, "cgroup_ns_id", 99), "no cgroup namespace 99"),
    ("net namespace", at("ids-3.img", 0, "net_ns_id", 99), "net_ns_id no netns-99.img"),
    ("time namespace", at("ids-3.img", 0, "time_ns_id", 99), "time_ns_id no timens-99.img"),
    ("network of a unix socket", at("files.img", FILES["unix"], "usk", "ns_id", 99),
     "usk.ns_id no net namespace 99"),
    ("dumper's cgroup set", at("inventory.img", 0, "root_cg_set", 7),
     "inventory.img 0 root_cg_set 7 is not that of the dumper"),
    ("dumper in a set of the tree", at("inventory.img", 0, "root_cg_set", 2), "root_cg_set 2 is"),
    ("device of a descriptor", at("files.img", FILES["tun"], "tunf", "netdev", "tun9"),
     "files.img 21 tunf.netdev no TUN device tun9 in netdev-11.img"),
    ("target of epoll by id", at("files.img", FILES["epoll"], "epfd", "tfd", 0, "id", 99),
     "epfd.tfd[0].id no file 99"),
    # sessions and groups
    ("session is a thread", at("pstree.img", 1, "sid", 2), "sid 2 is a thread, and no session"),
    ("group is a thread", at("pstree.img", 1, "pgid", 2), "pgid 2 is a thread, and no group"),
    ("session of one that leads none", at("pstree.img", 2, "sid", 3), "process 3 leads no session"),
    ("session that nobody led", at("pstree.img", 5, "sid", 99), "none that could have left"),
    ("leader in another group", at("pstree.img", 0, "pgid", 3), "pgid 3, but it leads a session"),
    ("group of another session", at("pstree.img", 2, "pgid", 15), "session 70 of process 15"),
    ("group in two sessions", at("pstree.img", 5, "pgid", 71),
     "pstree.img 5 pgid group 71 is in session 70 of process 16, this one in 1"),
    # shapes
    ("version", at("inventory.img", 0, "img_version", 9), "img_version 9 is no version"),
    ("state", at("core-3.img", 0, "tc", "task_state", 99), "99 is no state"),
    ("machine", at("core-2.img", 0, "mtype", "AARCH64"), "mtype no registers"),
    ("leader without task", at("core-3.img", 0, "tc", GONE), "core-3.img 0 tc missing"),
    ("one signal action", append("core-1.img", 0, "tc", "sigactions", 0), "63 of them, want 62"),
    ("limit above maximum", at("core-1.img", 0, "tc", "rlimits", "rlimits", 3, "cur", 300),
     "limit 3 is above"),
    ("siginfo", at("core-1.img", 0, "tc", "signals_s", "signals", 0, "siginfo", "AA==\n"),
     "1 bytes, want 128"),
    ("capabilities", at("core-1.img", 0, "thread_core", "creds", "cap_eff", [1, 0]),
     "not permitted"),
    ("user id", at("core-1.img", 0, "thread_core", "creds", "euid", 0xffffffff),
     "4294967295 is no id"),
    ("overlapping areas", at("mm-1.img", 0, "vmas", 1, "start", 0x401000), "starts below"),
    ("empty area", at("mm-1.img", 0, "vmas", 1, "end", 0x500000), "is empty"),
    ("odd area", at("mm-1.img", 0, "vmas", 1, "end", 0x504001), "not whole pages"),
    ("auxiliary vector", at("mm-1.img", 0, "mm_saved_auxv", [6]), "want pairs"),
    ("nanoseconds", at("timens-0.img", 0, "monotonic", "tv_nsec", 10**9), "want 0 to 999999999"),
    # values that nothing has
    ("oom score adj", at("core-1.img", 0, "tc", "oom_score_adj", 1001),
     "core-1.img oom_score_adj 1001, want"),
    ("exit code", at("core-1.img", 0, "tc", "exit_code", 65536),
     "core-1.img exit_code 65536, want"),
    ("stop signo", at("core-1.img", 0, "tc", "stop_signo", 128),
     "core-1.img stop_signo 128, want"),
    ("sched nice", at("core-1.img", 0, "thread_core", "sched_nice", 20),
     "core-1.img sched_nice 20, want"),
    ("sched policy", at("core-1.img", 0, "thread_core", "sched_policy", 9),
     "core-1.img sched_policy no such flags: 0x8"),
    ("sched prio", at("core-1.img", 0, "thread_core", "sched_prio", 100),
     "core-1.img sched_prio 100, want"),
    ("pdeath sig", at("core-1.img", 0, "thread_core", "pdeath_sig", 177),
     "core-1.img pdeath_sig 177, want"),
    ("futex rla len", at("core-1.img", 0, "thread_core", "futex_rla_len", 25),
     "core-1.img futex_rla_len 25, want"),
    ("no new privs", at("core-1.img", 0, "thread_core", "creds", "no_new_privs", 2),
     "core-1.img no_new_privs 2, want"),
    ("isec", at("core-1.img", 0, "tc", "timers", "real", "isec", 9223372036854775808),
     "core-1.img isec 9223372036854775808, want"),
    ("iusec", at("core-1.img", 0, "tc", "timers", "real", "iusec", 1000000),
     "core-1.img iusec 1000000, want"),
    ("vnsec", at("core-1.img", 0, "tc", "timers", "posix", 0, "vnsec", 1000000000),
     "core-1.img vnsec 1000000000, want"),
    ("si signo", at("core-1.img", 0, "tc", "timers", "posix", 0, "si_signo", 128),
     "tc.timers.posix[0].si_signo 128 is no signal"),
    ("it sigev notify", at("core-1.img", 0, "tc", "timers", "posix", 0, "it_sigev_notify", 9),
     "core-1.img it_sigev_notify 9, want"),
    ("mm start stack", at("mm-1.img", 0, "mm_start_stack", 0),
     "mm-1.img mm_start_stack 0, want"),
    ("mm brk", at("mm-1.img", 0, "mm_brk", 9223372036854775808),
     "mm-1.img mm_brk 9223372036854775808, want"),
    ("dumpable", at("mm-1.img", 0, "dumpable", 3),
     "mm-1.img dumpable 3, want"),
    ("size", at("memfd.img", 0, "size", 9223372036854775808),
     "memfd.img size 9223372036854775808, want"),
    ("fd", at("fdinfo-2.img", 0, "fd", 2147483648),
     "fdinfo-2.img fd 2147483648, want"),
    ("signum", at("files.img", 0, "reg", "fown", "signum", 128),
     "files.img signum 128, want"),
    ("pid type", at("files.img", 0, "reg", "fown", "pid_type", 3),
     "files.img pid_type 3, want"),
    ("pos", at("files.img", 0, "reg", "pos", 9223372036854775808),
     "files.img pos 9223372036854775808, want"),
    ("pid", at("files.img", 0, "reg", "fown", "pid", 4194305),
     "files.img pid 4194305, want"),
    ("flag", at("filelocks.img", 0, "flag", 9),
     "filelocks.img flag 9, want"),
    ("len", at("filelocks.img", 0, "len", -1),
     "filelocks.img len -1, want"),
    ("index", at("tty-info.img", 0, "pty", "index", 1048576),
     "tty-info.img index 1048576, want"),
    ("type", at("files.img", 9, "isk", "type", 4),
     "files.img type 4, want"),
    ("proto", at("files.img", 9, "isk", "proto", 263),
     "files.img proto 263, want"),
    ("state", at("files.img", 9, "isk", "state", 13),
     "files.img state 13, want"),
    ("type", at("files.img", 7, "usk", "type", 6),
     "files.img type 6, want"),
    ("state", at("files.img", 7, "usk", "state", 0),
     "files.img state 0, want"),
    ("so rcv tmo usec", at("files.img", 7, "usk", "opts", "so_rcv_tmo_usec", 1000000),
     "files.img so_rcv_tmo_usec 1000000, want"),
    ("so sndbuf", at("files.img", 7, "usk", "opts", "so_sndbuf", 2147483648),
     "files.img so_sndbuf 2147483648, want"),
    ("snd wscale", at("tcp-stream-1f.img", 0, "snd_wscale", 15),
     "tcp-stream-1f.img snd_wscale 15, want"),
    ("mss clamp", at("tcp-stream-1f.img", 0, "mss_clamp", 0),
     "tcp-stream-1f.img mss_clamp 0, want"),
    ("ifindex", at("netdev-11.img", 0, "ifindex", 0),
     "netdev-11.img ifindex 0, want"),
    ("mtu", at("netdev-11.img", 0, "mtu", 2147483648),
     "netdev-11.img mtu 2147483648, want"),
    ("size", at("ipcns-shm-13.img", 0, "size", 0),
     "ipcns-shm-13.img size 0, want"),
    ("id", at("ipcns-shm-13.img", 0, "desc", "id", 2147483648),
     "ipcns-shm-13.img id 2147483648, want"),
    ("minproto", at("autofs-35.img", 0, "minproto", 6),
     "autofs-35.img minproto 6, want"),
    ("sid", at("pstree.img", 0, "sid", 4194305),
     "pstree.img sid 4194305, want"),
    ("pgid", at("pstree.img", 0, "pgid", 4194305),
     "pstree.img pgid 4194305, want"),
    ("size", at("pipes-data.img", 0, "size", 5),
     "pipes-data.img size 5, want"),
    ("bits of secbits", at("core-1.img", 0, "thread_core", "creds", "secbits", 0x1000),
     "core-1.img secbits no such flags: 0x1000"),
    ("bits of umask", at("fs-1.img", 0, "umask", 0x200),
     "fs-1.img umask no such flags: 0x200"),
    ("bits of flags", at("fdinfo-2.img", 0, "flags", 0x2),
     "fdinfo-2.img flags no such flags: 0x2"),
    ("bits of seals", at("memfd.img", 0, "seals", 0x40),
     "memfd.img seals no such flags: 0x40"),
    ("bits of flags", at("files.img", 0, "reg", "flags", 0x80000000),
     "files.img flags no such flags: 0x80000000"),
    ("bits of flags", at("files.img", 4, "pipe", "flags", 0x80000000),
     "files.img flags no such flags: 0x80000000"),
    ("bits of flags", at("files.img", 14, "epfd", "flags", 0x80000000),
     "files.img flags no such flags: 0x80000000"),
    ("bits of opt mask", at("tcp-stream-1f.img", 0, "opt_mask", 0x100),
     "tcp-stream-1f.img opt_mask no such flags: 0x100"),
    ("bits of so buf lock", at("files.img", 7, "usk", "opts", "so_buf_lock", 0x4),
     "files.img so_buf_lock no such flags: 0x4"),
    ("bits of flags", at("seccomp.img", 0, "seccomp_filters", 0, "flags", 0x100),
     "seccomp.img flags no such flags: 0x100"),
    # values that do not go with others
    ("ambient capabilities", at("core-1.img", 0, "thread_core", "creds", "cap_amb", [1, 0]),
     "thread_core.creds.cap_amb has capabilities that are not permitted"),
    ("kind of an area", at("mm-1.img", 0, "vmas", 1, "status", 1),
     "vmas[1].status 0x1 is no kind of area"),
    ("unknown kind of an area", at("mm-1.img", 0, "vmas", 1, "status", 0x80201),
     "vmas[1].status 0x80201 is no kind of area"),
    ("neither shared nor private", at("mm-1.img", 0, "vmas", 1, "flags", 0x20),
     "vmas[1].flags neither shared nor private"),
    ("place in a file", at("mm-1.img", 0, "vmas", 0, "pgoff", 1), "vmas[0].pgoff 0x1 is inside"),
    ("file of an area", at("mm-1.img", 0, "vmas", 0, "shmid", 2**32 + 3),
     "vmas[0].shmid 4294967299 is no id of a file"),
    ("registered rseq", at("core-1.img", 0, "thread_core", "rseq_entry",
                           {"rseq_abi_pointer": 16, "rseq_abi_size": 32, "signature": 1}),
     "rseq_entry.rseq_abi_pointer 0x10 is not a multiple of 32"),
    ("terminal without its number", at("tty-info.img", 0, "pty", GONE),
     "tty-info.img 0 pty missing"),
    ("kind of a namespace", at("files.img", 19, "nsf", "ns_cflag", 0x40000001),
     "nsf.ns_cflag 0x40000001 is no kind of namespace"),
    ("value of a setting", at("netns-11.img", 0, "all_conf6", 0, {"type": "CTL_STR", "iarg": 0}),
     "netns-11.img 0 all_conf6[0].type is not that of the value"),
    ("who listens without a port", at("files.img", 10, "isk", "src_port", 0),
     "isk.src_port 0, and it listens"),
    ("connected to no port", at("files.img", 9, "isk", "dst_port", 0),
     "isk.dst_port 0, and it is connected"),
    ("connected with itself", at("files.img", 7, "usk", "peer", 808),
     "808 is not connected with it"),
    ("connected with another kind", at("files.img", 8, "usk", "type", 5),
     "809 is a socket of another type"),
    ("handle of a file", inotify(f_handle={"bytes": 9, "type": 1, "handle": [1]}),
     "ify.wd[0].f_handle.bytes 9, and there are 8"),
    ("watch twice", inotify(), "ify.wd a second watch 1"),
    ("more in a pipe than fits", at("pipes-data.img", 0, {
        "pipe_id": 55, "bytes": 5000, "size": 4096, "extra": whole_set.b64(bytes(5000))}),
     "pipes-data.img 0 size 5000 bytes are in a pipe for 4096"),
    ("thread of a living process", at("pstree.img", 1, "threads", [0]),
     "pstree.img 1 threads thread 0, and process 3 is no zombie"),
    ("version of a pre-dump", at("inventory.img", 0, "img_version", 0),
     "img_version that of a pre-dump, and there is a process tree"),
    ("no root of mounts", at("mountpoints-12.img", 1, "mountpoint", "/x"), "no mount is the root"),
    ("a second root", at("mountpoints-12.img", 2, {**whole_set.mount(22, 9, "/"), "root_dev": 34}),
     "a second root, besides mount 20"),
    ("mount not below its parent", at("mountpoints-12.img", 2, "parent_mnt_id", 21),
     "mountpoints-12.img 2 mountpoint /tmp is not below /proc, where its parent is"),
    ("mounts below each other", at("mountpoints-12.img", 1, "parent_mnt_id", 21),
     "mountpoints-12.img 1 parent_mnt_id mount 20 is below itself"),
    ("area open for writing", at("mm-1.img", 0, "vmas", 0, "fdflags", 1),
     "vmas[0].fdflags nothing can be mapped that is open for writing alone"),
    ("neither kind of sharing", at("mm-1.img", 0, "vmas", 1, "flags", 0x24),
     "vmas[1].flags neither shared nor private"),
    ("who listens with a peer", at("files.img", 10, "isk", "dst_port", 77),
     "isk.dst_port 77, and it listens"),
    ("protocol of a stream", at("files.img", 9, "isk", "proto", 17), "isk.proto 17 has no streams"),
    ("largest window", window(max_window=9), "max_window 9 is less than snd_wnd, 10"),
    ("window's last segment", window(snd_wl1=22), "snd_wl1 22 is behind the window"),
    ("window's last byte", window(rcv_wup=2), "rcv_wup 2 is behind inq_seq, 1"),
    ("number of a terminal", at("tty-info.img", 0, "pty", "index", 2),
     "tty-info.img 0 rdev is /dev/pts/1, pty.index 2"),
    ("size of rseq", at("core-1.img", 0, "thread_core", "rseq_entry",
                        {"rseq_abi_pointer": 32, "rseq_abi_size": 0, "signature": 1}),
     "rseq_entry.rseq_abi_size 0, want 32 or more"),
    ("stack of signals", at("core-1.img", 0, "thread_core", "sas",
                            {"ss_sp": 4096, "ss_size": 1000, "ss_flags": 0}),
     "thread_core.sas.ss_size 1000 bytes, want 2048"),
    ("type of a lock", at("filelocks.img", 0, "type", 8), "type no such flags: 0x8"),
    ("watch for nothing", inotify(mask=0), "ify.wd watch 1 is for nothing"),
    ("kind of a file", at("files.img", 0, "reg", "mode", 0o644),
     "files.img 0 reg.mode 0644 is no kind of file"),
    ("kind of a ghost file", at("ghost-file-1.img", 0, "mode", 0o600),
     "ghost-file-1.img 0 mode 0600 is no kind of file"),
    ("mode of a ghost file", at("files.img", FILES["gone"], "reg", "mode", 0o100644),
     "ghost-file-1.img - mode 0100600, the file had 0100644"),
    ("no namespace of the dumper", at("inventory.img", 0, "root_ids", "pid_ns_id", 0),
     "root_ids.pid_ns_id 0 is none of the dumper's own namespaces"),
    ("network lock", at("inventory.img", 0, "network_lock_method", 4),
     "network_lock_method 4, want"),
    ("limit of System V", at("ipcns-var-13.img", 0, "shm_ctlmni", 2**31),
     "shm_ctlmni 2147483648, want"),
    # pages
    ("pages short", file_bytes("pages-1.img", lambda d: d[:-whole_set.PAGE]), "pagemap-1.img"),
    ("pages long", file_bytes("pages-2.img", lambda d: d + bytes(whole_set.PAGE)),
     "pages-2.img 8192 bytes, its page map has 4096"),
    ("pages gone", file_bytes("pages-3.img", None), "pagemap-shmem-70.img"),
    ("pages nobody maps", at("pagemap-3.img", 0, "pages_id", 9), "pages-9.img, which is missing"),
    ("page outside of areas", at("pagemap-3.img", 1, "vaddr", 0x900000), "lie in no area"),
    ("pages overlap", at("pagemap-1.img", 2, "vaddr", 0x400000), "pagemap-1.img"),
    ("page past a segment", at("pagemap-shmem-71.img", 1, "vaddr", whole_set.PAGE), "segment"),
    ("page not in the parent", at("pagemap-1.img", 3, "vaddr", 0x503000),
     "page at 0x503000 is not in the parent set"),
    ("no parent", file_bytes("parent", None), "pages are in a parent set, and there is none"),
]

def external():
    """A stream whose other end is outside of the tree, as --external unix[INODE] dumps it."""
    def change(made):
        end = whole_set.unix(28, 900, 0)
        end["usk"].update(type=2, state=10, uflags=1)
        made["files.img"] += [whole_set.unix(29, 901, 900), end]
    return "files.img", change


# What is rare and true: nothing is found.
TRUE = [
    ("a connection that leads out", external()),
    ("a log that is only written", at("files.img", 0, "reg", "pos", 2**64 - 1)),
    ("a timer that signals nobody", at("core-1.img", 0, "tc", "timers", "posix", 0, {
        **whole_set.TIMER, "it_sigev_notify": 1, "si_signo": 0x7fffffff})),
    ("a mandatory lock", at("filelocks.img", 0, "type", 32 | 192)),
    ("an area of a plugin", at("mm-1.img", 0, "vmas", 0, "status", 0x88000041)),
    ("a root that is its own parent", at("mountpoints-12.img", 1, "parent_mnt_id", 20)),
    ("many semaphores", append_item("ipcns-sem-13.img", {
        "desc": {"key": 0, "uid": 0, "gid": 0, "cuid": 0, "cgid": 0, "mode": 384, "id": 1},
        "nsems": 60000, "extra": [0] * 60000})),
    ("namespaces by pid", by_pid()),
    ("a dumper whose own namespaces nobody knows", at("inventory.img", 0, "root_ids", GONE)),
    ("a signal of MIPS", at("core-1.img", 0, "thread_core", "pdeath_sig", 127)),
]


def corrupt(directory, name, edit):
    path = os.path.join(directory, name)
    if edit is None:
        os.unlink(path)
        return
    with open(path, "rb") as image:
        data = image.read()
    with open(path, "wb") as image:
        image.write(edit(data))


def apply(base, directory, what):
    shutil.copytree(base, directory, symlinks=True)
    name, edit = what
    if edit is not None and edit.__name__ == "copy_file":
        edit(directory)
    elif edit is not None and edit.__name__ == "change":
        made = images()
        edit(made)
        whole_set.encode(CRIT, directory, name, made[name])
    else:
        corrupt(directory, name, edit)


def verify(directory):
    done = subprocess.run([CRIT, "verify", directory], capture_output=True, text=True, check=False)
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()[1:]]
    return done.returncode, lines, done.stderr


def found(lines, words):
    """A line with all the words in their order."""
    for line in lines:
        place = 0
        for word in words.split():
            place = line.find(word, place)
            if place < 0:
                break
            place += len(word)
        else:
            return True
    return False


def main():
    base = os.path.join(WORK, "whole")
    whole_set.build(CRIT, base, lambda made: made.update(images()))
    for name, data in RAW.items():
        with open(os.path.join(base, name), "wb") as out:
            out.write(data)
    code, lines, errors = verify(base)
    assert (code, lines, errors) == (0, [], ""), (code, lines, errors)
    missed = []
    for number, (what, edit, words) in enumerate(CORRUPTIONS):
        directory = os.path.join(WORK, "c%d" % number)
        apply(base, directory, edit)
        code, lines, errors = verify(directory)
        if code != 1 or errors or not found(lines, words):
            missed.append("%s: exit %d, %s %s" % (what, code, lines[:4], errors.strip()))
        shutil.rmtree(directory)
    for number, (what, edit) in enumerate(TRUE):
        directory = os.path.join(WORK, "t%d" % number)
        apply(base, directory, edit)
        code, lines, errors = verify(directory)
        if code != 0 or lines or errors:
            missed.append("%s: exit %d, %s %s" % (what, code, lines[:4], errors.strip()))
        shutil.rmtree(directory)
    print("%d corruptions found" % (len(CORRUPTIONS) - len(missed)))
    for line in missed:
        print("missed: " + line)
    return 1 if missed else 0


sys.exit(main())
