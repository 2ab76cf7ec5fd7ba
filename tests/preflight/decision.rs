//! What is decided: a GO may lock nobody out.

use std::fs;
use std::path::PathBuf;

use super::answer;
use super::shared::{place, run};

const LOG: &str = "\
Oct 29 07:00:07 mail postfix/submission/smtpd[29629]: connect from scanner.example.org[192.0.2.50]
Oct 29 07:00:07 mail postfix/submission/smtpd[29629]: 9AE13C0073: client=scanner.example.org[192.0.2.50], sasl_method=LOGIN, sasl_username=scanner
Oct 29 07:00:08 mail postfix/submission/smtpd[29629]: disconnect from scanner.example.org[192.0.2.50]
";

/// A server whose submission service has these options, and one client in mynetworks that logs in there without TLS.
fn server(name: &str, options: &[&str]) -> PathBuf {
    let main = "compatibility_level = 2\nmynetworks = 127.0.0.0/8 192.0.2.0/24\nsmtpd_sasl_auth_enable = yes\nsmtpd_tls_loglevel = 1\n\
                smtpd_tls_security_level = may\nsmtpd_tls_cert_file = /etc/ssl/mail.pem\n";
    let mut master =
        "submission inet n - n - - smtpd\n  -o syslog_name=postfix/submission\n".to_owned();
    for option in options {
        master.push_str(&format!("  -o {option}\n"));
    }
    master.push_str("tlsmgr unix - - n 1000? 1 tlsmgr\nproxymap unix - - n - - proxymap\n");
    place(
        name,
        &[
            ("etc/postfix/main.cf", main),
            ("etc/postfix/master.cf", &master),
            ("maillog", LOG),
        ],
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
        let (exit, out, _) = answer(&server(name, options), &[]);
        assert!(out.contains(words), "{name}: {out}");
        assert_eq!(exit, code, "{name}: {out}");
    }
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
        let window = format!("--window={days}");
        let (code, out, _) = run(&root, &["preflight", ".", &window]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{days}");
    }
}

#[test]
fn a_login_that_cannot_be_read_stands_in_the_way() {
    let log = format!(
        "{}{}",
        LOG.replace(
            "Oct 29 07:00:07 mail postfix/submission/smtpd[29629]: 9AE",
            "Oct 29 07:00:07 mail postfix/submission/smtpd[29629]: Anonymous TLS connection established from \
             scanner.example.org[192.0.2.50]: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n\
             Oct 29 07:00:07 mail postfix/submission/smtpd[29629]: 9AE"
        ),
        "Oct 29 07:01:00 mail dovecot: imap-login: Login: anna from a place of her own\n"
    );
    let (code, out, _) = answer(&strict("not-understood", &log), &[]);
    assert!(
        out.starts_with("NO-GO: 1 line about a login could not be understood"),
        "{out}"
    );
    assert_eq!(code, Some(1));
}

#[test]
fn a_page_and_a_change_request_say_what_comes_next() {
    let root = strict("next", LOG);
    for (format, next, heading) in [
        (
            "html",
            "<p>Next: move scanner to TLS</p>",
            "<h3>Would break: 1 account</h3>",
        ),
        (
            "markdown",
            "\nNext: move scanner to TLS\n",
            "\n### Would break: 1 account\n",
        ),
    ] {
        let (code, out, _) = answer(&root, &["--format", format]);
        assert_eq!(code, Some(1));
        assert!(out.contains(next), "{out}");
        assert!(out.contains(heading), "{out}");
    }
}

#[test]
fn clients_without_an_address_are_not_one_client() {
    let lines = |client: &str| -> String {
        let log = LOG.replace("192.0.2.50", client);
        (0..6)
            .map(|number| log.replace("=scanner\n", &format!("=user{number}\n")))
            .collect()
    };
    let (_, out, _) = answer(&strict("cause-address", &lines("192.0.2.50")), &[]);
    assert!(
        out.contains("6 accounts would break, all behind 192.0.2.50"),
        "{out}"
    );
    let (_, out, _) = answer(&strict("cause-unknown", &lines("unknown")), &[]);
    assert!(out.starts_with("NO-GO: 6 accounts would break;"), "{out}");
    assert!(out.contains("user3"), "{out}");
}

#[test]
fn a_front_end_that_speaks_tls_to_smtpd_goes_on() {
    let front = LOG.replace("sasl_method=LOGIN", "sasl_method=XCLIENT");
    let (code, out, _) = answer(&strict("front-clear", &front), &[]);
    assert!(out.contains("1 account would break"), "{out}");
    assert_eq!(code, Some(1));
    let tls = front.replace(
        "Oct 29 07:00:07 mail postfix/submission/smtpd[29629]: 9AE",
        "Oct 29 07:00:07 mail postfix/submission/smtpd[29629]: Anonymous TLS connection established from \
         proxy.example.org[192.0.2.2]: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n\
         Oct 29 07:00:07 mail postfix/submission/smtpd[29629]: 9AE",
    );
    let (code, out, _) = answer(&strict("front-tls", &tls), &[]);
    assert!(out.contains("uses TLS already"), "{out}");
    assert_eq!(code, Some(0));
}

