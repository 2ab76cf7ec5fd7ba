//! Sessions where the configuration is known: what it proves, and what it cannot.

use std::path::{Path, PathBuf};

use super::shared::{place, run, write};
use super::{CONNECT, LOGGING, MAIL, TLS, end, lines, proved, told};

const SMTP: &str = "smtp inet n - y - - smtpd\n";

/// A server that logs TLS, with these services.
fn server(name: &str, services: &str) -> PathBuf {
    let main = "myhostname = mail.example.org\nsmtpd_sasl_auth_enable = yes\nsmtpd_tls_security_level = may\nsmtpd_tls_loglevel = 1\n";
    place(
        name,
        &[
            ("etc/postfix/main.cf", main),
            ("etc/postfix/master.cf", services),
        ],
    )
}

/// What a log of such a server proves.
fn proved_at(root: &Path, log: &str) -> Vec<String> {
    write(&root.join("mail.log"), log);
    let words = ["scan", "--root", ".", "--format", "json", "mail.log"];
    told(run(root, &words).1.as_bytes())
}

#[test]
fn wrapper_mode_has_no_login_without_tls() {
    let services = format!(
        "{SMTP}smtps inet n - y - - smtpd\n -o syslog_name=postfix/smtps -o smtpd_tls_wrappermode=yes\n"
    );
    let root = server("wrapper", &services);
    let cut = [MAIL, TLS, &end("ehlo=1 auth=1 commands=3")];
    let log = lines("postfix/smtps/smtpd", 3, &cut);
    assert_eq!(proved_at(&root, &log), ["ann 192.0.2.9 tls 1"]);
    assert_eq!(proved(&log), ["ann 192.0.2.9 unknown 1"]);
    let open = lines("postfix/smtps/smtpd", 3, &cut[..2]);
    assert_eq!(proved_at(&root, &open), ["ann 192.0.2.9 tls 1"]);
}

#[test]
fn without_wrapper_mode_there_is_no_tls_without_starttls() {
    let counted = end("ehlo=1 auth=1 mail=1 commands=3");
    let named = lines("postfix/smtpd", 2, &[CONNECT, TLS, MAIL, &counted]);
    let nameless = lines("postfix/smtpd", 2, &[CONNECT, TLS, &counted]);
    let root = server("no-wrapper", SMTP);
    let shared = server(
        "shared-name",
        &format!("{SMTP}smtps inet n - y - - smtpd\n -o smtpd_tls_wrappermode=yes\n"),
    );
    for (log, account) in [(named, "ann"), (nameless, "?")] {
        let found = proved_at(&root, &log);
        assert_eq!(found, [format!("{account} 192.0.2.9 unknown 1")]);
        for found in [proved_at(&shared, &log), proved(&log)] {
            assert_eq!(found, [format!("{account} 192.0.2.9 tls 1")]);
        }
    }
}

#[test]
fn lines_of_one_service_prove_nothing_of_another_with_its_name() {
    let root = server(
        "unlike",
        &format!(
            "{SMTP}smtps inet n - y - - smtpd\n -o smtpd_tls_wrappermode=yes -o smtpd_tls_loglevel=0\n"
        ),
    );
    let wrapped = end("ehlo=1 auth=1 mail=1 commands=3");
    let log = lines("postfix/smtpd", 9, &LOGGING)
        + &lines("postfix/smtpd", 2, &[CONNECT, MAIL, &wrapped]);
    assert_eq!(proved_at(&root, &log), ["ann 192.0.2.9 unknown 1"]);
}

