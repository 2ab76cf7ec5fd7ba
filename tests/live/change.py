"""The change: what `plainsight diff` and `apply` make of a case, taken by other tools and asked of the daemons.

Of the files alone: `patch` and `git apply` take the patch and come to the same bytes as `apply`; the patch undone, `diff --reverse`
and `apply --revert` each give back every byte; a second run finds nothing; the program judges the result as closed, unless it
said of the patch what stays open. Of the daemons: the settings that `postconf -n`, `postconf -P` and `doveconf -n` print differ
where the patch means them to and nowhere else; the servers still start; nobody who could log in with TLS is locked out; and a
client from outside gets in without TLS only where that was said.
"""
import os
import re
import shutil
import subprocess
import zlib

import cases
import judge

# Who has neither the server's own host nor a trusted network behind it in any case.
OUTSIDER = "far"
# What a change that enforces TLS may set, and nothing else.
INTENDED = {"smtpd_tls_auth_only", "smtpd_tls_security_level", "smtpd_use_tls", "smtpd_enforce_tls", "smtpd_sasl_auth_enable",
            "ssl", "disable_plaintext_auth", "auth_allow_cleartext", "login_trusted_networks", "haproxy_trusted_networks"}
BINARY = {"capture_output": True, "timeout": 60}


class Trouble(Exception):
    """A comparison that failed: (what was wanted, what there is)."""


def arguments(versions):
    return ["--root", ".", "--postfix-version", versions["postfix"], "--dovecot-version", versions["dovecot"], "--certificates", versions.get("certificates", "require")]


# Comments of the kinds that old configurations are full of, as bytes. The fourth ends in the second byte of a Shift_JIS letter, which
# is a backslash; it says "table" in the language of the others.
COMMENTS = (
    "",
    "# 認証は暗号化されていること\n".encode("euc-jp").decode("latin-1") + "# a lone\rcarriage return\n",
    "# pour les clients d'été, naïvement\n",
    "# 表\n".encode("shift_jis").decode("latin-1"),
    f"# {'long ' * (1 << 18)}\n",
)


def dressed(name, job):
    """The job with such comments on top of its files, and for some without their last newline; which, its name decides."""
    number = zlib.crc32(name.encode())
    comment = COMMENTS[number % len(COMMENTS)]

    def dress(path, text):
        if not path.endswith(("main.cf", "master.cf", "dovecot.conf")):
            return text
        return comment + (text.rstrip("\r\n") if number // len(COMMENTS) % 4 == 0 else text)
    parts = {part: {path: dress(path, text) for path, text in job[part].items()} for part in ("postfix", "dovecot") if part in job}
    return {**job, **parts}


def plainsight(tree, versions, command, *words):
    return subprocess.run([os.path.abspath(judge.program()), command, ".", *arguments(versions), *words], cwd=tree, **BINARY)


def texts(tree):
    """Every file of the case below its root, by name."""
    found = {}
    for folder, folders, names in os.walk(tree):
        folders[:] = [name for name in folders if name not in (".plainsight", ".git")]
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, tree)] = file.read()
    return found


def copy(tree, name):
    other = tree.parent / f"{tree.name}-{name}"
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(tree, other, symlinks=True)
    return other


def take(tree, patch, *command):
    done = subprocess.run(command, cwd=tree, input=patch, **BINARY)
    if done.returncode:
        raise Trouble(f"{' '.join(command)} takes the patch", (done.stderr or done.stdout).decode(errors="replace")[:300])


def same(what, want, have):
    if want != have:
        names = sorted(name for name in {*want, *have} if want.get(name) != have.get(name))
        raise Trouble(what, f"differs in {', '.join(names)}")


