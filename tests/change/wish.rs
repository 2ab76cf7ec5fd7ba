//! What `diff` lets the user say about the change.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::shared::{Said, place, run, write};

fn diff(directory: &Path, arguments: &[&str]) -> Said {
    run(directory, &[&["diff"], arguments].concat())
}

const MAIN: &str = "compatibility_level = 2\nsmtpd_sasl_auth_enable = yes\nsmtpd_tls_security_level = may\n\
    smtpd_tls_cert_file = /etc/ssl/mail.pem\n";
const MASTER: &str = "smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd\n  -o syslog_name=postfix/submission\n\
    tlsmgr unix - - n 1000? 1 tlsmgr\nproxymap unix - - n - - proxymap\n";
const DOVECOT: &str = "protocols = imap pop3\nssl = yes\nssl_cert = </etc/ssl/mail.pem\nssl_key = </etc/ssl/mail.key\n\
    disable_plaintext_auth = no\n";

fn both(name: &str) -> PathBuf {
    place(
        name,
        &[
            ("etc/postfix/main.cf", MAIN),
            ("etc/postfix/master.cf", MASTER),
            ("etc/dovecot/dovecot.conf", DOVECOT),
        ],
    )
}

#[test]
fn one_server_alone() {
    let root = both("only");
    let (_, patch, _) = diff(&root, &["--only", "dovecot", "."]);
    assert!(
        patch.contains("+ssl = required\n") && !patch.contains("postfix"),
        "{patch}"
    );
    let (_, patch, err) = diff(&root, &["--only", "postfix", "."]);
    assert!(
        patch.contains("+smtpd_tls_auth_only = yes\n") && !patch.contains("dovecot"),
        "{patch}"
    );
    assert_eq!(err, "", "what was not asked about is not told about");
}

#[test]
fn one_endpoint_alone() {
    let root = both("endpoint");
    for named in [
        "587",
        "submission",
        "submission inet",
        "postfix:submission inet:*:587",
    ] {
        let (_, patch, _) = diff(&root, &["--endpoint", named, "."]);
        assert!(
            patch.contains("\n+  -o smtpd_tls_auth_only=yes\n"),
            "{named}: {patch}"
        );
        assert!(
            !patch.contains("main.cf") && !patch.contains("dovecot"),
            "{patch}"
        );
    }
    let (_, patch, _) = diff(&root, &["--endpoint", "pop3-login/pop3", "."]);
    assert!(
        patch.contains("+protocol pop3 {\n+  ssl = required\n+}\n"),
        "{patch}"
    );
    let (code, patch, err) = diff(&root, &["--endpoint", "2525", "."]);
    assert_eq!((code, patch.as_str()), (Some(2), ""));
    assert!(
        err.contains("no endpoint \"2525\" here; there are imap-login/imap (143), "),
        "{err}"
    );
}

/// Only the service that postscreen hands the clients of port 25 to gets the option.
#[test]
fn one_endpoint_alone_behind_postscreen() {
    let master = "smtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\nsubmission inet n - n - - smtpd\n\
        tlsmgr unix - - n 1000? 1 tlsmgr\nproxymap unix - - n - - proxymap\n";
    let root = place(
        "postscreen",
        &[
            ("etc/postfix/main.cf", MAIN),
            ("etc/postfix/master.cf", master),
        ],
    );
    let (_, patch, err) = diff(&root, &["--endpoint", "25", "."]);
    assert!(
        patch.contains("\n+smtpd pass - - n - - smtpd -o smtpd_tls_auth_only=yes\n"),
        "{patch}{err}"
    );
    assert!(!patch.contains("main.cf"), "{patch}");
}

