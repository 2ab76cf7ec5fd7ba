//! The next step that an answer ends in: a command to be copied, which asks about the same server and the same logs, read in
//! the same way.

// Elsewhere not every name can be that of a file.
#![cfg(target_os = "linux")]

#[path = "shared/mod.rs"]
mod shared;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use shared::{place, run, write};

/// A directory with a server that takes passwords without TLS, at each of these places below it.
fn servers(name: &str, places: &[&OsStr]) -> PathBuf {
    let root = place(name, &[]);
    for server in places {
        let server = root.join(server);
        for (file, text) in [
            (
                "etc/postfix/main.cf",
                "compatibility_level = 2\nsmtpd_sasl_auth_enable = yes\nsmtpd_tls_security_level = may\n\
                 smtpd_tls_cert_file = /etc/ssl/mail.pem\nsmtpd_relay_restrictions = permit_sasl_authenticated, reject\n",
            ),
            (
                "etc/postfix/master.cf",
                "submission inet n - n - - smtpd\ntlsmgr unix - - n 1000? 1 tlsmgr\nproxymap unix - - n - - proxymap\n",
            ),
            (
                "etc/dovecot/dovecot.conf",
                "protocols = imap\nssl = yes\nssl_cert = </etc/ssl/mail.pem\nssl_key = </etc/ssl/mail.key\n\
                 disable_plaintext_auth = no\n",
            ),
            (
                "var/log/maillog",
                "2026-10-29T07:00:00+01:00 mail dovecot: imap-login: Login: user=<anna>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, session=<a>\n\
                 2026-10-29T07:00:01+01:00 mail dovecot: imap-login: Login: user=<anna>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=2, TLS, session=<b>\n",
            ),
        ] {
            write(&server.join(file), text);
        }
    }
    root
}

fn plainsight(at: &Path, words: &[&OsStr]) -> String {
    let (_, out, err) = run(at, words);
    out + &err
}

/// The commands that a text shows for copying.
fn commands(text: &str) -> Vec<&str> {
    let lines = text.lines();
    lines
        .filter_map(|line| {
            let at = line.find("plainsight ")?;
            let command = &line[at..];
            let end = command
                .find(" tells why")
                .or_else(|| command.find(" shows the change"));
            Some(&command[..end.unwrap_or(command.len())])
        })
        .collect()
}

/// What bash makes of a command that was copied.
fn copied(at: &Path, command: &str) -> (Option<i32>, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_plainsight"));
    let directory = program.parent().expect("it lies in a directory");
    let path = std::env::join_paths([directory, Path::new("/usr/bin"), Path::new("/bin")]);
    let output = Command::new("bash")
        .arg("-c")
        .arg(command)
        .env("PATH", path.expect("a plain name"))
        .env("PLAINSIGHT_TODAY", "2026-11-24")
        .current_dir(at)
        .output()
        .expect("bash can be started");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8(text).expect("what is printed is text"),
    )
}

fn words(line: &str) -> Vec<&OsStr> {
    line.split(' ').map(OsStr::new).collect()
}

fn write_rule(directory: &Path) {
    let rule = "id = \"banner\"\nseverity = \"error\"\nsummary = \"the greeting tells who is there\"\n\n[when]\nabout = \"server\"\n\
                server = \"postfix\"\nsetting.smtpd_banner = { empty = false }\n\n[doc]\nwhy = \"It need not.\"\n";
    write(&directory.join("banner.toml"), rule);
}

#[test]
fn what_the_answer_depended_on_is_given_again() {
    let at = servers("options", &[OsStr::new("mx")]);
    write_rule(&at.join("own"));
    for (line, next) in [
        (
            "check mx --root mx --postfix-version 3.7.11 --dovecot-version=2.3.19.1 --certificates require --no-gitignore",
            "plainsight preflight --root mx --no-gitignore --postfix-version 3.7.11 --dovecot-version 2.3.19.1 --certificates require",
        ),
        (
            "check mx/etc/dovecot -q",
            "plainsight preflight mx/etc/dovecot",
        ),
        (
            "check mx/etc/postfix/main.cf --format text",
            "plainsight preflight mx/etc/postfix/main.cf",
        ),
        (
            "scan --root mx --since 3d --host mail,other --timezone=-02:00",
            "plainsight preflight --root mx --since 3d --timezone=-02:00 --host mail --host other",
        ),
        (
            "scan mx/var/log/maillog --log mx/var/log/maillog --redact",
            "plainsight preflight SERVER-ROOT --log mx/var/log/maillog --log mx/var/log/maillog --redact",
        ),
        (
            "preflight mx/etc/dovecot --accept anna --dovecot-version 2.3.19.1 --window 1 --log mx/var/log/maillog",
            "plainsight apply mx/etc/dovecot --dovecot-version 2.3.19.1",
        ),
        (
            "check mx --dovecot-version 2.3.19.1",
            "plainsight diff mx --dovecot-version 2.3.19.1",
        ),
        (
            "check mx --rules own",
            "plainsight explain postfix-cleartext-login --rules own",
        ),
    ] {
        let said = plainsight(&at, &words(line));
        assert!(commands(&said).contains(&next), "{line}\n{said}");
    }
}

#[test]
fn rules_of_a_project_elsewhere_are_found_again() {
    let at = servers("rules", &[OsStr::new("hosts/mx")]);
    write_rule(&at.join("hosts/own"));
    write(&at.join("hosts/plainsight.toml"), "rules = [\"own\"]\n");
    let said = plainsight(&at, &words("check hosts --no-ignores"));
    let explain = commands(&said)
        .into_iter()
        .find(|command| command.contains("explain"));
    let explain = explain.expect("there is a finding");
    assert!(explain.ends_with("--rules hosts/own"), "{said}");
    assert!(said.contains("[banner]"), "{said}");
    let (exit, said) = copied(&at, explain);
    assert_eq!(exit, Some(0), "{said}");
}

#[test]
fn a_name_of_any_bytes_can_be_copied() {
    let names: [&[u8]; 9] = [
        b"a b's",
        b"-x",
        b"=ls",
        "\u{fc} \u{30a2}\u{202e}x".as_bytes(),
        b"caf\xe9",
        b"line\nfeed\ttab\rreturn",
        b"\x1b]0;owned\x07\x1b[2J7",
        b"##[error] `id` $(id) \\",
        b"%0a::warning::x\x7f'\"*?{a,b}",
    ];
    let names = names.map(OsStr::from_bytes);
    let at = servers("names", &names);
    for name in names {
        let word = [OsStr::new("./"), name].join(OsStr::new(""));
        for (subject, given) in [("check", &word), ("scan", &word)] {
            let mut all = vec![OsStr::new(subject)];
            if subject == "scan" {
                all.push(OsStr::new("--root"));
            }
            all.push(given);
            let said = plainsight(&at, &all);
            let next = commands(&said);
            assert!(!next.is_empty(), "{said}");
            assert!(
                !said.contains(|c: char| c.is_control() && c != '\n'),
                "{said}"
            );
            for command in next {
                let (exit, answer) = copied(&at, command);
                assert!(matches!(exit, Some(0 | 1)), "{command}\n{answer}");
            }
        }
    }
}
