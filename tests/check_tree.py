#!/usr/bin/env python3
"""check_tree.py: reads file names, ended by NUL, from standard input; one check, one line if it fails."""
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


def main():
    rules = ["// comments", "banned calls", "files above %d lines" % LINES_MAX, "include guards",
             "headers without a purpose", "marks of unfinished work", "paths and hosts of one machine",
             "files above 1 MiB", "trailing white space and tabs", "files without an end of line"]
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
        if path.endswith((".c", ".h")):
            check_c(path, text, found)
    failed = [rule for rule in rules if found[rule]]
    for rule in failed:
        print("FAILED", rule)
        print("\n".join("  " + one for one in found[rule][:40]))
    print(f"{len(rules) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


main()
