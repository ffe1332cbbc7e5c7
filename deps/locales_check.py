#!/usr/bin/env python3
"""Refuse catalogues that do not fit English: locales_check.py STAMP en.json OTHER.json... [--used-in FOLDER DEPFILE]

Every catalogue must have English's keys (no fewer, no more), patterns that parse, the same parameters
used in the same way, the plural categories its language needs, and texts within the limits that English
states ("<key>@max", or "<prefix>.@max" for all keys below), counted in UTF-16 units as providers do.
Word lists must not be empty, nor may a word mean two commands in one language, or another one than it
means in English, whose commands work in every language. With --used-in each key of English must stand
in a source below the folder, whole or by its beginning ("help.", "name.%s.%s").
"""
import json
import os
import re
import sys
import unicodedata

from catalogues import check_files

# Source: CLDR 42, plural rules (cardinal). A language not listed needs "other" only.
PLURALS = {
    "en": {"one", "other"}, "es": {"one", "many", "other"}, "hi": {"one", "other"},
    "ar": {"zero", "one", "two", "few", "many", "other"},
    "pt": {"one", "many", "other"}, "fr": {"one", "many", "other"},
}
# "many" of Spanish, French and Portuguese is for millions: never a count of work orders.
RARE = {"es": {"many"}, "pt": {"many"}, "fr": {"many"}}
KINDS = {"number", "date", "time", "datetime", "plural", "select"}
FORMS = {"zero", "one", "two", "few", "many", "other"}


class Bad(Exception):
    pass


class Pattern:
    """The parser of src/domain/i18n_pattern.c: parameters, their kinds, and the choices' names."""

    def __init__(self, text):
        self.text, self.at = text, 0
        self.params, self.forms = set(), []
        self.longest = self.nodes(False, 0)
        if self.at < len(text):
            raise Bad(f"'}}' without '{{' near {text[self.at:self.at + 20]!r}")

    def word(self):
        m = re.compile(r"\s*([\w=]*)\s*", re.ASCII).match(self.text, self.at)
        self.at = m.end()
        return m.group(1)

    def eat(self, c):
        if self.text[self.at:self.at + 1] != c:
            raise Bad(f"{c!r} expected near {self.text[self.at:self.at + 20]!r}")
        self.at += 1

    def nodes(self, plural, depth):
        if depth > 3:
            raise Bad("nested too deep")
        longest, quoted, text = "", False, self.text
        while self.at < len(text):
            c, after = text[self.at], text[self.at + 1:self.at + 2]
            if c == "'" and after == "'":
                longest += "'"
                self.at += 2
            elif c == "'" and (quoted or after in ("{", "}") or (plural and after == "#")):
                quoted = not quoted
                self.at += 1
            elif not quoted and c == "}":
                break
            elif not quoted and c == "{":
                self.at += 1
                longest += self.argument(depth)
            else:
                longest += c
                self.at += 1
        return longest

    def argument(self, depth):
        name = self.word()
        if not name:
            raise Bad("a parameter without a name")
        kind, longest = "text", ""
        if self.text[self.at:self.at + 1] == ",":
            self.at += 1
            kind = self.word()
            if kind not in KINDS:
                raise Bad(f"{kind!r} is no kind of parameter")
            if kind in ("plural", "select"):
                longest = self.choices(name, kind, depth)
        self.params.add((name, {"plural": "number"}.get(kind, kind)))
        self.eat("}")
        return longest

    def choices(self, name, kind, depth):
        self.eat(",")
        names, longest = set(), ""
        while True:
            choice = self.word()
            if not choice:
                break
            exact = re.fullmatch(r"=\d+", choice)
            if kind == "plural" and not exact and choice not in FORMS:
                raise Bad(f"{choice!r} is no plural category")
            if choice in names:
                raise Bad(f"choice {choice!r} stands twice")
            names.add(choice)
            self.eat("{")
            longest = max(longest, self.nodes(kind == "plural", depth + 1), key=len)
            self.eat("}")
        if "other" not in names:
            raise Bad("choice 'other' missing")
        self.forms.append((name, kind, frozenset(names)))
        return longest


def units(text):
    return len(text.encode("utf-16-le")) // 2


def plain(word):
    """Near enough to i18n_normalize() to see that two words are one."""
    word = unicodedata.normalize("NFKC", word).casefold()
    word = re.sub("[\u064b-\u0652\u0640\u0670\u093c]", "", word)
    word = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFD", word))
    word = unicodedata.normalize("NFC", word)
    word = word.translate({0x622: 0x627, 0x623: 0x627, 0x625: 0x627, 0x649: 0x64a, 0x629: 0x647,
                           0x901: 0x902})
    word = re.sub("[\u0919\u091e\u0923\u0928\u092e]\u094d(?=[\u0915-\u0918\u091a-\u091d\u091f-\u0922\u0924-\u0927\u092a-\u092d])",
                  "\u0902", word)
    word = re.sub(r"\s+", " ", word).strip()
    return re.sub(r"^[^\w]+|[^\w\u0900-\u0963]+$", "", word)


