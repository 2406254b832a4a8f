# SPDX-License-Identifier: MIT
# A set for crit remap: remap.py CRIT DIR
import os
import socket
import struct
import sys

import whole_set as base

HOST, PEER, FAR = "10.0.0.2", "10.0.0.9", "10.9.9.9"


def words(address):
    """As images hold it: words of the address in network order."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    return list(struct.unpack("<%dI" % (len(packed) // 4), packed))


def inet(number, state, src, sport, dst=None, dport=0, kind=1, **more):
    six = ":" in src
    entry = base.inet(number, 0x100 + number, state, sport, 0)
    entry["isk"].update(family=10 if six else 2, type=kind, src_addr=words(src),
                        dst_addr=words(dst or ("::" if six else "0.0.0.0")), dst_port=dport, **more)
    if kind != 1:
        entry["isk"]["proto"] = 17 if kind == 2 else 1
    return entry


def siginfo(signo, code, pid, uid):
    return base.b64(struct.pack("<iiiiII", signo, 0, code, 0, pid, uid).ljust(128, b"\0"))


def change(images):
    images["pagemap-1.img"] = [entry for entry in images["pagemap-1.img"]
                               if entry.get("flags") != 1]
    images["core-2.img"][0]["thread_info"]["clear_tid_addr"] = 0x500010
    images["core-3.img"][0]["thread_info"]["clear_tid_addr"] = 0x500020
    images["core-3.img"][0]["thread_core"].update(futex_rla=0x500100, futex_rla_len=24)
    images["mm-3.img"][0]["vmas"].append(base.area(
        0x600000, 2, base.R | base.W, base.REGULAR | base.SHARED, shmid=70, flags=0x21))
    images["core-3.img"][0]["thread_core"]["creds"].update(uid=1000, euid=1000, gid=50, groups=[50, 60])
    images["core-1.img"][0]["tc"]["signals_s"] = {"signals": [
        {"siginfo": siginfo(10, 0, 3, 1000)}, {"siginfo": siginfo(14, -2, 3, 1000)},
        {"siginfo": siginfo(17, 1, 3, 1000)}, {"siginfo": siginfo(11, 1, 3, 1000)}]}
    images["filelocks.img"][0]["pid"] = 3
    owned = dict(base.FOWN, pid=3, pid_type=1, uid=1000, euid=1000)
    images["files.img"] += [
        dict(base.reg(30, "/srv/data/log"), reg=dict(base.reg(30, "/srv/data/log")["reg"], fown=owned)),
        base.reg(31, "/srv/database"), base.reg(32, "/proc/3/task/3/status"),
        base.file_of("PIDFD", 33, "pidfd", ino=5, flags=2, nspid=3, fown=base.FOWN),
        inet(40, 10, HOST, 80), inet(41, 1, HOST, 80, PEER, 4000), inet(42, 1, HOST, 5000, HOST, 80),
        inet(43, 1, HOST, 5001, FAR, 80), inet(44, 7, "::ffff:" + HOST, 81, kind=2),
        inet(45, 10, "fd00::2", 82), inet(46, 7, HOST, 80, kind=3),
        inet(47, 10, "0.0.0.0", 83), inet(48, 1, "127.0.0.1", 5002, "127.0.0.1", 83)]
    images["files.img"][7]["usk"]["name"] = "/srv/data/sock"
    images["mountpoints-12.img"].append(base.mount(22, 20, "/srv/data", 1))
    images["mountpoints-12.img"][-1]["options"] = "lowerdir=/srv/data/a:/b,uid=1000,gid=50"


def attr(kind, data):
    return struct.pack("<HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def message(kind, body):
    return struct.pack("<IHHII", 16 + len(body), kind, 2, 1, 1) + body


def ip(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def interface(address, bits, index):
    six = ":" in address
    head = struct.pack("<BBBBI", 10 if six else 2, bits, 0, 0, index)
    local = b"" if six else attr(2, ip(address))
    return message(20, head + attr(1, ip(address)) + local)


def route(dst, bits, oif, gateway=None):
    attrs = attr(4, struct.pack("<I", oif))
    if dst:
        attrs += attr(1, ip(dst))
    if gateway:
        attrs += attr(5, ip(gateway))
    return message(24, struct.pack("<BBBBBBBBI", 2, bits, 0, 0, 254, 2, 0, 1, 0) + attrs)


def multipath(dst, bits, gateways):
    hops = b""
    for oif, gateway in gateways:
        hop = attr(5, ip(gateway))
        hops += struct.pack("<HBBi", 8 + len(hop), 0, 0, oif) + hop
    return message(24, struct.pack("<BBBBBBBBI", 2, bits, 0, 0, 254, 2, 0, 1, 0) +
                   attr(1, ip(dst)) + attr(9, hops))


def rule(src, bits, uid):
    return message(32, struct.pack("<BBBBBBBBI", 2, 0, bits, 0, 100, 0, 0, 1, 0) +
                   attr(2, ip(src)) + attr(20, struct.pack("<II", uid, uid)))


def flow(src, sport, dst, dport):
    def tup(kind, a, b, aport, bport):
        return attr(0x8000 | kind, attr(0x8001, attr(1, ip(a)) + attr(2, ip(b))) + attr(
            0x8002, attr(1, b"\x06") + attr(2, struct.pack(">H", aport)) +
            attr(3, struct.pack(">H", bport))))
    return message(0x100, struct.pack("<BBH", 2, 0, 0) + tup(1, src, dst, sport, dport) +
                   tup(2, dst, src, dport, sport))


# Locks that thread 3 holds: (page image, offset, bytes); the list goes through shared memory.
LOCKS = [
    (2, 0x100, struct.pack("<QqQ", 0x500200, -32, 0)),
    (2, 0x200, struct.pack("<Q", 0x600201)),
    (2, 0x1e0, struct.pack("<III", 0x80000003, 1, 3)),
    (3, 0x200, struct.pack("<Q", 0x500100)),
    (3, 0x1e0, struct.pack("<III", 3, 1, 7)),
]

RAW = {
    "ifaddr-11.img": struct.pack("<I", 0x47361222) + interface("127.0.0.1", 8, 1) +
                     interface(HOST, 24, 2) + interface("fd00::2", 64, 2),
    "route-11.img": struct.pack("<I", 0x45311224) + route(None, 0, 2, "10.0.0.1") +
                    route("10.0.0.0", 24, 2) + multipath("10.8.0.0", 16, [(2, "10.0.0.1"), (2, "10.0.0.3")]),
    "rule-11.img": struct.pack("<I", 0x71706986) + rule(HOST, 32, 1000),
    "netns-ct-11.img": flow(PEER, 4000, HOST, 80) + flow(HOST, 5001, FAR, 80),
    "iptables-11.img": b"""*filter