def compare_files(tree, patch, versions):
    """The number of comparisons that agree: every tool makes the same change and the same way back. Leaves the changed tree behind."""
    old = texts(tree)
    done = {}
    for name, there, back in (("patched", ("patch", "-p1", "-s", "--no-backup-if-mismatch"), ("patch", "-p1", "-s", "-R", "--no-backup-if-mismatch")),
                              ("git", ("git", "apply", "-"), ("git", "apply", "-R", "-"))):
        done[name] = copy(tree, name)
        take(done[name], patch, *there)
        new = texts(done[name])
        back_again = copy(done[name], "back")
        take(back_again, patch, *back)
        same(f"{' '.join(back)} gives back every byte", old, texts(back_again))
    new = texts(done["patched"])
    same("patch and git apply agree", new, texts(done["git"]))
    reverse = plainsight(tree, versions, "diff", "--reverse")
    take(done["git"], reverse.stdout, "git", "apply", "-")
    same("diff --reverse gives back every byte", old, texts(done["git"]))
    again = plainsight(done["patched"], versions, "diff")
    if (again.returncode, again.stdout) != (0, b""):
        raise Trouble("a second run is empty", f"exit {again.returncode}: {(again.stdout or again.stderr).decode(errors='replace')[:300]}")
    applied = copy(tree, "applied")
    said = plainsight(applied, versions, "apply", "--yes")
    if said.returncode:
        raise Trouble("apply makes the change", f"exit {said.returncode}: {said.stderr.decode(errors='replace')[:300]}")
    same("apply and patch agree", new, texts(applied))
    said = plainsight(applied, versions, "apply", "--yes", "--revert")
    same("apply --revert gives back every byte", old, texts(applied))
    return 9


def said_open(notes):
    """(server, port) of what the program said it leaves open."""
    return {(server.lower(), int(port)) for server, port in re.findall(r": (postfix|dovecot) \S.* on port (\d+)", notes, re.I)}


def compare_verdicts(tree, notes, versions):
    """The number of endpoints that are closed after the change, or were said not to be."""
    said = judge.ask_program(tree, versions, None)
    good, spoken = 0, said_open(notes)
    for endpoint in said.get("endpoints", ()):
        if endpoint["verdict"] in ("tls-only", "no-auth") or (endpoint["server"], endpoint["port"]) in spoken or "is left as it is" in notes:
            good += 1
        else:
            raise Trouble("closed, or said to be open", f"{endpoint['server']} {endpoint['port']}: {endpoint['verdict']}; said: {notes[:200]}")
    return good


def inside(world, job):
    """Run the tools in a world: {tool: [exit, output]}."""
    import parse
    seen = {}
    if "dovecot" in job:
        shutil.rmtree(world.root / "etc/dovecot", ignore_errors=True)
        world.lay_out(job["dovecot"], "dovecot")
        world.dovecot_files = None
        for scope in ("", "imap", "pop3"):
            chosen = ["-f", f"protocol={scope}"] if scope else []
            seen[f"doveconf {scope}"] = parse.tool(world, "doveconf", "-n", *chosen, "-c", "/etc/dovecot/dovecot.conf")
    if "postfix" in job:
        world.lay_out(job["postfix"], "postfix")
        for name in ("-n", "-P"):
            seen[f"postconf {name}"] = parse.tool(world, "postconf", "-c", "/etc/postfix", name)
    return {"tools": seen}


def running(versions):
    """The job of a machine whose servers are open: `apply` finds them, their releases and their checkers by itself."""
    services = "".join(cases.service(name, arguments) for name, arguments in cases.SERVICES.items())
    base = cases.POSTFIX_BASE.replace("%compatibility", "2") + cases.POSTFIX_TLS + "smtpd_tls_auth_only = no\n"
    tls = cases.neutral(f"%cert = {cases.TLS}/cert.pem\n%key = {cases.TLS}/cert.key\n%cleartext = yes\n", versions["family"])
    dovecot = cases.dovecot_headers(versions["family"]) + cases.dovecot_base(versions["family"]) + tls + cases.AUTH_SOCKET
    return {"kind": "running", "clients": ["loopback", "far"], "dovecot": {"etc/dovecot/dovecot.conf": dovecot},
            "postfix": {"etc/postfix/main.cf": base, "etc/postfix/master.cf": services + cases.INTERNAL}}


# The daemons' own checkers have nothing against a change that the model let pass, so one that has stands in for them.
OBJECTING = """#!/bin/sh
if grep -q "^ssl = required" /etc/dovecot/dovecot.conf; then echo "not with me" >&2; exit 1; fi
"""


