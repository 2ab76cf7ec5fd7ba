//! What the daemons made of configurations, line by line. The expected values were read from `doveconf -x` and from real
//! logins on 2.3.19.1 (Debian 12) and 2.4.1 (Debian 13).

use std::path::Path;

use plainsight::certificate::{Missing, Policy};
use plainsight::dovecot::{Config, Lookup, version_hint};
use plainsight::source::{FileTree, Sources};
use plainsight::surface::{Client, Question, dovecot};
use plainsight::version::Range;

const HEADER: &str = "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n";
const TLS_23: &str = "ssl_cert = </c.pem\nssl_key = </c.key\nprotocols = imap pop3\n";
const TLS_24: &str =
    "ssl_server_cert_file = /c.pem\nssl_server_key_file = /c.key\nprotocols = imap pop3\n";

fn load(text: &str) -> (Config, Sources) {
    let mut tree = FileTree::default();
    tree.mount("/etc/dovecot", "/nonexistent");
    tree.overlay("/etc/dovecot/dovecot.conf", text.as_bytes().to_vec());
    let mut sources = Sources::new(tree);
    let config = Config::load(&mut sources, Path::new("/etc/dovecot/dovecot.conf"));
    (config, sources)
}

/// The value of a setting for a lookup, or what the daemon refuses the file for.
fn value(text: &str, setting: &str, lookup: &Lookup<'_>) -> String {
    let (config, _) = load(text);
    match config.refusals.first() {
        Some(problem) => format!("refused: {}", problem.message),
        None => config.effective(setting, lookup).text.to_string(),
    }
}

fn imap() -> Lookup<'static> {
    Lookup {
        protocol: Some("imap"),
        ..Lookup::default()
    }
}

