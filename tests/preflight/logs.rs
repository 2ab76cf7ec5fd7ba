//! Whose logs decide, and how much of the window they cover: a GO needs lines of this very server.

use std::path::{Path, PathBuf};

use super::shared::{place, run};

/// A server that names itself as its settings say, with these files beside its configuration.
fn server(name: &str, settings: &str, files: &[(&str, &str)]) -> PathBuf {
    let main = format!(
        "compatibility_level = 2\nsmtpd_sasl_auth_enable = yes\nsmtpd_tls_loglevel = 1\nsmtpd_tls_security_level = may\n\
         smtpd_tls_cert_file = /etc/ssl/mail.pem\n{settings}"
    );
    let master = "submission inet n - n - - smtpd\n  -o syslog_name=postfix/submission\n\
                  tlsmgr unix - - n 1000? 1 tlsmgr\nproxymap unix - - n - - proxymap\n";
    let own = [
        ("etc/postfix/main.cf", main.as_str()),
        ("etc/postfix/master.cf", master),
    ];
    place(name, &[&own, files].concat())
}

/// One login a day from one day of November to another, at one host.
fn logins(host: &str, account: &str, days: std::ops::RangeInclusive<u32>, tls: bool) -> String {
    days.map(|day| {
        let at = format!("2026-11-{day:02}T07:00:07Z {host} postfix/submission/smtpd[{day}]:");
        let tls = if tls {
            format!("{at} Anonymous TLS connection established from pc[192.0.2.50]: TLSv1.3 with cipher X (256/256 bits)\n")
        } else {
            String::new()
        };
        format!(
            "{at} connect from pc[192.0.2.50]\n{tls}{at} 9AE13C0073: client=pc[192.0.2.50], sasl_method=LOGIN, sasl_username={account}\n\
             {at} disconnect from pc[192.0.2.50]\n"
        )
    })
    .collect()
}

/// The answer: exit code and what is printed.
fn answer(root: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let usual = [
        "preflight",
        ".",
        "--postfix-version",
        "3.7.11",
        "--dovecot-version",
        "2.3.19.1",
    ];
    let (code, out, _) = run(root, &[&usual, arguments].concat());
    (code, out)
}

fn with_log(name: &str, settings: &str, log: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let root = server(name, settings, &[("central.log", log)]);
    answer(&root, &[&["--log", "central.log"], arguments].concat())
}

const HOST: &str = "myhostname = mail.example.org\n";

#[test]
fn a_log_of_another_host_decides_nothing() {
    let log = logins("mx7", "anna", 1..=14, true);
    let (code, out) = with_log("host-other", HOST, &log, &[]);
    assert!(
        out.starts_with(
            "CANNOT TELL: the logs are of mx7, and this server goes by mail.example.org"
        ),
        "{out}"
    );
    assert!(out.contains("--host mx7"), "{out}");
    assert_eq!(code, Some(3));
    for (name, settings, arguments) in [
        ("host-said", HOST, &["--host", "mx7"][..]),
        ("host-pattern", HOST, &["--host", "mx*"]),
        (
            "host-destination",
            "myhostname = mail.example.org\nmydestination = $myhostname, mx7.example.org, localhost\n",
            &[],
        ),
        ("host-unnamed", "", &[]),
        ("host-full", "myhostname = mx7.example.org\n", &[]),
    ] {
        let (code, out) = with_log(name, settings, &log, arguments);
        assert!(out.starts_with("GO: "), "{name}: {out}");
        assert_eq!(code, Some(0), "{name}");
    }
}

#[test]
fn the_machines_own_name_and_the_project_file_tell_the_host_as_well() {
    let log = logins("mx7", "anna", 1..=14, true);
    for (name, file, text) in [
        ("host-etc", "etc/hostname", "# by the installer\nmx7\n"),
        (
            "host-project",
            "plainsight.toml",
            "[hosts]\n\".\" = \"mx7\"\n",
        ),
    ] {
        let root = server(name, HOST, &[(file, text), ("central.log", &log)]);
        let (code, out) = answer(&root, &["--log", "central.log"]);
        assert!(out.starts_with("GO: "), "{name}: {out}");
        assert_eq!(code, Some(0), "{name}");
    }
}

#[test]
fn of_a_central_log_only_the_own_lines_count() {
    let others = logins("mx7", "ben", 1..=14, false);
    let log = others.clone() + &logins("mail", "anna", 1..=14, true);
    let (code, out) = with_log("central", HOST, &log, &[]);
    assert!(out.starts_with("GO: nobody would break"), "{out}");
    assert!(
        out.contains("judged by the lines of mail, not by those of mx7"),
        "{out}"
    );
    assert!(!out.contains("ben"), "{out}");
    assert_eq!(code, Some(0));
    let (code, out) = with_log("central-ben", "myhostname = mx7.example.org\n", &log, &[]);
    assert!(out.starts_with("NO-GO: 1 account would break"), "{out}");
    assert!(!out.contains("anna"), "{out}");
    assert_eq!(code, Some(1));
    let (code, out) = with_log("central-unnamed", "", &log, &[]);
    assert!(
        out.starts_with(
            "CANNOT TELL: the logs are of mail, mx7, and nothing tells which of them this server is"
        ),
        "{out}"
    );
    assert_eq!(code, Some(3));
    // The other host covers the days before.
    let log = others + &logins("mail", "anna", 9..=14, true);
    let (code, out) = with_log("central-late", HOST, &log, &[]);
    assert!(
        out.starts_with("NO-GO: no login at mail from 2026-11-01 to 2026-11-08, in logs that other hosts write as well"),
        "{out}"
    );
    assert_eq!(code, Some(1));
}

