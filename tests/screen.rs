//! When text for people is in colour, and where its links lead.

use std::fs;
use std::path::Path;
use std::process::Command;

const VARIABLES: [&str; 6] = [
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "FORCE_COLOR",
    "FORCE_HYPERLINK",
    "TERM",
];

type Variables = &'static [(&'static str, &'static str)];

/// What the program prints into a pipe with nothing but these variables set.
fn said(arguments: &[&str], variables: &[(&str, &str)], directory: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plainsight"));
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    let output = command
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(directory)
        .output()
        .expect("the program that cargo built runs");
    String::from_utf8(output.stdout).expect("reports are UTF-8")
}

#[test]
fn a_pipe_is_in_colour_only_where_somebody_says_so() {
    let here = Path::new(".");
    let cases: [(&[&str], Variables, bool); 9] = [
        (&[], &[], false),
        (&[], &[("TERM", "xterm-256color")], false),
        (&["--color=always"], &[("NO_COLOR", "1")], true),
        (&["--color=never"], &[("CLICOLOR_FORCE", "1")], false),
        (&[], &[("CLICOLOR_FORCE", "1")], true),
        (&[], &[("FORCE_COLOR", "1")], true),
        (&[], &[("FORCE_COLOR", "0")], false),
        (&[], &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")], false),
        (&[], &[("FORCE_COLOR", "1"), ("NO_COLOR", "")], true),
    ];
    for (arguments, variables, coloured) in cases {
        let arguments = [&["rules"], arguments].concat();
        let text = said(&arguments, variables, here);
        assert_eq!(
            text.contains("\u{1b}["),
            coloured,
            "{arguments:?} {variables:?}"
        );
        assert!(!text.contains("\u{1b}]"), "{arguments:?} {variables:?}");
    }
}

#[test]
fn a_patch_in_a_pipe_is_for_programs() {
    let demo = Path::new("testdata/demo/case.in");
    let patch = said(&["diff", "."], &[], demo);
    assert!(patch.contains("\n+ssl = required\n"), "{patch}");
    for variable in ["FORCE_COLOR", "CLICOLOR_FORCE"] {
        assert_eq!(said(&["diff", "."], &[(variable, "1")], demo), patch);
    }
    let coloured = said(&["diff", ".", "--color=always"], &[], demo);
    let added = "\u{1b}[32m+ssl = required\u{1b}[0m\n";
    assert!(coloured.contains(added), "{coloured}");
}

#[test]
fn a_link_leads_to_the_file_whatever_it_is_called() {
    let root = std::env::temp_dir().join(format!("plainsight-screen-{}", std::process::id()));
    let name = "a\u{7}b\u{1b}\\c;%é";
    let directory = root.join(name).join("etc/postfix");
    fs::create_dir_all(&directory).expect("the directory is ours");
    let text = "smtpd_sasl_auth_enable = yes\nsmtpd_tls_security_level = may\n\
                smtpd_tls_cert_file = /a.pem\nsmtpd_relay_restrictions = reject_unauth_destination\n";
    fs::write(directory.join("main.cf"), text).expect("the directory is ours");
    let text = said(&["check", ".", "-v", "--hyperlinks=always"], &[], &root);
    fs::remove_dir_all(&root).expect("the directory is ours");
    let address = "a%07b%1B%5Cc%3B%25%C3%A9/etc/postfix/main.cf";
    let open = format!("/{address}\u{1b}\\");
    // A deciding line, and the arrow of a finding.
    assert!(
        text.contains(&format!("({}", "\u{1b}]8;;file://")),
        "{text}"
    );
    assert!(text.contains("--> \u{1b}]8;;file://"), "{text}");
    assert!(text.contains(&open), "{text}");
    // Nothing but the links themselves is left when they are taken away.
    let links = regex::Regex::new("\u{1b}]8;;[!-~]*\u{1b}\\\\").expect("it is compiled in");
    let rest = links.replace_all(&text, "");
    let control = rest.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "{rest}");
}

#[test]
fn a_link_leads_to_the_file_that_is_named_where_one_name_ends_as_another_does() {
    let root = std::env::temp_dir().join(format!("plainsight-links-{}", std::process::id()));
    let directory = root.join("etc/dovecot/conf.d");
    fs::create_dir_all(&directory).expect("the directory is ours");
    for (file, text) in [
        (
            "../dovecot.conf",
            "protocols = imap\nssl = yes\n!include local.conf\n!include conf.d/local.conf\n",
        ),
        (
            "../local.conf",
            "ssl_cert = </a.pem\nssl_key = </a.key\nssl = yes\n",
        ),
        ("local.conf", "disable_plaintext_auth = no\n"),
    ] {
        fs::write(directory.join(file), text).expect("the directory is ours");
    }
    let conf = root.join("etc/dovecot");
    let text = said(
        &["check", "dovecot.conf", "--hyperlinks=always"],
        &[],
        &conf,
    );
    fs::remove_dir_all(&root).expect("the directory is ours");
    let link =
        regex::Regex::new("(?:-->|:::) \u{1b}]8;;file://[^/]*([!-~]*)\u{1b}\\\\([^\u{1b}]*)\u{1b}")
            .expect("it is compiled in");
    let mut named = Vec::new();
    for captures in link.captures_iter(&text) {
        let (address, name) = (&captures[1], captures[2].trim_start_matches("./"));
        assert!(
            address.ends_with(&format!("/etc/dovecot/{name}")),
            "{address} {name}"
        );
        named.push(name.to_owned());
    }
    for name in ["conf.d/local.conf", "local.conf"] {
        assert!(named.iter().any(|one| one == name), "{name}: {text}");
    }
}
