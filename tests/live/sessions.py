"""Sessions: clients that log in, send mail, fail, hang up, and the log their servers write meanwhile.

`script` is what they do, `play_inside` does it in a world. What happened to each of them is the truth that `scan` has to find
in the log. Played again on the configuration that `plainsight diff` makes, it is the truth that `preflight` has to foretell.
"""
import collections
import concurrent.futures
import json
import shutil
import subprocess
import time

import cases
import clients
import judge
import wire

NETWORKS = "127.0.0.0/8 [::1]/128 192.0.2.12"
TRUSTED = "192.0.2.32/28"


def configuration(versions, loglevel):
    """The servers before anything is enforced: clear text everywhere, and one port where TLS is demanded already."""
    minor = int(versions["postfix"].split(".")[1])
    main = cases.POSTFIX_BASE.replace("%compatibility", "2" if minor < 6 else "3.6").replace("mynetworks = 127.0.0.0/8 [::1]/128", f"mynetworks = {NETWORKS}")
    main += cases.POSTFIX_TLS + f"smtpd_tls_loglevel = {loglevel}\nheader_checks = static:INFO\n"
    services = [("smtp", []), ("submission", ["-o syslog_name=postfix/submission"]), ("465", ["-o syslog_name=postfix/smtps", "-o smtpd_tls_wrappermode=yes"]),
                ("2525", ["-o syslog_name=postfix/strict", "-o smtpd_tls_auth_only=yes"])]
    master = "".join(cases.service(name, arguments) for name, arguments in services) + cases.INTERNAL
    family = versions["family"]
    text = cases.dovecot_headers(family) + cases.dovecot_base(family).replace("imap pop3 submission sieve", "imap pop3 sieve", 1)
    text += f"%cert = {cases.TLS}/cert.pem\n%key = {cases.TLS}/cert.key\nssl = yes\n%cleartext = yes\n%mechanisms = plain login cram-md5\n%trusted = {TRUSTED}\n"
    if family == "2.3":
        text += "imap_id_log = *\n"
    if loglevel:  # with it Dovecot says of each refusal why, in a line more
        text += "auth_verbose = yes\n"
    return {"postfix": {"etc/postfix/main.cf": main, "etc/postfix/master.cf": master},
            "dovecot": {"etc/dovecot/dovecot.conf": cases.neutral(text, family) + cases.AUTH_SOCKET}}


