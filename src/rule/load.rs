//! Reading a rule from its TOML. `read` beside this file reads the condition in it.

use toml_edit::{Item, TableLike};

use crate::toml::{Reader, TomlError, place};

use super::condition::{About, Condition};
use super::{Doc, REMEDIES, Remedy, Rule, Severity, read};

pub(super) fn rule(name: &str, text: &str) -> Result<Rule, Vec<TomlError>> {
    let (mut reader, document) = Reader::parse(text)?;
    let top: &dyn TableLike = document.as_table();
    reader.only(
        top,
        "a rule",
        &[
            "id", "severity", "summary", "replaces", "when", "fix", "doc",
        ],
    );
    let id = reader.string(top, "id").unwrap_or_default();
    if id != name {
        let span = top.get("id").and_then(Item::span);
        reader.complain(
            span,
            format!("id is \"{id}\", the file is named \"{name}\"; make them the same"),
        );
    }
    // It is shown, and stands in commands to copy: nothing in it may mean something to a terminal or a shell.
    let letters = id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !id.is_empty() && (!letters || id.starts_with('-')) {
        let span = top.get("id").and_then(Item::span);
        reader.complain(
            span,
            "an id has only letters, digits, -, _ and ., and does not begin with -".to_owned(),
        );
    }
    let severity = reader.word(top, "severity", &["error", "warning", "note"]);
    let severity = severity.and_then(|word| Severity::named(&word));
    let (about, when) = when(&mut reader, top);
    let rule = Rule {
        id,
        // A severity that is none has been complained of.
        severity: severity.unwrap_or(Severity::Error),
        summary: reader.string(top, "summary").unwrap_or_default(),
        replaces: reader
            .texts(top, "replaces")
            .into_iter()
            .map(|(name, _)| name)
            .collect(),
        about,
        when,
        remedy: remedy(&mut reader, top),
        doc: doc(&mut reader, top),
    };
    reader.finish(rule)
}

fn when(reader: &mut Reader<'_>, top: &dyn TableLike) -> (About, Condition) {
    let nothing = (About::Endpoint, Condition::Any(Vec::new()));
    let Some(table) = reader.table(top, "when") else {
        if !top.contains_key("when") {
            reader.complain(
                place(top),
                "\"when\" is missing: what is the rule about?".to_owned(),
            );
        }
        return nothing;
    };
    let abouts = [
        About::Endpoint,
        About::Server,
        About::Setting,
        About::Trap,
        About::Exception,
    ];
    let about = if table.contains_key("about") {
        let Some(word) = reader.word(table, "about", &abouts.map(About::word)) else {
            return nothing;
        };
        abouts.into_iter().find(|about| about.word() == word)
    } else {
        None
    };
    let about = about.unwrap_or_default();
    let when = read::condition(reader, table, "[when]", about, None);
    (about, when)
}

fn remedy(reader: &mut Reader<'_>, top: &dyn TableLike) -> Remedy {
    let Some(table) = reader.table(top, "fix") else {
        return Remedy::None;
    };
    reader.only(table, "[fix]", &["edit"]);
    match reader
        .word(table, "edit", &["enforce-tls", "none"])
        .as_deref()
    {
        Some("enforce-tls") => Remedy::EnforceTls,
        Some(_) | None => Remedy::None,
    }
}

