//! What holds for every main.cf and master.cf, sensible or not.

mod properties;

use std::path::Path;

use plainsight::certificate::{Missing, Policy};
use plainsight::postfix::Config;
use plainsight::source::{FileTree, Sources, Span};
use plainsight::surface::{Client, Question, postfix};
use proptest::prelude::*;

fn load(main: &[u8], master: &[u8]) -> (Config, Sources) {
    let mut tree = FileTree::default();
    tree.mount("/etc/postfix", "/nonexistent");
    tree.overlay("/etc/postfix/main.cf", main.to_vec());
    tree.overlay("/etc/postfix/master.cf", master.to_vec());
    let mut sources = Sources::new(tree);
    let config = Config::load(&mut sources, Path::new("/etc/postfix"));
    (config, sources)
}

/// Ports, addresses and verdicts, without what stands where.
fn verdicts(config: &Config, sources: &Sources, client: Option<Client>) -> Vec<String> {
    let question = Question {
        client,
        certificates: Policy {
            missing: Missing::Assume,
            now: 0,
        },
        sasl: None,
    };
    postfix::endpoints(config, sources, config.version_hint(), &question)
        .iter()
        .map(|endpoint| {
            let (address, port) = (&endpoint.address, endpoint.port);
            format!(
                "{address}:{port} {} {}",
                endpoint.versions,
                endpoint.verdict.word()
            )
        })
        .collect()
}

/// The spans follow each other from the first byte to the last.
fn tiles(spans: impl Iterator<Item = Span>, bytes: &[u8]) {
    let mut at = 0;
    for span in spans {
        assert_eq!(span.start, at, "entries tile the file");
        assert!(span.end > at, "no entry is empty");
        at = span.end;
    }
    assert_eq!(at, bytes.len(), "entries cover the file");
}

/// Everything that must hold, whatever the bytes.
fn holds(main: &[u8], master: &[u8]) {
    let (config, sources) = load(main, master);
    if let Some(file) = &config.main {
        tiles(file.entries.iter().map(|entry| entry.span()), main);
        for parameter in file.parameters() {
            for span in [parameter.name_span, parameter.value_span] {
                assert!(span.start >= parameter.span.start && span.end <= parameter.span.end);
            }
        }
    }
    if let Some(file) = &config.master {
        tiles(file.entries.iter().map(|entry| entry.span()), master);
        for service in file.services() {
            for option in &service.overrides {
                for span in [option.name_span, option.value_span] {
                    assert!(span.start >= option.span.start && span.end <= option.span.end);
                }
                assert!(option.span.start >= service.span.start);
                assert!(option.span.end <= service.span.end);
            }
        }
    }
    for problem in &config.problems {
        assert!(problem.span.end <= sources.bytes(problem.span.file).len());
    }
    let from = "192.0.2.2".parse().expect("an address");
    let to = "192.0.2.1".parse().ok();
    for client in [None, Some(Client { from, to })] {
        verdicts(&config, &sources, client);
    }
}

/// Lines as people write them, and some that nobody should.
fn main_line() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("smtpd_tls_auth_only"),
        Just("smtpd_tls_security_level"),
        Just("smtpd_tls_wrappermode"),
        Just("smtpd_sasl_auth_enable"),
        Just("smtpd_sasl_security_options"),
        Just("smtpd_discard_ehlo_keywords"),
        Just("smtpd_tls_cert_file"),
        Just("inet_interfaces"),
        Just("compatibility_level"),
        Just("mynetworks"),
        Just("x"),
    ];
    let value = prop_oneof![
        Just("yes"),
        Just("no"),
        Just("may"),
        Just("encrypt"),
        Just("$x"),
        Just("${x?{yes}:{no}}"),
        Just("${{$x} == {yes} ? {may} : {}}"),
        Just("noplaintext, noanonymous"),
        Just("3.6"),
        Just("auth, starttls"),
        Just(""),
        Just("$("),
        Just("yes # comment"),
    ];
    prop_oneof![
        6 => (name.clone(), value.clone()).prop_map(|(name, value)| format!("{name} = {value}")),
        1 => (name, value).prop_map(|(name, value)| format!("#{name}={value}")),
        1 => Just("  continued".to_owned()),
        1 => Just("# comment".to_owned()),
        1 => Just(String::new()),
        1 => Just("no equals sign".to_owned()),
    ]
}

fn master_line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("smtp inet n - n - - smtpd".to_owned()),
        Just("submission inet n - n - - smtpd -o smtpd_tls_auth_only=yes".to_owned()),
        Just("465 inet n - y - - smtpd".to_owned()),
        Just("127.0.0.1:smtp inet n - n - - smtpd".to_owned()),
        Just("smtpd pass - - n - - smtpd".to_owned()),
        Just("25 inet n - n - 1 postscreen".to_owned()),
        Just("  -o smtpd_tls_wrappermode=yes".to_owned()),
        Just("  -o { smtpd_sasl_auth_enable = yes }".to_owned()),
        Just("  -osmtpd_tls_security_level=$x".to_owned()),
        Just("  -o x = y".to_owned()),
        Just("# comment".to_owned()),
        Just("#  -o smtpd_tls_auth_only=no".to_owned()),
        Just("tlsmgr unix - - n 1000? 1 tlsmgr".to_owned()),
        Just("too few columns".to_owned()),
    ]
}

fn text(lines: &[String], end_of_line: &str) -> Vec<u8> {
    lines
        .iter()
        .flat_map(|line| [line.as_bytes(), end_of_line.as_bytes()].concat())
        .collect()
}

proptest! {
    #![proptest_config(properties::cases(200))]

    #[test]
    fn random_bytes(main in prop::collection::vec(any::<u8>(), 0..400), master in prop::collection::vec(any::<u8>(), 0..400)) {
        holds(&main, &master);
    }

    #[test]
    fn likely_lines_cut_anywhere_and_with_a_byte_changed(
        main in prop::collection::vec(main_line(), 0..12),
        master in prop::collection::vec(master_line(), 0..10),
        cut in any::<prop::sample::Index>(),
        changed in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let (mut main, mut master) = (text(&main, "\n"), text(&master, "\n"));
        holds(&main, &master);
        for bytes in [&mut main, &mut master] {
            if !bytes.is_empty() {
                let at = changed.index(bytes.len());
                bytes[at] = byte;
                bytes.truncate(cut.index(bytes.len()) + 1);
            }
        }
        holds(&main, &master);
    }

    /// CR is white space to Postfix (dict_load_file, live 3.7.11 and 3.10.13).
    #[test]
    fn crlf_means_the_same(
        main in prop::collection::vec(main_line(), 0..12),
        master in prop::collection::vec(master_line(), 0..10),
    ) {
        let answer = |end_of_line: &str| {
            let (config, sources) = load(&text(&main, end_of_line), &text(&master, end_of_line));
            verdicts(&config, &sources, None)
        };
        prop_assert_eq!(answer("\n"), answer("\r\n"));
    }
}
