//! What is said of Dovecot: proxies that are believed, and, after the change, whom it refused.

use std::path::PathBuf;

use super::answer;
use super::shared::place;

/// A Dovecot 2.3 with these settings and this log.
fn dovecot(name: &str, settings: &str, log: &str) -> PathBuf {
    let config = format!(
        "protocols = imap\nssl_cert = </etc/ssl/mail.pem\nssl_key = </etc/ssl/mail.key\n{settings}"
    );
    place(
        name,
        &[("etc/dovecot/dovecot.conf", &config), ("maillog", log)],
    )
}

const SECURED: &str = "Oct 29 07:00:00 mail dovecot: imap-login: Login: user=<anna>, method=PLAIN, rip=198.51.100.7, \
                       lip=192.0.2.10, mpid=9, secured, session=<a>\n";

/// Dovecot 2.3.19.1 logs so for a client whose TLS ends at the proxy, and lets it in with ssl = required as well (live).
#[test]
fn dovecot_23_goes_on_believing_a_proxy_that_its_client_uses_tls() {
    let proxied = "ssl = yes\nhaproxy_trusted_networks = 192.0.2.2\nservice imap-login {\n  inet_listener imap {\n    \
                   haproxy = yes\n  }\n  inet_listener imaps {\n    port = 0\n  }\n}\n";
    let root = dovecot("proxy-believed", proxied, SECURED);
    let (code, out, _) = answer(&root, &["--dovecot-version", "2.3.19.1"]);
    assert!(out.contains("which Dovecot believes"), "{out}");
    assert_eq!(code, Some(0), "{out}");
    let root = dovecot("no-proxy", "ssl = yes\n", SECURED);
    let (code, out, _) = answer(&root, &["--dovecot-version", "2.3.19.1"]);
    assert!(out.contains("trusted no more"), "{out}");
    assert_eq!(code, Some(1), "{out}");
}

#[test]
fn a_way_that_is_closed_by_now_is_not_said_to_be_another_service() {
    let only_993 = "ssl = yes\ndisable_plaintext_auth = no\nservice imap-login {\n  inet_listener imap {\n    port = 0\n  }\n}\n";
    let root = dovecot("closed", only_993, &SECURED.replace(" secured,", ""));
    let (code, out, _) = answer(&root, &["--dovecot-version", "2.3.19.1"]);
    assert!(
        out.contains("nobody logs in the way it did at a port that writes imap-login"),
        "{out}"
    );
    assert_eq!(code, Some(1), "{out}");
}

/// A Dovecot 2.3.19.1 with ssl = required and this log; the answer has to begin so.
fn afterwards(name: &str, lines: &[&str], begins: &str) -> String {
    let tls = SECURED.replace("secured", "TLS");
    let log: String = lines
        .iter()
        .map(|line| format!("Oct 29 08:00:00 mail dovecot: imap-login: {line}, session=<b>\n"))
        .collect();
    let root = dovecot(name, "ssl = required\n", &(tls + &log));
    let (code, out, _) = answer(&root, &["--dovecot-version", "2.3.19.1"]);
    assert!(out.starts_with(begins), "{name}: {out}");
    assert_eq!(code, Some(0), "{name}");
    out
}

const LOGIN_REFUSED: &str = "Disconnected: Aborted login by logging out (auth failed, 1 attempts in 0 secs): user=<anna>, rip=198.51.100.8, lip=192.0.2.10";

const SASL_REFUSED: &str = "Disconnected: Aborted login by logging out (auth failed, 1 attempts in 0 secs): user=<>, method=PLAIN, rip=198.51.100.8, lip=192.0.2.10";