fn doc(reader: &mut Reader<'_>, top: &dyn TableLike) -> Doc {
    let Some(table) = reader.table(top, "doc") else {
        if !top.contains_key("doc") {
            reader.complain(
                place(top),
                "\"doc\" is missing: why does it matter?".to_owned(),
            );
        }
        return Doc::default();
    };
    reader.only(table, "[doc]", &["why", "verified", "remedy", "see"]);
    let mut doc = Doc {
        why: reader.string(table, "why").unwrap_or_default(),
        verified: reader.optional(table, "verified"),
        remedies: Vec::new(),
        see: reader
            .texts(table, "see")
            .into_iter()
            .map(|(text, _)| text)
            .collect(),
    };
    if let Some(remedies) = reader.table(table, "remedy") {
        reader.only(remedies, "[doc.remedy]", &REMEDIES.map(|(key, _)| key));
        for (key, heading) in REMEDIES {
            if let Some(text) = reader.optional(remedies, key) {
                doc.remedies.push((heading.to_owned(), text));
            }
        }
    }
    doc
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(name: &str, text: &str) -> Vec<String> {
        let errors = rule(name, text).expect_err("it is full of mistakes");
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_complaint_comes_at_once_with_its_place() {
        let text = "id = \"other\"\nseverity = \"grave\"\nsummary = \"x\"\nextra = 1\n\
            [when]\nverdict = [\"cleartext\", \"naked\"]\nports = 25\nport = \"smtp\"\ntls-fault = '('\nname = \"x\"\n\
            setting.ssl = \"no\"\nany = 3\n[doc]\nwhy = \"w\"\n";
        assert_eq!(
            complaints("name", text),
            [
                "1:6: id is \"other\", the file is named \"name\"; make them the same",
                "2:12: \"grave\" is not one of error, warning, note",
                "4:1: unknown key \"extra\" in a rule; known are id, severity, summary, replaces, when, fix, doc",
                "6:25: \"naked\" is not one of tls-only, cleartext, challenge, locked-out, no-auth, fails, unknown",
                "7:1: unknown key \"ports\" in [when] of a rule about each endpoint; did you mean \"port\"?",
                "8:8: \"port\" must be a port or a list of ports such as [25, 587]",
                "9:13: \"tls-fault\" is no regular expression: regex parse error:     (     ^ error: unclosed group",
                "10:1: unknown key \"name\" in [when] of a rule about each endpoint; known are all, any, not, server, from, before, setting, lacks, verdict, why, service, port, protocol, tls, reach, exempts, exemption, assumes, tls-fault, beside, about",
                "11:9: \"setting\" needs \"server\" beside it: whose setting is it?",
                "12:7: \"any\" must be a list of tables, each under [[any]]",
            ]
        );
    }

    #[test]
    fn an_id_means_nothing_to_a_terminal_or_a_shell() {
        for id in [
            "x\u{1b}[31m",
            "x\n::error::",
            "x; curl",
            "-x",
            "x y",
            "\u{202e}x",
        ] {
            let shown: String = id
                .chars()
                .map(|one| format!("\\u{:04x}", one as u32))
                .collect();
            let text = format!(
                "id = \"{shown}\"\nseverity = \"note\"\nsummary = \"s\"\n[doc]\nwhy = \"w\"\n[when]\nverdict = \"fails\"\n"
            );
            let complaints = complaints(id, &text);
            assert!(
                complaints
                    .iter()
                    .any(|one| one.contains("an id has only letters")),
                "{complaints:?}"
            );
        }
    }

    #[test]
    fn settings_have_to_exist() {
        let text = "id = \"r\"\nseverity = \"note\"\nsummary = \"s\"\n[doc]\nwhy = \"w\"\n[when]\nserver = \"postfix\"\n\
            not.setting.smtpd_tsl_auth_only = \"yes\"\nsetting.my_macro = \"yes\"\n\
            [[when.any]]\nserver = \"dovecot\"\nsetting.sll = \"no\"\n\
            [[when.any]]\nserver = \"dovecot\"\nsetting.disable_plaintext_auth = \"no\"\nsetting.ssl_key.set = true\n\
            [[when.any]]\nsetting.smtpd_tls_security_level = { at-least = \"encrypt\", shape = 3 }\n";
        assert_eq!(
            complaints("r", text),
            [
                "8:13: no release of Postfix knows \"smtpd_tsl_auth_only\"; did you mean \"smtpd_tls_auth_only\"?",
                "12:9: no release of Dovecot knows \"sll\"",
                "15:9: \"disable_plaintext_auth\" is the old name of a setting; write \"auth_allow_cleartext\", with the opposite value, which means it in every release",
                "16:9: \"ssl_key\" is the old name of a setting; write \"ssl_server_key_file\", which means it in every release",
                "18:49: \"at-least\" must be a number or a release of TLS such as \"TLSv1.2\"",
                "18:60: unknown key \"shape\" in what is asked of \"smtpd_tls_security_level\"; known are is, matches, has, every, at-least, empty, set, written-in",
            ]
        );
    }

    #[test]
    fn broken_toml_is_a_complaint_with_a_place() {
        let errors = rule("name", "id = \n").expect_err("there is no value");
        assert_eq!((errors[0].line, errors.len()), (1, 1));
    }
}
