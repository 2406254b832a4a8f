# SPDX-License-Identifier: MIT
# A small checkpoint with something of everything, made from the dictionaries below by `crit encode`:
#   whole_set.py CRIT DIR
import base64
import copy
import json
import os
import subprocess
import sys

PAGE = 4096
FOWN = {"uid": 0, "euid": 0, "signum": 0, "pid_type": 0, "pid": 0}
OPTS = {"so_sndbuf": 1, "so_rcvbuf": 1, "so_snd_tmo_sec": 0, "so_snd_tmo_usec": 0,
        "so_rcv_tmo_sec": 0, "so_rcv_tmo_usec": 0}
GPREGS = ("r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss fs_base "
          "gs_base ds es fs gs").split()
FPREGS = "cwd swd twd fop rip rdp mxcsr mxcsr_mask".split()
ALL_CAPS = [0xffffffff, 0x1ff]


def b64(data):
    return base64.b64encode(data).decode() + "\n"


def thread(comm, **more):
    creds = {name: 0 for name in "uid gid euid egid suid sgid fsuid fsgid secbits".split()}
    creds.update(cap_inh=[0, 0], cap_prm=[0, 0], cap_eff=[0, 0], cap_bnd=[0, 0], no_new_privs=1)
    return {"mtype": "X86_64",
            "thread_info": {"clear_tid_addr": 0, "gpregs": {name: 0 for name in GPREGS},
                            "fpregs": {name: 0 for name in FPREGS}},
            "thread_core": {"futex_rla": 0, "futex_rla_len": 0, "creds": creds, "comm": comm,
                            "seccomp_mode": "filter", "seccomp_filter": 1, "cg_set": 2, **more}}


def task(comm, state=1, **more):
    limits = [{"cur": 100, "max": 200} for _ in range(16)]
    return {"task_state": state, "exit_code": 0, "personality": 0, "flags": 0, "blk_sigset": 0,
            "comm": comm, "cg_set": 2, "rlimits": {"rlimits": limits}, **more}


def area(start, pages, prot, status, shmid=0, flags=2, pgoff=0):
    return {"start": start, "end": start + pages * PAGE, "pgoff": pgoff, "shmid": shmid,
            "prot": prot, "flags": flags, "status": status, "fd": -1}


def memory(areas):
    mm = {name: 0x400000 for name in "mm_start_code mm_end_code mm_start_data mm_end_data "
          "mm_start_stack mm_start_brk mm_brk".split()}
    return {**mm, "mm_arg_start": 0x7ff000, "mm_arg_end": 0x7ff010, "mm_env_start": 0x7ff010,
            "mm_env_end": 0x7ff020, "exe_file_id": 3, "mm_saved_auxv": [6, PAGE, 0, 0],
            "vmas": areas}


def file_of(kind, number, member, **fields):
    return {"type": kind, "id": number, member: {"id": number, **fields}}


def reg(number, name, **more):
    return file_of("REG", number, "reg", flags=0, pos=0, fown=FOWN, name=name, mnt_id=20, **more)


def unix(number, ino, peer, **more):
    return file_of("UNIXSK", number, "usk", ino=ino, type=1, state=1, flags=2, uflags=0, backlog=0,
                   peer=peer, fown=FOWN, opts=OPTS, name="", ns_id=11, **more)


def inet(number, ino, state, port, address):
    return file_of("INETSK", number, "isk", ino=ino, family=2, type=1, proto=6, state=state,
                   src_port=port, dst_port=4000 if state == 1 else 0, flags=2, backlog=5,
                   src_addr=[address], dst_addr=[0], fown=FOWN, opts=OPTS, ns_id=11)


def mount(number, parent, path, fstype=5):
    return {"fstype": fstype, "mnt_id": number, "root_dev": 33, "parent_mnt_id": parent, "flags": 0,
            "root": "/", "mountpoint": path, "source": "none", "options": ""}


def run(addr, pages, flags):
    return {"vaddr": addr, "compat_nr_pages": 0, "flags": flags, "nr_pages": pages}


def fd(number, kind, ident):
    return {"id": ident, "flags": 0, "type": kind, "fd": number}


NS = {"pid_ns_id": 9, "net_ns_id": 11, "ipc_ns_id": 13, "uts_ns_id": 10, "mnt_ns_id": 12,
      "user_ns_id": 7, "cgroup_ns_id": 8, "time_ns_id": 5}
