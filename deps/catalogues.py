"""What locales_check.py and templates_check.py have in common: English first, every problem a line, a stamp."""
import os
import sys


def check_files(stamp, files, check):
    """check(path, problems) for each file, English first, since the others are measured against it."""
    failed = False
    for path in sorted(files, key=lambda p: (os.path.basename(p) != "en.json", p)):
        problems = []
        try:
            check(path, problems)
        except (OSError, ValueError, AttributeError, TypeError) as why:
            problems.append(str(why))
        for p in problems:
            print(f"{os.path.basename(path)}: {p}", file=sys.stderr)
        failed = failed or bool(problems)
    if failed:
        return 1
    with open(stamp, "w", encoding="ascii") as f:
        f.write("ok\n")
    return 0
