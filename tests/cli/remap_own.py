# SPDX-License-Identifier: MIT
# Images with what the format's other programs do not store, all of one network: python3
# remap_own.py CRIT DIR NET PORT, as in 10.0.0 80
import os
import socket
import struct
import sys

import whole_set as base
from remap import attr, inet, interface, ip, message, route


def sockaddr(address, port):
    if ":" in address:
        return struct.pack("<HHI", 10, socket.htons(port), 0) + ip(address) + b"\0" * 4
    return struct.pack("<HH", 2, socket.htons(port)) + ip(address) + b"\0" * 8


def storage(address):
    return sockaddr(address, 0).ljust(128, b"\0")


def neighbour(family, address):
    return message(28, struct.pack("<BBHiHBB", family, 0, 0, 2, 0x80, 0, 0) + attr(1, ip(address)) +
                   attr(2, b"\2\0\0\0\0\1"))


def objects(net, net6):
    hop = message(104, struct.pack("<BBBBI", 2, 0, 4, 0, 0) + attr(1, struct.pack("<I", 7)) +
                  attr(5, struct.pack("<I", 2)) + attr(6, ip(net + ".1")))
    label = message(72, struct.pack("<BBBBII", 10, 0, 64, 0, 0, 0) + attr(1, ip(net6 + "::")) +
                    attr(2, struct.pack("<I", 9)))
    return (hop + neighbour(2, net + ".1") + neighbour(10, net6 + "::1") + neighbour(7, net + ".9") +
            label)


def endpoint(address, port):
    kind = 4 if ":" in address else 3
    inner = attr(1, struct.pack("<H", 10 if kind == 4 else 2)) + attr(kind, ip(address)) + attr(
        5, struct.pack("<H", port))
    return message(0, struct.pack("<BBH", 1, 1, 0) + attr(0x8001, inner))


def vxlan(net, net6):
    return (attr(1, struct.pack("<I", 42)) + attr(2, ip(net + ".9")) + attr(4, ip(net + ".2")) +
            attr(16, ip(net6 + "::9")) + attr(17, ip(net6 + "::2")) + attr(15, b"\x12\xb5"))


def build(crit, directory, net, port):
    net6 = "fd%02x" % int(net.split(".")[1])
    sources = struct.pack("<II", 2, 0) + storage("239.1.1.1") + struct.pack("<II", 1, 2) + storage(
        net + ".9") + storage("192.0.2.1")
    sources6 = struct.pack("<II", 2, 0) + storage("ff05::1") + struct.pack("<II", 1, 1) + storage(
        net6 + "::9")
    udp = inet(1, 7, net + ".2", port, kind=2)
    udp["isk"]["opts"] = dict(base.OPTS, more=[
        {"level": 0, "option": 32, "value": base.b64(ip(net + ".2"))},
        {"level": 0, "option": 32, "value": base.b64(b"\0" * 4 + ip(net + ".2") + b"\2\0\0\0")},
        {"level": 0, "option": 33, "value": base.b64(ip("10.0.0.2"))},
        {"level": 0, "option": 48, "value": base.b64(sources)},
        {"level": 41, "option": 48, "value": base.b64(sources6)}])
    tun = base.file_of("TUNF", 2, "tunf", netdev="t0", detached=False, ns_id=11)
    tun["tun_device"] = {
        "link": {"type": "TUN", "ifindex": 5, "mtu": 1500, "flags": 1, "name": "t0"}, "offload": 0,
        "little_endian": False,
        "saved": base.b64(interface(net + ".7", 24, 5) + route(net + ".0", 24, 5, net + ".1"))}
    link = {"type": "EXTLINK", "ifindex": 6, "mtu": 1500, "flags": 1, "name": "d0"}
    made = {
        "files.img": [udp, tun],
        "netns-11.img": [{"objects": base.b64(objects(net, net6)),
                          "mptcp": base.b64(endpoint(net + ".2", port) + endpoint(net6 + "::2", 5))}],
        "netdev-11.img": [dict(link, kind="vxlan", kind_data=base.b64(vxlan(net, net6))),
                          # 4 is no address here
                          dict(link, kind="dummy", kind_data=base.b64(attr(4, ip("10.0.0.2"))))],
        "sk-queues.img": [
            {"id_for": 1, "length": 0, "sender": base.b64(sockaddr(net + ".2", port))},
            {"id_for": 1, "length": 0, "sender": base.b64(sockaddr(net + ".9", 80))},
            {"id_for": 1, "length": 0, "sender": base.b64(sockaddr("::ffff:" + net + ".9", 80))},
            {"id_for": 1, "length": 0, "sender": base.b64(b"\1\0/srv/%d\0" % port)},
            {"id_for": 1, "length": 0, "sender": base.b64(b"\1\0\0/srv/80")}],
    }
    os.makedirs(directory)
    for name, entries in made.items():
        base.encode(crit, directory, name, entries)


if __name__ == "__main__":
    build(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
