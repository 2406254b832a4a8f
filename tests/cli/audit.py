# SPDX-License-Identifier: MIT
# Puts one thing after the other into a set that has nothing to find, and looks whether `crit audit`
# finds each, and nothing else:
#   audit.py CRIT WORKDIR
import json
import os
import shutil
import subprocess
import sys

import whole_set
from whole_set import ANON, FILE, MEMFD, PAGE, REGULAR, R, SHARED, STACK, W, X, area, b64, reg

CRIT, WORK = sys.argv[1], sys.argv[2]
# Made up, and not in one piece here.
SECRET = "AKIA" + "Q3EGRIYTLKZV7WNB"
OTHER = "glpat" + "-Zq8yT2mWx5Lk9RbVn3Cd"
PEM = ("-----BEGIN " + "PRIVATE KEY-----\n"
       "MC4CAQAwBQYDK2VwBCIEIDh0Zq9yLx3mWv7RkTnC5bPqJfYs2uGdAe8HiXoNzMlK\n"
       "-----END " + "PRIVATE KEY-----\n")


def images(*edits):
    """Edits of the messages: each gets the dictionary of images."""
    return lambda made: [edit(made) for edit in edits] and None


def vma(*args, **more):
    return lambda made: made["mm-1.img"][0]["vmas"].insert(2, area(*args, **more))


def creds(**more):
    return lambda made: made["core-1.img"][0]["thread_core"]["creds"].update(more)


def field(name, index, member, **more):
    return lambda made: made[name][index][member].update(more)


def entry(name, index, **more):
    return lambda made: made[name][index].update(more)


def poke(number, offset, data):
    """Bytes of a pages image."""
    def edit(directory):
        with open(os.path.join(directory, "pages-%d.img" % number), "r+b") as out:
            out.seek(offset)
            out.write(data.encode())
    return edit


def environment(text):
    def enlarge(made):
        made["mm-1.img"][0]["mm_env_end"] = 0x7ff010 + len(text) + 1
    return images(enlarge), poke(1, 3 * PAGE + 0x10, text + "\0")


def host_mount(root, **more):
    def edit(made):
        new = whole_set.mount(22, 20, "/mnt", 0)
        new.update(root=root, root_dev=99, **more)
        made["mountpoints-12.img"].append(new)
    return images(edit)


def nothing(_):
    pass