/// The lines are those of a live 2.3.19.1 with ssl = required, and of one with clear text allowed for the wrong password.
#[test]
fn whom_dovecot_refuses_is_told_without_auth_verbose() {
    let nobody = "GO: TLS is enforced already, and nobody was refused in the log of 2026-10-29\n";
    afterwards("refused-nobody", &[], nobody);
    let wrong = LOGIN_REFUSED.replace("rip", "method=PLAIN, rip");
    afterwards("refused-wrong-password", &[&wrong], nobody);
    afterwards(
        "refused-wrong-password-tls",
        &[&format!("{wrong}, TLS")],
        nobody,
    );
    let one = "GO: TLS is enforced already; 1 client was refused since 2026-10-29T08:00:00";
    let out = afterwards(
        "refused-login",
        &[LOGIN_REFUSED],
        &format!("{one}, as an account that has logged in\n"),
    );
    assert!(
        out.contains("anna     imap      198.51.100.8  -          1"),
        "{out}"
    );
    afterwards(
        "refused-stranger",
        &[&LOGIN_REFUSED.replace("anna", "root")],
        &format!("{one}\n"),
    );
    let out = afterwards("refused-sasl", &[SASL_REFUSED], &format!("{one}\n"));
    assert!(
        out.contains("(not logged)  imap      198.51.100.8  -          1"),
        "{out}"
    );
}

#[test]
fn a_refusal_that_auth_verbose_shows_as_well_counts_once() {
    for (name, verbose, end) in [
        (
            "verbose-login",
            "Login failed: Plaintext authentication disabled: user=<>",
            LOGIN_REFUSED,
        ),
        (
            "verbose-sasl",
            "Login failed: SSL required for authentication: user=<>, method=PLAIN",
            SASL_REFUSED,
        ),
    ] {
        let verbose = format!("{verbose}, rip=198.51.100.8, lip=192.0.2.10");
        let out = afterwards(
            name,
            &[&verbose, end],
            "GO: TLS is enforced already; 1 client was refused",
        );
        assert_eq!(out.matches("198.51.100.8").count(), 1, "{out}");
    }
}

#[test]
fn what_may_have_gone_wrong_by_itself_is_no_refusal_where_tls_is_not_required() {
    let log = format!(
        "{}Oct 29 08:00:00 mail dovecot: imap-login: {SASL_REFUSED}, session=<b>\n",
        SECURED.replace("secured", "TLS")
    );
    let root = dovecot("doubtful", "ssl = yes\ndisable_plaintext_auth = no\n", &log);
    let (code, out, _) = answer(&root, &["--dovecot-version", "2.3.19.1"]);
    assert!(!out.contains("198.51.100.8"), "{out}");
    assert_eq!(code, Some(0), "{out}");
}

/// The change was made between the two lines.
#[test]
fn who_was_refused_is_said_beside_logins_of_before() {
    let log = format!(
        "{}Oct 29 08:00:00 mail dovecot: imap-login: {LOGIN_REFUSED}, session=<b>\n",
        SECURED.replace(" secured,", "")
    );
    let root = dovecot("refused-beside", "ssl = required\n", &log);
    let (code, out, _) = answer(&root, &["--dovecot-version", "2.3.19.1"]);
    assert!(
        out.starts_with(
            "NO-GO: 1 account logged in without TLS, the last at 2026-10-29T07:00:00, though these files forbid it"
        ),
        "{out}"
    );
    assert!(
        out.contains(
            "\n  1 client was refused since 2026-10-29T08:00:00, as an account that has logged in\n"
        ),
        "{out}"
    );
    assert_eq!(code, Some(1));
}

#[test]
fn where_everybody_is_refused_that_is_said() {
    let log = format!("Oct 29 08:00:00 mail dovecot: imap-login: {LOGIN_REFUSED}, session=<b>\n");
    let root = dovecot("all-refused", "ssl = required\n", &log);
    let (code, out, _) = answer(&root, &["--dovecot-version", "2.3.19.1"]);
    assert!(
        out.starts_with("CANNOT TELL: TLS is enforced already; 1 client was refused since 2026-10-29T08:00:00, and nobody logged in"),
        "{out}"
    );
    assert_eq!(code, Some(3));
}
