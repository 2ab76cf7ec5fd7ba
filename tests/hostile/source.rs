//! A source: what strangers can write into, with every attack in every such place: a log, a repository, a project file.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::attack::{ATTACKS, lossy};

fn scratch(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&root);
    root
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("it lies in a directory"))
        .and_then(|()| fs::write(path, bytes))
        .expect("the build directory is writable");
}

/// `pattern` with an attack in place of each `{}`.
fn fill(pattern: &str, attack: &[u8]) -> Vec<u8> {
    pattern
        .split("{}")
        .map(str::as_bytes)
        .collect::<Vec<_>>()
        .join(attack)
}

/// A server without TLS, and a log in which each attack is an account, a mail program, and whatever else clients choose.
pub(crate) fn log(name: &str) -> PathBuf {
    let root = scratch(name);
    write(
        &root.join("etc/postfix/main.cf"),
        b"compatibility_level = 2\nsmtpd_sasl_auth_enable = yes\nsmtpd_tls_loglevel = 1\nsmtpd_tls_security_level = may\n\
          smtpd_tls_cert_file = /etc/ssl/mail.pem\nsmtpd_relay_restrictions = permit_sasl_authenticated, reject\n",
    );
    write(
        &root.join("etc/postfix/master.cf"),
        b"submission inet n - n - - smtpd\ntlsmgr unix - - n 1000? 1 tlsmgr\nproxymap unix - - n - - proxymap\n",
    );
    let mut log = Vec::new();
    for (number, attack) in ATTACKS.iter().enumerate() {
        for (program, text) in [
            ("smtpd[1#]", "connect from unknown[192.0.2.#]"),
            (
                "smtpd[1#]",
                "4Q#: client=unknown[192.0.2.#], sasl_method=LOGIN, sasl_username={}",
            ),
            (
                "cleanup[99]",
                "4Q#: info: header User-Agent: {} from unknown[192.0.2.#]; from=<> to=<x> proto=ESMTP helo=<{}>",
            ),
            ("smtpd[1#]", "disconnect from unknown[192.0.2.#]"),
        ] {
            let line = format!("2026-10-29T07:00:00+01:00 mail postfix/{program}: {text}\n");
            log.extend(fill(&line.replace('#', &number.to_string()), attack));
        }
    }
    write(&root.join("maillog"), &log);
    root
}

/// A log of refused logins, names of hosts and of programs, with each attack in their places.
pub(crate) fn refusals(name: &str) -> PathBuf {
    let root = scratch(name);
    let mut log = Vec::new();
    for attack in ATTACKS {
        for line in [
            "Oct 29 07:00:00 mail dovecot: imap-login: Disconnected: Aborted login (auth failed, 1 attempts in 2 secs): user=<{}>, method={}, rip=192.0.2.9, lip=192.0.2.1, session=<{}>\n",
            "Oct 29 07:00:01 mail postfix/smtpd[7]: warning: {}[192.0.2.9]: SASL LOGIN authentication failed: {}, sasl_username={}\n",
            "Oct 29 07:00:02 {} dovecot: imap-login: Login: user=<{}>, method={}, rip=192.0.2.9, lip=192.0.2.1, mpid=1, {}, session=<{}>\n",
            "Oct 29 07:00:03 mail postfix/{}/smtpd[8]: 4Q: client={}[192.0.2.9], sasl_method={}, sasl_username={}\n",
        ] {
            log.extend(fill(line, attack));
        }
    }
    write(&root.join("maillog"), &log);
    root
}

/// A repository of servers with these names, each without TLS.
pub(crate) fn servers(name: &str, names: &[&str]) -> PathBuf {
    let root = scratch(name);
    for name in names {
        write(
            &root.join(name).join("etc/dovecot/dovecot.conf"),
            b"protocols = imap\nssl = yes\nssl_cert = </a.pem\nssl_key = </a.key\ndisable_plaintext_auth = no\n",
        );
    }
    root
}

