#!/usr/bin/env python3
"""unit_logs.py TESTLOG.json DIR: writes what each unit test printed to DIR/NAME.log, and a line
"NAME<TAB>LOG<TAB>EXIT STATUS" for each to standard output; 124 stands for a test that was too slow."""
import json
import os
import re
import sys


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        for line in log:
            test = json.loads(line)
            name = test["name"].split(" / ")[-1]
            path = os.path.join(sys.argv[2], re.sub(r"\W", "_", name) + ".log")
            with open(path, "w", encoding="utf-8", errors="replace") as out:
                # The harness's closing line is on standard output: it comes last.
                out.write(test.get("stderr") or "")
                out.write(test.get("stdout") or "")
                if ":fuzz / " in test["name"] and test.get("returncode") == 0:
                    out.write("\n1 passed, 0 failed\n")  # libFuzzer has no such line
            status = test.get("returncode", 1)
            if "TIMEOUT" in str(test.get("result")):
                status = 124
            print(name, path, status, sep="\t")


main()
