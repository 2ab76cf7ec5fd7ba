"""Generated cases: configurations put together at random, the same for the same seed.

Each is drawn from its own generator, seeded by the seed, the product and its number, so that case 17 of seed 1 is the
same whatever else is asked for. The probabilities favour configurations that run, with a few of everything that does not.
"""
import random

import cases
import roots

TLS = roots.CERTIFICATES


def generated(product, release, versions, seed, count):
    make = {"postfix": postfix, "dovecot": dovecot}[product]
    for number in range(count):
        chance = random.Random(f"{seed} {product} {number}")
        job = {"kind": "ask", "skip": [], **make(chance, versions)}
        job["clients"] = cases.choose_clients(job)
        yield f"generated/{product}-{seed}-{number}", job


# Postfix

LEVELS = ["may"] * 8 + ["encrypt"] * 5 + ["none"] * 2 + ["", "Encrypt", "MAY", "verify", "secure"]
BAD_LEVELS = ["dane", "encrypted", "yes", "required"]
YES_NO = ["yes"] * 6 + ["no"] * 4 + ["YES", "No"]
BAD_BOOLEANS = ["true", "on", "", "yes # TLS only", "1", '"yes"', "yes,"]
CERTIFICATES = [
    (14, f"smtpd_tls_cert_file = {TLS}/cert.pem\nsmtpd_tls_key_file = {TLS}/cert.key"),
    (4, f"smtpd_tls_cert_file = {TLS}/rsa.pem\nsmtpd_tls_key_file = {TLS}/rsa.key"),
    (3, f"smtpd_tls_chain_files = {TLS}/chain.pem"),
    (2, f"certs = {TLS}\nsmtpd_tls_cert_file = $certs/cert.pem\nsmtpd_tls_key_file = ${{certs}}/cert.key"),
    (2, f"smtpd_tls_cert_file = {TLS}/chain.pem"),
    (2, ""),
    (1, f"smtpd_tls_cert_file = {TLS}/cert.pem\nsmtpd_tls_key_file = {TLS}/other.key"),
    (1, f"smtpd_tls_cert_file = {TLS}/broken.pem\nsmtpd_tls_key_file = {TLS}/cert.key"),
    (1, f"smtpd_tls_cert_file = {TLS}/gone.pem\nsmtpd_tls_key_file = {TLS}/gone.key"),
    (1, f"smtpd_tls_eccert_file = {TLS}/cert.pem\nsmtpd_tls_eckey_file = {TLS}/cert.key"),
    (1, f"smtpd_tls_cert_file = {TLS}/rsa.pem\nsmtpd_tls_key_file = {TLS}/rsa.key\nsmtpd_tls_eccert_file = {TLS}/cert.pem\nsmtpd_tls_eckey_file = {TLS}/cert.key"),
    (1, "smtpd_tls_cert_file = none"),
]
OPTIONS = ["noanonymous", "noanonymous", "noanonymous, noplaintext", "noplaintext noanonymous", "noanonymous nodictionary",
           "noanonymous, noplaintext, nodictionary", "mutual_auth", "", "NOANONYMOUS", "noanonymous, noactive", "noanonymus"]
DISCARD = ["auth", "starttls", "silent-discard, dsn", "starttls, auth", "AUTH", "pipelining", "etrn dsn"]
FILTERS = ["plain, login", "!cram-md5, static:rest", "cram-md5", "!plain !login static:rest", "gssapi", "PLAIN", "!external, static:rest"]


def weighted(chance, table):
    return chance.choices([value for _, value in table], [weight for weight, _ in table])[0]


def boolean(chance):
    return chance.choice(BAD_BOOLEANS) if chance.random() < 0.03 else chance.choice(YES_NO)


def level(chance):
    return chance.choice(BAD_LEVELS) if chance.random() < 0.03 else chance.choice(LEVELS)


def macro_of(chance, value, modern):
    """(value that refers to macros, definitions it needs) for a plain value."""
    forms = [("$my_value", f"my_value = {value}"), ("${my_value}", f"my_value = {value}"), ("$(my_value)", f"my_value = {value}"),
             ("${my_flag?" + value + "}${my_flag:" + ("no" if value == "yes" else "yes") + "}", "my_flag = x"),
             ("$my_a", f"my_a = $my_b\nmy_b = {value}")]
    if modern:
        forms += [("${my_flag?{" + value + "}:{no}}", "my_flag = 1"), ("${{$my_site} == {a} ? {" + value + "} : {no}}", "my_site = a"),
                  ("${{$my_site} != {a} ? {" + value + "} : {no}}", "my_site = a"), ("${{$my_n} < {10} ? {" + value + "}}", "my_n = 9")]
    if chance.random() < 0.1:
        return chance.choice(["$my_undefined", "${my_undefined}", "$$my_value"]), ""
    return chance.choice(forms)