#[test]
fn tls_is_turned_on_for_one_endpoint_alone() {
    let root = both("endpoint-tls");
    let main = MAIN.replace("smtpd_tls_security_level = may\n", "");
    write(&root.join("etc/postfix/main.cf"), main);
    let asked = ["--enable-tls", "--endpoint", "587", "."];
    let (_, patch, err) = diff(&root, &asked);
    assert!(
        patch.contains("\n+  -o smtpd_tls_auth_only=yes\n+  -o smtpd_tls_security_level=may\n"),
        "{patch}{err}"
    );
    assert!(!patch.contains("main.cf"), "{patch}");
    assert_eq!(err, "");
}

#[test]
fn what_a_rule_finds() {
    let root = both("rule");
    let (_, patch, _) = diff(&root, &["--rule", "postfix-cleartext-login", "."]);
    assert!(
        patch.contains("smtpd_tls_auth_only = yes") && !patch.contains("dovecot"),
        "{patch}"
    );
    let (code, _, err) = diff(&root, &["--rule", "nonsense", "."]);
    assert_eq!(code, Some(2));
    assert!(err.contains("there is no rule \"nonsense\""), "{err}");
}

#[test]
fn the_way_back_restores_every_byte() {
    let root = both("reverse");
    let take = |patch: &str| {
        let mut child = Command::new("git")
            .args(["apply", "-"])
            .current_dir(&root)
            .stdin(Stdio::piped())
            .spawn()
            .ok()?;
        let mut input = child.stdin.take().expect("its input is a pipe");
        input
            .write_all(patch.as_bytes())
            .expect("it reads its input");
        drop(input);
        Some(child.wait().expect("it ends by itself").success())
    };
    let (_, there, _) = diff(&root, &["."]);
    let (_, back, _) = diff(&root, &["--reverse", "."]);
    if let (Some(one), Some(two)) = (take(&there), take(&back)) {
        assert!(one && two, "{there}{back}");
        for (file, text) in [
            ("etc/postfix/main.cf", MAIN),
            ("etc/dovecot/dovecot.conf", DOVECOT),
        ] {
            assert_eq!(
                fs::read_to_string(root.join(file)).expect("it is there"),
                text
            );
        }
    }
}

#[test]
fn from_beside_the_server_the_paths_begin_at_the_top_of_the_repository() {
    let root = both("repository/sub");
    let top = root.parent().expect("it is below the build directory");
    for directory in [".git", "other"] {
        fs::create_dir_all(top.join(directory)).expect("it can be made");
    }
    let absolute = root.display().to_string();
    for named in ["../sub", &absolute] {
        let (_, patch, err) = diff(&top.join("other"), &["--only", "dovecot", named]);
        assert!(
            patch.starts_with("--- a/sub/etc/dovecot/dovecot.conf\n"),
            "{patch}"
        );
        assert!(err.contains("change/repository -p1`"), "{err}");
    }
}

#[test]
fn strict_prints_all_or_nothing() {
    let root = both("strict");
    let (code, patch, err) = diff(&root, &["--strict", "."]);
    assert_eq!((code, err.as_str()), (Some(1), ""), "{patch}");
    let main = MAIN.replace("smtpd_tls_cert_file", "#smtpd_tls_cert_file");
    write(&root.join("etc/postfix/main.cf"), main);
    let (code, patch, err) = diff(&root, &["--strict", "."]);
    assert_eq!((code, patch.as_str()), (Some(2), ""));
    assert!(err.contains("--strict prints no patch"), "{err}");
}

#[test]
fn tls_is_turned_on_where_it_was_asked_for() {
    let main = MAIN.replace("level = may", "level = none");
    let root = place(
        "enable",
        &[
            ("etc/postfix/main.cf", &main),
            ("etc/postfix/master.cf", MASTER),
        ],
    );
    let (code, patch, err) = diff(&root, &["."]);
    assert_eq!((code, patch.as_str()), (Some(0), ""));
    assert!(err.contains("postfix is left as it is"), "{err}");
    let (_, patch, _) = diff(&root, &["--enable-tls", "."]);
    assert!(
        patch.contains("+smtpd_tls_security_level = may\n"),
        "{patch}"
    );
    assert!(
        !patch.contains("encrypt"),
        "port 25 takes mail without TLS: {patch}"
    );
    let dovecot = DOVECOT.replace("ssl = yes", "ssl = no");
    let root = place("enable-dovecot", &[("etc/dovecot/dovecot.conf", &dovecot)]);
    let (_, patch, err) = diff(&root, &["."]);
    assert_eq!(patch, "");
    assert!(err.contains("--enable-tls asks for that"), "{err}");
    let (_, patch, _) = diff(&root, &["--enable-tls", "."]);
    assert!(patch.contains("+ssl = required\n"), "{patch}");
}

