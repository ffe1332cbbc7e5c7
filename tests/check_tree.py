#!/usr/bin/env python3
"""check_tree.py: reads file names, ended by NUL, from standard input; one check, one line if it fails."""
import json
import os
import re
import sys

LINES_MAX = 600  # of a C file
FILE_MAX = 1 << 20
BANNED = re.compile(r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|alloca|system|popen)\s*\(")
# In pieces, so that this file passes itself.
MARKS = re.compile(r"\b(TO" r"DO|FIX" r"ME|HA" r"CK)\b")
PLACES = re.compile(r"(?<![\w.])(/wo" r"rk/|/tmp/" r"w/|/ho" r"me/\w|/Us" r"ers/\w|\.\./sha" r"red\b|\.lib" r"rary\b)"
                    r"|registry\.np" r"mjs|deb\.debi" r"an\.org|files\.pythonho" r"sted|pypi\.o" r"rg")
TOKENS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_of(text):
    """Without comments and literals, lines kept; and the lines of // comments."""
    slashes = []

    def blank(m):
        if m.group().startswith("//"):
            slashes.append(text.count("\n", 0, m.start()) + 1)
        return re.sub(r"[^\n]", " ", m.group())

    return TOKENS.sub(blank, text), slashes


def check_c(path, text, found):
    code, slashes = code_of(text)
    found["// comments"] += [f"{path}:{n}" for n in slashes]
    for m in BANNED.finditer(code):
        found["banned calls"].append(f"{path}:{code.count(chr(10), 0, m.start()) + 1}: {m.group(1)}")
    lines = text.count("\n")
    if lines > LINES_MAX:
        found["files above %d lines" % LINES_MAX].append(f"{path}: {lines}")
    if path.endswith(".h") and path.startswith("include/"):
        guard = "CREWLINE_" + re.sub(r"\W", "_", path[len("include/"):]).upper()
        if f"#ifndef {guard}\n#define {guard}\n" not in text:
            found["include guards"].append(f"{path}: no {guard}")
        if not text.startswith("/*\n * " + os.path.basename(path)[:-2] + ":"):
            found["headers without a purpose"].append(path)


def twice_said(path, text):
    """What a merge that kept both sides leaves: (line, what) of a row, a heading, a setting or a key that is there again."""
    seen, twice, rows = set(), [], path.endswith(".md")
    if path.endswith(".json"):
        def keys(pairs):
            names = [name for name, _ in pairs]
            twice.extend((0, name) for name in set(names) if name != "//" and names.count(name) > 1)
            return dict(pairs)

        json.loads(text, object_pairs_hook=keys)
        return twice
    for n, line in enumerate(text.split("\n"), 1):
        what = None
        if rows and line.startswith("|"):
            cells = [cell.strip() for cell in line.split("|")[1:3]]
            what = " | ".join(cells) if all(cell.strip("-: ") for cell in cells) else None
        elif rows:
            seen.clear()  # a table ends where its rows do
        elif path.endswith(".1"):
            what = line if line.startswith((".SH ", ".SS ")) else None
        elif path.endswith(".env.example"):
            what = line.split("=")[0] if "=" in line and not line.startswith("#") else None
        if what in seen:
            twice.append((n, what))
        if what:
            seen.add(what)
    return twice


def main():
    rules = ["// comments", "banned calls", "files above %d lines" % LINES_MAX, "include guards",
             "headers without a purpose", "marks of unfinished work", "paths and hosts of one machine",
             "files above 1 MiB", "trailing white space and tabs", "files without an end of line", "said twice"]
    found = {rule: [] for rule in rules}
    for path in sys.stdin.buffer.read().decode().split("\0"):
        if not path or os.path.islink(path) or not os.path.isfile(path):
            continue
        with open(path, "rb") as f:
            data = f.read()
        if len(data) > FILE_MAX:
            found["files above 1 MiB"].append(f"{path}: {len(data)}")
        if b"\0" in data or path.startswith(("tests/data/", "tests/fuzz/seeds/")):
            continue
        text = data.decode("utf-8", "replace")
        for n, line in enumerate(text.split("\n"), 1):
            if MARKS.search(line):
                found["marks of unfinished work"].append(f"{path}:{n}")
            if PLACES.search(line):
                found["paths and hosts of one machine"].append(f"{path}:{n}")
            if path.endswith((".c", ".h", ".lua", ".py", ".sh", ".mjs")) and (line != line.rstrip() or "\t" in line):
                found["trailing white space and tabs"].append(f"{path}:{n}")
        if data and not data.endswith(b"\n") and not path.endswith(".svg"):
            found["files without an end of line"].append(path)
        if path.endswith((".md", ".1", ".env.example")) or (path.startswith("config/") and path.endswith(".json")):
            found["said twice"] += [f"{path}:{n}: {what}" for n, what in twice_said(path, text)]
        if path.endswith((".c", ".h")):
            check_c(path, text, found)
    failed = [rule for rule in rules if found[rule]]
    for rule in failed:
        print("FAILED", rule)
        print("\n".join("  " + one for one in found[rule][:40]))
    print(f"{len(rules) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


main()