def override(chance, minor):
    """One `-o` of an smtpd entry, as people write it."""
    name, value = chance.choice([
        *[("smtpd_tls_auth_only", boolean(chance))] * 4, *[("smtpd_tls_security_level", level(chance))] * 4,
        *[("smtpd_sasl_auth_enable", boolean(chance))] * 3, ("smtpd_enforce_tls", boolean(chance)), ("smtpd_use_tls", boolean(chance)),
        ("smtpd_tls_wrappermode", boolean(chance)), ("smtpd_discard_ehlo_keywords", chance.choice(["auth", "starttls", "dsn", ""])),
        ("smtpd_sasl_security_options", chance.choice(["noanonymous", "noanonymous,noplaintext", "noplaintext", "noanonymous,nodictionary"])),
        ("smtpd_sasl_tls_security_options", "noanonymous"), ("smtpd_client_restrictions", "permit_mynetworks,reject"), ("syslog_name", "postfix/own"),
        ("smtpd_tls_auth_only", "$my_value"), ("smtpd_tls_security_level", "$my_level"), ("my_value", chance.choice(["yes", "no"])),
        ("my_flag", chance.choice(["1", ""])), ("content_filter", ""), ("smtpd_tls_loglevel", "1"),
    ])
    if " " in value:
        value = value.replace(" ", "")
    form = chance.random()
    if minor >= 0 and form < 0.08:
        return f"-o {{ {name} = {value} }}"
    if form < 0.11:
        return f"-o {{{name}={value}}}"
    if form < 0.14:
        return f"-o{name}={value}"
    if form < 0.15:
        return f"-o{{{name}={value}}}"
    if form < 0.16:
        return f"-o {name} = {value}"
    if form < 0.17:
        return f"-o {name}={value} # why"
    if form < 0.19:
        return f"-v -o {name}={value}"
    return f"-o {name}={value}"


