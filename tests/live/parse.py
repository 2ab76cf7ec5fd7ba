"""The parsers: what plainsight makes of a configuration beside what `postconf` and `doveconf` make of it.

The model is printed by examples/model.rs. Where the tools themselves are wrong, the daemons decide; those places are listed here
with the reason, and only they may differ.
"""
import json
import re
import subprocess

import cases
import judge

# Settings whose text a tool prints in another form than it is written in.
UNCOMPARED = {
    "ssl_cert": "doveconf -x prints the file", "ssl_key": "the same", "ssl_ca": "the same", "ssl_alt_cert": "the same", "ssl_alt_key": "the same",
    "ssl_server_cert_file": "read at load", "ssl_server_key_file": "the same", "ssl_server_key_password": "hidden", "ssl_key_password": "hidden", "doveadm_password": "hidden",
}

# Where a tool is wrong or does not do what the daemon does: the case's name, and why it differs.
EXPECTED = {
    "master-cf/private-dash-inet": "postconf takes any private column, master refuses an inet service that is private",
    "master-cf/private-y-inet": "the same",
    "listeners/listen-brackets": "doveconf resolves no address; the daemon cannot bind to [::1] and dies",
    "grammar/variable-env-ssl": "the environment of doveconf decides, no file tells it, and the verdict is unknown",
}
NO_BITS = re.compile(r"^\s*(remote|local) \S+/0 \{", re.M)
NEGATED = re.compile(r"^\s*protocol !", re.M)


def model():
    return cases.CASES.parents[1] / "target/debug/examples/model"


def ask_model(tree, versions):
    done = subprocess.run([str(model()), str(tree), versions["postfix"]], capture_output=True, timeout=60)
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"error": done.stderr.decode(errors="replace")[:300]}


def inside(world, job):
    """Run the tools in a world: {"dovecot": {scope: [exit, output, errors]}} or the like for Postfix."""
    seen = {}
    if "dovecot" in job:
        import shutil
        shutil.rmtree(world.root / "etc/dovecot", ignore_errors=True)
        world.lay_out(job["dovecot"], "dovecot")
        for scope in ("", "imap", "pop3"):
            chosen = ["-f", f"protocol={scope}"] if scope else []
            seen[scope] = tool(world, "doveconf", "-x", "-a", *chosen, "-c", "/etc/dovecot/dovecot.conf")
    else:
        world.lay_out(job["postfix"], "postfix")
        for name, words in (("values", ["-n", "-x"]), ("raw", ["-n"]), ("services", ["-M"]), ("overrides", ["-P"])):
            seen[name] = tool(world, "postconf", "-c", "/etc/postfix", *words)
    return {"tools": seen}