/// Dovecot with a log of its own, as log_path makes it.
fn with_dovecot(name: &str, dovecot_log: &str) -> (Option<i32>, String) {
    let dovecot = "protocols = imap\nssl = yes\nssl_cert = </etc/ssl/mail.pem\nssl_key = </etc/ssl/mail.key\nlog_path = /var/log/dovecot.log\n";
    let root = server(
        name,
        "maillog_file = /var/log/postfix.log\n",
        &[
            ("etc/dovecot/dovecot.conf", dovecot),
            ("var/log/postfix.log", &logins("mail", "anna", 1..=14, true)),
            ("var/log/dovecot.log", dovecot_log),
        ],
    );
    answer(&root, &[])
}

fn dovecot_logins(days: std::ops::RangeInclusive<u32>) -> String {
    days.map(|day| {
        format!("2026-11-{day:02} 09:45:08 imap-login: Info: Login: user=<anna>, method=PLAIN, rip=192.0.2.50, lip=192.0.2.1, mpid=9, TLS, session=<a>\n")
    })
    .collect()
}

#[test]
fn each_server_has_to_be_covered_by_its_own_log() {
    let (code, out) = with_dovecot("own-logs", &dovecot_logins(1..=14));
    assert!(out.starts_with("GO: "), "{out}");
    assert_eq!(code, Some(0));
    let (code, out) = with_dovecot("own-logs-short", &dovecot_logins(13..=14));
    assert!(
        out.starts_with(
            "NO-GO: for the login processes of Dovecot the logs cover 2 of the 14 days asked for: "
        ),
        "{out}"
    );
    assert!(
        out.contains("dovecot.log reaches from 2026-11-13 to 2026-11-14"),
        "{out}"
    );
    assert_eq!(code, Some(1));
    let (code, out) = with_dovecot("own-logs-stale", &dovecot_logins(1..=5));
    assert!(
        out.contains("the logs cover 5 of the 14 days asked for"),
        "{out}"
    );
    assert_eq!(code, Some(1));
}

#[test]
fn a_server_that_fell_silent_is_named() {
    let dovecot = "protocols = imap\nssl = yes\nssl_cert = </etc/ssl/mail.pem\nssl_key = </etc/ssl/mail.key\n";
    let login = "2026-11-02T09:45:08Z mail dovecot: imap-login: Login: user=<anna>, method=PLAIN, rip=192.0.2.50, lip=192.0.2.1, mpid=9, TLS, session=<a>\n";
    let log = login.to_owned() + &logins("mail", "anna", 3..=25, true);
    let root = server(
        "silent-server",
        HOST,
        &[("etc/dovecot/dovecot.conf", dovecot), ("maillog", &log)],
    );
    let (code, out) = answer(&root, &["--log", "maillog"]);
    assert!(
        out.starts_with(
            "NO-GO: the login processes of Dovecot logged in nobody since 2026-11-02T09:45:08Z"
        ),
        "{out}"
    );
    assert_eq!(code, Some(1));
}

#[test]
fn one_sees_the_number_go_to_zero() {
    let log = logins("mail", "anna", 2..=4, false) + &logins("mail", "anna", 5..=25, true);
    let (_, out) = with_log("to-zero", HOST, &log, &[]);
    assert!(
        out.contains("  nobody without TLS for 21 days, since 2026-11-04T07:00:07Z\n"),
        "{out}"
    );
    assert!(out.contains("not seen for 21 days"), "{out}");
    let (_, out) = with_log("to-zero-json", HOST, &log, &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
    assert_eq!(json["last_clear"]["days_ago"], 21);
    assert_eq!(json["window"]["asked"], 14);
    assert_eq!(json["window"]["covered"], 14);
    assert_eq!(json["window"]["servers"][0]["days"], 14);
    assert_eq!(json["hosts"]["judged"][0], "mail");
    assert_eq!(json["impact"][0]["clients"][0]["days_ago"], 21);
}

/// A directory of Postfix alone says nothing about Dovecot, and a change of it does nothing to Dovecot's clients.
#[test]
fn logins_at_a_program_without_configuration_are_left_out() {
    let imap = "2026-11-14T09:45:08Z mail dovecot: imap-login: Login: user=<ben>, method=PLAIN, rip=192.0.2.50, lip=192.0.2.1, mpid=9, session=<a>\n";
    let log = logins("mail", "anna", 1..=14, true) + imap;
    let (code, out) = with_log("postfix-alone", HOST, &log, &[]);
    assert!(out.starts_with("GO: nobody would break"), "{out}");
    assert!(
        out.contains("judged without the logins at Dovecot, of which no configuration is here"),
        "{out}"
    );
    assert!(!out.contains("ben"), "{out}");
    assert_eq!(code, Some(0));
    let (code, out) = with_log("postfix-unheard", HOST, imap, &[]);
    assert!(
        out.starts_with("CANNOT TELL: the logs hold no login"),
        "{out}"
    );
    assert_eq!(code, Some(3));
}
