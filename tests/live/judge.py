"""The judge: what `plainsight check` says of a case beside what its daemons did.

A verdict of the program fits if it is one of those that what the client saw allows; see `allowed`.
Every difference is a `Difference`, with the directory the files were written to.
"""
import collections
import json
import os
import pathlib
import shutil
import subprocess

import cases
import roots
from world import CLIENTS

Difference = collections.namedtuple("Difference", "release case client port daemon said folder detail")
PASSWORDS = ("PLAIN", "LOGIN", "command")


def program():
    return os.environ.get("PLAINSIGHT") or str(next(
        (path for kind in ("release", "debug") if (path := cases.CASES.parents[1] / "target" / kind / "plainsight").exists()), "plainsight"))


def ask_program(tree, versions, client):
    """The program's answer for one client, or {"error": …}."""
    server, source = CLIENTS[client]
    command = [program(), "check", tree, "--root", tree, "--format", "json", "--postfix-version", versions["postfix"],
               "--dovecot-version", versions["dovecot"], "--from", source, "--to", server, "--certificates", "require"]
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return {"error": "no answer within 60 s"}
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"error": f"exit {done.returncode}: {(done.stderr or done.stdout).decode(errors='replace').strip()[:300]}"}


def lay_out(job, release, tree):
    """Write what the program is to read: the case's files, and the certificates of the root."""
    shutil.rmtree(tree, ignore_errors=True)
    for files in (job.get("postfix"), job.get("dovecot"), job.get("shown")):
        for name, text in (files or {}).items():
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("latin-1"))
    link = tree / cases.TLS.strip("/")
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(roots.root_of(release) / cases.TLS.strip("/"))


def allowed(row):
    """The verdicts that fit what a client saw at a port."""
    if "dead" in row:
        return {"fails", "locked-out", "no-auth"}
    if any(row["clear"].get(way) == "ok" for way in PASSWORDS):
        return {"cleartext"}
    if "ok" in row["clear"].values():
        return {"challenge"}
    if "ok" in row["tls"].values():
        return {"tls-only"}
    return {"locked-out", "no-auth", "fails"}


def words(row):
    """What the daemon did, in a few words."""
    if "dead" in row:
        return f"dead ({row['dead']})"
    tries = [f"{phase} {way}: {said}" for phase in ("clear", "tls") for way, said in row[phase].items()]
    return f"{row['protocol']}{' over TLS' if row['implicit'] else ''}; {'; '.join(tries)}"


def compare(case_name, job, seen, release, versions, folder):
    """(number of comparisons that agree, list of differences)."""
    server = "postfix" if job.get("postfix") else "dovecot"
    tree = folder / release / case_name
    lay_out(job, release, tree)
    good, bad = 0, []
    skip = set(job.get("skip", ()))

    def differ(client, port, daemon, said, detail=""):
        bad.append(Difference(release, case_name, client, port, daemon, said, str(tree), detail))

    for client in job["clients"] or list(CLIENTS):
        said = ask_program(tree, versions, client)
        if "error" in said:
            differ(client, "-", "", said["error"])
            continue
        mine = [e for e in said.get("endpoints", ()) if e["server"] == server]
        verdicts = collections.defaultdict(set)
        for endpoint in mine:
            verdicts[endpoint["port"]].add(endpoint["verdict"])
        refused = seen["started"][server]
        if refused is not None:
            if all(v <= {"fails"} for v in verdicts.values()) and (verdicts or said.get("problems")):
                good += 1
            else:
                differ(client, "-", f"does not start: {refused[:300]}", flat(verdicts))
            continue
        for port, row in sorted((int(port), row["clients"].get(client)) for port, row in seen["ports"].items() if row["server"] == server):
            if port in skip or row is None:
                continue
            said_here = verdicts.get(port, set())
            if not said_here and "dead" in row and "none of our protocols" in row["dead"]:
                continue
            if not said_here and "dead" in row:
                differ(client, port, words(row), "nothing", "the port is open")
            elif said_here and said_here <= allowed(row):
                good += 1
            else:
                differ(client, port, f"{'|'.join(sorted(allowed(row)))}: {words(row)}", "|".join(sorted(said_here)) or "nothing", because(mine, port))
            implicit = {e["tls"] == "implicit" for e in mine if e["port"] == port and e["verdict"] != "fails"}
            if "dead" not in row and implicit and implicit != {row["implicit"]}:
                differ(client, port, "implicit TLS" if row["implicit"] else "no implicit TLS", "tls " + "|".join(sorted({e["tls"] for e in mine if e["port"] == port})))
        for endpoint in mine:
            row = seen["ports"].get(str(endpoint["port"]))
            listening = row is not None and row["server"] == server and client in row["clients"]
            proxied = any(e.get("kind") == "haproxy" for e in endpoint.get("exemptions", ()))
            if listening or endpoint["port"] == 0 or endpoint["port"] in skip or proxied or endpoint["verdict"] in ("fails", "unknown"):
                continue
            differ(client, endpoint["port"], "does not listen", endpoint["verdict"], endpoint["id"])
    return good, bad


def flat(verdicts):
    return ", ".join(f"{port}: {'|'.join(sorted(v))}" for port, v in sorted(verdicts.items())) or "nothing, and no problem"


def because(endpoints, port):
    """The settings the program named for a port."""
    return "; ".join(f"{b['setting']} = {b['value']}" for e in endpoints if e["port"] == port for b in e["because"])[:300]
