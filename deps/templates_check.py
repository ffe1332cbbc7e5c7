#!/usr/bin/env python3
"""Refuse message templates that a provider would: templates_check.py STAMP en.json OTHER.json...

Every language has English's templates (no fewer, no more), of the same category, with the same
parameters and the same actions behind as many buttons. Limits are Meta's, which are the tighter ones
(Graph API, "Templates"; Twilio, "Using variables"): names of small letters, digits and underscore;
bodies of 1024 characters, header and footer of 60, labels of 25; parameters numbered from 1 without
gaps, neither first nor last nor adjacent, with at least twice as many words as parameters around them
and one more; an example for each.
"""
import json
import re
import sys

from catalogues import check_files

CATEGORIES = {"UTILITY", "MARKETING", "AUTHENTICATION"}
MEMBERS = {"category", "header", "body", "footer", "buttons", "examples"}
VALUE_MAX = 100  # what a parameter may grow to at the least before the body is full
VARIABLE = re.compile(r"\{\{(.*?)\}\}")


def check_body(t, problems):
    body = t.get("body", "")
    names = VARIABLE.findall(body)
    numbers = sorted({int(n) for n in names if n.isdigit()})
    if not body or len(body) > 1024:
        problems.append(f"body has {len(body)} characters, not 1 to 1024")
    if any(not n.isdigit() for n in names) or numbers != list(range(1, len(numbers) + 1)):
        problems.append(f"parameters {names} are not numbered from 1 without gaps")
    if len(names) != len(numbers):
        problems.append("a parameter stands twice")
    text = re.sub(r"[*_~\s]+", "", body)
    if text.startswith("{{") or text.endswith("}}") or "}}{{" in text:
        problems.append("a parameter stands first, last, or beside another")
    words = len(re.findall(r"\w+", VARIABLE.sub(" ", body)))
    if numbers and words < 2 * len(numbers) + 1:
        problems.append(f"{words} words are too few for {len(numbers)} parameters")
    if re.search(r"\n{3}|\t| {5}", body):
        problems.append("more than one blank line, or blanks in a row")
    if len(VARIABLE.sub("", body)) + VALUE_MAX * len(numbers) > 1024:
        problems.append("leaves too little room for the values")
    return len(numbers)


def check_buttons(t, problems):
    buttons = t.get("buttons", [])
    labels = [b.get("text", "") for b in buttons]
    if len(buttons) > 3:
        problems.append("more than 3 buttons")
    for b in buttons:
        if set(b) != {"text", "action"} or not b["action"]:
            problems.append(f"button {b} has not exactly text and action")
        if not 1 <= len(b.get("text", "").strip()) <= 25 or VARIABLE.search(b.get("text", "")):
            problems.append(f"label {b.get('text')!r} has not 1 to 25 characters without parameters")
    if len(set(labels)) != len(labels):
        problems.append("two buttons of one label")
    return [b.get("action") for b in buttons]


def check_template(name, t, problems):
    """What other languages must have alike: category, number of parameters, actions."""
    if not re.fullmatch(r"[a-z0-9_]{1,100}", name):
        problems.append("a name of small letters, digits and underscore is needed")
    for member in set(t) - MEMBERS:
        problems.append(f"{member}: unknown member")
    if t.get("category") not in CATEGORIES:
        problems.append(f"category {t.get('category')!r} is none of {sorted(CATEGORIES)}")
    for member in ("header", "footer"):
        if len(t.get(member, "")) > 60 or VARIABLE.search(t.get(member, "")):
            problems.append(f"{member} is longer than 60 characters or has a parameter")
    if t.get("category") == "AUTHENTICATION":
        if set(t) & {"header", "body", "footer", "buttons"}:
            problems.append("the provider's own wording stands for all but the examples")
        n = 1
    else:
        n = check_body(t, problems)
    examples = t.get("examples", [])
    if len(examples) != n or not all(isinstance(e, str) and e.strip() for e in examples):
        problems.append(f"{len(examples)} examples for {n} parameters")
    return t.get("category"), n, check_buttons(t, problems)


def main():
    stamp, files = sys.argv[1], sys.argv[2:]
    seen = {"english": None, "languages": set()}

    def check(path, problems):
        with open(path, encoding="utf-8") as f:
            catalogue = json.load(f)
        language, shapes = catalogue.get("language", ""), {}
        if not re.fullmatch(r"[a-z]{2,3}(_[A-Z]{2})?", language) or language in seen["languages"]:
            problems.append(f"language {language!r} is no code of its own such as es or en_US")
        seen["languages"].add(language)
        for name, t in catalogue.get("templates", {}).items():
            own = []
            shapes[name] = check_template(name, t, own)
            problems += [f"{name}: {p}" for p in own]
        english = seen["english"] = seen["english"] or shapes
        for name in sorted(set(english) ^ set(shapes)):
            problems.append(f"{name}: {'missing' if name in english else 'English has none'}")
        for name in sorted(set(english) & set(shapes)):
            if shapes[name] != english[name]:
                problems.append(f"{name}: {shapes[name]} is not English's {english[name]}")

    return check_files(stamp, files, check)


sys.exit(main())
