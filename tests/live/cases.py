"""A case: a named configuration, with a sentence on what it shows.

Cases are written in testdata/live/{postfix,dovecot}/*.case, several to a file:

    === auth-only
    An AUTH in the clear is refused, TLS is on offer.
    @since 3.6
    --- main.cf +
    smtpd_tls_auth_only = yes
    --- master.cf submission
    -o smtpd_tls_security_level=encrypt

A section `--- NAME` holds a file of the server's directory as it is. Words after the name change that:

    +              after the base settings: for main.cf `%base` and `%tls`, for dovecot.conf `%base`
    SERVICE        (master.cf only) arguments of smtp, submission or smtps; `-` alone leaves the service out
    escaped        \\r, \\t, \\x.. and \\n in the text stand for those bytes
    crlf           the lines end in CR LF
    no-newline     the last line ends without one
    postmap        run postmap on it

Lines of a section may be macros: `%base`, `%tls`, `%services`, `%internal` (see below), and, so that a Dovecot case can be
written once for both families, `%cleartext = yes`, `%cert = FILE`, `%key = FILE`, `%mechanisms = …`, `%trusted = …`.

Directives: `@since V` and `@before V` (of the server in question), `@family 2.3|2.4`, `@release NAME…`, `@clients NAME…`,
`@auth plain|none` (the SASL server behind Postfix), `@not-in-files PORT… : why` (what no file tells: these ports are not compared).
"""
import pathlib
import re

import roots

CASES = pathlib.Path(__file__).resolve().parents[2] / "testdata/live"
TLS = roots.CERTIFICATES

POSTFIX_BASE = f"""compatibility_level = %compatibility
myhostname = {roots.HOST_NAME}
mydestination = example.org
mynetworks = 127.0.0.0/8 [::1]/128
inet_interfaces = all
inet_protocols = all
alias_maps =
alias_database =
local_recipient_maps =
local_transport = discard:
default_transport = discard:
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated reject_unauth_destination
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
"""
POSTFIX_TLS = f"""smtpd_tls_security_level = may
smtpd_tls_cert_file = {TLS}/cert.pem
smtpd_tls_key_file = {TLS}/cert.key
"""
# What smtpd needs around it, in the words of every master.cf.
INTERNAL = """pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
proxymap  unix  -       -       n       -       -       proxymap
lmtp      unix  -       -       n       -       -       lmtp
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
anvil     unix  -       -       n       -       1       anvil
"""
SERVICES = {"smtp": [], "submission": [], "smtps": ["-o smtpd_tls_wrappermode=yes"]}


def service(name, arguments=()):
    name = {"smtps": "465"}.get(name, name)
    return f"{name:<9} inet  n       -       n       -       -       smtpd\n" + "".join(f"  {a}\n" for a in arguments)


def dovecot_base(family):
    protocols = "imap pop3 submission sieve"
    relay = "submission_relay_host = 127.0.0.1\nsubmission_relay_port = 10025\n"
    if family == "2.3":
        return f"""protocols = {protocols}
listen = *, ::
mail_location = maildir:~/Maildir
{relay}passdb {{
  driver = passwd-file
  args = /etc/live-users
}}
userdb {{
  driver = static
  args = uid=livemail gid=livemail home=/var/livemail/%u allow_all_users=yes
}}
"""
    return f"""protocols = {protocols}
listen = *, ::
mail_driver = maildir
mail_path = ~/Maildir
{relay}passdb passwd-file {{
  passwd_file_path = /etc/live-users
}}
userdb static {{
  userdb_static_allow_all_users = yes
  fields {{
    uid = livemail
    gid = livemail
    home = /var/livemail/%{{user}}
  }}
}}
"""


def dovecot_headers(family):
    return "" if family == "2.3" else "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n"


AUTH_SOCKET = """service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
"""