def script():
    """The sessions, in order; those of one group at the same time."""
    played = []

    def add(protocol, account, port, tls, source, mechanism="PLAIN", *, server=None, messages=1, tries=("right",), then="quit", times=1, group=None):
        server = server or ("2001:db8::1" if ":" in source else "192.0.2.1")
        for _ in range(times):
            played.append({"protocol": protocol, "account": account, "port": port, "tls": tls, "source": source, "server": server, "mechanism": mechanism,
                           "messages": messages, "tries": list(tries), "then": then, "group": group})

    smtp = lambda *a, **k: add("smtp", *a, **k)
    smtp("alice@example.org", 587, "starttls", "198.51.100.20", times=2)
    smtp("bob@example.org", 587, "none", "198.51.100.21", "LOGIN", messages=2)
    smtp("bob@example.org", 587, "none", "198.51.100.21", "LOGIN")
    smtp("carol@example.org", 465, "implicit", "192.0.2.10", times=2)
    smtp("dave@example.org", 587, "starttls", "198.51.100.22")
    smtp("dave@example.org", 587, "none", "198.51.100.23", "CRAM-MD5")
    smtp("erin@example.org", 25, "none", "2001:db8::21", "CRAM-MD5")
    smtp("erin@example.org", 465, "implicit", "2001:db8::21", "LOGIN")
    smtp("frank@example.org", 587, "none", "198.51.100.24", tries=("wrong", "right"))
    smtp("frank@example.org", 587, "starttls", "198.51.100.25", tries=("wrong", "wrong", "right"))
    smtp("grace@example.org", 587, "none", "198.51.100.26", tries=("wrong", "wrong"), messages=0)
    smtp("grace@example.org", 587, "starttls", "198.51.100.26", tries=("wrong",), messages=0)
    smtp("heidi", 587, "none", "198.51.100.27", messages=0)
    smtp("heidi", 587, "starttls", "198.51.100.27", messages=0)
    smtp("heidi", 465, "implicit", "198.51.100.27", messages=0)
    smtp("scanner", 25, "none", "127.0.0.1", server="127.0.0.1", times=2)
    smtp("printer", 25, "none", "192.0.2.12", "LOGIN", messages=1)
    smtp("webmail", 587, "none", "127.0.0.1", server="127.0.0.1")
    smtp("webmail", 587, "none", "192.0.2.1")
    smtp("backup", 587, "none", "192.0.2.13", then="hang-up", messages=1)
    smtp("backup", 587, "none", "192.0.2.13", then="hang-up", messages=0)
    smtp("probe1", 2525, "none", "198.51.100.28", messages=1)
    smtp("probe1", 2525, "starttls", "198.51.100.28", messages=1)
    smtp(None, 25, "none", "198.51.100.29", messages=1)
    smtp(None, 25, "starttls", "198.51.100.29", messages=2)
    smtp(None, 25, "none", "198.51.100.29", messages=0, then="hang-up")
    smtp("probe2", 587, "none", "198.51.100.30", messages=3)
    smtp("probe3", 587, "both", "198.51.100.31", messages=1)
    for number, (tls, source) in enumerate([("none", "198.51.100.32"), ("starttls", "198.51.100.33"), ("none", "198.51.100.34"), ("starttls", "198.51.100.35")]):
        smtp(f"probe{4 + number}", 587, tls, source, group="crowd", messages=2)
    ports = {"imap": (143, 993), "pop3": (110, 995), "sieve": (4190, None)}
    for protocol in ("imap", "pop3", "sieve"):
        plain, wrapped = ports[protocol]
        here = lambda account, tls, source, mechanism="PLAIN", **more: add(protocol, account, wrapped if tls == "implicit" else plain, tls, source, mechanism, **more)
        command = "PLAIN" if protocol == "sieve" else "command"
        here("alice@example.org", "starttls", "198.51.100.20")
        here("bob@example.org", "none", "198.51.100.21", command, times=2)
        here("dave@example.org", "none", "198.51.100.23", "CRAM-MD5")
        here("dave@example.org", "starttls", "198.51.100.22", "LOGIN")
        here("erin@example.org", "none", "2001:db8::21")
        here("frank@example.org", "none", "198.51.100.24", command, tries=("wrong", "right"))
        here("grace@example.org", "none", "198.51.100.26", command, tries=("wrong",))
        here("webmail", "none", "127.0.0.1", server="127.0.0.1")
        here("webmail", "none", "192.0.2.1")
        here("heidi", "none", "192.0.2.33")
        here("heidi", "starttls", "192.0.2.34")
        here("backup", "none", "198.51.100.36", then="hang-up")
        here(None, "none", "198.51.100.29")
        if wrapped:
            here("carol@example.org", "implicit", "192.0.2.10", times=2)
            here("erin@example.org", "implicit", "2001:db8::21", command)
            here(None, "implicit", "198.51.100.29")
    return played


def program(session):
    """What a client calls itself: one name for each account and client."""
    return f"Probe {session['account']} {session['source']}"[:60]


def play(session):
    """One session: the same dictionary with what became of it."""
    done = {**session, "logged_in": [], "accepted": 0, "recipient": False, "replies": []}
    client = None
    try:
        client = clients.PROTOCOLS[session["protocol"]](wire.Wire(session["server"], session["port"], session["source"]))
        over_tls = session["tls"] == "implicit"
        if over_tls:
            client.wire.handshake()
        client.greet()
        client.capabilities()

        def log_in():
            for which in session["tries"] if session["account"] else ():
                reply = client.login(session["mechanism"], session["account"], clients.PASSWORD if which == "right" else "wrong")
                done["replies"].append(reply)
                if reply == clients.OK:
                    done["logged_in"].append("tls" if over_tls else "clear")
                    return True
            return False

        if session["tls"] == "both":  # in the clear, and once more after STARTTLS
            log_in()
        if session["tls"] in ("starttls", "both"):
            client.starttls()
            over_tls = True
            client.capabilities()
        if session["protocol"] == "imap":
            client.identify(program(session))
        inside = log_in()
        if session["protocol"] == "smtp":
            # A program that could not log in does not try to send; one without an account is another mail server.
            if inside or session["account"] is None:
                address = (session["account"] or "someone@other.example.net").replace(" ", "")
                sender = address if "@" in address else f"{address}@example.org"
                recipient = "alice@example.org" if session["account"] is None else "somebody@elsewhere.example.net"
                for number in range(session["messages"]):
                    queued, reply = client.send_mail(sender, recipient, f"message {number}", program(session))
                    done["accepted"] += queued
                    done["replies"].append(reply)
        elif inside:
            client.use()
        client.wire.close() if session["then"] == "hang-up" else client.goodbye()
    except (wire.Stopped, OSError) as stop:
        done["replies"].append(str(stop))
        if client:
            client.wire.close()
    return done


