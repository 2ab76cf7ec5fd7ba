//! Templates: what another program fills in is unknown with that reason, wherever in a file it stands, and what it cannot
//! touch is judged as ever.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const MAIN_CF: &str = "compatibility_level = 3.6\nsmtpd_tls_chain_files = /etc/ssl/mail.pem\n";
const MASTER_CF: &str = "smtp inet n - y - - smtpd\n";
const SERVICES: &str = "tlsmgr unix - - y 1000? 1 tlsmgr\nproxymap unix - - n - - proxymap\n";
const DOVECOT_23: &str =
    "protocols = imap\nssl_cert = </etc/ssl/c.pem\nssl_key = </etc/ssl/k.pem\n";
const DOVECOT_24: &str = "dovecot_config_version = 2.4.1\ndovecot_storage_version = 2.4.1\nprotocols = imap\n\
    ssl_server_cert_file = /etc/ssl/c.pem\nssl_server_key_file = /etc/ssl/k.pem\n";

fn scratch(name: &str, files: &[(&str, String)]) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("templates")
        .join(name);
    let _ = fs::remove_dir_all(&directory);
    for (file, text) in files {
        let file = directory.join(file);
        let parent = file.parent().expect("it has a directory");
        fs::create_dir_all(parent).expect("the build directory is writable");
        fs::write(file, text).expect("the build directory is writable");
    }
    directory
}