:INPUT ACCEPT [80:80]
-A INPUT -s 10.0.0.2/32 -p tcp -m tcp --dport 80 -m comment --comment "on 10.0.0.2" -j ACCEPT
-A INPUT -s 10.0.0.0/24 -p tcp -m multiport --dports 22,80,90:95 -j ACCEPT
-A OUTPUT -p tcp -m tcp --dport 80 -m owner --uid-owner 1000 -j ACCEPT
-A OUTPUT -p tcp -m tcp --sport 80 -j ACCEPT
-A PREROUTING -d 192.0.2.1/32 -j DNAT --to-destination 10.0.0.2:80
-A PREROUTING -m iprange --src-range 10.0.0.1-10.0.0.2 -j ACCEPT
COMMIT
""",
    "nftables-11.img": b"""table inet filter {
\tset far {
\t\telements = { 10.9.9.9, 10.0.0.2 }
\t}
\tchain in {
\t\ttype filter hook input priority filter; policy accept;
\t\tip daddr 10.0.0.2 tcp dport { 80, 443 } accept
\t\ttcp sport 80 drop
\t\tip6 saddr fd00::2 meta skuid != 1000 drop
\t}
}
""",
}


def build(crit, directory):
    base.MAGICS.setdefault("files", "FILES")
    base.build(crit, directory, change)
    os.unlink(os.path.join(directory, "parent"))
    for name, data in RAW.items():
        with open(os.path.join(directory, name), "wb") as out:
            out.write(data)
    words = [(1, base.PAGE + 0x10, struct.pack("<I", 2)), (2, 0x20, struct.pack("<I", 3))]
    for number, offset, data in words + LOCKS:
        with open(os.path.join(directory, "pages-%d.img" % number), "r+b") as pages:
            pages.seek(offset)
            pages.write(data)


if __name__ == "__main__":
    build(sys.argv[1], sys.argv[2])