def postfix(chance, versions):
    minor = int(versions["postfix"].split(".")[1])
    maybe = lambda probability: chance.random() < probability
    lines, extra, files = [], [], {}
    if maybe(0.85):
        lines.append(f"smtpd_tls_security_level = {level(chance)}")
    if maybe(0.5):
        lines.append(f"smtpd_tls_auth_only = {boolean(chance)}")
    if maybe(0.15):
        lines.append(f"smtpd_enforce_tls = {boolean(chance)}")
    if maybe(0.15):
        lines.append(f"smtpd_use_tls = {boolean(chance)}")
    if maybe(0.04):
        lines.append(f"smtpd_tls_wrappermode = {boolean(chance)}")
    if maybe(0.15):
        lines.append(f"smtpd_sasl_auth_enable = {boolean(chance)}")
    if maybe(0.15):
        lines.append(f"smtpd_sasl_security_options = {chance.choice(OPTIONS)}")
        if maybe(0.6):
            lines.append(f"smtpd_sasl_tls_security_options = {chance.choice(OPTIONS[:4])}")
    if maybe(0.08):
        lines.append(f"smtpd_sasl_mechanism_filter = {chance.choice(FILTERS)}")
    if maybe(0.12):
        lines.append(f"smtpd_discard_ehlo_keywords = {chance.choice(DISCARD)}")
    if maybe(0.07):
        lines.append("smtpd_discard_ehlo_keyword_address_maps = cidr:/etc/postfix/discard.cidr")
        networks = ["198.51.100.0/24", "192.0.2.0/24", "127.0.0.0/8", "2001:db8::/32", "192.0.2.2", "0.0.0.0/0"]
        files["etc/postfix/discard.cidr"] = "".join(f"{n} {chance.choice(DISCARD)}\n" for n in chance.sample(networks, chance.randint(1, 3)))
    if maybe(0.06):
        lines.append(f"smtpd_sasl_exceptions_networks = {chance.choice(['198.51.100.0/24', '!192.0.2.1, 192.0.2.0/24', 'static:all'])}")
    if maybe(0.08):
        lines.append(f"smtpd_client_restrictions = {chance.choice(['reject_plaintext_session', 'permit_mynetworks, reject', 'permit_mynetworks', 'reject', 'sleep 0, permit'])}")
        if maybe(0.4):
            lines.append(f"smtpd_delay_reject = {chance.choice(['no', 'yes'])}")
    if maybe(0.05):
        lines.append(f"smtpd_tls_req_ccert = no\nsmtpd_tls_ask_ccert = {chance.choice(['yes', 'no'])}")
    if maybe(0.05):
        lines.append(f"smtpd_tls_protocols = {chance.choice(['!SSLv2, !SSLv3', '>=TLSv1.2' if minor >= 6 else '!SSLv3', '!SSLv2,!SSLv9', 'TLSv1.2'])}")
    if maybe(0.05):
        lines.append("smtpd_noop_commands = " + chance.choice(["auth", "etrn", "AUTH ETRN"]))
    if maybe(0.05):
        lines.append("master_service_disable = " + chance.choice(["submission/inet", "587/inet", "smtp/inet", "465.inet", "!smtp/inet, inet"]))
    if maybe(0.06):
        lines.append("inet_interfaces = " + chance.choice(["loopback-only", "192.0.2.1", "127.0.0.1, 192.0.2.1", "all"]))
    if maybe(0.05):
        lines.append("inet_protocols = " + chance.choice(["ipv4", "ipv6", "all"]))
    for at, line in enumerate(lines):  # some values come by way of a macro
        name, _, value = line.partition(" = ")
        if value.lower() in ("yes", "no", "may", "encrypt") and maybe(0.1) and not any("my_" in other for other in lines):
            value, definition = macro_of(chance, value, True)
            lines[at] = f"{name} = {value}"
            if definition:
                extra.append(definition)
    if maybe(0.1):
        extra.append(f"my_level = {chance.choice(['may', 'encrypt', 'none'])}")
    if maybe(0.1):
        extra.append(f"my_value = {chance.choice(['yes', 'no'])}")
    if maybe(0.1) and lines:  # a second definition
        name = chance.choice(lines).split(" = ")[0]
        if name in ("smtpd_tls_auth_only", "smtpd_enforce_tls", "smtpd_sasl_auth_enable"):
            extra.append(f"{name} = {boolean(chance)}")
        elif name == "smtpd_tls_security_level":
            extra.append(f"{name} = {level(chance)}")
    blocks = [weighted(chance, CERTIFICATES), *lines, *extra]
    if maybe(0.5):
        chance.shuffle(blocks)
    main = cases.POSTFIX_BASE.replace("%compatibility", "2" if minor < 6 else "3.6")
    for block in blocks:
        for line in block.split("\n"):
            main += decorate(chance, line)
    if maybe(0.03):
        main += chance.choice(["smtpd_banner = hello\n  smtpd_tls_auth_only = yes\n", "smtpd_tls_auth_only\n", "biff = no\n# next\n\tsmtpd_tls_security_level = none\n",
                               "smtpd_helo_required = sure\n"])
    master = master_cf(chance, minor)
    if maybe(0.05):
        main = main.replace("\n", "\r\n")
    if maybe(0.04):
        master = master.replace("\n", "\r\n")
    if maybe(0.06):
        main = main.rstrip("\r\n")
    kind = chance.choice(["default"] * 5 + ["plain"])
    helper = cases.sasl_server(versions["family"], kind)
    job = {"postfix": {"etc/postfix/main.cf": main, "etc/postfix/master.cf": master, **files}, "helper": helper, "maps": []}
    if kind != "default":
        job["shown"] = helper
    return job


def decorate(chance, line):
    """A setting as somebody may have written it."""
    if not line:
        return ""
    name, _, value = line.partition(" = ")
    roll = chance.random()
    if roll < 0.05:
        return f"{name}={value}\n"
    if roll < 0.08:
        return f"{name} =\n  {value}\n" if value else f"{name} =\n"
    if roll < 0.11:
        return f"# {name} = no\n{line}\n\n"
    if roll < 0.13:
        return f"{name} =\n# really\n\t{value}\n" if value else f"{name} =\n"
    if roll < 0.15:
        return f"{name}\t=\t{value} \t\n"
    return line + "\n"