def sasl_server(family, kind):
    """The Dovecot that answers Postfix's SASL requests and serves nobody else."""
    mechanisms = {"plain": "plain login", "challenge": "cram-md5"}.get(kind, "plain login cram-md5")
    text = dovecot_headers(family) + dovecot_base(family).replace("imap pop3 submission sieve", "", 1)
    return {"etc/dovecot/dovecot.conf": neutral(f"{text}%cert = {TLS}/cert.pem\n%key = {TLS}/cert.key\n%cleartext = yes\n%mechanisms = {mechanisms}\n", family) + AUTH_SOCKET}


def neutral(text, family):
    """A Dovecot text with its `%` words in the language of one family."""
    def word(found):
        indent, name, value = found[1], found[2], found[3]
        if name == "cleartext":
            bare, rest = re.fullmatch(r"(yes|no)(.*)", value, re.S).groups()
            opposite = "no" if bare == "yes" else "yes"
            return f"{indent}disable_plaintext_auth = {opposite}{rest}" if family == "2.3" else f"{indent}auth_allow_cleartext = {bare}{rest}"
        if name in ("cert", "key", "ca"):
            return f"{indent}ssl_{name} = <{value}" if family == "2.3" else f"{indent}ssl_server_{name}_file = {value}"
        if name == "mechanisms":
            return f"{indent}auth_mechanisms = {value}"
        if name == "trusted":
            return f"{indent}login_trusted_networks = {value}"
        raise ValueError(f"no such word: %{name}")
    return re.sub(r"(?m)^([ \t]*)%(\w+) = (.*)$", word, text)


class Case:
    """One configuration: `sections` as written, `directives`, and where it stands."""

    def __init__(self, product, name, prose, sections, directives, where):
        self.product, self.name, self.prose = product, name, prose
        self.sections, self.directives, self.where = sections, directives, where

    def applies(self, release, versions):
        number = lambda text: tuple(int(n) for n in text.split("."))
        mine = number(versions[self.product])
        for word, value in self.directives:
            if word == "since" and mine < number(value) or word == "before" and mine >= number(value):
                return False
            if word == "family" and versions["family"] != value or word == "release" and release not in value.split():
                return False
        return True

    def directive(self, name, default=""):
        return next((value for word, value in self.directives if word == name), default)

    def job(self, versions):
        """What a world is to start: {"postfix": {path: text}, "helper" or "dovecot": {…}, "maps": […], "clients": […]}."""
        family, files, maps = versions["family"], {}, []
        services = {}
        for name, flags, text in self.sections:
            if name == "master.cf" and flags and flags[0] in SERVICES:
                services[flags[0]] = None if text.strip() == "-" else text.splitlines()
                continue
            if "+" in flags:
                text = ("%base\n%tls\n" if self.product == "postfix" else "%headers\n%base\n") + text
            if name == "dovecot.conf":
                text = text.replace("%headers\n", dovecot_headers(family)).replace("%bare\n", dovecot_base(family))
            text = self.expand(text, versions)
            if name == "dovecot.conf" or self.product == "dovecot":
                text = neutral(text, family)
            if "escaped" in flags:
                text = re.sub(r"\\(x[0-9a-fA-F]{2}|[rnt\\])", lambda f: chr(int(f[1][1:], 16)) if f[1][0] == "x" else {"r": "\r", "n": "\n", "t": "\t", "\\": "\\"}[f[1]], text)
            if "crlf" in flags:
                text = text.replace("\n", "\r\n")
            if "no-newline" in flags:
                text = text.rstrip("\r\n")
            folder = "etc/dovecot/" if self.product == "dovecot" or name == "dovecot.conf" else "etc/postfix/"
            path = name[1:] if name.startswith("/") else folder + name
            if "postmap" in flags:
                maps.append("/" + path)
            files[path] = text
        if self.product == "dovecot":
            files.setdefault("etc/dovecot/dovecot.conf", self.expand("%headers\n%base\n", versions))
            job = {"dovecot": files}
        else:
            files.setdefault("etc/postfix/main.cf", self.expand("%base\n%tls\n", versions))
            if "etc/postfix/master.cf" not in files:
                files["etc/postfix/master.cf"] = "".join(
                    service(name, services.get(name, SERVICES[name])) for name in SERVICES if services.get(name, ()) is not None) + INTERNAL
            own = {path: text for path, text in files.items() if path.startswith("etc/dovecot/")}
            auth = self.directive("auth", "default")
            helper = own or (sasl_server(family, auth) if auth != "none" else None)
            job = {"postfix": {path: text for path, text in files.items() if path not in own}, "helper": helper, "maps": maps}
            if own or auth != "default":  # what the SASL server offers is part of the tree only where it matters
                job["shown"] = helper or {}
        job["clients"] = self.directive("clients").split() or choose_clients(job)
        return {"kind": "ask", **job}

    def expand(self, text, versions):
        family = versions["family"]
        compatibility = "2" if int(versions["postfix"].split(".")[1]) < 6 else "3.6"
        macros = {
            "%base": POSTFIX_BASE if self.product == "postfix" else dovecot_base(family) + f"%cert = {TLS}/cert.pem\n%key = {TLS}/cert.key\n",
            "%bare": dovecot_base(family),
            "%headers": dovecot_headers(family),
            "%tls": POSTFIX_TLS,
            "%internal": INTERNAL,
            "%services": "".join(service(name, lines) for name, lines in SERVICES.items()),
        }
        text = re.sub(r"(?m)^(%(?:base|bare|headers|tls|internal|services))\n", lambda found: macros[found[1]], text)
        if self.product == "postfix":
            text = text.replace("%compatibility", compatibility)
        return text.replace("%TLS", TLS)