def tool(world, *command):
    done = subprocess.run(["chroot", world.root, *command], capture_output=True, timeout=60)
    return [done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1")]


def compare(name, job, seen, release, versions, folder):
    tree = folder / release / name
    judge.lay_out(job, release, tree)
    said = ask_model(tree, versions)
    differ = lambda where, tool, model: judge.Difference(release, f"{name}/parse", where, "-", tool, model, str(tree), "")
    if "error" in said:
        return 0, [differ("-", "", said["error"])]
    if "dovecot" in job:
        if any(name.endswith(expected) for expected in EXPECTED):
            return 1, []
        text = "\n".join(job["dovecot"].values())
        if NO_BITS.search(text):
            # 2.3's doveconf prints what a network of no bits sets as if it were global; the daemon lets the global setting win.
            return 1, []
        if NEGATED.search(text) and not seen["tools"][""][0]:
            # Who has no protocol matches `protocol !imap` for the daemon; doveconf without a filter prints what is global.
            seen["tools"].pop("")
        return compare_dovecot(said["dovecot"], seen["tools"], differ, lambda: judge.ask_program(tree, versions, "loopback"))
    if any(name.endswith(expected) for expected in EXPECTED):
        return 1, []
    attached = re.search(r"-o[^\s]", job["postfix"]["etc/postfix/master.cf"])
    return compare_postfix(said["postfix"], seen["tools"], differ, attached)


def top_level(text):
    """`key = value` outside of all blocks."""
    depth, found = 0, {}
    for line in text.split("\n"):
        if line.endswith("{"):
            depth += 1
        elif line.strip() == "}":
            depth -= 1
        elif depth == 0 and " = " in line + " ":
            key, _, value = line.partition(" =")
            found[key] = value[1:]
    return found


def plain(value):
    """A value without quotes and without the separators that differ between releases."""
    if re.fullmatch(r'".*"', value, re.S):
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    value = value.encode("latin-1").decode("utf-8", "replace")
    value = {"y": "yes", "1": "yes", "yes": "yes", "no": "no"}.get(value.lower(), value)
    return " ".join(value.replace(",", " ").split())


def compare_dovecot(said, tools, differ, check):
    good, bad = 0, []
    refused = tools.get("", [0])[0] != 0
    if refused or said["refused"]:
        if refused == said["refused"]:
            return 1, []
        # What doveconf refuses beyond the language (files that are missing, ports used twice) is known to the surface.
        if refused and all(e["verdict"] == "fails" for e in check().get("endpoints", ())):
            return 1, []
        return 0, [differ("start", tools[""][2].strip()[-200:] if refused else "accepted", "accepted" if refused else "refused")]
    for scope, (code, output, errors) in tools.items():
        if code and ("has no effect with ssl=required" in errors or "Panic" in errors):
            continue  # one service dies of it, which `check` tells; 2.4.1's doveconf crashes on a group in a filter
        if code:
            bad.append(differ(scope, errors.strip()[-200:], "accepted"))
            continue
        printed = top_level(output)
        for key, value in said["values"][scope].items():
            if key in UNCOMPARED or key not in printed or "$ENV:" in value:  # no file tells the daemon's environment
                continue
            if plain(printed[key]) == plain(value.encode().decode("latin-1")):
                good += 1
            else:
                bad.append(differ(f"{scope or 'global'} {key}", printed[key], value))
    return good, bad


def parameters(text):
    """`name = value` of each line that postconf prints."""
    return {name: value.strip(" \t\r") for name, _, value in (line.partition(" =") for line in text.split("\n") if " =" in line)}


def compare_postfix(said, tools, differ, attached):
    good, bad = 0, []

    def same(where, tool, ours):
        nonlocal good
        if tool == ours:
            good += 1
        else:
            bad.append(differ(where, str(tool), str(ours)))

    word = lambda refused: "refused" if refused else "accepted"
    code, output, errors = tools["raw"]
    if code and "macro" in errors:
        same("a macro", "refused", word(any(value is None for _, value in said["values"].values())))
    else:  # postconf reads master.cf as well
        same("files", word(code), word(said["main_refused"] or code and said["master_refused"]))
    if code:
        return good, bad
    printed, expanded = parameters(output), parameters(tools["values"][1])
    for name, (raw, value) in said["values"].items():
        raw = raw.split("\0")[0]
        if name in printed:
            same(f"{name} as written", blank(decode(printed[name])), blank(raw))
        if name in expanded and value is not None and not unordered(raw, said["values"]):
            same(name, blank(decode(expanded[name])), blank(value))
    code, output, errors = tools["services"]
    if said["master_refused"] or code:
        same("master.cf", word(code), word(said["master_refused"]))
        return good, bad
    ours = [" ".join(service["columns"]) for service in said["services"]]
    same("services", [" ".join(line.split()[:8]) for line in output.split("\n") if line and not line[0].isspace()], ours)
    wanted = {}
    for service in said["services"]:  # postconf -P merges entries of one name; the daemon takes the last
        for name, value in service["overrides"]:
            wanted["/".join(service["columns"][:2]) + "/" + name] = value
    if attached:  # postconf cuts `-oname=value` at its second "o", and takes `-o{name=value}` for an option that works
        return good, bad
    printed = {name: blank(decode(value)) for name, value in parameters(tools["overrides"][1]).items()}
    same("overrides", printed, {name: blank(value) for name, value in wanted.items()})
    return good, bad


def decode(text):
    return text.encode("latin-1").decode("utf-8", "replace")


def blank(value):
    """postconf prints one blank for the white space that joins lines."""
    return re.sub(r"[ \t\r\f\v]+", " ", value).strip(" ")


def unordered(raw, values):
    """Whether a value refers to a built-in that main.cf does not set: smtpd finds it empty or not by the order in which it
    loads its parameters, which postconf does not show."""
    return any(name not in values for name in re.findall(r"\$[({]?\{*\s*(?:\$[{(]?)?(\w+)", raw))
