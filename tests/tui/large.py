#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A large image set: large.py DIR [PROCESSES [VMAS [GIB [NUMBER]]]].

A tree of 10 000 processes with 64 descriptors each; one of them has 100 000 areas over 100 GiB of
pages, which are a hole of the pages image: the set takes little on disk. Sets of different NUMBER differ in the names and the
registers of all processes.
"""
import os
import struct
import sys

COMMON = 0x54564319
REGULAR_ANON = 0x201


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def num(field, value):
    return varint(field << 3) + varint(value)


def sub(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def image(path, magic, entries, head=True):
    with open(path, "wb") as f:
        f.write(struct.pack("<I", COMMON) if head else b"")
        f.write(struct.pack("<I", magic))
        for entry in entries:
            f.write(struct.pack("<I", len(entry)) + entry)


def vma(start, end):
    # start, end, pgoff, shmid, prot rw, flags private anonymous, status, fd -1
    return (num(1, start) + num(2, end) + num(3, 0) + num(4, 0) + num(5, 3) + num(6, 0x22)
            + num(7, REGULAR_ANON) + num(8, 1))


def mm(areas):
    fields = b"".join(num(i, 0) for i in range(1, 13))
    return fields + b"".join(sub(14, vma(*a)) for a in areas)


def core(pid, state, number):
    regs = b"".join(num(i, i * 0x1000 + pid + number) for i in range(1, 28))
    fpregs = b"".join(num(i, 0) for i in range(1, 9))
    tc = (num(1, state) + num(2, 0) + num(3, 0) + num(4, 0) + num(5, 0)
          + sub(6, b"worker-%d" % (pid % 97 + number)))
    creds = b"".join(num(i, 1000 + pid % 5) for i in range(1, 9)) + num(13, 0)
    thread = num(1, 0) + num(2, 0) + sub(10, creds)
    return (num(1, 1) + sub(2, num(1, 0) + sub(2, regs) + sub(3, fpregs)) + sub(3, tc)
            + sub(5, thread))


def main(top, nr_processes=10000, nr_vmas=100000, gib=100, number=0):
    os.makedirs(top, exist_ok=True)
    join = os.path.join
    first = 1000
    image(join(top, "inventory.img"), 0x58313116, [num(1, 2)], head=False)
    tree, pages = [], 0
    for i in range(nr_processes):
        pid = first + i
        # every process has up to eight children
        parent = first + (i - 1) // 8 if i else 0
        tree.append(num(1, pid) + num(2, parent) + num(3, first) + num(4, first) + num(5, pid))
        image(join(top, f"core-{pid}.img"), 0x55053847, [core(pid, 3 if i % 50 == 7 else 1, number)])
        image(join(top, f"ids-{pid}.img"), 0x54432030,
              [num(1, i + 1) + num(2, i // 100 + 1) + num(3, i + 1) + num(4, i + 1)])
        areas = [(0x400000 + k * 0x10000, 0x400000 + k * 0x10000 + 0x8000) for k in range(12)]
        runs = [(start, 2) for start, _ in areas]
        if i == 1:
            per = (gib << 30) // nr_vmas // 4096
            areas = [(0x10000000 + k * (per + 1) * 4096, 0x10000000 + (k * (per + 1) + per) * 4096)
                     for k in range(nr_vmas)]
            runs = [(start, per) for start, _ in areas]
        image(join(top, f"mm-{pid}.img"), 0x57492820, [mm(areas)])
        nr = sum(n for _, n in runs)
        image(join(top, f"pagemap-{pid}.img"), 0x56084025,
              [num(1, i + 1)] + [num(1, a) + num(2, n) + num(4, 4) + num(5, n) for a, n in runs])
        with open(join(top, f"pages-{i + 1}.img"), "wb") as f:
            f.write(b"page of %d" % pid)
            f.truncate(nr * 4096)
        pages += nr
    image(join(top, "pstree.img"), 0x50273030, tree)
    for k in range(nr_processes // 100 + 1):
        image(join(top, f"fdinfo-{k + 1}.img"), 0x56213732,
              [num(1, fd % 40 + 1) + num(2, 0) + num(3, 1) + num(4, fd) for fd in range(64)])
    fown = b"".join(num(i, 0) for i in range(1, 6))
    image(join(top, "files.img"), 0x56303138,
          [num(1, 1) + num(2, k) + sub(3, num(1, k) + num(2, 2) + num(3, 0) + sub(5, fown)
                                       + sub(6, b"/var/lib/file-%d" % k)) for k in range(1, 41)])
    print(f"{nr_processes} processes, {nr_vmas} areas, {pages * 4096 >> 20} MiB of pages")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
