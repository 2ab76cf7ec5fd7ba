"""A world: one disposable machine, in which daemons run and clients try to log in.

`run` beside this file starts `world.py ROOT` in fresh network, mount, pid, ipc and UTS namespaces, as pid 1, writes
one case a line to its standard input (JSON) and reads what happened, one line a case. When it ends, everything it
started has ended with it, and the overlay on the root is gone.
"""
import concurrent.futures
import datetime
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import clients
import roots
import wire

# Who connects to whom: name -> (server's address, client's address). The first and third are "same host" for Dovecot.
CLIENTS = {
    "loopback": ("127.0.0.1", "127.0.0.1"),
    "loopback-2": ("127.0.0.1", "127.0.0.2"),
    "self": ("192.0.2.1", "192.0.2.1"),
    "neighbour": ("192.0.2.1", "192.0.2.2"),
    "far": ("192.0.2.1", "198.51.100.7"),
    "v6": ("2001:db8::1", "2001:db8::2"),
}
ADDRESSES = ["192.0.2.1/24", "198.51.100.7/32", "2001:db8::1/64", "2001:db8::2/64", *(f"192.0.2.{n}/24" for n in range(2, 40)),
             *(f"198.51.100.{n}/32" for n in range(20, 40)), *(f"2001:db8::{n}/64" for n in range(20, 40))]
HOSTS = f"127.0.0.1 localhost\n::1 localhost\n192.0.2.1 {roots.HOST_NAME} mail\n"
ACCOUNTS = [f"probe{n}" for n in range(12)] + ["alice@example.org", "bob@example.org", "carol@example.org", "dave@example.org",
            "erin@example.org", "frank@example.org", "grace@example.org", "heidi", "scanner", "webmail", "printer", "backup"]
RELAY_PORT = 10025  # where Dovecot's submission service hands mail on
QUEUE = """q=/var/spool/postfix; install -d -m 755 $q $q/pid; install -d -o postfix -m 755 /var/lib/postfix
for d in active bounce corrupt defer deferred flush hold incoming private saved trace; do install -d -o postfix -m 700 $q/$d; done
install -d -o postfix -g postdrop -m 730 $q/maildrop; install -d -o postfix -g postdrop -m 2710 $q/public"""


class Syslog(threading.Thread):
    """/dev/log of the world: the lines its daemons write, without priority."""

    def __init__(self, root):
        super().__init__(daemon=True)
        path = root / "dev/log"
        path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        path.chmod(0o666)
        self.lines, self.news, self.last = [], threading.Condition(), time.monotonic()
        self.start()

    def run(self):
        while True:
            line = self.socket.recv(65536).decode("utf-8", "surrogateescape").rstrip("\n\0")
            with self.news:
                self.lines.append((time.time(), re.sub(r"^<\d+>", "", line)))
                self.last = time.monotonic()
                self.news.notify_all()

    def wait(self, pattern, since, timeout, alive):
        """Whether a line like that comes while `alive()`."""
        end = time.monotonic() + timeout
        with self.news:
            while True:
                if any(re.search(pattern, line) for _, line in self.lines[since:]):
                    return True
                if time.monotonic() > end or not alive():
                    return False
                self.news.wait(0.02)

    def written(self, since, host="mail", rfc3339=False):
        """The lines as a syslog daemon writes them to a file."""
        for at, line in self.lines[since:]:
            stamp = line[:15]
            if rfc3339:
                stamp = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).isoformat(timespec="microseconds")
            yield f"{stamp} {host} {line[16:]}"


def call(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout.strip()}")