HOST_NS = {"pid_ns_id": 1, "net_ns_id": 2, "ipc_ns_id": 3, "uts_ns_id": 4, "mnt_ns_id": 6,
           "user_ns_id": 7, "cgroup_ns_id": 8, "time_ns_id": 5}
R, W, X = 1, 2, 4
REGULAR, STACK, FILE, SHARED, ANON, SYSV, MEMFD = 1, 2, 0x40, 0x100, 0x200, 0x400, 0x4000
FILTER = b64(b"\x06\0\0\0\0\0\xff\x7f")
SIGNALS = [{"sigaction": 0, "flags": 0, "restorer": 0, "mask": 0} for _ in range(62)]
TIMER = {"it_id": 0, "clock_id": 0, "si_signo": 14, "it_sigev_notify": 4, "sival_ptr": 0,
         "overrun": 0, "isec": 0, "insec": 0, "vsec": 0, "vnsec": 0, "notify_thread_id": 2}
ITIMER = {"isec": 0, "iusec": 0, "vsec": 0, "vusec": 0}


def images():
    """File name -> entries."""
    first = thread("first")
    first["tc"] = task("first", sigactions=SIGNALS, timers={
        "real": ITIMER, "virt": ITIMER, "prof": ITIMER, "posix": [TIMER]},
        signals_s={"signals": [{"siginfo": b64(bytes(128))}]})
    child = thread("child")
    child["tc"] = task("child")
    return {
        "inventory.img": [{"img_version": 2, "fdinfo_per_id": True, "ns_per_id": True,
                           "root_cg_set": 1, "root_ids": {
                               "vm_id": 1, "files_id": 1, "fs_id": 1, "sighand_id": 1, **HOST_NS}}],
        "pstree.img": [
            {"pid": 1, "ppid": 0, "pgid": 1, "sid": 1, "threads": [1, 2]},
            {"pid": 3, "ppid": 1, "pgid": 3, "sid": 1, "threads": [3]},
            {"pid": 4, "ppid": 1, "pgid": 1, "sid": 1, "threads": [0]}],
        "core-1.img": [first],
        "core-2.img": [thread("second")],
        "core-3.img": [child],
        "core-4.img": [{"mtype": "X86_64", "tc": task("gone", state=6)}],
        "ids-1.img": [{"vm_id": 2, "files_id": 2, "fs_id": 2, "sighand_id": 2, **NS}],
        "ids-3.img": [{"vm_id": 3, "files_id": 3, "fs_id": 3, "sighand_id": 3, **NS}],
        "fs-1.img": [{"cwd_id": 1, "root_id": 2, "umask": 18}],
        "fs-3.img": [{"cwd_id": 1, "root_id": 2, "umask": 18}],
        "mm-1.img": [memory([
            area(0x400000, 2, R | X, REGULAR | FILE, shmid=3),
            area(0x500000, 4, R | W, REGULAR | ANON, flags=0x22),
            area(0x600000, 2, R | W, REGULAR | SHARED, shmid=70, flags=0x21),
            area(0x680000, 1, R | W, REGULAR | SHARED | SYSV, shmid=1, flags=1),
            area(0x690000, 1, R | W, REGULAR | FILE | MEMFD, shmid=14, flags=1),
            area(0x7ff000, 1, R | W, REGULAR | ANON | STACK, flags=0x122)])],
        "mm-3.img": [memory([area(0x500000, 4, R | W, REGULAR | ANON, flags=0x22)])],
        "pagemap-1.img": [{"pages_id": 1}, run(0x400000, 1, 4), run(0x500000, 2, 4),
                          run(0x502000, 1, 1), run(0x7ff000, 1, 4)],
        "pagemap-3.img": [{"pages_id": 2}, run(0x500000, 1, 4)],
        "pagemap-shmem-70.img": [{"pages_id": 3}, run(0, 2, 4)],
        "pagemap-shmem-71.img": [{"pages_id": 4}, run(0, 1, 4)],
        "pagemap-shmem-1.img": [{"pages_id": 5}, run(0, 1, 4)],
        "files.img": [
            reg(1, "/srv"), reg(2, "/"), reg(3, "/bin/prog"), reg(4, "/tmp/gone"),
            file_of("PIPE", 5, "pipe", pipe_id=55, flags=1, fown=FOWN),
            file_of("FIFO", 6, "fifo", pipe_id=66, regf_id=7), reg(7, "/tmp/fifo"),
            unix(8, 808, 809), unix(9, 809, 808),
            inet(10, 0x1f, 1, 8080, 0x0100007f), inet(11, 0x20, 10, 8080, 0x0100007f),
            file_of("TTY", 12, "tty", tty_info_id=2, flags=0, fown=FOWN, regf_id=13),
            reg(13, "/dev/pts/1"),
            file_of("MEMFD", 14, "memfd", flags=2, pos=0, fown=FOWN, inode_id=1),
            file_of("EVENTPOLL", 15, "epfd", flags=0, fown=FOWN,
                    tfd=[{"id": 0, "tfd": 0, "events": 1, "data": 0}]),
            reg(16, "/tmp/linked"), reg(17, "/tmp/link-remap.16"),
            file_of("PIDFD", 18, "pidfd", ino=5, flags=2, nspid=3, fown=FOWN),
            file_of("PIDFD", 19, "pidfd", ino=6, flags=2, nspid=-1, fown=FOWN),
            {"type": "NS", "id": 20, "nsf": {"id": 20, "ns_id": 11, "ns_cflag": 0x40000000,
                                             "flags": 0}},
            {"type": "NS", "id": 21, "nsf": {"id": 21, "ns_id": 4, "ns_cflag": 0x04000000,
                                             "flags": 0}}],
        "fdinfo-2.img": [fd(0, "REG", 4), fd(1, "PIPE", 5), fd(2, "FIFO", 6), fd(3, "UNIXSK", 8),
                         fd(4, "UNIXSK", 9), fd(5, "INETSK", 10), fd(6, "INETSK", 11),
                         fd(7, "TTY", 12), fd(8, "MEMFD", 14), fd(9, "EVENTPOLL", 15)],
        "fdinfo-3.img": [fd(0, "REG", 4), fd(1, "PIPE", 5)],
        "memfd.img": [{"name": "mem", "uid": 0, "gid": 0, "size": PAGE, "shmid": 71, "seals": 0,
                       "inode_id": 1}],
        "pipes-data.img": [{"pipe_id": 55, "bytes": 5, "extra": b64(b"piped")}],
        "fifo-data.img": [{"pipe_id": 66, "bytes": 4, "extra": b64(b"fifo")}],
        "sk-queues.img": [{"id_for": 8, "length": 6, "scm": [{"type": 1, "rights": [4]}],
                           "extra": b64(b"queued")}],
        "tcp-stream-1f.img": [{
            "inq_len": 2, "inq_seq": 1, "outq_len": 3, "outq_seq": 1, "opt_mask": 0,
            "snd_wscale": 0, "mss_clamp": 1000, "unsq_len": 1,
            "extra": {"inq": b64(b"in"), "outq": b64(b"out")}}],
        "tty-info.img": [{"id": 2, "type": "PTY", "locked": False, "exclusive": False,
                          "packet_mode": False, "sid": 1, "pgrp": 1, "rdev": 34817,
                          "pty": {"index": 1}}],
        "tty-data.img": [{"tty_id": 2, "data": b64(b"typed")}],
        "remap-fpath.img": [{"orig_id": 4, "remap_id": 1, "remap_type": "GHOST"},
                            {"orig_id": 16, "remap_id": 17, "remap_type": "LINKED"}],
        "ghost-file-1.img": [{"uid": 0, "gid": 0, "mode": 33152, "dev": 1, "ino": 2,
                              "extra": b64(b"ghostly")}],
        "filelocks.img": [{"flag": 1, "type": 1, "pid": 1, "fd": 0, "start": 0, "len": 0}],
        "cgroup.img": [{"sets": [{"id": 2, "ctls": [{"name": "", "path": "/a"}]}],
                        "controllers": [{"cnames": [""], "dirs": [{"dir_name": "a"}]}]}],
        "seccomp.img": [{"seccomp_filters": [{"filter": FILTER}, {"filter": FILTER, "prev": 0}]}],
        "mountpoints-12.img": [mount(21, 20, "/proc", 1), mount(20, 10, "/")],
        "utsns-10.img": [{"nodename": "node", "domainname": "(none)"}],
        "netns-11.img": [{"nsids": [{"target_ns_id": 11, "netnsid_value": 0}]}],
        "netdev-11.img": [
            {"type": "BRIDGE", "ifindex": 5, "mtu": 1500, "flags": 1, "name": "br0"},
            {"type": "VETH", "ifindex": 6, "mtu": 1500, "flags": 1, "name": "eth0", "master": 5}],
        "ipcns-var-13.img": [{name: 0 for name in (
            "msg_ctlmax msg_ctlmnb msg_ctlmni auto_msgmni shm_ctlmax shm_ctlall shm_ctlmni "
            "shm_rmid_forced mq_queues_max mq_msg_max mq_msgsize_max").split()}],
        "ipcns-shm-13.img": [{"desc": {"key": 0, "uid": 0, "gid": 0, "cuid": 0, "cgid": 0,
                                       "mode": 384, "id": 1}, "size": PAGE, "in_pagemaps": True,
                              "extra": ""}],
        "timens-0.img": [{"monotonic": {"tv_sec": 0, "tv_nsec": 0},
                          "boottime": {"tv_sec": 0, "tv_nsec": 0}}],
    }


