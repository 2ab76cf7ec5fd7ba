//! What `preflight` decides: a GO may lock nobody out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const LOG: &str = "\
Oct 29 07:00:07 mail postfix/submission/smtpd[29629]: connect from scanner.example.org[192.0.2.50]
Oct 29 07:00:07 mail postfix/submission/smtpd[29629]: 9AE13C0073: client=scanner.example.org[192.0.2.50], sasl_method=LOGIN, sasl_username=scanner
Oct 29 07:00:08 mail postfix/submission/smtpd[29629]: disconnect from scanner.example.org[192.0.2.50]
";

/// A server whose submission service has these options, and one client in mynetworks that logs in there without TLS.
fn server(name: &str, options: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("etc/postfix")).expect("the build directory is writable");
    let main = "compatibility_level = 2\nmynetworks = 127.0.0.0/8 192.0.2.0/24\nsmtpd_sasl_auth_enable = yes\nsmtpd_tls_loglevel = 1\n\
                smtpd_tls_security_level = may\nsmtpd_tls_cert_file = /etc/ssl/mail.pem\n";
    let mut master =
        "submission inet n - n - - smtpd\n  -o syslog_name=postfix/submission\n".to_owned();
    for option in options {
        master.push_str(&format!("  -o {option}\n"));
    }
    master.push_str("tlsmgr unix - - n 1000? 1 tlsmgr\nproxymap unix - - n - - proxymap\n");
    for (file, text) in [
        ("etc/postfix/main.cf", main),
        ("etc/postfix/master.cf", &master),
        ("maillog", LOG),
    ] {
        fs::write(root.join(file), text).expect("the build directory is writable");
    }
    root
}

fn preflight(root: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .arg("preflight")
        .arg(root)
        .arg("--log")
        .arg(root.join("maillog"))
        .args(["--window", "1", "--postfix-version", "3.7.11"])
        .output()
        .expect("the program was built for this test");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

#[test]
fn a_client_in_mynetworks_relays_only_where_the_service_takes_mail_without_a_login() {
    for (name, options, code, words) in [
        (
            "relays-stock",
            &[][..],
            Some(0),
            "its mail is still accepted",
        ),
        (
            "relays-clients",
            &["smtpd_client_restrictions=permit_sasl_authenticated,reject"],
            Some(1),
            "1 account would break",
        ),
        (
            "relays-recipients",
            &[
                "smtpd_relay_restrictions=permit_sasl_authenticated,reject",
                "smtpd_recipient_restrictions=permit_mynetworks,reject",
            ],
            Some(1),
            "1 account would break",
        ),
        (
            "relays-senders",
            &["smtpd_sender_restrictions=reject_sender_login_mismatch"],
            Some(1),
            "1 account would break",
        ),
        (
            "relays-behind",
            &["smtpd_relay_restrictions=permit_sasl_authenticated,permit_mynetworks,reject"],
            Some(0),
            "its mail is still accepted",
        ),
    ] {
        let (exit, out) = preflight(&server(name, options));
        assert!(out.contains(words), "{name}: {out}");
        assert_eq!(exit, code, "{name}: {out}");
    }
}

/// Runs `preflight` on a server with one lone day asked for; exit code, stdout and stderr.
fn answer(root: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .arg("preflight")
        .arg(root)
        .arg("--log")
        .arg(root.join("maillog"))
        .args(["--window", "1", "--postfix-version", "3.7.11"])
        .args(arguments)
        .env("PLAINSIGHT_TODAY", "2026-11-24")
        .output()
        .expect("the program was built for this test");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// A server whose one client breaks, with this log in place of its own where it is not empty.
fn strict(name: &str, log: &str) -> PathBuf {
    let options = ["smtpd_client_restrictions=permit_sasl_authenticated,reject"];
    let root = server(name, &options);
    if !log.is_empty() {
        fs::write(root.join("maillog"), log).expect("the build directory is writable");
    }
    root
}

#[test]
fn an_acceptance_that_has_ended_no_longer_counts_and_that_is_said() {
    let root = strict("accept-ended", "");
    let toml =
        "[[accept]]\naccount = \"scanner\"\nreason = \"replaced in October\"\nuntil = 2026-10-31\n";
    fs::write(root.join("plainsight.toml"), toml).expect("the build directory is writable");
    let (code, out, err) = answer(&root, &[]);
    assert_eq!(code, Some(1), "{out}");
    assert!(err.contains("scanner (until 2026-10-31)"), "{err}");
    let (_, _, err) = answer(&root, &["--redact"]);
    assert!(!err.contains("scanner"), "{err}");
}

#[test]
fn a_window_is_a_day_at_least() {
    let root = strict("no-window", "");
    for days in ["0", "-1", "-9223372036854775808"] {
        let output = Command::new(env!("CARGO_BIN_EXE_plainsight"))
            .arg("preflight")
            .arg(&root)
            .arg(format!("--window={days}"))
            .output()
            .expect("the program was built for this test");
        assert_eq!(output.status.code(), Some(2), "{days}");
        assert!(output.stdout.is_empty(), "{days}");
    }
}