/// A server with two services: one closed already, one not; and a log of logins at both.
fn partly(name: &str, loglevel: u8, log: &str) -> PathBuf {
    let root = server(
        name,
        &[
            "smtpd_tls_auth_only=yes",
            "smtpd_client_restrictions=permit_sasl_authenticated,reject",
        ],
    );
    let main = root.join("etc/postfix/main.cf");
    let text = fs::read_to_string(&main).expect("it was just written");
    let text = text.replace("loglevel = 1", &format!("loglevel = {loglevel}"));
    fs::write(&main, text).expect("the build directory is writable");
    let master = root.join("etc/postfix/master.cf");
    let text = fs::read_to_string(&master).expect("it was just written");
    let text = text + "2525 inet n - n - - smtpd\n  -o syslog_name=postfix/other\n";
    fs::write(&master, text).expect("the build directory is writable");
    fs::write(root.join("maillog"), log).expect("the build directory is writable");
    root
}

const OTHER_TLS: &str = "\
Oct 29 08:00:07 mail postfix/other/smtpd[9]: connect from pc.example.org[192.0.2.51]
Oct 29 08:00:07 mail postfix/other/smtpd[9]: Anonymous TLS connection established from pc.example.org[192.0.2.51]: TLSv1.3 with cipher X (256/256 bits)
Oct 29 08:00:07 mail postfix/other/smtpd[9]: 9AE13C0073: client=pc.example.org[192.0.2.51], sasl_method=LOGIN, sasl_username=pc
Oct 29 08:00:08 mail postfix/other/smtpd[9]: disconnect from pc.example.org[192.0.2.51]
";

#[test]
fn a_login_that_the_files_forbid_already_is_not_laid_to_the_change() {
    let (code, out, _) = answer(&partly("stale", 1, &format!("{LOG}{OTHER_TLS}")), &[]);
    assert!(
        out.starts_with("NO-GO: 1 account logged in without TLS, the last at 2026-10-29T07:00:07, though these files forbid it"),
        "{out}"
    );
    assert!(!out.contains("account would break"), "{out}");
    assert!(out.contains("which these files forbid already"), "{out}");
    assert_eq!(code, Some(1));
    // Once the log begins after the change, nothing is left of it.
    let (code, out, _) = answer(
        &partly("stale-since", 1, &format!("{LOG}{OTHER_TLS}")),
        &["--since", "2026-10-29T07:30"],
    );
    assert!(out.starts_with("GO: nobody would break"), "{out}");
    assert_eq!(code, Some(0));
}

/// Without smtpd_tls_loglevel the log does not tell, and it need not where TLS is required already.
#[test]
fn where_tls_is_required_already_the_log_need_not_tell() {
    let cut = LOG.lines().skip(1).collect::<Vec<_>>().join("\n") + "\n";
    let (code, out, _) = answer(&partly("required-already", 0, &cut), &["-v"]);
    assert!(out.starts_with("GO: nobody would break"), "{out}");
    assert!(
        out.contains("logs in where TLS is required already"),
        "{out}"
    );
    assert_eq!(code, Some(0));
    let (code, out, _) = answer(
        &partly("not-required", 0, &cut.replace("submission", "other")),
        &[],
    );
    assert!(
        out.starts_with("NO-GO: set smtpd_tls_loglevel = 1"),
        "{out}"
    );
    assert_eq!(code, Some(1));
}

/// smtpd asks by smtpd_tls_protocols where TLS is on offer, by smtpd_tls_mandatory_protocols where it is a must
/// (smtpd/smtpd.c:smtpd_start_tls).
#[test]
fn who_would_break_at_a_minimum_depends_on_what_the_port_takes_today() {
    let log = OTHER_TLS
        .replace("postfix/other", "postfix/submission")
        .replace("TLSv1.3", "TLSv1");
    for (name, option, would_break) in [
        ("minimum-none", "smtpd_tls_ask_ccert=no", true),
        ("minimum-offered", "smtpd_tls_protocols=>=TLSv1.2", false),
        (
            "minimum-list",
            "smtpd_tls_protocols=!SSLv2,!SSLv3,!TLSv1",
            false,
        ),
        (
            "minimum-other",
            "smtpd_tls_mandatory_protocols=>=TLSv1.2",
            true,
        ),
    ] {
        let root = server(name, &[option]);
        fs::write(root.join("maillog"), &log).expect("the build directory is writable");
        let (_, out, _) = answer(&root, &[]);
        assert!(
            out.contains("  TLSv1           1       1  2026-10-29T08:00:07"),
            "{name}: {out}"
        );
        assert_eq!(
            out.contains("would break at a minimum of TLSv1.2:"),
            would_break,
            "{name}: {out}"
        );
        let before = "came with less than TLSv1.2 before these files asked for it:";
        assert_eq!(out.contains(before), !would_break, "{name}: {out}");
    }
}