MAGICS = {"pstree": "PSTREE", "ids": "IDS", "fs": "FS", "mm": "MM", "core": "CORE",
          "pagemap": "PAGEMAP", "pagemap-shmem": "PAGEMAP", "files": "FILES", "fdinfo": "FDINFO",
          "memfd": "MEMFD_INODE", "pipes-data": "PIPES_DATA", "fifo-data": "FIFO_DATA",
          "sk-queues": "SK_QUEUES", "tcp-stream": "TCP_STREAM", "tty-info": "TTY_INFO",
          "tty-data": "TTY_DATA", "remap-fpath": "REMAP_FPATH", "ghost-file": "GHOST_FILE",
          "filelocks": "FILE_LOCKS", "cgroup": "CGROUP", "seccomp": "SECCOMP",
          "mountpoints": "MNTS", "utsns": "UTSNS", "netns": "NETNS", "netdev": "NETDEV",
          "ipcns-var": "IPC_VAR", "ipcns-shm": "IPCNS_SHM", "timens": "TIMENS",
          "pidns": "PIDNS", "userns": "USERNS",
          "inventory": "INVENTORY", "bpfmap-data": "BPFMAP_DATA", "autofs": "AUTOFS",
          "ipcns-msg": "IPCNS_MSG", "ipcns-sem": "IPCNS_SEM",
          "cpuinfo": "CPUINFO"}