def play_inside(world, job):
    """Start both servers, play the script, give back what happened and the log."""
    world.stop("postfix"), world.stop("dovecot")
    since = len(world.log.lines)
    refused = world.start_dovecot(job["dovecot"]) or world.start_postfix(job["postfix"])
    if refused:
        return {"harness": f"the servers do not start: {refused}"}
    played, left = [], list(job["script"])
    while left:
        together = [left.pop(0)]
        while together[0]["group"] and left and left[0]["group"] == together[0]["group"]:
            together.append(left.pop(0))
        with concurrent.futures.ThreadPoolExecutor(len(together)) as pool:
            played += pool.map(play, together)
        time.sleep(0.02)
    time.sleep(1.0)
    world.stop("postfix"), world.stop("dovecot")
    time.sleep(0.2)
    return {"played": played, "log": list(world.log.written(since, rfc3339=job.get("rfc3339", False)))}


# Outside the world: what the program makes of it.

def jobs(release, versions):
    """(name, job) for each log level; RFC 3339 stamps with one, traditional ones with the other."""
    for loglevel in (0, 1, 2):
        yield f"sessions/loglevel-{loglevel}", {"kind": "sessions", "rfc3339": loglevel == 0, "script": script(), **configuration(versions, loglevel)}


def same_host(session):
    return session["server"] == session["source"]


def transports(session):
    """How its logins count, per login: tls, clear, local or trusted."""
    for how in session["logged_in"]:
        if how == "tls" or session["protocol"] == "smtp":
            yield how
        elif same_host(session):
            yield "local"
        elif session["source"] in ("192.0.2.33", "192.0.2.34"):
            yield "trusted"
        else:
            yield how


def key(account, protocol, client):
    return (account or "").lower(), "smtp" if protocol == "submission" else protocol, client


def ask(*words):
    done = subprocess.run([judge.program(), *map(str, words)], capture_output=True, timeout=120)
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"error": f"{words[0]}: exit {done.returncode}: {(done.stderr or done.stdout).decode(errors='replace').strip()[:200]}"}


def arguments(tree, versions):
    return ["--root", tree, "--postfix-version", versions["postfix"], "--dovecot-version", versions["dovecot"]]


def write(job, seen, release, name, folder):
    """The tree and the log of a job, as the program is to read them."""
    tree = folder / release / name
    judge.lay_out(job, release, tree)
    log = folder / release / f"{name}.log"
    log.write_bytes(("\n".join(seen["log"]) + "\n").encode("utf-8", "surrogateescape"))
    return tree, log


def compare_scan(name, job, seen, release, versions, folder):
    """(rows that agree, differences): every (account, protocol, client) with its logins by transport."""
    tree, log = write(job, seen, release, name, folder)
    said = ask("scan", log, "--format", "json", *arguments(tree, versions))
    differ = lambda where, daemon, words: judge.Difference(release, f"{name}/scan", where, "-", daemon, words, str(log), "")
    if "error" in said:
        return 0, [differ("-", "", said["error"])]
    have, want = (collections.defaultdict(collections.Counter) for _ in range(2))
    for row in said["evidence"]:
        if row["account"] is not None:
            have[key(row["account"], row["protocol"], row["client"])][row["transport"]] += row["logins"]
    for session in seen["played"]:
        # Postfix names an account only where a recipient was accepted; after a second login in one session only that one.
        if session["logged_in"] and (session["protocol"] != "smtp" or session["accepted"]):
            for how in list(transports(session))[-1:]:
                want[key(session["account"], session["protocol"], session["source"])][how] += 1
    good, bad = 0, []
    for each in sorted(set(have) | set(want)):
        said_here, really = have[each], want[each]
        silent = "loglevel-0" in name and each[1] == "smtp"  # without TLS lines some logins must stay open, none may be wrong
        open_but_right = silent and sum(said_here.values()) == sum(really.values()) and all(said_here[how] <= really[how] for how in said_here if how != "unknown")
        if said_here == really or open_but_right:
            good += 1
        else:
            bad.append(differ(str(each), f"{dict(really)}", f"{dict(said_here)}"))
    return good, bad