fn from(lookup: Lookup<'static>, remote: &str) -> Lookup<'static> {
    Lookup {
        remote: Some(remote.parse().expect("an address")),
        ..lookup
    }
}

/// The verdicts of a tree for a client from 192.0.2.2, as `port verdict`.
fn verdicts(text: &str, remote: &str, local: &str) -> Vec<String> {
    let (config, sources) = load(text);
    let client = Client {
        from: remote.parse().expect("an address"),
        to: Some(local.parse().expect("an address")),
    };
    judge(&config, &sources, version_hint(&config), Some(client))
}

/// The verdict at port 993 under one release.
fn verdict_by(text: &str, version: &str) -> String {
    let (config, sources) = load(text);
    let range = Range::exactly(version.parse().expect("a release"));
    let all = judge(&config, &sources, range, None);
    let of_993 = all.iter().find_map(|one| one.strip_prefix("993 "));
    of_993.unwrap_or_default().to_owned()
}

fn judge(config: &Config, sources: &Sources, range: Range, client: Option<Client>) -> Vec<String> {
    let question = Question {
        client,
        certificates: Policy {
            missing: Missing::Assume,
            now: 0,
        },
        sasl: None,
    };
    dovecot::endpoints(config, sources, range, &question)
        .iter()
        .map(|endpoint| format!("{} {}", endpoint.port, endpoint.verdict.word()))
        .collect()
}

/// Debian's own dovecot.conf of 2.4.5 begins so, and its 2.4.1 refuses it (live).
#[test]
fn the_header_of_2_4_tells_the_releases_that_can_read_it() {
    for (header, from) in [("2.4.0", "2.4"), ("2.4.4", "2.4"), ("2.4.5", "2.4.5")] {
        let (config, _) = load(&format!("dovecot_config_version = {header}\n"));
        let expected = format!("{from} and later");
        assert_eq!(version_hint(&config).to_string(), expected, "{header}");
    }
}

/// The file of the submission package came with 2.3.0.
#[test]
fn packages_of_2_3_tell_the_release() {
    let mut tree = FileTree::default();
    tree.mount("/etc/dovecot", "/nonexistent");
    let main = "!include_try /usr/share/dovecot/protocols.d/*.protocol\n!include conf.d/20-submission.conf\n";
    tree.overlay("/etc/dovecot/dovecot.conf", main.into());
    let part = "protocol submission {\n}\n";
    tree.overlay("/etc/dovecot/conf.d/20-submission.conf", part.into());
    let mut sources = Sources::new(tree);
    let config = Config::load(&mut sources, Path::new("/etc/dovecot/dovecot.conf"));
    assert_eq!(version_hint(&config).to_string(), "2.3 to before 2.4");
}

#[test]
fn lines_of_2_3() {
    for (text, setting, expected) in [
        ("ssl=no\r\nssl = yes # c\r\n", "ssl", "yes"),
        ("ssl = no\nssl = required \\\n\n", "ssl", "no"),
        ("ssl \\\n = no\n", "ssl", "no"),
        ("ssl = no\\\n# comment\nlog_path=/x\n", "ssl", "yes"),
        (
            "log_path = /a \\\n# comment\n  b\n",
            "ssl",
            "refused: Expecting '{'",
        ),
        ("ssl = \"no\"\n", "ssl", "no"),
        (
            "login_greeting = \"a\\\"b\" c\n",
            "login_greeting",
            "\"a\\\"b\" c",
        ),
        ("ssl = no;\n", "ssl", "refused: Invalid value: no;"),
        ("ssl = yes no\n", "ssl", "refused: Invalid value: yes no"),
        ("ssl =\n", "ssl", "refused: Invalid value: "),
        (
            "ssl = \"required\"x\n",
            "ssl",
            "refused: Invalid value: \"required\"x",
        ),
        ("ssl = NO\n", "ssl", "refused: Invalid value: NO"),
        (
            "protocol imap { ssl = no }\n",
            "ssl",
            "refused: Garbage after '{'",
        ),
        ("protocol imap{\n}\n", "ssl", "refused: Expecting '{'"),
        ("protocol imap\n{\n}\n", "ssl", "refused: Expecting '{'"),
        ("protocol imap { # begin\n} # end\nssl = no\n", "ssl", "no"),
        ("}\n", "ssl", "refused: unexpected \"}\""),
        (
            "protocol imap {\n",
            "ssl",
            "refused: this section is never closed",
        ),
        (
            "disable_plaintext_auth = NO\n",
            "disable_plaintext_auth",
            "NO",
        ),
        (
            "disable_plaintext_auth = true\n",
            "disable_plaintext_auth",
            "refused: Invalid boolean value: true (use yes or no)",
        ),
        (
            "disable_plaintext_auth = 0\n",
            "disable_plaintext_auth",
            "refused: Invalid boolean value: 0 (use yes or no)",
        ),
        (
            "protocols = imap imaps pop3s\nssl_disable = yes\n",
            "protocols",
            "imap pop3",
        ),
        (
            "protocols = imap imaps pop3s\nssl_disable = yes\n",
            "ssl",
            "no",
        ),
        (
            "mail_location = maildir:~/M#x\n",
            "mail_location",
            "maildir:~/M",
        ),
        (
            "login_greeting = Dovecot's box # hi\n",
            "login_greeting",
            "Dovecot's box # hi",
        ),
        (
            "\u{feff}ssl = no\n",
            "ssl",
            "refused: Unknown setting: \u{feff}ssl",
        ),
        ("SSL = no\n", "ssl", "refused: Unknown setting: SSL"),
        ("ssl = required", "ssl", "required"),
        ("ssl = no\nlogin_greeting = $ssl\n", "login_greeting", "no"),
        (
            "login_greeting = $nothing\n",
            "ssl",
            "refused: Unknown variable: $nothing",
        ),
        (
            "service imap-login {\n  ssl = no\n}\n",
            "ssl",
            "refused: Unknown setting: service { ssl",
        ),
        ("ssl no\n", "ssl", "refused: Expecting '{'"),
        ("ssl = no }\n", "ssl", "refused: Invalid value: no }"),
    ] {
        assert_eq!(
            value(text, setting, &Lookup::default()),
            expected,
            "{text:?}"
        );
    }
}

#[test]
fn an_old_name_closes_the_clear_port() {
    let (config, _) = load("protocols = imap imaps pop3s\n");
    let listeners = config.listeners(&config.protocols());
    let ports: Vec<String> = listeners
        .iter()
        .map(|listener| format!("{} {}", listener.name, listener.port.text))
        .collect();
    assert_eq!(ports, ["imap 143", "imaps 993", "pop3 0", "pop3s 995"]);
}

#[test]
fn filters_of_2_3() {
    let not_imap = "protocol !imap {\n  login_greeting = x\n}\n";
    let pop3 = Lookup {
        protocol: Some("pop3"),
        ..Lookup::default()
    };
    assert_eq!(value(not_imap, "login_greeting", &pop3), "x");
    assert_eq!(value(not_imap, "login_greeting", &imap()), "");
    let nested = "remote 10.0.0.0/8 {\n  ssl = no\n  disable_plaintext_auth = yes\n}\n\
                  remote 10.1.0.0/16 {\n  disable_plaintext_auth = no\n}\n";
    let client = from(pop3, "10.1.2.3");
    assert_eq!(value(nested, "ssl", &client), "no");
    assert_eq!(value(nested, "disable_plaintext_auth", &client), "no");
    let (config, _) = load(
        "protocol imap {\n  login_greeting = a\n}\nremote 10.0.0.0/8 {\n  login_greeting = b\n}\n",
    );
    assert_eq!(config.conflict_at_start(), None);
    let conflict = config.conflict(&from(imap(), "10.1.2.3"));
    assert_eq!(
        conflict.map(|conflict| conflict.setting),
        Some("login_greeting".into())
    );
    assert_eq!(config.conflict(&from(imap(), "192.0.2.1")), None);
}

#[test]
fn conflicts_at_start_of_2_3() {
    for (text, expected) in [
        (
            "remote 192.0.2.0/24 {\n  protocol imap {\n    ssl = yes\n  }\n}\nprotocol imap {\n  ssl = no\n}\n",
            true,
        ),
        (
            "local 192.0.2.1 {\n  remote 192.0.2.2 {\n    ssl = yes\n  }\n}\nremote 192.0.2.2 {\n  ssl = no\n}\n",
            true,
        ),
        (
            "remote 192.0.2.0/24 {\n  ssl = yes\n  protocol imap {\n    ssl = no\n  }\n}\n",
            false,
        ),
        (
            "protocol imap {\n  ssl = yes\n}\nprotocol !pop3 {\n  ssl = no\n}\n",
            false,
        ),
        (
            "remote 192.0.2.0/24 {\n  ssl = yes\n}\nremote 192.0.2.2 {\n  ssl = no\n}\n",
            false,
        ),
    ] {
        let (config, _) = load(text);
        assert_eq!(config.conflict_at_start().is_some(), expected, "{text}");
    }
}

#[test]
fn the_wider_half_of_everything_is_no_filter() {
    let text = "remote 0.0.0.0/0 {\n  ssl = required\n}\n";
    assert_eq!(value(text, "ssl", &from(imap(), "2001:db8::1")), "required");
    let global = "ssl = no\nremote 0.0.0.0/0 {\n  ssl = required\n}\n";
    assert_eq!(value(global, "ssl", &from(imap(), "192.0.2.1")), "no");
}

#[test]
fn lines_of_2_4() {
    for (text, setting, expected) in [
        ("\"ssl\" = required\n", "ssl", "required"),
        (
            "ssl = no\n@tls = req\ngroup @tls req {\n  ssl = required\n}\n",
            "ssl",
            "no",
        ),
        (
            "@tls = req\ngroup @tls req {\n  ssl = required\n}\n",
            "ssl",
            "required",
        ),
        ("@tls = req\n", "ssl", "refused: Unknown group label @tls"),
        (
            "protocols = imap pop3\nprotocols {\n  pop3 = no\n  lmtp = yes\n}\n",
            "protocols",
            "imap lmtp",
        ),
        (
            "protocols {\n  imap = yes\n}\nprotocols = pop3\n",
            "protocols",
            "pop3",
        ),
        (
            "auth_mechanisms = plain, login,cram-md5\n",
            "auth_mechanisms",
            "plain login cram-md5",
        ),
        (
            "auth_mechanisms = $SET:auth_mechanisms\n",
            "ssl",
            "refused: Failed to expand $SET:auth_mechanisms: Setting type can't be expanded to string",
        ),
        ("login_greeting = $ssl\n", "login_greeting", "$ssl"),
        (
            "ssl = no\nlogin_greeting = $SET:ssl\n",
            "login_greeting",
            "no",
        ),
        (
            "disable_plaintext_auth = no\n",
            "ssl",
            "refused: Unknown setting: disable_plaintext_auth",
        ),
        (
            "ssl_server {\n  cert_file = /x\n}\n",
            "ssl_server_cert_file",
            "/x",
        ),
        (
            "ssl_cert = </x\n",
            "ssl",
            "refused: Unknown setting: ssl_cert",
        ),
        (
            "protocol imap {\n  service imap {\n  }\n}\n",
            "ssl",
            "refused: service { .. } not allowed under protocol imap { .. }",
        ),
        ("ssl\u{c}= no\n", "ssl", "no"),
    ] {
        assert_eq!(
            value(&format!("{HEADER}{text}"), setting, &Lookup::default()),
            expected,
            "{text:?}"
        );
    }
    assert_eq!(
        value(
            "ssl = no\ndovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n",
            "ssl",
            &Lookup::default()
        ),
        "refused: The first setting must be dovecot_config_version"
    );
}

#[test]
fn filters_of_2_4() {
    let get = |text: &str| value(&format!("{HEADER}{text}"), "ssl", &from(imap(), "10.1.2.3"));
    let wide = "remote 10.0.0.0/8 {\n  ssl = yes\n}\n";
    let narrow = "remote 10.1.0.0/16 {\n  ssl = required\n}\n";
    assert_eq!(get(&format!("{wide}{narrow}")), "required");
    assert_eq!(get(&format!("{narrow}{wide}")), "yes");
    let protocol = "protocol imap {\n  ssl = required\n}\n";
    let no = "remote 10.0.0.0/8 {\n  ssl = no\n}\n";
    assert_eq!(get(&format!("{protocol}{no}")), "no");
    assert_eq!(get(&format!("{no}{protocol}")), "required");
}

#[test]
fn verdicts_of_2_3() {
    for (text, from, to, expected) in [
        (
            "",
            "192.0.2.2",
            "192.0.2.1",
            [
                "110 tls-only",
                "143 tls-only",
                "993 tls-only",
                "995 tls-only",
            ],
        ),
        (
            "ssl = required\n",
            "192.0.2.1",
            "192.0.2.1",
            [
                "110 cleartext",
                "143 cleartext",
                "993 tls-only",
                "995 tls-only",
            ],
        ),
        (
            "ssl = required\n",
            "127.0.0.2",
            "127.0.0.1",
            [
                "110 tls-only",
                "143 tls-only",
                "993 tls-only",
                "995 tls-only",
            ],
        ),
        (
            "disable_plaintext_auth = no\n",
            "192.0.2.2",
            "192.0.2.1",
            [
                "110 cleartext",
                "143 cleartext",
                "993 tls-only",
                "995 tls-only",
            ],
        ),
        (
            "auth_mechanisms = plain cram-md5\n",
            "192.0.2.2",
            "192.0.2.1",
            [
                "110 challenge",
                "143 challenge",
                "993 tls-only",
                "995 tls-only",
            ],
        ),
        (
            "ssl = required\nlogin_trusted_networks = 192.0.2.0/24\n",
            "192.0.2.2",
            "192.0.2.1",
            [
                "110 cleartext",
                "143 cleartext",
                "993 tls-only",
                "995 tls-only",
            ],
        ),
        (
            "ssl = required\nprotocol imap {\n  ssl = no\n}\n",
            "192.0.2.2",
            "192.0.2.1",
            [
                "110 tls-only",
                "143 locked-out",
                "993 locked-out",
                "995 tls-only",
            ],
        ),
        (
            "ssl = required\nremote 192.0.2.0/24 {\n  ssl = no\n}\n",
            "192.0.2.2",
            "192.0.2.1",
            [
                "110 locked-out",
                "143 locked-out",
                "993 locked-out",
                "995 locked-out",
            ],
        ),
        (
            "protocol imap {\n  ssl = yes\n}\nremote 192.0.2.0/24 {\n  ssl = yes\n}\n",
            "192.0.2.2",
            "192.0.2.1",
            ["110 tls-only", "143 fails", "993 fails", "995 tls-only"],
        ),
        (
            "ssl_cert =\n",
            "192.0.2.2",
            "192.0.2.1",
            [
                "110 locked-out",
                "143 locked-out",
                "993 locked-out",
                "995 locked-out",
            ],
        ),
    ] {
        assert_eq!(
            verdicts(&format!("{TLS_23}{text}"), from, to),
            expected,
            "{text}"
        );
    }
}

#[test]
fn verdicts_of_2_4() {
    for (text, from, to, expected) in [
        (
            "",
            "192.0.2.2",
            "192.0.2.1",
            [
                "110 tls-only",
                "143 tls-only",
                "993 tls-only",
                "995 tls-only",
            ],
        ),
        (
            "ssl = required\nlogin_trusted_networks = 192.0.2.0/24\n",
            "192.0.2.2",
            "192.0.2.1",
            [
                "110 tls-only",
                "143 tls-only",
                "993 tls-only",
                "995 tls-only",
            ],
        ),
        (
            "login_trusted_networks = 192.0.2.0/24\n",
            "192.0.2.2",
            "192.0.2.1",
            [
                "110 cleartext",
                "143 cleartext",
                "993 tls-only",
                "995 tls-only",
            ],
        ),
        (
            "ssl = required\nauth_allow_cleartext = yes\n",
            "192.0.2.2",
            "192.0.2.1",
            ["110 fails", "143 fails", "993 fails", "995 fails"],
        ),
        (
            "ssl = required\nprotocol imap {\n  auth_allow_cleartext = yes\n}\n",
            "192.0.2.2",
            "192.0.2.1",
            ["110 tls-only", "143 fails", "993 fails", "995 tls-only"],
        ),
        (
            "ssl = required\nservice imap-login {\n  ssl = no\n  auth_allow_cleartext = yes\n}\n",
            "192.0.2.2",
            "192.0.2.1",
            [
                "110 tls-only",
                "143 cleartext",
                "993 locked-out",
                "995 tls-only",
            ],
        ),
        (
            "ssl_server {\n  ssl = required\n}\n",
            "192.0.2.2",
            "192.0.2.1",
            [
                "110 tls-only",
                "143 tls-only",
                "993 tls-only",
                "995 tls-only",
            ],
        ),
        (
            "ssl = required\n",
            "192.0.2.1",
            "192.0.2.1",
            [
                "110 cleartext",
                "143 cleartext",
                "993 tls-only",
                "995 tls-only",
            ],
        ),
    ] {
        assert_eq!(
            verdicts(&format!("{HEADER}{TLS_24}{text}"), from, to),
            expected,
            "{text}"
        );
    }
}

/// Live with 2.3.13, 2.3.19.1, 2.4.1 and 2.4.5; for the releases between them by their source.
#[test]
fn the_oldest_tls_that_is_asked_for() {
    let releases = [
        "2.3.13", "2.3.14", "2.3.15", "2.3.19.1", "2.4.1", "2.4.2", "2.4.3", "2.4.5",
    ];
    for (word, expected) in [
        ("TLSv1.2", "++++++++"),
        ("tlsv1.2", "--++++++"),
        ("TLSv1.3", "--++++++"),
        ("ANY", "--++++++"),
        ("latest", "--++++++"),
        ("SSLv3", "++++----"),
        ("sslv3", "--++----"),
        ("TLSv9", "--------"),
        ("", "----++!!"),
    ] {
        let shown: String = releases
            .iter()
            .map(|release| {
                let (header, tls) = if release.starts_with("2.4") {
                    (HEADER, TLS_24)
                } else {
                    ("", TLS_23)
                };
                let text = format!("{header}{tls}ssl_min_protocol = {word}\n");
                match verdict_by(&text, release).as_str() {
                    "tls-only" => '+',
                    "locked-out" => '-',
                    "fails" => '!',
                    _ => '?',
                }
            })
            .collect();
        assert_eq!(shown, expected, "{word}");
    }
}

/// Live with 2.4.1 and 2.4.5; for the releases between them by their source.
#[test]
fn lines_before_the_header() {
    for (before, expected) in [
        ("", "tls-only tls-only tls-only"),
        ("\\\n", "tls-only tls-only tls-only"),
        ("\u{feff}\n", "fails tls-only tls-only"),
        ("a line\nand another {}\n", "fails tls-only tls-only"),
        ("a line\nssl = yes\n", "fails fails fails"),
        ("}\n", "fails fails fails"),
        ("protocol imap {\n}\n", "fails fails fails"),
        ("a \\\nline\n", "fails fails fails"),
        ("a \\\n# comment\n", "tls-only fails fails"),
    ] {
        let text = format!("{before}{HEADER}{TLS_24}");
        let verdicts = ["2.4.1", "2.4.2", "2.4.5"].map(|release| verdict_by(&text, release));
        assert_eq!(verdicts.join(" "), expected, "{before}");
        let (config, _) = load(&text);
        let harmless = expected == "tls-only tls-only tls-only";
        assert_eq!(config.problems.is_empty(), harmless, "{before}");
    }
    let text = HEADER.replacen("= ", "= \\\n", 1) + TLS_24;
    let verdicts = ["2.4.1", "2.4.2", "2.4.5"].map(|release| verdict_by(&text, release));
    assert_eq!(verdicts.join(" "), "tls-only fails fails");
}

/// Live with 2.4.5, whose text of a heredoc `doveconf -h` prints; 2.4.1 looks for the file `<EOD`.
#[test]
fn heredocs_of_2_4_5() {
    for (text, setting, expected) in [
        (
            "mail_log_prefix = <<EOD\nhello\n# not a comment\nssl = no \\\n\n EOD\nEOD\n",
            "mail_log_prefix",
            "hello\n# not a comment\nssl = no \\\n\n EOD\n",
        ),
        (
            "mail_log_prefix = << \t EOD here # a comment\r\nEOD\r\n$x\r\nEOD here\r\n",
            "mail_log_prefix",
            "EOD\n$x\n",
        ),
        (
            "mail_log_prefix = \\\n<<EOD\nx\nEOD\nssl = required\n",
            "ssl",
            "required",
        ),
        ("mail_log_prefix=<<EOD\nEOD", "mail_log_prefix", ""),
        (
            "mail_log_prefix = <<EOD\nssl = no\n",
            "ssl",
            "refused: Missing EOD",
        ),
        (
            "ssl = <<EOD\nrequired\nEOD\n",
            "ssl",
            "refused: Heredoc syntax is not supported for this setting: ssl",
        ),
        (
            "auth_mechanisms = <<EOD\nplain\nEOD\n",
            "ssl",
            "refused: Heredoc syntax is not supported for list settings: auth_mechanisms",
        ),
        (
            "protocols {\n  imap = <<EOD\nyes\nEOD\n}\n",
            "ssl",
            "refused: Heredoc syntax is not supported for list settings: protocols/imap",
        ),
        (
            "service imap-login {\n  inet_listener imap {\n    port = <<EOD\n1\nEOD\n  }\n}\n",
            "ssl",
            "refused: Heredoc syntax is not supported for this setting: inet_listener_port",
        ),
        (
            "@tls = <<EOD\nx\nEOD\n",
            "ssl",
            "refused: Heredoc syntax is not supported for include groups",
        ),
        (
            "nope = <<EOD\nx\nEOD\n",
            "ssl",
            "refused: Unknown setting: nope",
        ),
    ] {
        let text = format!("{HEADER}{text}");
        assert_eq!(value(&text, setting, &imap()), expected, "{text}");
    }
    let text = format!("{HEADER}{TLS_24}mail_log_prefix = <<EOD\nssl = no\nEOD\nlog_path =\n");
    let (config, sources) = load(&text);
    assert_eq!(version_hint(&config).to_string(), "2.4.5 and later");
    let mut all = config.all("mail_log_prefix");
    let heredoc = all.next().expect("it is set");
    assert_eq!(sources.text(heredoc.value_span), b"<<EOD\nssl = no\nEOD");
    assert!(sources.text(heredoc.span).ends_with(b"\nEOD\n"));
    let releases = ["2.4.1", "2.4.4", "2.4.5"];
    let verdicts = releases.map(|release| verdict_by(&text, release));
    assert_eq!(verdicts.join(" "), "fails fails tls-only");
    let header = "dovecot_config_version = <<EOD\n2.4.0\nEOD\n";
    assert_eq!(
        value(header, "ssl", &imap()),
        "refused: Invalid dovecot_config_version"
    );
    let (config, _) = load("ssl_cert = <<EOD\nssl = no\n");
    assert_eq!(
        config.effective("ssl", &imap()).text,
        "no",
        "2.3 knows none"
    );
}
