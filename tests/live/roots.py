"""A root: a small Debian release in a directory, with its own Postfix and Dovecot.

Roots are built once, below the live directory ($PLAINSIGHT_LIVE_DIR, else /var/cache/plainsight-live),
and never written to again: `world` beside this file lays a throw-away overlay on top.
Building needs root and a Debian mirror, which is taken from the host's own apt sources
(or $PLAINSIGHT_LIVE_MIRROR on a host that is not Debian).
"""
import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

LIVE_DIR = pathlib.Path(os.environ.get("PLAINSIGHT_LIVE_DIR", "/var/cache/plainsight-live"))
RELEASES = ("bullseye", "bookworm", "trixie", "forky")
PACKAGES = "postfix openssl dovecot-core dovecot-imapd dovecot-pop3d dovecot-submissiond dovecot-managesieved dovecot-lmtpd"
HOST_NAME = "mail.example.org"
CERTIFICATES = "/etc/ssl/live"
# The system account that owns the mail of every test account, and the accounts of the stock trees.
ACCOUNTS = "useradd -r -s /usr/sbin/nologin -d /var/livemail -m livemail"
# Raised when this file changes what a root holds: older roots are then built again.
FORMAT = 3


def root_of(release):
    return LIVE_DIR / "roots" / release


def versions(release):
    """What the root's own programs say: {"postfix": "3.10.13", "dovecot": "2.4.1", "family": "2.4"}."""
    return json.loads((root_of(release) / "live.json").read_text())


def ready(release):
    try:
        return versions(release)["format"] == FORMAT
    except (OSError, ValueError, KeyError):
        return False


def run(*command, **options):
    """Run a command and show what it said only if it fails."""
    done = subprocess.run(["nice", *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    if done.returncode:
        sys.exit(f"{done.stdout[-4000:]}\n{' '.join(map(str, command))}: exit {done.returncode}")
    return done.stdout


def mirror():
    """The Debian mirror the host itself installs from; both forms of apt's source files are read."""
    if os.environ.get("PLAINSIGHT_LIVE_MIRROR"):
        return os.environ["PLAINSIGHT_LIVE_MIRROR"].rstrip("/")
    for name in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*"))]:
        if not os.path.isfile(name):
            continue
        for line in open(name, errors="replace"):
            if line.lstrip().startswith("#"):
                continue
            for found in re.findall(r"https?://\S+/debian/?(?=\s|$)", line):
                return found.rstrip("/")
    sys.exit("no Debian mirror in the host's apt sources; name one in PLAINSIGHT_LIVE_MIRROR")


def need(program, package):
    if shutil.which(program) is None:
        run("apt-get", "-q", "update")
        run("apt-get", "-q", "-y", "--no-install-recommends", "install", package, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def inside(root, *command):
    """Run a command in the root, with a /proc of its own (the packages' scripts want one)."""
    script = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    return run("unshare", "--mount", "--pid", "--fork", "sh", "-c", script, root, *command, env=environment)


def build(release):
    """Build the root of a release unless it is there."""
    if ready(release):
        return
    began, root, source = time.time(), root_of(release), mirror()
    print(f"{release}: building its root in {root}", file=sys.stderr, flush=True)
    need("debootstrap", "debootstrap")
    need("openssl", "openssl")
    need("ip", "iproute2")
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    script = "/usr/share/debootstrap/scripts/"
    script = [] if os.path.exists(script + release) else [script + "sid"]
    run("debootstrap", "--variant=minbase", "--include=ca-certificates", release, root, source, *script)
    # The root installs by the same way as the host.
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    for name in glob.glob("/etc/apt/apt.conf.d/*"):
        if re.search(r"proxy|registry|Verify-Peer|Check-Valid", name + open(name, errors="replace").read(), re.I):
            shutil.copy(name, root / "etc/apt/apt.conf.d/")
    if os.path.exists("/etc/ssl/certs/ca-certificates.crt"):
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs/")
    (root / "etc/apt/sources.list").write_text(f"deb {source} {release} main\n")
    policy = root / "usr/sbin/policy-rc.d"  # no daemon starts from a package's script
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    answers = f"postfix postfix/main_mailer_type select Internet Site\npostfix postfix/mailname string {HOST_NAME}\n"
    subprocess.run(["chroot", root, "debconf-set-selections"], input=answers, text=True, check=True)
    inside(root, "apt-get", "-q", "update")
    inside(root, "apt-get", "-q", "-y", "--no-install-recommends", "install", *PACKAGES.split())
    inside(root, "sh", "-c", f"apt-get clean; rm -rf /var/lib/apt/lists/*; {ACCOUNTS}")
    make_certificates(root)
    said = {
        "postfix": inside(root, "postconf", "-h", "-d", "mail_version").split()[-1],
        "dovecot": re.match(r"[\d.]*", inside(root, "dovecot", "--version"))[0],
        "packages": inside(root, "dpkg-query", "-W", "-f", "${Package} ${Version}\n", "postfix", "dovecot-core", "openssl").splitlines(),
        "format": FORMAT,
    }
    said["family"] = ".".join(said["dovecot"].split(".")[:2])
    (root / "live.json").write_text(json.dumps(said, indent=1) + "\n")
    print(f"{release}: built in {time.time() - began:.0f} s: Postfix {said['postfix']}, Dovecot {said['dovecot']}", file=sys.stderr, flush=True)


def make_certificates(root):
    """The files that cases name below /etc/ssl/live; elliptic keys, because thousands of handshakes follow."""
    folder = root / CERTIFICATES.strip("/")
    folder.mkdir(parents=True, exist_ok=True)

    def openssl(*command):
        run("openssl", *command, cwd=folder)

    def self_signed(name, *extra):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={HOST_NAME}",
                "-addext", f"subjectAltName=DNS:{HOST_NAME}", "-keyout", f"{name}.key", "-out", f"{name}.pem", *(extra or ("-days", "3650")))

    self_signed("cert")
    self_signed("other")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={HOST_NAME}", "-keyout", "rsa.key", "-out", "rsa.pem", "-days", "3650")
    openssl("ec", "-in", "cert.key", "-aes256", "-passout", "pass:live", "-out", "encrypted.key")
    text = lambda name: (folder / name).read_text()
    (folder / "chain.pem").write_text(text("cert.key") + text("cert.pem"))
    (folder / "chain-cert-first.pem").write_text(text("cert.pem") + text("cert.key"))
    (folder / "chain-mismatch.pem").write_text(text("other.key") + text("cert.pem"))
    (folder / "chain-both.pem").write_text(text("cert.key") + text("cert.pem") + text("rsa.key") + text("rsa.pem"))
    (folder / "other-first.pem").write_text(text("other.pem") + text("cert.pem"))
    (folder / "cert-then-other.pem").write_text(text("cert.pem") + text("other.pem"))
    (folder / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nnot a certificate\n-----END CERTIFICATE-----\n")
    (folder / "garbage.pem").write_text("this is no certificate\n")
    (folder / "empty.pem").write_text("")
    for name in folder.iterdir():
        name.chmod(0o644)


if __name__ == "__main__":
    for name in sys.argv[1:] or RELEASES:
        build(name)
