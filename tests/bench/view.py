#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How long the browser takes: view.py CRIT SET A B [PASSES].

Opens SET (made by tests/tui/large.py) on a terminal of 120x40, presses one key after the other
and measures the time to the first change of the screen after each; then the same in what differs
from A to B, also while that is found out, and while a field of 100 000 areas is changed. Prints the time to the first screen, the slowest keys
and the peak memory; exits 1 when one is above what is promised.
"""
import os
import pty
import select
import struct
import sys
import termios
import fcntl
import time

OPEN_MS, KEY_MS, PEAK_MIB = 300, 16, 128
QUIET, SETTLE, GIVE_UP = 0.05, 2, 2

# name, keys. Escape stops what runs, ends a search, or goes back, but never leaves; a q might.
WALK = [
    ("tree: move", "jjk G g \x04 \x15 \x1b[6~ \x1b[5~"),
    ("tree: fold", "z z Z Z t t r r"),
    ("tree: sort", "s s s s s s s s"),
    ("tree: search", "/ w o r k e r - 9 \r n N \x1b"),
    ("tree: filter", "& w o r k e r - 9 6 \r \x1b"),
    ("tabs of the checkpoint", "2 3 G g 4 5 6 G g 7 \x1b 1"),
    ("a large process", "g j \r 1 2 3 4 5 6 7 8 9 } {"),
    ("its memory", "2 j G g / 1 0 f \r n \x1b & f f 0 \r \x1b"),
    ("bytes", "\r j \x1b[6~ G g : 5 0 0 0 0 0 0 0 0 \r / z z \r \x1b N \x1b \x1b \x1b \x1b"),
    ("find", "F n o w h e r e \r \x1b \x1b \" \x1b \x1b"),
    ("audit", "A j \x1b \x1b"),
    ("help, colours, command", "? G q T T T c"),
]
DIFF_WALK = [("what differs", "j G g \x1b[6~ / c o m m \r n \x1b & c o m m \r G \x1b")]
DIFF_DONE = b"Enter goes to it"
TO_FIELD = [("a field among 100 000 areas", "6 / m m - 1 0 0 1 \r \r / v m a s \r l j l / p g o f f \r")]
EDIT_WALK = [("a change is tried, written", "e \x15 7 7 \r R W y \r")]


def keys_of(text):
    return [k.encode() for word in text.split(" ") for k in
            ([word] if word.startswith("\x1b") or len(word) == 1 else word)]


class Browser:
    def __init__(self, argv):
        self.start = time.monotonic()
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
            os.environ.pop("COLORTERM", None)
            os.execv(argv[0], argv)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def ran(self):
        """Seconds it was on a processor."""
        with open(f"/proc/{self.pid}/schedstat") as stat:
            return int(stat.read().split()[0]) / 1e9

    def answer(self, key):
        """Seconds from a key until it writes; None: it does not. What the machine does for others
        meanwhile does not count: less time on a processor is an answer, too."""
        ran, begin = self.ran(), time.monotonic()
        os.write(self.fd, key)
        if not select.select([self.fd], [], [], GIVE_UP)[0]:
            return None
        took = min(time.monotonic() - begin, self.ran() - ran)
        self.seen = self.seen[-64:] + os.read(self.fd, 1 << 16)
        return took

    def until(self, text):
        seen = b""
        while text not in seen:
            if not select.select([self.fd], [], [], 20)[0]:
                sys.exit("the browser shows nothing")
            seen += os.read(self.fd, 1 << 16)
        return min(time.monotonic() - self.start, self.ran())

    def settle(self):
        """Until it neither writes nor works."""
        end, ran = time.monotonic() + SETTLE, -1.0
        while time.monotonic() < end and ran != self.ran():
            ran = self.ran()
            while time.monotonic() < end and select.select([self.fd], [], [], QUIET)[0]:
                os.read(self.fd, 1 << 16)

    def close(self):
        """MiB that it or a process it had work done by had at most."""
        os.write(self.fd, b"Q")
        try:
            while os.read(self.fd, 1 << 16):
                pass
        except OSError:
            pass
        usage = os.wait4(self.pid, 0)[2]
        os.close(self.fd)
        return usage.ru_maxrss / 1024


def press(b, groups, times):
    b.settle()
    for name, text in groups:
        for number, key in enumerate(keys_of(text)):
            took = b.answer(key)
            if took is not None:  # else nothing was to be changed
                times.setdefault((name, number, key), []).append(took * 1000)
            b.settle()


def walk(argv, times, opened, peaks):
    b = Browser(argv)
    opened.append(b.until(b"PROCESS") * 1000)
    press(b, WALK, times)
    peaks.append(b.close())


def walk_diff(argv, times):
    """Keys while the rows come, then among them."""
    b = Browser(argv)
    b.until(b"SECTION")
    taken = [0]
    while DIFF_DONE not in b.seen:
        took = b.answer(b"\x0c")
        taken.append(GIVE_UP if took is None else took)
    times.setdefault(("while it is compared", 0, b"\x0c"), []).append(max(taken) * 1000)
    press(b, DIFF_WALK, times)
    b.close()


def walk_edit(argv, times):
    b = Browser(argv)
    b.until(b"PROCESS")
    press(b, TO_FIELD, times)
    press(b, EDIT_WALK, times)
    b.close()


def main(crit, directory, a, b, passes=3):
    times, opened, peaks = {}, [], []
    for _ in range(passes):
        walk([crit, "view", directory], times, opened, peaks)
        walk_diff([crit, "view", "--diff", b, a], times)
        walk_edit([crit, "view", "--edit", directory], times)
    # what else happens on the machine is in some passes, what is slow is in all
    groups = {}
    for (name, _, key), taken in times.items():
        groups.setdefault(name, []).append((min(taken), key))
    print(f"{'first screen':26} {min(opened):10.1f}")
    for name in groups:
        slowest, key = max(groups[name])
        print(f"{name:26} {slowest:10.1f}   slowest of {len(groups[name])}: {ascii(key.decode())}")
    print(f"{'peak memory, MiB':26} {max(peaks):10.1f}")
    if "-v" in sys.argv:
        for (name, number, key), taken in times.items():
            print(f"  {name} {number} {ascii(key.decode())} {min(taken):.1f}")
    return (min(opened) > OPEN_MS or max(peaks) > PEAK_MIB
            or any(max(group)[0] > KEY_MS for group in groups.values()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5], *map(int, sys.argv[5:6])))
