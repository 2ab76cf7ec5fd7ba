#!/usr/bin/env python3
"""action.py PROGRAM SCRATCH: runs the steps of action.yml as a runner would, with inputs that try to break out."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import yaml

PROJECT = pathlib.Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((PROJECT / "action.yml").read_text())


def value(expression, inputs):
    """What `${{ inputs.NAME }}` stands for; anything else is refused, so that this test notices it."""
    found = re.fullmatch(r"\$\{\{ (inputs\.[a-z-]+|github\.action_path) \}\}", expression)
    if not found:
        sys.exit(f"action.yml: {expression} is more than an input")
    name = found.group(1).removeprefix("inputs.")
    return str(PROJECT) if name == "github.action_path" else inputs[name]


def check_step(program, scratch, site, given):
    """Runs the step `check` in `site`; its exit code, stdout, and what it left behind."""
    inputs = {name: one.get("default", "") for name, one in ACTION["inputs"].items()}
    inputs.update(given, program=program)
    step = next(one for one in ACTION["runs"]["steps"] if one.get("id") == "check")
    files = {name: scratch / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for file in files.values():
        file.write_text("")
    environment = {name: value(text, inputs) for name, text in step["env"].items()}
    environment.update({name: str(file) for name, file in files.items()})
    environment.update(PATH=os.environ["PATH"], RUNNER_TEMP=str(scratch))
    # As the runner starts `shell: bash`.
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(shell, cwd=site, env=environment, capture_output=True, text=True)
    return done, {name: file.read_text() for name, file in files.items()}


def expect(what, holds, done):
    if not holds:
        sys.exit(f"action.yml: {what}\n{done.stdout}{done.stderr}")


def main():
    program, scratch = sys.argv[1], pathlib.Path(sys.argv[2])
    for step in ACTION["runs"]["steps"]:
        if "run" in step and "${{" in step["run"]:
            sys.exit(f"action.yml: step \"{step['name']}\" has an expression in its script")
        if "run" in step and "shell" not in step:
            sys.exit(f"action.yml: step \"{step['name']}\" names no shell")
    site = scratch / "action"
    rules = PROJECT / "testdata/rules"
    shutil.copytree(rules / "postfix-cleartext-login/fires.in", site / "open server")
    shutil.copytree(rules / "postfix-cleartext-login/quiet.in", site / "closed")

    done, left = check_step(program, scratch, site, {})
    expect("it fails where something is found", done.returncode == 1, done)
    expect("it annotates", "::error file=open server/etc/postfix/main.cf,line=3" in done.stdout, done)
    expect("it summarises", "postfix-cleartext-login" in left["GITHUB_STEP_SUMMARY"], done)
    expect("it says where the SARIF is", left["GITHUB_OUTPUT"] == "sarif-file=plainsight.sarif\n", done)
    sarif = json.loads((site / "plainsight.sarif").read_text())
    expect("it writes SARIF", sarif["runs"][0]["results"], done)

    done, _ = check_step(program, scratch, site, {"path": "closed\n"})
    expect("it passes where nothing is found", done.returncode == 0, done)
    done, _ = check_step(program, scratch, site, {"fail-on": "never", "path": "closed\nopen server"})
    expect("it takes several paths and a severity", done.returncode == 0 and "2 servers" in done.stdout, done)
    done, _ = check_step(program, scratch, site, {"arguments": "--write-baseline=known.json"})
    expect("it takes arguments", (site / "known.json").exists(), done)
    for evil in ["$(touch evil)", "; touch evil", "`touch evil`", "--version", "\" && touch evil #"]:
        done, _ = check_step(program, scratch, site, {"path": evil, "fail-on": "never"})
        expect(f"{evil} is a path", done.returncode == 2 and not (site / "evil").exists(), done)
    print("the action annotates, summarises, writes SARIF, and runs nothing that its inputs say")


main()