# What it is; the edit of the images, of the files; severity, rule, and words of the finding.
CASES = [
    ("memfd runs", images(entry("mm-1.img", 0, exe_file_id=14)), nothing,
     "error exe-memfd 1 first memfd:mem the program of the process"),
    ("memfd as code", images(vma(0x610000, 1, R | X, REGULAR | FILE | MEMFD, shmid=14, flags=2)),
     nothing, "error exe-memfd 1 first memfd:mem 1 area, 4 KiB, r-x 0x610000-0x611000"),
    ("deleted program", images(entry("mm-1.img", 0, exe_file_id=4)), nothing,
     "warning exe-deleted 1 first /tmp/gone deleted, kept as a ghost file"),
    ("writable program", images(field("files.img", 2, "reg", mode=0o100757)), nothing,
     "error exe-writable 1 first /bin/prog mode 0757"),
    ("writable and executable", images(vma(0x610000, 3, R | W | X, REGULAR | ANON, flags=0x22)),
     nothing, "warning memory-wx 1 first anon 1 area, 12 KiB, rwx 0x610000-0x613000"),
    ("executable stack", images(lambda m: m["mm-1.img"][0]["vmas"][-1].update(prot=R | W | X)),
     nothing, "warning stack-executable 1 first stack 1 area"),
    ("code of no file", images(vma(0x610000, 1, R | X, REGULAR | ANON, flags=0x22)), nothing,
     "note memory-code 1 first anon 1 area"),
    ("variable by its name", *environment("DB_PASSWORD=hunter2hunter2"),
     "warning secret-environment 1 first DB_PASSWORD value of a variable of this name: "
     "… (14 bytes) 1 mm-1.img 0"),
    ("variable by its value", *environment("HARMLESS=" + SECRET),
     "warning secret-environment 1 first HARMLESS AWS access key id: AKIA… (20 bytes) 1 "
     "pagemap-1.img"),
    ("a file's name is no secret", *environment("DB_PASSWORD_FILE=/run/secrets/db"), None),
    ("memory", nothing, poke(1, PAGE + 100, "x=" + OTHER + "\n"),
     "error secret-memory 1 first anon 0x500066 GitLab token: glpat-… (26 bytes) 1 pagemap-1.img"),
    ("over the border of pages", nothing, poke(1, 2 * PAGE - 10, "(" + OTHER + ")"),
     "error secret-memory 1 first anon 0x500ff7 GitLab token"),
    ("in a word", nothing, poke(1, PAGE + 100, "x" + OTHER), None),
    ("the same twice", nothing, poke(1, PAGE + 100, OTHER + " " + OTHER),
     "error secret-memory 1 first anon 0x500064 GitLab token: glpat-… (26 bytes) 2"),
    ("private key", nothing, poke(1, PAGE, PEM),
     "error secret-memory 1 first anon 0x500000 private key: -----BEGIN … (93 bytes)"),
    ("shared memory, once", nothing, poke(3, 0, OTHER + " "),
     "error secret-memory 1 first shmem, byte 0 GitLab token: glpat-… (26 bytes) 1 "
     "pagemap-shmem-70.img"),
    ("memfd", nothing, poke(4, 8, " " + OTHER + " "),
     "error secret-file 1 first memfd:mem, byte 9 GitLab token"),
    ("pipe", images(entry("pipes-data.img", 0, bytes=26, extra=b64(OTHER.encode()))), nothing,
     "error secret-pipe - - pipe:[55], byte 0 GitLab token: glpat-… (26 bytes) 1 pipes-data.img 0"),
    ("fifo", images(entry("fifo-data.img", 0, bytes=26, extra=b64(OTHER.encode()))), nothing,
     "error secret-pipe - - pipe:[66], byte 0 GitLab token"),
    ("terminal", images(entry("tty-data.img", 0, data=b64(OTHER.encode()))), nothing,
     "error secret-pipe - - terminal, byte 0 GitLab token: glpat-… (26 bytes) 1 tty-data.img 0"),
    ("socket", images(entry("sk-queues.img", 0, length=26, extra=b64(OTHER.encode()))), nothing,
     "error secret-socket - - queue of socket:[808] → [809], byte 0 GitLab token"),
    ("POSIX queue", images(entry("ipcns-var-13.img", 0, mqueues=[
        {"name": "q", "mode": 384, "uid": 0, "gid": 0, "maxmsg": 1, "msgsize": 99,
         "messages": [{"priority": 1, "data": b64(OTHER.encode())}]}])), nothing,
     "error secret-socket - - message queue /q, byte 0 GitLab token: glpat-… (26 bytes) 1 "
     "ipcns-var-13.img 0"),
    ("connection", images(entry("tcp-stream-1f.img", 0, outq_len=26, unsq_len=1,
                                extra={"inq": b64(b"in"), "outq": b64(OTHER.encode())})), nothing,
     "error secret-socket - - TCP connection, inode 31, byte 0 GitLab token"),
    ("deleted file", images(entry("ghost-file-1.img", 0, extra=b64(OTHER.encode()))), nothing,
     "error secret-file - - /tmp/gone (deleted), byte 0 GitLab token"),
    ("shown where it says most", environment("A=" + OTHER)[0],
     lambda d: [environment("A=" + OTHER)[1](d), poke(1, PAGE, OTHER + " ")(d)],
     "error secret-environment 1 first A GitLab token: glpat-… (26 bytes) 2"),
    ("root kept", images(creds(euid=5)), nothing,
     "warning root-kept 1 first root uid 0, euid 5, saved uid 0"),
    ("capabilities", images(creds(cap_eff=[1 << 21 | 1 << 7, 0])), nothing,
     "warning capabilities 1 first in a container sys_admin"),
    ("capabilities of the second word", images(creds(cap_eff=[0, 1 << 7])), nothing,
     "warning capabilities 1 first in a container bpf"),
    ("no filter", images(lambda m: m["core-2.img"][0]["thread_core"].update(
        seccomp_mode="disabled")), nothing,
     "warning no-seccomp 1 first in a container mode disabled 1 core-2.img 0"),
    ("new privileges", images(creds(no_new_privs=0)), nothing, "note no-new-privs 1 first"),
    ("listens", images(field("files.img", 10, "isk", src_addr=[0])), nothing,
     "note listen-all 1 first 0.0.0.0:8080 tcp listening, in a network namespace of its own"),
    ("listens on the host", images(field("files.img", 10, "isk", src_addr=[0], ns_id=2)), nothing,
     "warning listen-all 1 first 0.0.0.0:8080 tcp listening 1 files.img 10"),
    ("file for everybody", images(field("files.img", 3, "reg", mode=0o100666)), nothing,
     "warning file-writable 1 first /tmp/gone mode 0666"),
    ("a device for everybody is usual", images(field("files.img", 3, "reg", mode=0o020666)),
     nothing, None),
    ("host directory", host_mount("/srv/data"), nothing,
     "warning host-path - - /mnt /srv/data of the host, writable 1 mountpoints-12.img 2"),
    ("host directory to read", host_mount("/srv/data", flags=1), nothing,
     "note host-path - - /mnt /srv/data of the host, read-only"),
    ("host's /etc", host_mount("/etc"), nothing,
     "error host-path - - /mnt /etc of the host, writable"),
    ("the engine's own", host_mount("/x/" + "0123456789abcdef" * 4 + "/userdata/y"), nothing, None),
]


def audit(directory, *more):
    done = subprocess.run([CRIT, "audit", *more, directory], capture_output=True, text=True,
                          check=False)
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()[1:]]
    return done.returncode, [line for line in lines if " root-user " not in line], done.stderr


def main():
    missed, rules = [], set()
    for number, (what, change, files, words) in enumerate(CASES):
        directory = os.path.join(WORK, "a%d" % number)
        whole_set.build(CRIT, directory, change)
        files(directory)
        code, lines, errors = audit(directory)
        wanted = words is not None and not words.startswith("note")
        good = len(lines) == (words is not None) and code == wanted and not errors
        if not good or (words and not lines[0].startswith(words)):
            missed.append("%s: exit %d, %s %s" % (what, code, lines, errors.strip()))
        if words:
            rules.add(words.split()[1])
        shutil.rmtree(directory)
        shutil.rmtree(directory + ".parent")
    print("%d cases right" % (len(CASES) - len(missed)))
    for line in missed:
        print("wrong: " + line)
    every = {r["rule"] for r in json.loads(subprocess.run(
        [CRIT, "audit", "--rules", "--format", "json"], capture_output=True, check=True).stdout)["rules"]}
    # the others need files beside the set, or are in every set
    untested = every - rules - {"exe-changed", "code-changed", "privileged", "root-user"}
    for rule in sorted(untested):
        print("no case: " + rule)
    return 1 if missed or untested else 0


sys.exit(main())
