#!/usr/bin/env python3
"""validate.py PLAINSIGHT SCHEMA: holds what `check` writes for machines against the formats' own definitions.

Every case below testdata is checked once in each format. SARIF has to be valid against the schema that OASIS published,
JUnit XML has to be well formed with the right numbers in it, and of GitHub's commands each line has to be one.
"""

import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import jsonschema

PROJECT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = re.compile(r"^::(error|warning|notice) ([a-z]+=[^,:]*)(,[a-z]+=[^,:]*)*::[^\r\n]+$")


def check(program, case, format):
    command = [program, "check", ".", "--format", format]
    done = subprocess.run(command, cwd=case, capture_output=True, text=True, env={"PLAINSIGHT_TODAY": "2026-11-24"})
    if done.returncode not in (0, 1, 3) and not done.stderr:
        sys.exit(f"{case}: exit {done.returncode} without a word")
    return done.stdout if done.returncode in (0, 1, 3) else None


def validate_junit(case, text):
    for suite in ElementTree.fromstring(text):
        numbers = {
            "tests": len(suite),
            "failures": len(suite.findall("testcase/failure")),
            "skipped": len(suite.findall("testcase/skipped")),
        }
        for name, number in numbers.items():
            if suite.get(name) != str(number):
                sys.exit(f"{case}: {name} is {suite.get(name)}, counted {number}")


def main():
    program, schema = sys.argv[1:]
    validator = jsonschema.Draft4Validator(json.loads(pathlib.Path(schema).read_text()))
    cases = sorted(PROJECT.glob("testdata/**/*.in"))
    judged = 0
    for case in cases:
        sarif = check(program, case, "sarif")
        if not sarif:
            continue
        judged += 1
        for error in validator.iter_errors(json.loads(sarif)):
            sys.exit(f"{case}: {'/'.join(map(str, error.path))}: {error.message}")
        validate_junit(case, check(program, case, "junit"))
        for line in check(program, case, "github").splitlines()[:-1]:
            if not COMMAND.match(line):
                sys.exit(f"{case}: no command of GitHub's: {line}")
    if judged < 20:
        sys.exit(f"only {judged} cases could be judged")
    print(f"{judged} cases: SARIF is valid, JUnit well formed, GitHub's commands are commands")


main()