fn check(directory: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .args(["check", ".", "--format", "json", "--postfix-version=3.7.11"])
        .current_dir(directory)
        .output()
        .expect("the program can be started");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// Verdict and reason of each endpoint, and the problems, which a template has none of.
fn verdicts(directory: &Path) -> Vec<(String, String)> {
    let document = check(directory);
    assert_eq!(
        document["problems"].as_array().map(Vec::len),
        Some(0),
        "{document:#}"
    );
    let endpoints = document["endpoints"].as_array().expect("a list");
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    endpoints
        .iter()
        .map(|one| (text(one, "verdict"), text(one, "why")))
        .collect()
}

fn is_unknown(name: &str, files: &[(&str, String)], because: &str) {
    let found = verdicts(&scratch(name, files));
    assert!(!found.is_empty(), "{name}: no endpoint");
    for (verdict, reason) in found {
        assert_eq!(verdict, "unknown", "{name}: {reason}");
        assert!(
            reason.contains(because),
            "{name}: {reason:?} does not name {because:?}"
        );
    }
}

const PLACEHOLDERS: [&str; 9] = [
    "{{ strict }}",
    "{{strict|ternary('yes','no')}}",
    "{% if strict %}yes{% else %}no{% endif %}",
    "<%= @strict %>",
    "<%= $strict -%>",
    "%{strict}",
    "%{hiera('strict')}",
    "@strict@",
    "__STRICT__",
];

/// Lines around a setting, and the one that is named.
const STATEMENTS: [(&str, &str); 7] = [
    ("{% if strict %}", "{% endif %}"),
    ("  {%- if strict %}", "  {%- endif %}"),
    ("<% if @strict -%>", "<% end -%>"),
    ("<%- if $strict { -%>", "<%- } -%>"),
    ("{{#if strict}}", "{{/if}}"),
    ("%{ if strict ~}", "%{ endif ~}"),
    ("@STRICT_BEGIN@", "@STRICT_END@"),
];

#[test]
fn a_placeholder_in_a_setting_of_postfix_is_unknown() {
    let main = |text: &str| ("etc/postfix/main.cf", format!("{MAIN_CF}{text}"));
    let master = |options: &str| {
        (
            "etc/postfix/master.cf",
            format!("{MASTER_CF}{options}{SERVICES}"),
        )
    };
    for text in PLACEHOLDERS {
        let because = text.split("yes{").next().expect("there is a first part");
        let settings = [
            format!(
                "smtpd_sasl_auth_enable = yes\nsmtpd_tls_security_level = may\nsmtpd_tls_auth_only = {text}\n"
            ),
            format!(
                "smtpd_sasl_auth_enable = yes\nsmtpd_tls_security_level = {text}\nsmtpd_tls_auth_only = no\n"
            ),
            format!("smtpd_sasl_auth_enable = {text}\nsmtpd_tls_security_level = may\n"),
        ];
        for setting in &settings {
            is_unknown(setting, &[main(setting), master("")], because);
        }
        let open = "smtpd_sasl_auth_enable = yes\nsmtpd_tls_security_level = may\n";
        for option in [
            format!("  -o smtpd_tls_auth_only={text}\n"),
            format!("  -o {{ smtpd_tls_auth_only = {text} }}\n"),
        ] {
            is_unknown("option", &[main(open), master(&option)], because);
        }
    }
}

#[test]
fn a_statement_around_a_setting_of_postfix_is_unknown() {
    let open = "smtpd_sasl_auth_enable = yes\nsmtpd_tls_security_level = may\n";
    for (before, behind) in STATEMENTS {
        let main = format!("{MAIN_CF}{open}{before}\nsmtpd_tls_auth_only = yes\n{behind}\n");
        // Indented lines are part of the setting above to Postfix, and a statement all the same.
        let files = [
            ("etc/postfix/main.cf.j2", main),
            ("etc/postfix/master.cf", format!("{MASTER_CF}{SERVICES}")),
        ];
        is_unknown("around", &files, before.trim());
        let master =
            format!("{MASTER_CF}{before}\n  -o smtpd_tls_auth_only=yes\n{behind}\n{SERVICES}");
        let files = [
            ("etc/postfix/main.cf", format!("{MAIN_CF}{open}")),
            ("etc/postfix/master.cf.j2", master),
        ];
        is_unknown("around-option", &files, before.trim());
    }
}

/// Beside a Dovecot that enforces TLS, a Postfix without any endpoint would pass for one that is clean.
#[test]
fn a_master_cf_whose_services_a_template_makes_is_unknown() {
    for (at, line) in [
        "{{ port }} inet n - y - - smtpd",
        "{{ services }}",
        "{% for one in all %}",
        "@services@",
    ]
    .into_iter()
    .enumerate()
    {
        let directory = scratch(
            &format!("master-{at}"),
            &[
                ("etc/postfix/main.cf", MAIN_CF.to_owned()),
                ("etc/postfix/master.cf", format!("{SERVICES}{line}\n")),
                (
                    "etc/dovecot/dovecot.conf",
                    format!("{DOVECOT_24}ssl = required\n"),
                ),
            ],
        );
        let document = check(&directory);
        let endpoints = document["endpoints"].as_array().expect("a list");
        let unknown: Vec<&Value> = endpoints
            .iter()
            .filter(|one| one["verdict"] == "unknown")
            .map(|one| &one["server"])
            .collect();
        assert_eq!(unknown, ["postfix"], "{line}");
    }
}

#[test]
fn a_placeholder_in_a_setting_of_dovecot_is_unknown() {
    for text in PLACEHOLDERS {
        let because = text.split("yes{").next().expect("there is a first part");
        for setting in [
            format!("{DOVECOT_23}ssl = yes\ndisable_plaintext_auth = {text}\n"),
            format!("{DOVECOT_23}ssl = {text}\n"),
            format!("{DOVECOT_24}ssl = yes\nauth_allow_cleartext = {text}\n"),
            format!("{DOVECOT_24}ssl = {text}\n"),
        ] {
            is_unknown("dovecot", &[("etc/dovecot/dovecot.conf", setting)], because);
        }
    }
}

#[test]
fn a_statement_or_a_name_in_a_file_of_dovecot_is_unknown() {
    for top in [DOVECOT_23, DOVECOT_24] {
        for (before, behind) in STATEMENTS {
            let text = format!("{top}ssl = yes\n{before}\nlisten = *\n{behind}\n");
            is_unknown(
                "dovecot-around",
                &[("etc/dovecot/dovecot.conf", text)],
                before.trim(),
            );
        }
        for line in [
            "protocol {{ protocol }} {\n  listen = *\n}",
            "remote {{ network }} {\n  listen = *\n}",
            "local_name <%= @name %> {\n  listen = *\n}",
            "!include {{ directory }}/tls.conf",
            "ssl_{{ setting }} = yes",
        ] {
            let text = format!("{top}ssl = required\n{line}\n");
            let because = line.lines().next().expect("there is one");
            is_unknown(
                "dovecot-name",
                &[("etc/dovecot/dovecot.conf", text)],
                because,
            );
        }
    }
}

#[test]
fn a_listener_keeps_its_endpoint_whatever_a_template_makes_of_it() {
    let text = format!(
        "{DOVECOT_23}ssl = required\nservice imap-login {{\n  inet_listener imap {{\n    port = {{{{ port }}}}\n  }}\n  \
         inet_listener imaps {{\n    port = 993\n    ssl = {{{{ wrapped }}}}\n  }}\n}}\n"
    );
    let found = verdicts(&scratch("listener", &[("etc/dovecot/dovecot.conf", text)]));
    let expected = [
        ("tls-only", ""),
        ("unknown", "the template placeholder {{ wrapped }}"),
    ];
    assert_eq!(
        found,
        expected.map(|(verdict, reason)| (verdict.to_owned(), reason.to_owned()))
    );
}

/// Roles of Ansible and modules of Puppet keep each file of `conf.d` as a template.
#[test]
fn templates_in_conf_d_are_read_in_the_place_of_the_files_they_make() {
    let main = (
        "roles/dovecot/templates/dovecot.conf.j2",
        "protocols = imap\n!include conf.d/*.conf\n!include_try local.conf\n".to_owned(),
    );
    let tls = "ssl = yes\nssl_cert = <{{ cert }}\nssl_key = <{{ key }}\n".to_owned();
    let part = |name: &'static str, text: &str| (name, text.to_owned());
    let tls = ("roles/dovecot/templates/conf.d/10-ssl.conf.j2", tls);
    let open = part(
        "roles/dovecot/templates/conf.d/10-auth.conf.erb",
        "disable_plaintext_auth = no\n",
    );
    let closed = part(
        "roles/dovecot/templates/local.conf.tmpl",
        "disable_plaintext_auth = yes\n",
    );
    let made = part(
        "roles/dovecot/templates/conf.d/10-auth.conf",
        "disable_plaintext_auth = yes\n",
    );
    let left = part(
        "roles/dovecot/templates/conf.d/99-open.conf.j2.bak",
        "disable_plaintext_auth = no\n",
    );
    let verdict = |files: &[(&str, String)]| {
        let found = verdicts(&scratch("conf-d", files));
        assert_eq!(found.len(), 2, "{found:?}");
        found[0].0.clone()
    };
    let (main, tls) = (main, tls);
    assert_eq!(
        verdict(&[main.clone(), tls.clone(), open.clone()]),
        "cleartext"
    );
    assert_eq!(
        verdict(&[main.clone(), tls.clone(), open.clone(), closed]),
        "tls-only"
    );
    assert_eq!(
        verdict(&[main.clone(), tls.clone(), open.clone(), made]),
        "tls-only",
        "the file comes before its template"
    );
    assert_eq!(verdict(&[main, tls, left]), "tls-only");
}

#[test]
fn the_hook_for_pre_commit_runs_for_every_template() {
    let hooks = include_str!("../.pre-commit-hooks.yaml");
    let endings = format!("({})", plainsight::template::ENDINGS.join("|"));
    assert!(hooks.contains(&endings), "{endings} is not in {hooks}");
}
