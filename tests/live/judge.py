"""The judge: what `plainsight check` says of a case beside what its daemons did.

A verdict of the program fits if it is one of those that what the client saw allows; see `allowed`.
Every difference is a `Difference`, with the directory the files were written to.
"""
import collections
import json
import os
import re
import shutil
import subprocess

import cases
import clients
import roots
from world import CLIENTS

Difference = collections.namedtuple("Difference", "release case client port daemon said folder detail")
NOTHING = "nothing, and no problem"
PASSWORDS = ("PLAIN", "LOGIN", "command")


def program():
    return os.environ.get("PLAINSIGHT") or str(next(
        (path for kind in ("release", "debug") if (path := cases.CASES.parents[1] / "target" / kind / "plainsight").exists()), "plainsight"))


def ask_program(tree, versions, client):
    """The program's answer for one client, or for anyone where that is None, or {"error": …}. Without versions it has to find them out."""
    command = [program(), "check", tree, "--root", tree, "--format", "json", "--certificates", (versions or {}).get("certificates", "require")]
    if client:
        server, source = CLIENTS[client]
        command += ["--from", source, "--to", server]
    if versions:
        command += ["--postfix-version", versions["postfix"], "--dovecot-version", versions["dovecot"]]
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
    if any(accepted(row["clear"].get(way, "")) for way in PASSWORDS):
        return {"cleartext"}
    if any(map(accepted, row["clear"].values())):
        return {"challenge"}
    if any(map(accepted, row["tls"].values())):
        return {"tls-only"}
    return {"locked-out", "no-auth", "fails"}


def accepted(reply):
    """Whether a password was taken. 451 4.3.5 is the word of Dovecot's submission process, which the login process has
    started for a client that is logged in, and which has no relay host to go on with (Debian's own configuration)."""
    return reply == "ok" or reply.startswith("451 4.3.5 ")


def words(row):
    """What the daemon did, in a few words."""
    if "dead" in row:
        return f"dead ({row['dead']})"
    tries = [f"{phase} {way}: {said}" for phase in ("clear", "tls") for way, said in row[phase].items()]
    return f"{row['protocol']}{' over TLS' if row['implicit'] else ''}; {'; '.join(tries)}"


def compare(case_name, job, seen, release, versions, folder):
    """(number of comparisons that agree, list of differences)."""
    if job.get("system-accounts"):  # the packages' own configuration, in the root itself
        tree = roots.root_of(release)
        runs = [(server, given) for server in ("postfix", "dovecot") for given in (versions, None)]
    else:
        tree = folder / release / case_name
        lay_out(job, release, tree)
        runs = [("postfix" if "postfix" in job else "dovecot", versions)]
    good, bad = 0, []
    for server, given in runs:
        before = good
        for client in job["clients"] or list(CLIENTS):
            said = ask_program(tree, given, client)
            if "error" in said:
                bad.append(Difference(release, case_name, client, "-", "", said["error"], str(tree), ""))
                continue
            agree, differences = compare_client(server, client, said, seen, set(job.get("skip", ())), versions)
            good += agree
            bad += [Difference(release, case_name, client, port, daemon, words, str(tree), detail) for port, daemon, words, detail in differences]
        if good > before:  # a client that no listener is meant for has nothing to be told about a daemon that does not start
            bad = [each for each in bad if each.said != NOTHING]
    return good, bad


def compare_client(server, client, said, seen, skip, versions):
    """One server's endpoints as one client finds them: (number that agree, [(port, daemon, plainsight, detail)])."""
    good, bad = 0, []
    mine = [e for e in said.get("endpoints", ()) if e["server"] == server and holds(e.get("version_range"), versions[server])]
    verdicts = collections.defaultdict(set)
    for endpoint in mine:
        verdicts[endpoint["port"]].add(endpoint["verdict"])
    refused = seen["started"][server]
    if refused is not None:
        # Where no file tells what the daemon dies of, only "unknown" is right.
        fits = (v <= {"fails"} or port in skip and v == {"unknown"} for port, v in verdicts.items())
        if all(fits) and (verdicts or said.get("problems")):
            return 1, []
        return 0, [("-", f"does not start: {refused[:300]}", flat(verdicts), "")]
    for port, row in sorted((int(port), row["clients"].get(client)) for port, row in seen["ports"].items() if row["server"] == server):
        if port in skip or row is None:
            continue
        here = [e for e in mine if e["port"] == port]
        said_here = verdicts.get(port, set())
        if not said_here and clients.FOREIGN in (row.get("dead") or row["clear"].get("enter") or ""):
            continue
        if said_here and said_here <= allowed(row):
            good += 1
        else:
            bad.append((port, f"{'|'.join(sorted(allowed(row)))}: {words(row)}", "|".join(sorted(said_here)) or "nothing", because(here)))
        modes = {e["tls"] for e in here if e["verdict"] != "fails"}
        if "dead" not in row and modes and any((mode == "implicit") != row["implicit"] for mode in modes):
            bad.append((port, "implicit TLS" if row["implicit"] else "no implicit TLS", "tls " + "|".join(sorted(modes)), ""))
    for endpoint in mine:
        row = seen["ports"].get(str(endpoint["port"]))
        if row is not None and row["server"] == server and client in row["clients"]:
            continue
        proxied = any(e.get("kind") == "haproxy" for e in endpoint.get("exemptions", ()))
        if endpoint["port"] == 0 or endpoint["port"] in skip or proxied or endpoint["verdict"] in ("fails", "unknown"):
            continue
        bad.append((endpoint["port"], "does not listen", endpoint["verdict"], endpoint["id"]))
    return good, bad


def holds(versions, mine):
    """Whether a verdict that is given for some releases ("2.4 to before 2.4.5", "3.6 and later") is meant for this one."""
    if not versions:
        return True
    number = lambda text: tuple(int(part) for part in text.split("."))
    least, below = re.match(r"([\d.]+)", versions), re.search(r"before ([\d.]+)", versions)
    return (not least or number(least[1]) <= number(mine)) and (not below or number(mine) < number(below[1]))


def flat(verdicts):
    return ", ".join(f"{port}: {'|'.join(sorted(v))}" for port, v in sorted(verdicts.items())) or NOTHING


def because(endpoints):
    """The settings the program named."""
    return "; ".join(f"{b['setting']} = {b.get('value', b.get('default'))}" for e in endpoints for b in e["because"])[:300]
