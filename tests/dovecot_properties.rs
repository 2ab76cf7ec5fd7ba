//! What holds for every dovecot.conf, sensible or not.

mod properties;

use std::fmt::Write as _;
use std::path::Path;

use plainsight::certificate::{Missing, Policy};
use plainsight::dovecot::{Config, Lookup, version_hint};
use plainsight::source::{FileTree, Sources};
use plainsight::surface::{Client, Endpoint, Question, dovecot};
use proptest::prelude::*;

/// The main file and one that it may include.
fn load(main: &[u8], other: &[u8]) -> (Config, Sources) {
    let mut tree = FileTree::default();
    tree.mount("/etc/dovecot", "/nonexistent");
    tree.overlay("/etc/dovecot/dovecot.conf", main.to_vec());
    tree.overlay("/etc/dovecot/other.conf", other.to_vec());
    let mut sources = Sources::new(tree);
    let config = Config::load(&mut sources, Path::new("/etc/dovecot/dovecot.conf"));
    (config, sources)
}

fn judge(config: &Config, sources: &Sources, client: Option<Client>) -> Vec<Endpoint> {
    let question = Question {
        client,
        certificates: Policy {
            missing: Missing::Assume,
            now: 0,
        },
        sasl: None,
    };
    dovecot::endpoints(config, sources, version_hint(config), &question)
}

/// Everything that must hold, whatever the bytes.
fn holds(main: &[u8], other: &[u8]) -> (Config, Sources) {
    let (config, sources) = load(main, other);
    for file in &config.files {
        let bytes = sources.bytes(file.file);
        let mut at = 0;
        for entry in &file.entries {
            assert_eq!(entry.span.start, at, "entries tile the file");
            assert!(entry.span.end > at);
            at = entry.span.end;
        }
        assert_eq!(at, bytes.len(), "entries cover the file");
    }
    for assignment in &config.assignments {
        for span in [assignment.key_span, assignment.value_span, assignment.span] {
            assert!(span.start <= span.end && span.end <= sources.bytes(span.file).len());
        }
        assert!(assignment.scope.index_in(&config));
    }
    for problem in &config.problems {
        assert!(problem.span.end <= sources.bytes(problem.span.file).len());
    }
    let from = "192.0.2.2".parse().expect("an address");
    let to = "192.0.2.1".parse().ok();
    for client in [None, Some(Client { from, to })] {
        for endpoint in judge(&config, &sources, client) {
            assert!(!endpoint.because.is_empty(), "{endpoint:?} says why");
        }
    }
    (config, sources)
}

trait InConfig {
    fn index_in(&self, config: &Config) -> bool;
}

impl InConfig for plainsight::dovecot::ScopeId {
    fn index_in(&self, config: &Config) -> bool {
        config.scope(*self).is_some()
    }
}

/// Lines as people write them, and some that nobody should.
fn line() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("ssl"),
        Just("disable_plaintext_auth"),
        Just("auth_allow_cleartext"),
        Just("login_trusted_networks"),
        Just("auth_mechanisms"),
        Just("protocols"),
        Just("listen"),
        Just("port"),
        Just("ssl_cert"),
        Just("dovecot_config_version"),
        Just("@tls"),
        Just("\"ssl\""),
    ];
    let value = prop_oneof![
        Just("yes"),
        Just("no"),
        Just("required"),
        Just("\"no\""),
        Just("'yes'"),
        Just("$ssl"),
        Just("$SET:ssl $ENV:X"),
        Just("<other.conf"),
        Just("imap pop3"),
        Just("192.0.2.0/24"),
        Just("it's # not"),
        Just("no \\"),
        Just("<<EOD"),
        Just("2.4.0"),
        Just("0"),
    ];
    prop_oneof![
        4 => (key, value).prop_map(|(key, value)| format!("{key} = {value}")),
        1 => Just("protocol imap {".into()),
        1 => Just("protocol !imap {".into()),
        1 => Just("remote 192.0.2.0/24 {".into()),
        1 => Just("local 192.0.2.1 {".into()),
        1 => Just("service imap-login {".into()),
        1 => Just("inet_listener imap {".into()),
        1 => Just("ssl_server {".into()),
        1 => Just("group @tls req {".into()),
        1 => Just("auth default {".into()),
        4 => Just("}".into()),
        1 => Just("!include other.conf".into()),
        1 => Just("!include_try missing*.conf".into()),
        1 => Just(String::new()),
        1 => Just("# ssl = no \\".into()),
        2 => Just("EOD".into()),
        1 => Just("\\".into()),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(line(), 0..24).prop_map(|lines| {
        lines.iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{line}");
            text
        })
    })
}

/// What must not depend on how lines end.
fn shape(config: &Config) -> (Vec<String>, Vec<String>) {
    let assignments = config.assignments.iter();
    let problems = config.problems.iter();
    (
        assignments
            .map(|a| {
                format!(
                    "{} {} {} {:?} {:?}",
                    a.key, a.name, a.text, a.scope, a.unknown
                )
            })
            .collect(),
        problems.map(|problem| problem.message.clone()).collect(),
    )
}

proptest! {
    #![proptest_config(properties::cases(192))]

    #[test]
    fn any_bytes(main in prop::collection::vec(any::<u8>(), 0..400), other in prop::collection::vec(any::<u8>(), 0..60)) {
        holds(&main, &other);
    }

    #[test]
    fn any_lines(main in text(), other in text(), new in any::<bool>()) {
        let header = if new { "dovecot_config_version = 2.4.0\n" } else { "" };
        holds(format!("{header}{main}").as_bytes(), other.as_bytes());
    }

    #[test]
    fn any_prefix_and_any_changed_byte(main in text(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = main.into_bytes();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            holds(&bytes[..at], b"ssl = no\n");
            bytes[at] = byte;
            holds(&bytes, b"ssl = no \\");
        }
    }

    #[test]
    fn a_carriage_return_changes_nothing(main in text(), other in text()) {
        let (plain, _) = load(main.as_bytes(), other.as_bytes());
        let carriage = |text: &str| text.replace('\n', "\r\n");
        // The value of a file keeps its carriage returns, so that only the assignments' own text is compared.
        prop_assume!(!main.contains('<') && !other.contains('<'));
        let (windows, _) = load(carriage(&main).as_bytes(), carriage(&other).as_bytes());
        prop_assert_eq!(shape(&plain), shape(&windows));
    }

    #[test]
    fn the_winner_of_the_global_scope_is_in_force_without_filters(values in prop::collection::vec(prop_oneof![Just("yes"), Just("no"), Just("required")], 1..6)) {
        let mut text = String::new();
        for value in &values {
            let _ = writeln!(text, "ssl = {value}");
        }
        let (config, _) = load(text.as_bytes(), b"");
        let last = values.last().copied().unwrap_or_default();
        prop_assert_eq!(config.effective("ssl", &Lookup::default()).text, last);
    }
}

#[test]
fn nesting_and_recursion_have_an_end() {
    let deep = "protocol imap {\n".repeat(100_000);
    holds(deep.as_bytes(), b"");
    holds(
        b"!include other.conf\n",
        b"!include other.conf\n!include dovecot.conf\nssl = no\n",
    );
    let other = "!include_try dovecot.conf\n".repeat(50);
    holds(
        "!include other.conf\n".repeat(9_000).as_bytes(),
        other.as_bytes(),
    );
    let braces = format!("!include_try {}\n", "{a,b}".repeat(60));
    holds(braces.as_bytes(), b"");
}