def master_cf(chance, minor):
    maybe = lambda probability: chance.random() < probability
    entries = []

    def entry(name, arguments, kind="inet", columns="n - n - -", command="smtpd"):
        text = f"{name} {kind} {columns} {command}"
        for argument in arguments:
            roll = chance.random()
            if roll < 0.06:
                text += f"\n#  -o smtpd_tls_auth_only=no\n  {argument}"
            elif roll < 0.1:
                text += f" {argument}"
            elif roll < 0.12:
                text += f"\n\n\t{argument}"
            else:
                text += f"\n  {argument}"
        entries.append(text + "\n")

    some = lambda most: [override(chance, minor) for _ in range(chance.randint(0, most))]
    if maybe(0.93):
        entry(chance.choice(["smtp", "smtp", "smtp", "25"]), some(1) if maybe(0.4) else [])
    if maybe(0.8):
        entry(chance.choice(["submission", "submission", "587"]), some(3))
    if maybe(0.6):
        name = chance.choice(["smtps", "465", *(["submissions"] if minor >= 6 else [])])
        entry(name, (["-o smtpd_tls_wrappermode=yes"] if maybe(0.9) else []) + some(2))
    if maybe(0.2):
        entry(chance.choice(["2525", "127.0.0.1:10026", "192.0.2.1:10587", "[2001:db8::1]:10588", "[127.0.0.1]:10589"]), some(2))
    if maybe(0.08) and minor >= 6:
        entry(chance.choice(["127.0.0.1:25", "192.0.2.1:587", "127.0.0.1:smtp"]), some(2))
    if maybe(0.08):
        entry(chance.choice(["smtp", "25", "587", "submission"]), some(2))
    if maybe(0.06):
        entries.append("#smtps inet n - n - - smtpd\n" + "".join(f"  {o}\n" for o in some(2)))
    if maybe(0.03):
        entry("10590", [], columns="n n n - -")
    if maybe(0.05):
        entry("relay", ["-o smtp_fallback_relay="], kind="unix", columns="- - n - -", command="smtp")
    if not entries:
        entry("smtp", [])
    internal = cases.INTERNAL
    if maybe(0.03):
        internal = "".join(line + "\n" for line in internal.splitlines() if not line.startswith("tlsmgr"))
    return "".join(entries) + internal


# Dovecot

NETWORKS = ["198.51.100.0/24", "192.0.2.0/24", "192.0.2.2", "192.0.2.2/32", "198.51.100.7", "127.0.0.0/8", "127.0.0.2", "2001:db8::/32", "2001:db8::2", "0.0.0.0/0", "::/0", "192.0.2.77/24"]
ADDRESSES = ["192.0.2.1", "127.0.0.1", "2001:db8::1", "192.0.2.0/24", "127.0.0.0/8"]
PROTOCOLS = ["imap", "pop3", "submission", "sieve"]


def policy(chance, indent, family, places=1.0):
    """Settings that a scope may hold."""
    text = ""
    if chance.random() < 0.65 * places:
        text += f"{indent}ssl = {chance.choice(['required'] * 4 + ['yes'] * 4 + ['no'] * 2)}\n"
    if chance.random() < 0.45 * places:
        text += f"{indent}%cleartext = {chance.choice(['yes', 'no'])}\n"
    if chance.random() < 0.06 * places:
        text += f"{indent}%trusted = {' '.join(chance.sample(['198.51.100.0/24', '192.0.2.0/24', '2001:db8::/32', '127.0.0.2'], chance.randint(1, 2)))}\n"
    return text or f"{indent}mail_max_userip_connections = 20\n"


def filter_block(chance, family, indent="", inside=()):
    kinds = [kind for kind in ("protocol", "remote", "local") if kind not in inside]
    if "protocol" in inside or not kinds:
        kinds = ["protocol"] if chance.random() < 0.05 else []
    if "remote" in inside:
        kinds = ["protocol"]
    if not kinds:
        return policy(chance, indent, family)
    kind = chance.choice(kinds + (["protocol", "remote"] if not inside else []))
    if kind == "protocol":
        name = chance.choice(["imap"] * 4 + ["pop3"] * 3 + ["submission", "sieve", "!imap", "!pop3", "lmtp"])
    elif kind == "remote":
        name = chance.choice(NETWORKS)
    else:
        name = chance.choice(ADDRESSES)
    body = policy(chance, indent + "  ", family) if chance.random() < 0.85 else ""
    if kind != "protocol" and chance.random() < 0.25:
        body += filter_block(chance, family, indent + "  ", (*inside, kind))
    return f"{indent}{kind} {name} {{\n{body}{indent}}}\n"


