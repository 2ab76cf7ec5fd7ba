"""A client: what a mail program does at one port, and what the server answers.

Written by hand over sockets so that it may misbehave: it sends a password before TLS whether or not
the server asked for one, and it keeps the server's own words. `probe` tries every way in.
Nothing here knows what a configuration says; `judge` beside this file compares.
"""
import base64
import hashlib
import hmac
import re
import select
import time

from wire import CLOSED, SILENT, Stopped, Wire

FOREIGN = "speaks none of our protocols"
OK = "ok"
# In the order they are tried: the first password that is accepted answers the question.
PASSWORD = "s3cret-Pw"


def text64(text):
    return base64.b64encode(text.encode()).decode()


class Client:
    """What the four protocols have in common: SASL, and the order in which ways in are tried."""

    mechanisms = ("PLAIN", "LOGIN", "CRAM-MD5")

    def __init__(self, wire):
        self.wire = wire

    def answer(self, mechanism, user, password, challenge, step):
        """The client's part of a SASL exchange, in base64."""
        if mechanism == "PLAIN":
            return text64(f"\0{user}\0{password}")
        if mechanism == "LOGIN":
            return text64(user if step == 0 else password)
        try:
            challenge = base64.b64decode(challenge)
        except ValueError:
            challenge = b""
        return text64(f"{user} {hmac.new(password.encode(), challenge, hashlib.md5).hexdigest()}")

    def goodbye(self):
        try:
            self.wire.send(self.farewell)
            self.wire.line()
        except (Stopped, OSError):
            pass
        self.wire.close()


