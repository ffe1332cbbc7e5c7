#!/usr/bin/env python3
"""Write a C file that embeds the given files: embed.py OUT.c SYMBOL FILE...

The result defines `const struct embedded SYMBOL[]` (include/base/embed.h), sorted by name and ended
by a row whose name is NULL. A file's name is its path below the folder given as `--root`, or its
base name.
"""
import os
import sys


def main():
    args = sys.argv[1:]
    root = None
    if args[0] == "--root":
        root, args = args[1], args[2:]
    out, symbol, files = args[0], args[1], args[2:]
    rows = []
    with open(out, "w", encoding="ascii") as f:
        f.write('#include "base/embed.h"\n\n')
        names = [(os.path.relpath(p, root) if root else os.path.basename(p), p) for p in files]
        for i, (name, path) in enumerate(sorted(names)):
            with open(path, "rb") as src:
                data = src.read()
            body = ",".join(str(b) for b in data + b"\0")
            f.write(f"static const unsigned char data_{i}[] = {{{body}}};\n")
            rows.append(f'    {{"{name}", (const char *)data_{i}, {len(data)}}},\n')
        f.write(f"\nconst struct embedded {symbol}[] = {{\n{''.join(rows)}    {{0, 0, 0}}}};\n")


main()
