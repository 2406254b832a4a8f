# SPDX-License-Identifier: MIT
# json_members.py COMMAND FILE…: documents of a command have the members that its section of
# docs/json.md names, in that order; and elements of one list all have the same, if nothing there
# says otherwise.
import json
import os
import re
import sys

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/json.md")
# Where members are missing, as the page says.
PARTIAL = {"stack": {"", ".processes[]", ".processes[].threads[]"},
           "inspect": {"", ".checkpoints[]", ".inventory", ".checkpoints[].inventory", ".sizes", ".checkpoints[].sizes"}}
PARTIAL_BELOW = re.compile(r"(\.checkpoints\[\])?\.(tasks|threads)\[\]")
FREE = "registers"  # by the names the image has


def words_of(command):
    with open(DOCS, encoding="utf-8") as page:
        for part in page.read().split("\n## ")[1:]:
            head, _, body = part.partition("\n")
            if command in head.split(", "):
                return [word.split(".")[-1].removesuffix("[]") for word in re.findall(r"`([^`]+)`", body)]
    sys.exit(f"{command}: no section of json.md")


def objects(value, path):
    if isinstance(value, dict):
        yield path, list(value)
        for key, inner in value.items():
            if key != FREE:
                yield from objects(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner, path + "[]")


def main(command, files):
    words, bad, seen = words_of(command), set(), 0
    for name in files:
        first = {}
        with open(name, encoding="utf-8") as text:
            document = json.load(text)
        for path, members in objects(document, ""):
            seen += 1
            rest = iter(words)
            for unknown in set(members) - set(words):
                bad.add(f"{command}{path}.{unknown}: not in json.md")
            if not all(member in rest for member in members if member in words):
                bad.add(f"{command}{path}: in another order: {' '.join(members)}")
            partial = path in PARTIAL.get(command, ()) or command == "inspect" and PARTIAL_BELOW.match(path)
            if not partial and first.setdefault(path, members) != members:
                bad.add(f"{command}{path}: has or has not {' '.join(set(first[path]) ^ set(members))}")
    print("\n".join(sorted(bad)) if bad else f"{command}: {seen} objects")
    return 1 if bad or not seen else 0


sys.exit(main(sys.argv[1], sys.argv[2:]))