class World:
    def __init__(self, release):
        self.running, self.dovecot_files, self.written = {}, None, {}
        call("mount", "--make-rprivate", "/")
        call("hostname", roots.HOST_NAME)
        call("ip", "link", "set", "lo", "up")
        for address in ADDRESSES:
            call("ip", "address", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))
        base = roots.LIVE_DIR / "mount"
        base.mkdir(parents=True, exist_ok=True)
        call("mount", "-t", "tmpfs", "live", base)
        for name in ("upper", "work", "root"):
            (base / name).mkdir()
        self.root = base / "root"
        call("mount", "-t", "overlay", "live", "-o", f"lowerdir={roots.root_of(release)},upperdir={base}/upper,workdir={base}/work", self.root)
        call("mount", "-t", "proc", "proc", self.root / "proc")
        self.put("etc/hosts", HOSTS)
        self.put("etc/resolv.conf", "")
        self.put("etc/mailname", roots.HOST_NAME + "\n")
        self.put("etc/hostname", roots.HOST_NAME + "\n")
        self.put("etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\nservices: files\nprotocols: files\n")
        self.put("etc/live-users", "".join(f"{name}:{{PLAIN}}{clients.PASSWORD}::::::\n" for name in ACCOUNTS))
        call("chroot", self.root, "sh", "-c", QUEUE)
        self.log = Syslog(self.root)
        threading.Thread(target=self.relay, daemon=True).start()

    def put(self, name, text):
        """Write a file, dated a minute ago: Postfix reads one that has just changed again and again until it is 2 s old."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(text.encode("latin-1"))
        os.utime(path, (time.time() - 60,) * 2)

    def relay(self):
        """A mail server that takes everything, for Dovecot's submission service."""
        def serve(connection):
            stream, data = connection.makefile("rwb", buffering=0), False
            stream.write(b"220 relay.example.org ESMTP\r\n")
            for line in stream:
                word = line.upper().strip()
                if data:
                    if word == b".":
                        data = False
                        stream.write(b"250 2.0.0 ok\r\n")
                elif word.startswith(b"EHLO"):
                    stream.write(b"250-relay.example.org\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
                elif word == b"DATA":
                    data = True
                    stream.write(b"354 go on\r\n")
                elif word == b"QUIT":
                    stream.write(b"221 2.0.0 bye\r\n")
                    break
                else:
                    stream.write(b"250 2.0.0 ok\r\n")
            connection.close()
        server = socket.create_server(("127.0.0.1", RELAY_PORT))
        while True:
            threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    # Daemons: started and watched by us, stopped by the pid we started.

    def spawn(self, name, command, ready):
        """None once the daemon says it is ready, else what it said."""
        since, said = len(self.log.lines), tempfile.TemporaryFile("w+", errors="replace")
        daemon = subprocess.Popen(["chroot", self.root, *command], stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
        started = self.log.wait(ready, since, 10, lambda: daemon.poll() is None)
        if not started:  # its last words may come after its end
            time.sleep(0.05)
        if started and daemon.poll() is None:
            self.running[name] = daemon
            return None
        self.running[name] = daemon
        self.stop(name)
        said.seek(0)
        fatal = [line[16:] for _, line in self.log.lines[since:] if re.search("fatal|error|panic", line, re.I)]
        return said.read().strip() or " | ".join(fatal) or f"exit {daemon.returncode}"

    def stop(self, name):
        daemon = self.running.pop(name, None)
        if daemon is None:
            return
        daemon.terminate()
        try:
            daemon.wait(0.25)
        except subprocess.TimeoutExpired:
            pass
        # The children are of the daemon's own process group and hold its sockets; as pid 1 we bury them.
        end = time.monotonic() + 5
        while time.monotonic() < end:
            try:
                os.killpg(daemon.pid, signal.SIGKILL)
            except ProcessLookupError:
                break
            try:
                while os.waitpid(-daemon.pid, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                pass
            time.sleep(0.01)
        if daemon.poll() is None:
            try:
                daemon.wait(1)
            except subprocess.TimeoutExpired:
                pass

    def lay_out(self, files, below):
        """Make the directory hold these files (and, for Postfix, what the package put there)."""
        for name in self.written.get(below, ()):
            (self.root / name).unlink(missing_ok=True)
        self.written[below] = list(files)
        for name, text in files.items():
            self.put(name, text)

    def start_dovecot(self, files):
        """Start Dovecot on these files, or on what the package installed where there are none."""
        if files == self.dovecot_files and "dovecot" in self.running:
            return None
        self.stop("dovecot")
        shutil.rmtree(self.root / "run/dovecot", ignore_errors=True)
        if files:
            shutil.rmtree(self.root / "etc/dovecot", ignore_errors=True)
            self.lay_out(files, "dovecot")
        self.dovecot_files = files
        return self.spawn("dovecot", ["dovecot", "-F", "-c", "/etc/dovecot/dovecot.conf"], r"dovecot\S*: master: Dovecot v.* starting up")

    def start_postfix(self, files, maps=()):
        self.stop("postfix")
        (self.root / "var/spool/postfix/pid/master.pid").unlink(missing_ok=True)
        if files:
            self.lay_out(files, "postfix")
        for name in maps:
            call("chroot", self.root, "postmap", name)
        master = next(m for m in ("/usr/lib/postfix/sbin/master", "/usr/libexec/postfix/master") if (self.root / m[1:]).exists())
        return self.spawn("postfix", [master, "-c", "/etc/postfix", "-d"], "daemon started -- version")

    def listening(self):
        """Port -> addresses that TCP sockets of this world listen on."""
        ports = {}
        for name, size in (("/proc/net/tcp", 4), ("/proc/net/tcp6", 16)):
            for line in open(name).read().splitlines()[1:]:
                local, state = line.split()[1], line.split()[3]
                if state != "0A":
                    continue
                raw = bytes.fromhex(local.split(":")[0])
                raw = b"".join(raw[at:at + 4][::-1] for at in range(0, size, 4))
                address = socket.inet_ntop(socket.AF_INET if size == 4 else socket.AF_INET6, raw)
                ports.setdefault(int(local.split(":")[1], 16), set()).add(address)
        ports.pop(RELAY_PORT, None)
        return ports

    def throttled_until(self, since, service=r"\S+"):
        """When the last such service that Dovecot's master holds back is started again (seconds since 1970; 0 if none was).

        A login process that finds the settings of one client in conflict dies, and for 2 s (each time twice as long, up to 60 s)
        the others are not served either (live: bookworm; SERVICE_STARTUP_FAILURE_THROTTLE_* in src/master/service.h of 2.3).
        """
        held = [(at, re.search(rf"service\({service}\): .*throttling for (\d+\.\d+) secs", line)) for at, line in self.log.lines[since:]]
        return max((at + float(found[1]) for at, found in held if found), default=0)

    def complaints(self, since):
        """What the daemons found worth a warning, each once, without what differs from run to run."""
        seen = []
        for _, line in self.log.lines[since:]:
            if not re.search("warning|fatal|error|panic|failed|throttling|conflict", line, re.I):
                continue
            if re.search("SSL_accept|[Dd]isconnected|[Ll]ogin aborted|[Aa]borted login|Killed with signal|non-SMTP|TLS library problem", line):
                continue
            if "overriding earlier entry" in line:
                continue
            line = re.sub(r"\[\d+\]|session=<[^>]*>,? ?|, mpid=\d+|process \S+ pid \d+|\(?pid=? ?\d+\)?|\(\d+\)", "", line[16:])
            if line not in seen:
                seen.append(line)
        return seen[:10]

    def ask(self, case):
        """Start what the case is about, let every client try every port, stop."""
        since, seen = len(self.log.lines), {"started": {}}
        began = time.time()
        dovecot = case["dovecot"] if "dovecot" in case else case.get("helper")
        if "dovecot" in case or dovecot:
            said = self.start_dovecot(dovecot)
            if "dovecot" in case:
                seen["started"]["dovecot"] = said
            elif said:
                raise RuntimeError(f"the helping Dovecot does not start: {said}")
        else:
            self.stop("dovecot")
        if case.get("system-accounts"):
            for name in ACCOUNTS[:12]:
                call("chroot", self.root, "sh", "-c", f"useradd -m {name} && echo {name}:{clients.PASSWORD} | chpasswd")
        before = self.listening()
        if "postfix" in case:
            seen["started"]["postfix"] = self.start_postfix(case["postfix"], case.get("maps", ()))
        else:
            self.stop("postfix")
        names = case.get("clients") or list(CLIENTS)
        ports = self.listening()

        def given_up(port):
            held = time.time() < self.throttled_until(since) if port in before else any("throttling" in line for _, line in self.log.lines[since:])
            return held and time.monotonic() - self.log.last > 1.0

        def sniff(port, server, source, implicit_likely, tries):
            """What speaks at the port; a client that nobody heard because of another one's throttling asks again after that."""
            while True:
                asked, tries = time.time(), tries - 1
                known = clients.sniff(server, port, source, lambda: given_up(port), implicit_likely)
                until = self.throttled_until(since, r"\S+-login") if port in before else 0
                if tries == 0 or until < asked or wire.SILENT not in known.get("dead", ""):
                    return known
                time.sleep(max(0, until - time.time()))

        def ask_port(port):
            rows, spoken, tries = {}, {}, 3
            for name in names:
                server, source = CLIENTS[name]
                wild = "::" if ":" in server else "0.0.0.0"
                if not ports[port] & {server, wild}:
                    continue
                known = spoken.get(server)
                if known is None or "dead" in known:
                    likely = any(other.get("implicit") for other in spoken.values())
                    known = spoken[server] = sniff(port, server, source, likely, tries)
                if "dead" in known:
                    if wire.SILENT in known["dead"]:  # not the others' doing: those behind need not be so patient
                        tries = 1
                    rows[name] = known
                    continue
                account = ACCOUNTS[(port + len(rows)) % 12]
                rows[name] = {**known, **clients.probe(server, port, source, known, account)}
            return port, rows

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            rows = dict(pool.map(ask_port, sorted(ports)))
        if "postfix" in case:
            self.stop("postfix")
        seen["ports"] = {
            str(port): {"server": "dovecot" if port in before else "postfix", "addresses": sorted(ports[port]), "clients": rows[port]}
            for port in sorted(ports)
        }
        seen["log"] = self.complaints(since)
        seen["seconds"] = round(time.time() - began, 2)
        return seen


def main(release):
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    world = World(release)
    for line in sys.stdin:
        case = json.loads(line)
        if case["kind"] == "ask":
            try:
                seen = world.ask(case)
            except Exception as error:  # one bad case must not lose the others
                seen = {"harness": repr(error)}
        elif case["kind"] == "parse":
            import parse
            seen = parse.inside(world, case)
        elif case["kind"] == "settings":
            import change
            seen = change.inside(world, case)
        elif case["kind"] == "running":
            import change
            seen = change.running_inside(world, case)
        else:
            import sessions
            seen = sessions.play_inside(world, case)
        answer.write(json.dumps(seen) + "\n")
        answer.flush()
    for name in list(world.running):
        world.stop(name)
    answer.flush()
    os._exit(0)  # what is left of us dies with the namespace


if __name__ == "__main__":
    main(sys.argv[1])