def running_inside(world, job):
    """Run `apply` in the world as an administrator would, and take it back: what it said, and the files after each."""
    shutil.rmtree(world.root / "etc/dovecot", ignore_errors=True)
    world.lay_out(job["dovecot"], "dovecot")
    world.dovecot_files = None
    world.lay_out(job["postfix"], "postfix")
    shutil.copy(judge.program(), world.root / "usr/bin/plainsight")
    world.put("opt/objecting/doveconf", OBJECTING)
    (world.root / "opt/objecting/doveconf").chmod(0o755)
    names = [*job["dovecot"], *job["postfix"]]
    steps = []
    for first, *words in (("", "apply"), ("/opt/objecting:", "apply", "--yes"), ("", "apply", "--yes"), ("", "apply", "--yes"), ("", "check"),
                          ("", "apply", "--revert", "--yes")):
        path = {"PATH": f"{first}/usr/sbin:/usr/bin:/sbin:/bin"}
        done = subprocess.run(["chroot", world.root, "plainsight", *words], stdin=subprocess.DEVNULL, env=path, **BINARY)
        files = {name: (world.root / name).read_bytes().decode("latin-1") for name in names}
        steps.append({"words": words, "exit": done.returncode, "out": done.stdout.decode(), "err": done.stderr.decode(), "files": files})
    return {"steps": steps}


def compare_running(name, job, ask, release, versions):
    """(comparisons that agree, differences) of `apply` on the running machine, with the daemons' own checkers."""
    program = os.path.abspath(judge.program())
    with open(program, "rb") as file:
        digest = zlib.crc32(file.read())
    steps = ask({**job, "program": digest})["steps"]  # asked again for every build
    old = {**job["dovecot"], **job["postfix"]}
    refused, objected, applied, again, checked, reverted = steps
    good, bad = 0, []
    for what, holds, step in (
        ("apply without --yes and without a terminal writes nothing", refused["exit"] == 2 and refused["files"] == old, refused),
        ("what a checker objects to is put back", objected["exit"] == 2 and objected["files"] == old and "not with me" in objected["err"], objected),
        ("apply makes the change", applied["exit"] == 0 and applied["files"] != old, applied),
        ("the checkers accept it", all(f"`{tool}` accepts it" in applied["out"] for tool in ("postconf -n", "postfix check", "doveconf -n")), applied),
        ("a second apply has nothing to do", again["exit"] == 0 and again["files"] == applied["files"], again),
        ("check finds nothing open", checked["exit"] == 0, checked),
        ("apply --revert gives back every byte", reverted["exit"] == 0 and reverted["files"] == old, reverted),
    ):
        if holds:
            good += 1
        else:
            bad.append(judge.Difference(release, f"change/{name}", "-", "-", what, f"exit {step['exit']}: {step['out'][:400]} {step['err'][:400]}", "", ""))
    if bad:
        return good, bad
    later = {**job, "kind": "ask", **{part: {path: applied["files"][path] for path in job[part]} for part in ("postfix", "dovecot")}}
    try:
        return good + compare_logins(job, ask({**job, "kind": "ask"}), ask(later), applied["err"]), bad
    except Trouble as trouble:
        return good, [judge.Difference(release, f"change/{name}", "-", "-", *trouble.args, "", "")]


def settings(output):
    """What a tool prints: (blocks it stands in, name, value) of each setting."""
    found, blocks = set(), []
    for line in output.split("\n"):
        line = line.strip()
        if line.startswith("#") or not line:
            continue
        if line == "}":
            del blocks[-1:]
        elif line.endswith(" {"):
            blocks.append(line)
        else:
            name, _, value = line.partition("=")
            service, _, name = name.strip().rpartition("/")
            found.add((*blocks, service, name, value.strip()))
    return found


def compare_settings(before, after):
    """The number of settings that are the same, or meant to differ."""
    good, differ = 0, {}
    for tool, (code, output, errors) in before["tools"].items():
        now_code, now_output, now_errors = after["tools"][tool]
        if now_code and not code:
            raise Trouble(f"{tool} takes the result", now_errors[:300])
        if code:
            continue
        old, new = settings(output), settings(now_output)
        differ[tool] = old - new, new - old
        good += len(old & new) + 1
    # postconf -n prints a name of the administrator's own only while something refers to it, also in master.cf.
    replaced = " ".join(value for gone, _ in differ.values() for *_, name, value in gone if name in INTENDED)
    for tool, (gone, come) in differ.items():
        for *blocks, name, value in sorted(gone | come):
            if name not in INTENDED and not re.search(rf"\$\W*{re.escape(name)}\b", replaced):
                raise Trouble(f"{tool} prints the same but for the intended settings", " ".join([*blocks, name, "=", value])[:200])
    return good