#[test]
fn new_counters_prove_nothing_of_an_old_log() {
    let root = server("upgraded", SMTP);
    let old = lines(
        "postfix/smtpd",
        1,
        &[CONNECT, MAIL, "disconnect from h.example.org[192.0.2.9]"],
    );
    let log = old.replace("-03-01T", "-01-04T") + &lines("postfix/smtpd", 9, &LOGGING);
    assert_eq!(proved_at(&root, &log), ["ann 192.0.2.9 unknown 1"]);
    // Counters of the time prove it, and so does the configuration where no line says since when it is so.
    let counted = lines(
        "postfix/smtpd",
        1,
        &[CONNECT, MAIL, &end("ehlo=1 auth=1 mail=1 commands=3")],
    );
    let log = counted.replace("-03-01T", "-01-04T") + &lines("postfix/smtpd", 9, &LOGGING);
    assert_eq!(proved_at(&root, &log), ["ann 192.0.2.9 clear 1"]);
    assert_eq!(proved_at(&root, &old), ["ann 192.0.2.9 clear 1"]);
}

/// What logins at Dovecot prove, of which these are the element lists, with such lines in dovecot.conf.
fn proved_by_lists(name: &str, settings: &str, lists: &[&str]) -> Vec<String> {
    let root = place(name, &[("etc/dovecot/dovecot.conf", settings)]);
    let line = |list: &&str| {
        format!("2026-03-01T08:00:00+01:00 mail dovecot: imap-login: Login: {list}\n")
    };
    proved_at(&root, &lists.iter().map(line).collect::<String>())
}

/// The lists are those of a live 2.3.19.1, as it writes them for a client with and without TLS.
#[test]
fn elements_decide_what_a_list_without_a_word_proves() {
    let plain = "user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1";
    for (name, word, element, expected) in [
        ("bare", ", TLS", "%c", "clear"),
        ("quoted", ", \"TLS\"", "\"%c\"", "clear"),
        ("bracket", ", [TLS]", "[%c]", "clear"),
        ("lower", ", tls", "%Lc", "clear"),
        (
            "both",
            ", TLS/TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
            "%c/%k",
            "clear",
        ),
        ("cut", ", TL", "%2c", "unknown"),
        ("hash", ", 5913", "%Hc", "unknown"),
        ("key", ", transport=TLS", "transport=%c", "unknown"),
        ("round", ", (TLS)", "(%c)", "unknown"),
    ] {
        let elements =
            format!("login_log_format_elements = user=<%u> method=%m rip=%r lip=%l {element}\n");
        let with = plain.replace("ann", "ben") + word;
        let found = proved_by_lists(&format!("elements-{name}"), &elements, &[plain, &with]);
        let of_ben = if expected == "clear" {
            "tls"
        } else {
            "unknown"
        };
        assert_eq!(
            found,
            [
                format!("ann 192.0.2.9 {expected} 1"),
                format!("ben 192.0.2.9 {of_ben} 1")
            ],
            "{element}"
        );
    }
}

#[test]
fn a_word_beside_the_name_is_the_servers_where_the_configuration_says_so() {
    let lists = [
        "user=<ann>, TLS, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1",
        "user=<ben>, secured, method=PLAIN, rip=192.0.2.1, lip=192.0.2.1",
        // This one is called `cat>, TLS, x=<y`.
        "user=<cat>, TLS, x=<y>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1",
    ];
    let elements = "login_log_format_elements = user=<%u> %c method=%m rip=%r lip=%l\n";
    assert_eq!(
        proved_by_lists("beside", elements, &lists),
        [
            "ann 192.0.2.9 tls 1",
            "ben 192.0.2.1 local 1",
            "cat 192.0.2.9 unknown 1"
        ]
    );
}

#[test]
fn elements_for_some_clients_may_not_tell() {
    let list = ["user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1"];
    for (name, setting, expected) in [
        (
            "elements",
            "login_log_format_elements = user=<%u> rip=%r lip=%l",
            "unknown",
        ),
        ("format", "login_log_format = %$: user=<%u>", "unknown"),
        (
            "telling",
            "login_log_format_elements = user=<%u> rip=%r lip=%l %c",
            "clear",
        ),
    ] {
        let settings = format!("remote 198.51.100.0/24 {{\n  {setting}\n}}\n");
        let found = proved_by_lists(&format!("some-{name}"), &settings, &list);
        assert_eq!(found, [format!("ann 192.0.2.9 {expected} 1")], "{setting}");
    }
}