RAW = {"ifaddr-11.img": 0x47361222, "route-11.img": 0x45311224, "rule-11.img": 0x71706986}
PAGES = {1: 4, 2: 1, 3: 2, 4: 1, 5: 1}


def magic_of(name):
    stem = name[:-len(".img")]
    return MAGICS.get(stem) or MAGICS[stem.rsplit("-", 1)[0]]


def encode(crit, directory, name, entries):
    document = json.dumps({"magic": magic_of(name), "entries": entries})
    subprocess.run([crit, "encode", "-o", os.path.join(directory, name)], input=document.encode(),
                   check=True)


def page_bytes(number):
    """Page data: the arguments and the environment are at the start of the stack, the last page."""
    data = bytearray(b"".join(bytes([number * 16 + i]) * PAGE for i in range(PAGES[number])))
    if number == 1:
        data[-PAGE:-PAGE + 0x20] = b"prog\0--serve\0\0\0\0PATH=/bin\0A=1\0\0\0"
    return bytes(data)


def build(crit, directory, change=None):
    """Write the set; change(images) may edit it first. Its parent is made beside it."""
    made = copy.deepcopy(images())
    if change:
        change(made)
    parent = directory + ".parent"
    for folder in (directory, parent):
        os.makedirs(folder, exist_ok=True)
    for name, entries in made.items():
        encode(crit, directory, name, entries)
    for name, magic in RAW.items(): # as `ip ... save` writes them, of a network without any
        with open(os.path.join(directory, name), "wb") as out:
            out.write(magic.to_bytes(4, "little"))
    for number in PAGES:
        with open(os.path.join(directory, "pages-%d.img" % number), "wb") as out:
            out.write(page_bytes(number))
    encode(crit, parent, "inventory.img", [{"img_version": 0}])
    encode(crit, parent, "pagemap-1.img", [{"pages_id": 1}, run(0x502000, 1, 4)])
    with open(os.path.join(parent, "pages-1.img"), "wb") as out:
        out.write(b"p" * PAGE)
    link = os.path.join(directory, "parent")
    if not os.path.lexists(link):
        os.symlink("../" + os.path.basename(parent), link)


if __name__ == "__main__":
    build(sys.argv[1], sys.argv[2])
