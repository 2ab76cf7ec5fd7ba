#!/usr/bin/env python3
"""What is left of the files if `plainsight apply` is killed, or refused something, at each of its system calls in turn.

    tests/live/faults.py             the kill, and every error of ERRORS, at every call: a few minutes
    tests/live/faults.py --sample    each seventh

Needs strace, which it installs on Debian. A run that changes several files is traced once to learn which calls it makes; then it is repeated with a fault at
the first of them, at the second, and so on. After each fault every file must be whole, the old or the new; after an error that
apply told of, all of them must be old, or all new. Then apply must be able to run again, finish, and go back to every byte.
The last line is `N passed, N failed`, counted in faults.
"""
import argparse
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import judge
import roots

FILES = {
    "etc/postfix/main.cf": "compatibility_level = 2\nsmtpd_sasl_auth_enable = yes\nsmtpd_tls_security_level = may\n"
                           "smtpd_tls_cert_file = /etc/ssl/mail.pem\n",
    "etc/postfix/master.cf": "smtp inet n - n - - smtpd\n  -o smtpd_tls_auth_only=no\nsubmission inet n - n - - smtpd\n"
                             "tlsmgr unix - - n 1000? 1 tlsmgr\nproxymap unix - - n - - proxymap\n",
    "etc/dovecot/dovecot.conf": "protocols = imap\nssl = yes\nssl_cert = </etc/ssl/mail.pem\nssl_key = </etc/ssl/mail.key\n"
                                "disable_plaintext_auth = no\n",
}
# What a full disk, a broken one, one that is mounted for reading, and a directory of somebody else's say.
ERRORS = ("ENOSPC", "EIO", "EROFS", "EACCES")
# Calls by which something is changed; an error at another call only keeps the program from seeing something.
CHANGING = {"openat", "write", "fsync", "fdatasync", "fchmod", "fchown", "fsetxattr", "rename", "renameat", "renameat2", "unlink",
            "unlinkat", "mkdir", "mkdirat", "rmdir", "flock"}


def fresh(place):
    shutil.rmtree(place, ignore_errors=True)
    for name, text in FILES.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def texts(place):
    return {name: (place / name).read_text() for name in FILES}


def apply(place, *words, fault=None):
    command = [os.path.abspath(judge.program()), "apply", "--yes", *words, "."]
    if fault:
        command = ["strace", "-f", "-o", "/dev/null", "-e", f"inject={fault}", *command]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=60)


def calls(place):
    """How often each system call is made."""
    fresh(place)
    trace = place.parent / "trace"
    subprocess.run(["strace", "-f", "-o", trace, os.path.abspath(judge.program()), "apply", "--yes", "."], cwd=place, check=True, capture_output=True)
    names = re.findall(r"^\d+ +(\w+)\(", trace.read_text(errors="replace"), re.M)
    return collections.Counter(names)


def wrong(place, old, new, fault, killed):
    """What is not as it has to be after a fault; nothing where all is well."""
    fresh(place)
    done = apply(place, fault=fault)
    now = texts(place)
    broken = [name for name in FILES if now[name] not in (old[name], new[name])]
    if broken:
        return f"{broken} are neither old nor new"
    if not killed and now not in (old, new):
        return f"some files are old and some are new, exit {done.returncode}: {done.stderr.strip()[:200]}"
    if not killed and done.returncode == 0 and now != new:
        return "it said that it had changed them, and has not"
    again = apply(place)
    if again.returncode != 0 or texts(place) != new:
        return f"the next run does not finish: exit {again.returncode}: {again.stderr.strip()[:300]}"
    left = [str(path.relative_to(place)) for path in (place / "etc").rglob(".*")]
    left += [path.name for path in (place / ".plainsight").iterdir() if "." in path.name[1:]]
    if left:
        return f"{left} are left behind"
    back = apply(place, "--revert")
    if back.returncode != 0 or texts(place) != old:
        return f"the way back fails: exit {back.returncode}: {back.stderr.strip()[:300]}"
    return None


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--sample", action="store_true")
    options = parser.parse_args()
    roots.need("strace", "strace")
    passed, failed = 0, []
    with tempfile.TemporaryDirectory(prefix="plainsight-faults-") as folder:
        place = pathlib.Path(folder) / "server"
        counts = calls(place)
        new = texts(place)
        faults = [(f"{name}:signal=KILL:when={n}", True) for name, count in sorted(counts.items()) for n in range(1, count + 1)]
        faults += [(f"{name}:error={error}:when={n}", False) for error in ERRORS for name, count in sorted(counts.items())
                   if name in CHANGING for n in range(1, count + 1)]
        faults = faults[::7] if options.sample else faults
        for fault, killed in faults:
            why = wrong(place, FILES, new, fault, killed)
            if why:
                failed.append(fault)
                print(f"{fault}: {why}", flush=True)
            else:
                passed += 1
    print(f"{passed} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
