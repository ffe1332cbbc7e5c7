#!/usr/bin/env bash
# What the style guide forbids, over every file that git knows: banned calls, // comments, marks of
# unfinished work, paths and hosts of one machine, files and headers that break the rules of form,
# rows, headings, settings and keys that a merge left twice.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
list() {
    git ls-files -z 2>/dev/null || find . -type f -not -path './build*' -not -path '*/node_modules/*' \
        -not -path './.git/*' -not -path './data/*' -print0
}
list | python3 tests/check_tree.py