def choose_clients(job):
    """Every client where something in the files tells clients apart; a few where nothing does."""
    text = "".join(text for files in (job.get("postfix"), job.get("dovecot")) for text in (files or {}).values())
    text = text.replace("mynetworks = 127.0.0.0/8 [::1]/128", "").replace("permit_mynetworks permit_sasl_authenticated reject", "")
    if "dovecot" in job:
        if re.search(r"remote|local |local_name|trusted|address|listen = (?!\*, ::)|haproxy", text):
            return None
        return ["loopback", "far", "v6"]
    if re.search(r"\d+\.\d+\.\d+\.\d+|\[?::|mynetworks|hash:|texthash:|inet_interfaces = (?!all)|postscreen|reject_plaintext", text):
        return None
    return ["loopback", "far", "v6"]


def read(product):
    """Every case written for a product, in the order of the files."""
    found = []
    for path in sorted((CASES / product).glob("*.case")):
        found += parse(product, path)
    names = [case.name for case in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"{product}: cases of the same name: {sorted(twice)}")
    return found


def parse(product, path):
    cases = []
    for number, line in enumerate(path.read_text(encoding="latin-1").split("\n"), 1):
        where = f"{path}:{number}"
        if line.startswith("=== "):
            cases.append(Case(product, f"{path.stem}/{line[4:].strip()}", "", [], [], where))
        elif not cases:
            if line.strip() and not line.startswith("#"):
                raise ValueError(f"{where}: text before the first case")
        elif line.startswith("--- "):
            name, *flags = line[4:].split()
            cases[-1].sections.append([name, flags, ""])
        elif cases[-1].sections:
            cases[-1].sections[-1][2] += line + "\n"
        elif line.startswith("@"):
            word, _, value = line[1:].partition(" ")
            cases[-1].directives.append((word, value.strip()))
        else:
            cases[-1].prose = f"{cases[-1].prose} {line}".strip()
    for case in cases:
        for section in case.sections:  # the blank lines before the next header belong to nobody
            section[2] = section[2].rstrip("\n") + "\n" if section[2].strip("\n") else ""
    return cases
