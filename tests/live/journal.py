#!/usr/bin/env python3
"""Whether `scan` finds the same logins in every form in which journalctl gives out one journal.

    tests/live/journal.py

Needs systemd-journal-remote, which it installs on Debian: that writes a journal file as journald does. What the file holds is
written below, with the truth beside it. The last line is `N passed, N failed`, counted in forms.
"""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import judge
import roots

WRITER = "/lib/systemd/systemd-journal-remote"
# Each of them has the host, the program and the message; `journalctl` writes what is no text as `[84B blob data]` into the short ones.
WHOLE = ("json", "json-seq", "export")
SHORT = ("short", "short-full", "short-iso", "short-iso-precise", "short-precise", "short-unix", "short-monotonic", "with-unit")
OTHERS = ("json-pretty", "verbose")  # said to be of no use

PEER = "h.example.org[192.0.2.9]"
ENTRIES = [
    ("postfix/submission/smtpd", f"connect from {PEER}"),
    ("postfix/submission/smtpd", f"Anonymous TLS connection established from {PEER}: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"),
    ("postfix/submission/smtpd", f"4A0B1C2D3E: client={PEER}, sasl_method=PLAIN, sasl_username=secure@example.org"),
    ("postfix/submission/smtpd", f"disconnect from {PEER} ehlo=2 starttls=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=8"),
    ("postfix/submission/smtpd", f"connect from {PEER}"),
    ("postfix/submission/smtpd", f"5A0B1C2D3E: client={PEER}, sasl_method=LOGIN, sasl_username=open@example.org"),
    ("postfix/submission/smtpd", f"disconnect from {PEER} ehlo=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=6"),
    ("postfix/cleanup", "4A0B1C2D3E: message-id=<imap-login: Login: user=<nobody>>"),
    ("dovecot", "imap-login: Login: user=<secure>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=7, TLS, session=<a>"),
    ("dovecot", "imap-login: Login: user=<jürgen>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=8, session=<b>"),
    ("dovecot", "pop3-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<nobody>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, TLS, session=<c>"),
    ("dovecot", b"imap-login: Login: user=<del\x7fete>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=9, session=<d>"),
    ("dovecot", b"imap-login: Login: user=<br\xffken>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=10, TLS, session=<e>"),
]
TEXT = {("secure@example.org", "tls"), ("open@example.org", "clear"), ("secure", "tls"), ("jürgen", "clear")}
BINARY = {("del\x7fete", "clear"), ("br\ufffdken", "tls")}


def field(name, value):
    """A field of the export format: what is no text has a length before it."""
    value = value if isinstance(value, bytes) else value.encode()
    try:
        plain = value.decode().isprintable()
    except UnicodeDecodeError:
        plain = False
    return name.encode() + (b"=" + value + b"\n" if plain else b"\n" + struct.pack("<Q", len(value)) + value + b"\n")


def exported():
    """The entries, a second and a half apart, as a journal would be exported."""
    text = b""
    for number, (program, message) in enumerate(ENTRIES):
        after = number * 1_500_000
        fields = {"__REALTIME_TIMESTAMP": 1_772_348_400_000_000 + after, "__MONOTONIC_TIMESTAMP": 1_000_000 + after, "_BOOT_ID": "6f" * 16, "_MACHINE_ID": "01" * 16,
                  "_HOSTNAME": "mail", "_TRANSPORT": "syslog", "PRIORITY": 6, "SYSLOG_FACILITY": 2, "SYSLOG_IDENTIFIER": program, "SYSLOG_PID": 41, "_PID": 41}
        text += b"".join(field(name, str(value)) for name, value in fields.items()) + field("MESSAGE", message) + b"\n"
    return text


def scanned(text):
    """(accounts with their transports, stderr) of a scan of the text."""
    done = subprocess.run([judge.program(), "scan", "--format", "json", "--year", "2026", "-"], input=text, capture_output=True)
    try:
        rows = json.loads(done.stdout)["evidence"]
    except ValueError:
        return None, done.stderr.decode(errors="replace").strip()
    return {(row["account"], row["transport"]) for row in rows}, ""


def main():
    if not os.path.exists(WRITER):
        roots.need(WRITER, "systemd-journal-remote")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        journal = pathlib.Path(folder) / "mail.journal"
        subprocess.run([WRITER, "-o", journal, "-"], input=exported(), check=True, capture_output=True)
        for form in (*WHOLE, *SHORT, *OTHERS):
            shown = subprocess.run(["journalctl", "--file", journal, "--no-pager", "--utc", "-o", form], capture_output=True)
            found, why = scanned(shown.stdout)
            want = None if form in OTHERS else TEXT | BINARY if form in WHOLE else TEXT
            good = found == want and (found is not None or "-o json" in why)
            failed += not good
            print(f"{form}: {'as written' if good else f'differs: {sorted(found or ())} {why} {shown.stderr.decode()}'}")
    print(f"{len(WHOLE + SHORT + OTHERS) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
