#!/usr/bin/env python3
"""The build refuses catalogues that do not fit: test_locales_check.py CHECKER LOCALES_FOLDER"""
import json
import os
import subprocess
import sys
import tempfile

CHECKER, FOLDER = sys.argv[1:3]
SOURCES = os.path.join(FOLDER, "..", "..", "src")
DROP = object()
# label, catalogue, key, new value (DROP: key left out), what the complaint must contain (None: accepted)
ROWS = [
    ("as they are", "es", None, None, None),
    ("key missing", "es", "button.yes", DROP, "button.yes: missing"),
    ("key too many", "es", "button.maybe", "Quizás", "English has no such key"),
    ("list for a text", "es", "button.yes", ["Sí"], "a text in one, a list in the other"),
    ("empty text", "es", "button.yes", " ", "button.yes: empty"),
    ("parameter missing", "es", "reply.completed", "Completada.", "parameters"),
    ("parameter unknown", "es", "reply.completed", "{number} {who}", "parameters"),
    ("parameter of another kind", "es", "line.due", "{due, time}", "parameters"),
    ("brace open", "es", "reply.completed", "{number", "expected"),
    ("brace alone", "es", "reply.completed", "{number}}", "without"),
    ("other missing", "es", "reply.more", "{n, plural, one {#}}", "'other' missing"),
    ("unknown category", "es", "reply.more", "{n, plural, lots {#} other {#}}", "no plural category"),
    ("category of the language missing", "ar", "unit.days", "{n, plural, one {#} other {#}}",
     "lacks few, many, two, zero"),
    ("choice of a select missing", "es", "reply.which.media", "{kind, select, other {x}}", "select"),
    ("button too long", "es", "button.start", "Empezar el trabajo ya", "21 characters, more than 20"),
    ("emoji count twice", "es", "button.start", "🔧🔧🔧🔧🔧🔧🔧🔧🔧🔧🔧", "22 characters"),
    ("row title too long", "hi", "row.optout_none", "x" * 25, "more than 24"),
    ("quoted braces are text", "es", "reply.more_none", "a '{'b'}' c''d", None),
    ("empty list", "es", "commands.ack", [], "empty list"),
    ("word without letters", "es", "commands.ack", ["!!!"], "no letter"),
    ("word twice", "es", "commands.ack", ["Listo", "LISTO!"], "stands twice"),
    ("word of two commands", "es", "commands.ack", ["nota"], "is also in"),
    ("word that is another command in English", "es", "commands.ack", ["Start"], "is also in commands.start"),
    ("word of the same command in English", "es", "commands.ack", ["ACK"], None),
    ("limit outside English", "es", "button.yes@max", 30, "en.json only"),
    ("nobody says it", "en", "button.unheard_of", "Unheard", "button.unheard_of: nothing uses it"),
    ("said by its beginning", "en", "name.status.lost", "Lost", "name.status.lost: missing"),
    ("English itself", "en", "button.start", "Start Work Right Now!", "21 characters"),
]


def run(lang, key, value):
    with tempfile.TemporaryDirectory() as tmp:
        paths = []
        for name in sorted(os.listdir(FOLDER)):
            with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
                catalogue = json.load(f)
            if name == lang + ".json" and key is not None:
                if value is DROP:
                    del catalogue[key]
                else:
                    catalogue[key] = value
            paths.append(os.path.join(tmp, name))
            with open(paths[-1], "w", encoding="utf-8") as f:
                json.dump(catalogue, f, ensure_ascii=False)
        stamp = os.path.join(tmp, "stamp")
        used = ["--used-in", SOURCES, os.path.join(tmp, "d")] if lang == "en" else []
        done = subprocess.run([sys.executable, CHECKER, stamp] + paths + used, capture_output=True, text=True,
                              env={**os.environ, "PYTHONIOENCODING": "utf-8"}, check=False)
        return done.returncode, os.path.exists(stamp), done.stderr


def main():
    failed = 0
    for label, lang, key, value, why in ROWS:
        code, stamp, said = run(lang, key, value)
        ok = (code == 0 and stamp) if why is None else (code == 1 and not stamp and why in said)
        if not ok:
            failed += 1
            print(f"{label}: exit {code}, {said!r}")
    print(f"{len(ROWS) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