def enforced(job, tree, release, versions, folder, name):
    """The job with the tree that `plainsight diff` makes of it, or what went wrong."""
    after = folder / release / f"{name}-enforced"
    shutil.rmtree(after, ignore_errors=True)
    shutil.copytree(tree, after, symlinks=True)
    words = [judge.program(), "diff", ".", *map(str, arguments(".", versions))]
    patch = subprocess.run(words, cwd=after, capture_output=True, timeout=60)
    if patch.returncode != 1:
        return None, f"diff: exit {patch.returncode}: {patch.stderr.decode(errors='replace').strip()[:200]}"
    (folder / release / f"{name}.patch").write_bytes(patch.stdout)
    applied = subprocess.run(["patch", "-p1", "-d", str(after)], input=patch.stdout, capture_output=True)
    if applied.returncode:
        return None, f"patch: {applied.stdout.decode(errors='replace')[:200]}"
    changed = {server: {name: (after / name).read_bytes().decode("latin-1") for name in job[server]} for server in ("postfix", "dovecot")}
    return {**job, **changed}, None


def compare_preflight(name, job, before, after, release, versions, folder):
    """(rows that agree, differences, the rows rightly left open): who was said to break is who broke."""
    tree, log = write(job, before, release, name, folder)
    said = ask("preflight", tree, "--log", log, "--format", "json", *arguments(tree, versions))
    differ = lambda where, daemon, words: judge.Difference(release, f"{name}/preflight", where, "-", daemon, words, str(log), "")
    if "error" in said:
        return 0, [differ("-", "", said["error"])], []
    have, want = collections.defaultdict(set), collections.defaultdict(bool)
    for row in said["impact"]:
        for client in row["clients"]:
            have[key(row["account"], row["protocol"], client["client"])].add(client["impact"])
    for first, second in zip(before["played"], after["played"], strict=True):
        if first["logged_in"] and (first["protocol"] != "smtp" or first["accepted"]):
            want[key(first["account"], first["protocol"], first["source"])] |= not second["logged_in"]
    good, bad, unknown = 0, [], []
    for each, broke in sorted(want.items()):
        if "loglevel-0" in name and each[1] == "smtp" and have[each] == {"unknown"}:
            unknown.append(each)
        elif have[each] and bool(have[each] & {"breaks", "relays"}) == broke:
            good += 1
        else:
            bad.append(differ(str(each), "broke" if broke else "went on", "|".join(sorted(have[each])) or "nothing"))
    programs, wrong = compare_programs(said, before, versions)
    bad += [differ(*each) for each in wrong]
    return good + programs, bad, unknown


def compare_afterwards(name, job, after, release, versions, folder):
    """(rows that agree, differences): who was turned away for want of TLS once it is required, by the log that was written then."""
    tree, log = write(job, after, release, f"{name}-enforced", folder)
    said = ask("preflight", tree, "--log", log, "--format", "json", *arguments(tree, versions))
    differ = lambda where, daemon, words: judge.Difference(release, f"{name}/afterwards", where, "-", daemon, words, str(log), "")
    if "error" in said:
        return 0, [differ("-", "", said["error"])]
    have = {key(row["account"], row["protocol"], client["client"]) for row in said["impact"] for client in row["clients"] if client["impact"] == "refused"}
    want = set()
    for session in after["played"]:
        if session["account"] and session["tries"] and session["tls"] == "none" and not session["logged_in"]:
            # Only IMAP's LOGIN and POP3's USER tell the log an account before the password is looked at.
            account = session["account"] if session["mechanism"] == "command" else None
            want.add(key(account, session["protocol"], session["source"]))
    good = len(have & want) + bool(said["enforced"])
    bad = [differ(str(each), "turned away", "nothing") for each in sorted(want - have)]
    bad += [differ(str(each), "was not turned away", "refused") for each in sorted(have - want)]
    return good, bad if said["enforced"] else bad + [differ("enforced", "yes", "no")]


def compare_programs(said, before, versions):
    """(rows that agree, differences): the mail program of those who sent mail, and under Dovecot 2.3 of those who read it."""
    have = {key(row["account"], row["protocol"], client["client"]): client["mail_program"] for row in said["impact"] for client in row["clients"]}
    logged = {"smtp"} | ({"imap"} if versions["family"] == "2.3" else set())  # 2.4 logs IDs only when debugging
    good, bad = 0, []
    for session in before["played"]:
        if session["protocol"] not in logged or not session["logged_in"] or session["account"] is None or session["protocol"] == "smtp" and not session["accepted"]:
            continue
        each = key(session["account"], session["protocol"], session["source"])
        want = program(session) + (" 1" if session["protocol"] == "imap" else "")
        # One program is named for each account and client, whatever it speaks.
        if str(have.get(each)).removesuffix(" 1") == want.removesuffix(" 1"):
            good += 1
        else:
            bad.append((f"program of {each}", want, str(have.get(each))))
    return good, bad