/// A repository of servers, one for each attack, which is in the name of its directory and in what its files say.
pub(crate) fn repository(name: &str) -> PathBuf {
    let root = scratch(name);
    for (number, attack) in ATTACKS.iter().enumerate() {
        let word: Vec<u8> = attack
            .iter()
            .copied()
            .filter(|&byte| byte != b' ')
            .collect();
        // A name of a file is short and has neither a slash nor a zero in it.
        let folder: Vec<u8> = attack
            .iter()
            .copied()
            .filter(|&byte| byte != b'/' && byte != 0)
            .take(60)
            .collect();
        let server = root
            .join(format!("{number}"))
            .join(OsStr::from_bytes(&folder));
        write(
            &server.join("etc/postfix/main.cf"),
            &fill(
                "# plainsight: ignore[postfix-cleartext-login] {} until=2030-01-01\n# plainsight: ignore[{}] {}\n\
                 compatibility_level = 2\nsmtpd_sasl_auth_enable = yes\nsmtpd_tls_security_level = may\n\
                 smtpd_tls_cert_file = /etc/ssl/{}\nsmtpd_tls_auth_onyl = {}\nsmtpd_tls_auth_only = $own\nown = no\n\
                 smtpd_client_restrictions = {}\nmynetworks = {}\nsmtpd_tls_mandatory_protocols = {}\n",
                attack,
            ),
        );
        let mut master = fill("{} inet n - n - - smtpd\n  -o syslog_name={}\n", &word);
        master.extend(fill(
            "submission inet n - n - - smtpd\n  -o smtpd_sasl_path={}\n  -o smtpd_tls_security_level={}\n",
            &word,
        ));
        master.extend(b"smtp inet n - n - - smtpd\ntlsmgr unix - - n 1000? 1 tlsmgr\nproxymap unix - - n - - proxymap\n");
        write(&server.join("etc/postfix/master.cf"), &master);
        write(
            &server.join("etc/dovecot/dovecot.conf"),
            &fill(
                "# plainsight: ignore[dovecot-cleartext-login] {}\nprotocols = imap pop3\nssl = yes\nssl_cert = </etc/ssl/{}\n\
                 ssl_key = </etc/ssl/mail.key\ndisable_plaintext_auth = no\nauth_mechanisms = plain {}\n{} = x\n\
                 !include_try conf.d/{}.conf\nlocal_name {} {\n  ssl = no\n}\nservice imap-login {\n  inet_listener {} {\n    port = 1143\n  }\n}\n",
                attack,
            ),
        );
        // What is fatal to the daemon is said in its own words, with the value in them.
        write(
            &server.join("spare/etc/dovecot/dovecot.conf"),
            &fill(
                "protocols = imap\nssl = {}\nssl_min_protocol = {}\n!include {}\n",
                attack,
            ),
        );
        write(
            &server.join("spare/etc/postfix/main.cf"),
            &fill(
                "smtpd_sasl_auth_enable = {}\n{}\nsmtpd_tls_loglevel = {}\n{} = x\n",
                attack,
            ),
        );
    }
    root
}

/// A plainsight.toml that says every attack of the servers below `root`, as far as TOML can.
pub(crate) fn project(root: &Path) {
    let mut text = String::new();
    for (number, attack) in ATTACKS.iter().enumerate() {
        // A string of JSON is one of TOML but for this character.
        let quoted = serde_json::to_string(&lossy(attack)).expect("text");
        let quoted = quoted.replace('\u{7f}', "\\u007f");
        text.push_str(&format!(
            "[[accept]]\naccount = {quoted}\nreason = {quoted}\nowner = {quoted}\n\
             [[ignore]]\nrule = \"*\"\nserver = \"{number}/*/spare\"\nreason = {quoted}\nowner = {quoted}\n\
             [[ignore]]\nrule = \"no-such-rule\"\nreason = {quoted}\n"
        ));
    }
    text.push_str("[networks]\n");
    for (number, attack) in ATTACKS.iter().enumerate() {
        let quoted = serde_json::to_string(&lossy(attack)).expect("text");
        let quoted = quoted.replace('\u{7f}', "\\u007f");
        text.push_str(&format!("{quoted} = \"192.0.2.{number}\"\n"));
    }
    write(&root.join("plainsight.toml"), text.as_bytes());
}