def listener_block(chance, family):
    login = chance.choice(["imap-login", "pop3-login", "submission-login", "managesieve-login"])
    plain, wrapped = {"imap-login": ("imap", "imaps"), "pop3-login": ("pop3", "pop3s"), "submission-login": ("submission", "submissions"), "managesieve-login": ("sieve", "sieve")}[login]
    body = ""
    for _ in range(chance.randint(1, 2)):
        name = chance.choice([plain, plain, wrapped, "extra"])
        inner = ""
        if name == "extra" or chance.random() < 0.5:
            inner += f"    port = {chance.choice([0, 10143, 10144]) if name != 'extra' else 10145 + len(body) % 7}\n"
        if chance.random() < 0.4:
            inner += f"    ssl = {chance.choice(['yes', 'no'])}\n"
        if chance.random() < 0.15:
            inner += f"    {'address' if family == '2.3' else 'listen'} = {chance.choice(['127.0.0.1', '192.0.2.1'])}\n"
        body += f"  inet_listener {name} {{\n{inner}  }}\n"
    return f"service {login} {{\n{body}}}\n"


def dovecot(chance, versions):
    family = versions["family"]
    maybe = lambda probability: chance.random() < probability
    parts = []
    if maybe(0.9):
        parts.append(policy(chance, "", family))
    for _ in range(chance.choice([0, 0, 1, 1, 1, 2, 2, 3])):
        parts.append(filter_block(chance, family))
    if maybe(0.3):
        parts.append(listener_block(chance, family))
    if family == "2.4" and maybe(0.15):
        parts.append(f"ssl_server {{\n  ssl = {chance.choice(['yes', 'no', 'required', 'required'])}\n}}\n")
    if family == "2.4" and maybe(0.12):
        parts.append(f"service {chance.choice(['imap-login', 'pop3-login', 'imap'])} {{\n{policy(chance, '  ', family).replace('%trusted', '%trusted')}}}\n")
    if family == "2.4" and maybe(0.08):
        parts.append(f"group @mine strict {{\n  ssl = {chance.choice(['required', 'yes'])}\n}}\n")
        parts.append("@mine = strict\n" if maybe(0.5) else f"protocol {chance.choice(PROTOCOLS)} {{\n  @mine = strict\n}}\n")
    if maybe(0.35):
        parts.append(f"%mechanisms = {chance.choice(['plain login', 'plain login cram-md5', 'cram-md5', 'plain cram-md5', 'login'])}\n")
    if maybe(0.1):
        parts.append(f"protocols = {' '.join(chance.sample(PROTOCOLS, chance.randint(1, 4)))}\n")
    if maybe(0.06):
        parts.append(f"listen = {chance.choice(['127.0.0.1', '*', '127.0.0.1, 192.0.2.1', '::'])}\n")
    if maybe(0.04):
        parts.append("login_greeting = Dovecot's box # hi\n")
    if maybe(0.03):
        parts.append(chance.choice(["ssl = required \\\n\n", "ssl = Required\n", "ssl required\n", "no_such_setting = x\n", "ssl = \\\n  required\n", 'ssl = "required"\n']))
    if maybe(0.3):
        chance.shuffle(parts)
    certificate = chance.choices([f"%cert = {TLS}/cert.pem\n%key = {TLS}/cert.key\n", f"%cert = {TLS}/rsa.pem\n%key = {TLS}/rsa.key\n", "",
                                  f"%cert = {TLS}/cert.pem\n%key = {TLS}/other.key\n", f"%cert = {TLS}/gone.pem\n%key = {TLS}/cert.key\n"], [20, 3, 2, 1, 0.5])[0]
    files = {}
    head = cases.dovecot_headers(family) + cases.dovecot_base(family)
    if maybe(0.25):  # spread over files
        cut = chance.randint(0, len(parts))
        files["etc/dovecot/conf.d/10-first.conf"] = cases.neutral("".join(parts[:cut]), family)
        files["etc/dovecot/conf.d/90-last.conf"] = cases.neutral(certificate, family)
        text = head + "!include conf.d/*.conf\n" + "".join(parts[cut:])
    else:
        text = head + certificate + "".join(parts)
    text = cases.neutral(text, family)
    if maybe(0.05):
        text = text.replace("\n", "\r\n")
    files["etc/dovecot/dovecot.conf"] = text
    return {"dovecot": files}