class Smtp(Client):
    farewell = "QUIT"

    def reply(self):
        lines = [self.wire.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.wire.line())
        return lines

    def command(self, line):
        self.wire.send(line)
        return self.reply()

    def greet(self):
        reply = self.reply()
        if not reply[-1].startswith("220"):
            raise Stopped(reply[-1])

    def capabilities(self):
        reply = self.command("EHLO client.example.org")
        if reply[-1].startswith("500") and self.command("LHLO client.example.org")[-1].startswith("250"):
            raise Stopped(f"{FOREIGN}: LMTP")
        if not reply[-1].startswith("250"):
            raise Stopped(reply[-1])
        words = [line[4:] for line in reply[1:]]
        return {
            "starttls": "STARTTLS" in words,
            "mechanisms": sorted({m for w in words if re.match("AUTH[ =]", w) for m in w[5:].split()}),
        }

    def starttls(self):
        reply = self.command("STARTTLS")
        if not reply[-1].startswith("220"):
            raise Stopped(reply[-1])
        self.wire.handshake()

    def login(self, mechanism, user, password):
        first = " " + self.answer(mechanism, user, password, "", 0) if mechanism == "PLAIN" else ""
        reply = self.command(f"AUTH {mechanism}{first}")[-1]
        for step in range(3):
            if not reply.startswith("334"):
                break
            reply = self.command(self.answer(mechanism, user, password, reply[4:], step))[-1]
        return OK if reply.startswith("235") else reply

    def send_mail(self, sender, recipient, text, program="live"):
        """Whether a message was queued, and the last reply."""
        for line in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"):
            reply = self.command(line)[-1]
            if reply[:1] not in ("2", "3"):
                self.command("RSET")
                return False, reply
        reply = self.command(f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: live\r\nUser-Agent: {program}\r\n\r\n{text}\r\n.")[-1]
        return reply.startswith("250"), reply


class Imap(Client):
    farewell = "z LOGOUT"
    mechanisms = ("PLAIN", "LOGIN", "command", "CRAM-MD5")

    def command(self, line, tag="a"):
        self.wire.send(f"{tag} {line}")
        return self.until(tag)

    def until(self, tag="a"):
        lines = []
        while True:
            lines.append(self.wire.line())
            if lines[-1].startswith((f"{tag} ", "+")):
                return lines

    def greet(self):
        line = self.wire.line()
        if not line.startswith("* OK"):
            raise Stopped(line)

    def capabilities(self):
        words = next((line.split() for line in self.command("CAPABILITY") if line.startswith("* CAPABILITY")), [])
        return {
            "starttls": "STARTTLS" in words,
            "mechanisms": sorted(w[5:] for w in words if w.startswith("AUTH=")),
            "disabled": "LOGINDISABLED" in words,
        }

    def identify(self, program):
        """Tell what program this is (RFC 2971)."""
        self.command(f'ID ("name" "{program}" "version" "1")')

    def starttls(self):
        reply = self.command("STARTTLS")[-1]
        if not reply.startswith("a OK"):
            raise Stopped(reply[2:])
        self.wire.handshake()

    def login(self, mechanism, user, password):
        if mechanism == "command":
            lines = self.command(f'LOGIN "{user}" "{password}"')
        else:
            lines = self.command(f"AUTHENTICATE {mechanism}")
            for step in range(3):
                if not lines[-1].startswith("+"):
                    break
                self.wire.send(self.answer(mechanism, user, password, lines[-1][2:], step))
                lines = self.until()
        return OK if lines[-1].startswith("a OK") else lines[-1][2:]

    def use(self):
        self.command("SELECT INBOX", "b")


class Pop3(Client):
    farewell = "QUIT"
    mechanisms = ("PLAIN", "LOGIN", "command", "CRAM-MD5")

    def command(self, line):
        self.wire.send(line)
        return self.wire.line()

    def greet(self):
        line = self.wire.line()
        if not line.startswith("+OK"):
            raise Stopped(line)

    def capabilities(self):
        lines = [self.command("CAPA")]
        while lines[0].startswith("+OK") and lines[-1] != ".":
            lines.append(self.wire.line())
        sasl = next((line.split()[1:] for line in lines if line.startswith("SASL")), [])
        return {"starttls": "STLS" in lines, "mechanisms": sorted(sasl), "disabled": "USER" not in lines}

    def starttls(self):
        reply = self.command("STLS")
        if not reply.startswith("+OK"):
            raise Stopped(reply)
        self.wire.handshake()

    def login(self, mechanism, user, password):
        if mechanism == "command":
            reply = self.command(f"USER {user}")
            if reply.startswith("+OK"):
                reply = self.command(f"PASS {password}")
        else:
            reply = self.command(f"AUTH {mechanism}")
            for step in range(3):
                if not reply.startswith("+ ") and reply != "+":
                    break
                reply = self.command(self.answer(mechanism, user, password, reply[2:], step))
        return OK if reply.startswith("+OK") else reply

    def use(self):
        self.command("STAT")


class Sieve(Client):
    farewell = "LOGOUT"

    def reply(self):
        lines = []
        while True:
            lines.append(self.wire.line())
            if re.match(r"(OK|NO|BYE)\b", lines[-1]):
                return lines

    def greet(self):
        self.greeting = self.reply()
        if not self.greeting[-1].startswith("OK"):
            raise Stopped(self.greeting[-1])

    def capabilities(self):
        sasl = next((re.findall('"([^"]*)"', line)[1] for line in self.greeting if line.startswith('"SASL" ')), "")
        return {"starttls": '"STARTTLS"' in self.greeting, "mechanisms": sorted(sasl.split())}

    def starttls(self):
        self.wire.send("STARTTLS")
        reply = self.reply()[-1]
        if not reply.startswith("OK"):
            raise Stopped(reply)
        self.wire.handshake()
        self.greet()

    def login(self, mechanism, user, password):
        first = f' "{self.answer(mechanism, user, password, "", 0)}"' if mechanism == "PLAIN" else ""
        self.wire.send(f'AUTHENTICATE "{mechanism}"{first}')
        for step in range(3):
            line = self.wire.line()
            if re.fullmatch(r"\{\d+\+?\}", line):
                line = f'"{self.wire.line()}"'
            if not line.startswith('"'):
                break
            self.wire.send(f'"{self.answer(mechanism, user, password, line.strip(chr(34)), step)}"')
        return OK if line.startswith("OK") else line

    def use(self):
        self.wire.send("LISTSCRIPTS")
        self.reply()


PROTOCOLS = {"smtp": Smtp, "imap": Imap, "pop3": Pop3, "sieve": Sieve}


def protocol_of(banner):
    if banner.startswith("* "):
        return "imap"
    if banner.startswith(("+OK", "-ERR")):
        return "pop3"
    if banner.startswith(('"', "BYE ", "NO ")):
        return "sieve"
    return "smtp" if re.match(r"\d\d\d[ -]", banner) and "LMTP" not in banner else None


def sniff(server, port, source, given_up=lambda: False, implicit_likely=False):
    """What speaks here: {"protocol", "implicit"}, or {"dead": why} where nothing does.

    A server that has not spoken after a moment is offered a TLS handshake; a slow one that speaks in the clear after all
    breaks that handshake with its banner, and is asked again. `given_up` tells that the daemon's master has stopped
    starting the service, so that waiting is of no use.
    """
    def banner(wire, wait):
        end = time.monotonic() + wait
        while time.monotonic() < end:
            if select.select([wire.socket], [], [], 0.1)[0]:
                return wire.line()
            if given_up() and "WRONG_VERSION" not in why:
                return None
        return None

    why = SILENT
    order = ((False, 0.3), (True, 6.0), (False, 6.0))
    for implicit, wait in order[1:] if implicit_likely else order:
        if given_up() and "WRONG_VERSION" not in why:  # something spoke in the clear: it will be heard
            break
        try:
            wire = Wire(server, port, source, 6.0)
        except OSError as error:
            return {"dead": f"connect: {error.strerror or error}"}
        try:
            if implicit:
                wire.handshake(given_up)
            line = banner(wire, wait) if not implicit else wire.line()
            if line is not None:
                protocol = protocol_of(line)
                return {"protocol": protocol, "implicit": implicit} if protocol else {"dead": f"{FOREIGN}: {line[:60]}"}
        except Stopped as stop:
            why = str(stop)
            if not implicit and why == CLOSED:
                # A port that hangs up on a client that said nothing will do so again, whatever is said.
                return {"dead": CLOSED}
            if implicit and "WRONG_VERSION" not in why and "record layer" not in why.lower() and SILENT not in why:
                return {"dead": why}
        finally:
            wire.close()
    return {"dead": FOREIGN if "WRONG_VERSION" in why else why}


def probe(server, port, source, spoken, account):
    """Try every way in at one port, as one client.

    {"starttls": offered, "offered": {"clear": […], "tls": […]}, "clear": {mechanism: "ok" or the server's words}, "tls": {…}}.
    A phase ends at the first password that is accepted. Within a phase the client stays on one connection as long as the
    server lets it, except with ManageSieve: Pigeonhole's parser does not recover from a refused AUTHENTICATE with an
    initial response, and takes the next one for bad base64.
    """
    kind = PROTOCOLS[spoken["protocol"]]
    seen = {"starttls": False, "offered": {}, "clear": {}, "tls": {}}
    phases = ("tls",) if spoken["implicit"] else ("clear", "tls")
    state = {"client": None, "tls": False}

    def enter(phase):
        """A greeted connection in this phase: the one at hand if it will do, else a new one."""
        client = state["client"]
        if client is None:
            client = kind(Wire(server, port, source))
            state.update(client=client, tls=False)
            if spoken["implicit"]:
                client.wire.handshake()
                state["tls"] = True
            client.greet()
            offered = client.capabilities()
            if not spoken["implicit"]:
                seen["starttls"] = seen["starttls"] or offered["starttls"]
            seen["offered"].setdefault("tls" if spoken["implicit"] else "clear", offered["mechanisms"])
        if phase == "tls" and not state["tls"]:
            client.starttls()
            state["tls"] = True
            seen["offered"].setdefault("tls", client.capabilities()["mechanisms"])
        return client

    def leave():
        if state["client"] is not None:
            state["client"].goodbye()
        state.update(client=None, tls=False)

    for phase in phases:
        for mechanism in kind.mechanisms:
            fresh = state["client"] is None
            try:
                client = enter(phase)
            except (Stopped, OSError) as stop:
                leave()
                if not fresh:  # the connection at hand may have died of what was tried before
                    try:
                        client = enter(phase)
                    except (Stopped, OSError) as again:
                        stop, client = again, None
                    if client is None:
                        leave()
                        seen[phase]["enter"] = str(stop)
                        break
                else:
                    seen[phase]["enter"] = str(stop)
                    break
            try:
                said = client.login(mechanism, account, PASSWORD)
            except (Stopped, OSError) as stop:
                said = str(stop)
                if not fresh and mechanism != kind.mechanisms[0]:
                    # Was it this attempt that killed the connection, or that the server had enough? Ask on a new one.
                    leave()
                    try:
                        said = enter(phase).login(mechanism, account, PASSWORD)
                    except (Stopped, OSError) as again:
                        said = str(again)
            # Pigeonhole 0.5 (live: bookworm) now and then overlooks what came with the end of the handshake, and waits.
            tries = 3 if kind is Sieve else 0
            while SILENT in said and tries > 0:
                tries -= 1
                if state["client"]:
                    state["client"].wire.close()
                state.update(client=None, tls=False)
                try:
                    said = enter(phase).login(mechanism, account, PASSWORD)
                except (Stopped, OSError) as again:
                    said = str(again)
            seen[phase][mechanism] = said
            if said == OK:
                leave()
                break
            if CLOSED in said or SILENT in said:
                state["client"].wire.close() if state["client"] else None
                state.update(client=None, tls=False)
            elif kind is Sieve:
                leave()
        leave()
    return seen