#[test]
fn a_service_without_tls_does_not_keep_the_others_open() {
    let master = MASTER.replace(
        "submission\n",
        "submission\n  -o smtpd_tls_security_level=none\n",
    );
    let root = place(
        "partly",
        &[
            ("etc/postfix/main.cf", MAIN),
            ("etc/postfix/master.cf", &master),
        ],
    );
    let (_, patch, err) = diff(&root, &["."]);
    assert!(
        patch.contains("+smtp inet n - n - - smtpd -o smtpd_tls_auth_only=yes\n"),
        "{patch}"
    );
    assert!(err.contains("a part of postfix is left as it is"), "{err}");
    let (_, patch, err) = diff(&root, &["--enable-tls", "."]);
    assert!(
        patch.contains("+  -o smtpd_tls_security_level=may\n"),
        "{patch}"
    );
    assert!(patch.contains("+smtpd_tls_auth_only = yes\n"), "{patch}");
    assert_eq!(err, "");
}

#[test]
fn a_client_in_the_log_that_would_break_makes_a_change_unsafe() {
    let root = both("log");
    let line = "Nov  3 10:00:00 mail dovecot: imap-login: Login: user=<prof>, method=PLAIN, rip=192.0.2.77, lip=198.51.100.1, mpid=7, session=<a>\n";
    write(&root.join("mail.log"), line);
    let (_, patch, err) = diff(&root, &["--log", "mail.log", "."]);
    assert!(!patch.contains("dovecot"), "{patch}");
    assert!(
        err.contains("unsafe: prof would break (imap from 192.0.2.77, 1 login)"),
        "{err}"
    );
    let (_, patch, _) = diff(&root, &["--log", "mail.log", "--unsafe-fixes", "."]);
    assert!(patch.contains("+ssl = required\n"), "{patch}");
}

#[test]
fn a_file_that_two_servers_share_is_changed_once() {
    let conf = "protocols = imap\n!include conf.d/*.conf\n";
    let ssl = "ssl = yes\nssl_cert = </etc/ssl/mail.pem\nssl_key = </etc/ssl/mail.key\ndisable_plaintext_auth = no\n";
    let root = place(
        "shared",
        &[
            ("a/etc/dovecot/dovecot.conf", conf),
            ("b/etc/dovecot/dovecot.conf", conf),
            ("shared/10-ssl.conf", ssl),
        ],
    );
    for server in ["a", "b"] {
        let parts = root.join(server).join("etc/dovecot/conf.d");
        fs::create_dir(&parts).expect("it is writable");
        symlink("../../../../shared/10-ssl.conf", parts.join("10-ssl.conf"))
            .expect("it can be made");
    }
    let (_, patch, err) = diff(&root, &["a", "b"]);
    assert_eq!(
        patch.matches("--- a/shared/10-ssl.conf").count(),
        1,
        "{patch}{err}"
    );
    assert!(!patch.contains("conf.d"), "a link is not patched: {patch}");
    // One of the two has no certificate, so that nobody could log in there: neither gets the change.
    fs::write(
        root.join("b/etc/dovecot/dovecot.conf"),
        format!("{conf}ssl_cert =\nssl_key =\n"),
    )
    .expect("it is writable");
    let (_, patch, err) = diff(&root, &["a", "b"]);
    assert_eq!(patch, "", "{err}");
    assert!(
        err.contains("reads it as well") || err.contains("left as it is"),
        "{err}"
    );
}