def compare_logins(job, before, after, notes):
    """The number of ports and clients that are as they should be once the change is in force."""
    good, spoken = 0, said_open(notes)
    for server, refused in after["started"].items():
        if refused and not before["started"].get(server):
            raise Trouble(f"{server} starts", refused[:300])
    for port, row in before["ports"].items():
        for client, was in row["clients"].items():
            now = after["ports"].get(port, {"clients": {}})["clients"].get(client, {"dead": "not listening"})
            worked = "dead" not in was and any(map(judge.accepted, was["tls"].values()))
            if worked and ("dead" in now or not any(map(judge.accepted, now["tls"].values()))):
                raise Trouble(f"port {port}: {client} can log in with TLS as before", judge.words(now))
            good += 1
    for port, row in after["ports"].items():
        now = row["clients"].get(OUTSIDER, {"dead": ""})
        is_open = "dead" not in now and any(map(judge.accepted, now["clear"].values()))
        told = (row["server"], int(port)) in spoken or "is left as it is" in notes or int(port) in job.get("skip", ()) or f"{row['server']} has an exemption for the" in notes
        if is_open and not told:
            raise Trouble(f"port {port}: {OUTSIDER} cannot log in without TLS, or that was said", f"{judge.words(now)}; said: {notes[:200]}")
        good += 1
    return good


def changed(job, tree):
    """The job with the files of a changed tree."""
    def now(files):
        return files and {name: (tree / name).read_bytes().decode("latin-1") if (tree / name).exists() else text for name, text in files.items()}
    return {**job, **{part: now(job[part]) for part in ("postfix", "dovecot", "shown") if part in job},
            **({"helper": now(job["helper"])} if job.get("shown") else {})}


def written():
    """(name, job) for every server tree in testdata that is laid out as files: no daemon is asked about those."""
    trees = {path.parents[1] for server in ("postfix", "dovecot") for path in cases.CASES.parent.rglob(f"etc/{server}")}
    for tree in sorted(trees):
        yield f"testdata/{tree.relative_to(cases.CASES.parent)}", {"kind": "files", "tree": str(tree)}


def compare_written(name, job, release, versions, folder):
    """(comparisons that agree, differences) of the files alone."""
    tree, versions = folder / release / "change" / name, {**versions, "certificates": "assume"}
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(job["tree"], tree, symlinks=True)
    try:
        diff = plainsight(tree, versions, "diff")
        notes = diff.stderr.decode(errors="replace")
        good = compare_files(tree, diff.stdout, versions) if diff.returncode == 1 else 0
        return good + compare_verdicts(tree.parent / f"{tree.name}-patched" if diff.returncode == 1 else tree, notes, versions), []
    except Trouble as trouble:
        return 0, [judge.Difference(release, f"change/{name}", "-", "-", *trouble.args, str(tree), "")]


def compare(name, job, ask, release, versions, folder):
    """(comparisons that agree, differences). `ask(job)` tells what the daemons do with a job."""
    if job["kind"] == "running":
        return compare_running(name, job, ask, release, versions)
    if job["kind"] == "files":
        return compare_written(name, job, release, versions, folder)
    tree, job = folder / release / "change" / name, dressed(name, job)
    judge.lay_out(job, release, tree)
    differ = lambda wanted, there: (0, [judge.Difference(release, f"change/{name}", "-", "-", wanted, there, str(tree), "")])
    try:
        diff = plainsight(tree, versions, "diff")
        notes = diff.stderr.decode(errors="replace")
        if diff.returncode not in (0, 1) or (diff.returncode == 1) != bool(diff.stdout):
            return differ("diff ends with 0 or 1", f"exit {diff.returncode}: {notes[:300]}")
        if diff.returncode == 0:
            return compare_verdicts(tree, notes, versions), []
        good = compare_files(tree, diff.stdout, versions)
        after_tree = tree.parent / f"{tree.name}-patched"
        good += compare_verdicts(after_tree, notes, versions)
        later = changed(job, after_tree)
        tools = lambda one: ask({"kind": "settings", **{part: one[part] for part in ("postfix", "dovecot") if part in one}})
        good += compare_settings(tools(job), tools(later))
        was, now = ask(job), ask(later)
        good += compare_logins(job, was, now, notes)
        more, bad = judge.compare(f"change/{name}-enforced", later, now, release, versions, folder)
        return good + more, bad
    except Trouble as trouble:
        return differ(*trouble.args)
