#!/usr/bin/env python3
"""validate.py PLAINSIGHT SCHEMA: holds what is written for machines against the formats' own definitions.

Every case below testdata is checked once in each format. SARIF has to be valid against the schema that OASIS published,
JUnit XML has to be well formed with the right numbers in it, and of GitHub's commands each line has to be one; what `--format json` prints has to be as docs/schema says.
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


def own_schema():
    """The schema of our own documents. It lets names be added, and here none may be that it does not know."""
    schema = json.loads((PROJECT / "docs/schema/plainsight-1.json").read_text())

    def close(part):
        if isinstance(part, dict):
            if "properties" in part:
                part.setdefault("additionalProperties", False)
            for each in part.values():
                close(each)
        elif isinstance(part, list):
            for each in part:
                close(each)
    close(schema)
    return jsonschema.Draft202012Validator(schema)


def validate_own(program, case, own):
    """How many documents of `check`, `scan`, `preflight` and `rules` a case gives; each has to be as the schema says."""
    commands = [["check", "."], ["rules"], ["preflight", "."]]
    logs = sorted(path for path in case.rglob("*") if path.is_file() and "log" in path.name)
    commands += [["scan", str(log)] for log in logs]
    commands += [["preflight", ".", "--log", str(log)] for log in logs]
    count = 0
    for command in commands:
        done = subprocess.run([program, *command, "--format", "json"], cwd=case, capture_output=True, text=True, env={"PLAINSIGHT_TODAY": "2026-11-24"})
        if not done.stdout:
            continue
        count += 1
        for error in own.iter_errors(json.loads(done.stdout)):
            deepest = jsonschema.exceptions.best_match([error])
            sys.exit(f"{case}: {' '.join(command)}: {'/'.join(map(str, deepest.absolute_path))}: {deepest.message[:300]}")
    return count


def main():
    program, schema = sys.argv[1:]
    validator = jsonschema.Draft4Validator(json.loads(pathlib.Path(schema).read_text()))
    cases = sorted(path for path in PROJECT.glob("testdata/**/*.in") if path.is_dir())
    own = own_schema()
    judged = documents = 0
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
        documents += validate_own(program, case, own)
    if judged < 20 or documents < 40:
        sys.exit(f"only {judged} cases could be judged")
    print(f"{judged} cases: SARIF is valid, JUnit well formed, GitHub's commands are commands; {documents} documents of our own are valid")


main()