def limit_of(english, key):
    if key + "@max" in english:
        return english[key + "@max"]
    prefix = key.rsplit(".", 1)[0] + ".@max"
    return english.get(prefix)


def check_text(lang, key, text, english, problems):
    p = Pattern(text)
    limit = limit_of(english, key)
    if limit is not None and units(p.longest) > limit:
        problems.append(f"{key}: {units(p.longest)} characters, more than {limit}: {p.longest}")
    if not text.strip() and english[key].strip():
        problems.append(f"{key}: empty")
    of = Pattern(english[key])
    if p.params != of.params:
        problems.append(f"{key}: parameters {sorted(p.params)} are not English's {sorted(of.params)}")
    selects = {(n, c) for n, kind, c in p.forms if kind == "select"}
    if selects != {(n, c) for n, kind, c in of.forms if kind == "select"}:
        problems.append(f"{key}: choices of a select are not those of English")
    for name, kind, names in p.forms:
        exact = any(n.startswith("=") for n in names)
        missing = PLURALS.get(lang, {"other"}) - RARE.get(lang, set()) - names
        if kind == "plural" and missing and not exact:
            problems.append(f"{key}: plural of {name} lacks {', '.join(sorted(missing))}")


def check_words(key, words, problems, commands):
    if not words:
        problems.append(f"{key}: empty list")
    seen = set()
    for w in words:
        p = plain(w) if isinstance(w, str) else ""
        if not p:
            problems.append(f"{key}: {w!r} has no letter or digit")
        elif p in seen:
            problems.append(f"{key}: {w!r} stands twice")
        seen.add(p)
        if key.startswith("commands.") and commands.setdefault(p, key) != key:
            problems.append(f"{key}: {w!r} is also in {commands[p]}")


def english_commands(english):
    return {plain(w): key for key, words in english.items() if key.startswith("commands.")
            for w in words if isinstance(w, str)}


def check(lang, catalogue, english, problems):
    commands = {} if catalogue is english else english_commands(english)
    for key in english:
        if "@" not in key and key not in catalogue:
            problems.append(f"{key}: missing")
    for key, value in catalogue.items():
        if "@" in key:
            if catalogue is not english:
                problems.append(f"{key}: limits stand in en.json only")
        elif key not in english:
            problems.append(f"{key}: English has no such key")
        elif type(value) is not type(english[key]):
            problems.append(f"{key}: a text in one, a list in the other")
        elif isinstance(value, list):
            check_words(key, value, problems, commands)
        else:
            try:
                check_text(lang, key, value, english, problems)
            except Bad as why:
                problems.append(f"{key}: {why}")


def load(path):
    def pairs(items):
        names = [k for k, _ in items]
        twice = {k for k in names if names.count(k) > 1}
        if twice:
            raise ValueError(f"keys that stand twice: {', '.join(sorted(twice))}")
        return dict(items)

    with open(path, encoding="utf-8") as f:
        return json.load(f, object_pairs_hook=pairs)


ROOMS = ("domain", "jobs", "app")  # those below know no language
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
BEGINNING = re.compile(r"((?:[a-z_]+\.)+)(?:%.*)?$")


def sources(folder):
    for room in ROOMS:
        for at, _, names in os.walk(os.path.join(folder, room)):
            for name in names:
                if name.endswith((".c", ".h")):
                    yield os.path.join(at, name)


def check_used(english, folder, depfile, stamp, problems):
    paths, literals = sorted(sources(folder)), set()
    for path in paths:
        with open(path, encoding="utf-8") as f:
            literals.update(LITERAL.findall(re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)))
    begins = tuple(m.group(1) for m in map(BEGINNING.match, literals) if m)
    for key in english:
        if key.endswith(".@max"):
            used = any(k.startswith(key[:-4]) and "@" not in k for k in english)
        else:
            key = key.split("@")[0]
            used = key in literals or key.startswith(begins)
        if not used:
            problems.append(f"{key}: nothing uses it")
    with open(depfile, "w", encoding="utf-8") as f:
        f.write(f"{stamp}: {' '.join(paths)}\n")


def main():
    stamp, files = sys.argv[1], sys.argv[2:]
    used_in = files[files.index("--used-in") + 1:] if "--used-in" in files else []
    files = files[:files.index("--used-in")] if used_in else files
    seen = {}

    def check_file(path, problems):
        catalogue = load(path)
        if "en" not in seen:
            seen["en"] = catalogue
            if used_in:
                check_used(catalogue, used_in[0], used_in[1], stamp, problems)
        check(os.path.splitext(os.path.basename(path))[0], catalogue, seen["en"], problems)

    return check_files(stamp, files, check_file)


sys.exit(main())
