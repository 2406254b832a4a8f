#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real image sets beside the reference tool's output: corpus.py CHECK CRIT CORPUS.

CHECK is decode, show, nopl, info or x. Prints what differs; exit status 1 when anything does.
"""
import json
import os
import subprocess
import sys

# Where the reference output is wrong: docs/format.md.
WRONG = {
    "a3/ipcns-shm-9.img",  # two segments in page maps: entries swallowed into the payload
}
# Images with payloads: the reference's info counts these as entries.
PAYLOADS = ("pipes-data", "fifo-data", "sk-queues", "tcp-stream", "ipcns-shm", "ipcns-msg",
            "ipcns-sem", "bpfmap-data", "ghost-file")


def run(crit, *args, data=None):
    done = subprocess.run([crit, *args], input=data, capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace").strip()


def sets(corpus):
    """(directory, directory of its reference output), nested sets included."""
    for name in sorted(os.listdir(corpus)):
        top = os.path.join(corpus, name)
        if not os.path.isdir(top + ".ref"):
            continue
        for path, _, _ in sorted(os.walk(top)):
            yield path, top + ".ref/crit" + path[len(top):]


def images(corpus):
    for path, ref in sets(corpus):
        for name in sorted(os.listdir(path)):
            image = os.path.join(path, name)
            is_image = name.endswith(".img") or name.startswith(("stats-", "irmap-cache"))
            if is_image and os.path.isfile(image):
                yield image, os.path.join(ref, name)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def check_text(crit, corpus, args, suffix, back):
    """Equal to the reference as JSON values; `back`: and encodes to the same bytes."""
    for image, ref in images(corpus):
        code, text, error = run(crit, *args, image)
        if code:
            yield f"{image}: {error}"
            continue
        expected = ref + suffix
        known_wrong = os.path.relpath(image, corpus) in WRONG
        if os.path.exists(expected) and not known_wrong:
            if json.loads(text) != json.loads(read(expected)):
                yield f"{image}: differs from {expected}"
        summary = args[0] == "show" and os.path.basename(image).startswith("pages-")
        if back and not summary:
            code, again, error = run(crit, "encode", data=text)
            if code or again != read(image):
                yield f"{image}: does not come back: {error}"


def check_info(crit, corpus):
    for image, ref in images(corpus):
        code, text, error = run(crit, "info", image)
        if code:
            yield f"{image}: {error}"
        elif (os.path.exists(ref + ".info") and text.strip() != read(ref + ".info").strip()
              and not os.path.basename(image).startswith(PAYLOADS)):
            yield f"{image}: differs from {ref}.info"


def check_x(crit, corpus):
    for path, ref in sets(corpus):
        for what in ("ps", "fds", "mems", "rss"):
            if not os.path.exists(os.path.join(path, "pstree.img")):
                continue
            code, text, error = run(crit, "x", path, what)
            expected = os.path.join(ref, f"x-{what}.txt")
            if code:
                yield f"{path}: x {what}: {error}"
            elif os.path.exists(expected):
                # it stops at the first zombie
                want = read(expected).rstrip()
                cut = b"\tzombie" in text and what != "ps"
                if not (text.startswith(want) if cut else text.rstrip() == want):
                    yield f"{path}: x {what} differs from {expected}"


def main():
    check, crit, corpus = sys.argv[1:4]
    checks = {
        "decode": lambda: check_text(crit, corpus, ["decode", "-i"], ".json", True),
        "show": lambda: check_text(crit, corpus, ["show"], ".show", True),
        "nopl": lambda: check_text(crit, corpus, ["show", "--nopl"], ".nopl", False),
        "info": lambda: check_info(crit, corpus),
        "x": lambda: check_x(crit, corpus),
    }
    failed = False
    for line in checks[check]():
        print(line)
        failed = True
    sys.exit(failed)


main()
