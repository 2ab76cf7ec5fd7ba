//! Reading a rule from its TOML.

use regex::bytes::Regex;
use toml_edit::{Item, TableLike};

use crate::surface::Server;
use crate::toml::{Reader, TomlError};

use super::{Doc, Remedy, Rule, Severity, When};

const VERDICTS: &[&str] = &[
    "tls-only",
    "cleartext",
    "challenge",
    "locked-out",
    "no-auth",
    "fails",
    "unknown",
];

pub(super) fn rule(name: &str, text: &str) -> Result<Rule, Vec<TomlError>> {
    let (mut reader, document) = Reader::parse(text)?;
    let top: &dyn TableLike = document.as_table();
    reader.only(
        top,
        "a rule",
        &["id", "severity", "summary", "when", "fix", "doc"],
    );
    let id = reader.string(top, "id").unwrap_or_default();
    if id != name {
        let span = top.get("id").and_then(Item::span);
        reader.complain(
            span,
            format!("id is \"{id}\", the file is named \"{name}\"; make them the same"),
        );
    }
    let severity = reader
        .word(top, "severity", &["error", "warning", "note"])
        .unwrap_or_default();
    let rule = Rule {
        id,
        severity: match severity.as_str() {
            "error" => Severity::Error,
            "warning" => Severity::Warning,
            _ => Severity::Note,
        },
        summary: reader.string(top, "summary").unwrap_or_default(),
        when: when(&mut reader, top),
        remedy: remedy(&mut reader, top),
        doc: doc(&mut reader, top),
    };
    reader.finish(rule)
}

fn when(reader: &mut Reader<'_>, top: &dyn TableLike) -> When {
    let Some(table) = reader.table(top, "when") else {
        if top.get("when").is_none() {
            reader.complain(None, "\"when\" is missing: which endpoints?".to_owned());
        }
        return When::default();
    };
    reader.only(table, "[when]", &["server", "verdict", "service"]);
    let server = table
        .contains_key("server")
        .then(|| reader.word(table, "server", &["postfix", "dovecot"]))
        .flatten();
    When {
        server: match server.as_deref() {
            Some("postfix") => Some(Server::Postfix),
            Some("dovecot") => Some(Server::Dovecot),
            Some(_) | None => None,
        },
        verdict: words(reader, table, "verdict", VERDICTS),
        service: pattern(reader, table, "service"),
    }
}

/// A regular expression.
fn pattern(reader: &mut Reader<'_>, table: &dyn TableLike, key: &str) -> Option<Regex> {
    let item = table.get(key)?;
    match Regex::new(item.as_str().unwrap_or_default()) {
        Ok(pattern) if item.is_str() => Some(pattern),
        Ok(_) => {
            reader.complain(item.span(), format!("\"{key}\" must be a text"));
            None
        }
        Err(error) => {
            let why = error.to_string().replace('\n', " ");
            reader.complain(
                item.span(),
                format!("\"{key}\" is no regular expression: {why}"),
            );
            None
        }
    }
}

/// A list, each entry of which has to be one of `words`.
fn words(reader: &mut Reader<'_>, table: &dyn TableLike, key: &str, words: &[&str]) -> Vec<String> {
    let Some(item) = table.get(key) else {
        return Vec::new();
    };
    let Some(array) = item.as_array() else {
        reader.complain(item.span(), format!("\"{key}\" must be a list of words"));
        return Vec::new();
    };
    let mut known = Vec::new();
    for value in array {
        match value.as_str() {
            Some(word) if words.contains(&word) => known.push(word.to_owned()),
            Some(word) => reader.complain(
                value.span(),
                format!("\"{word}\" is not one of {}", words.join(", ")),
            ),
            None => reader.complain(
                value.span(),
                format!("\"{key}\" holds words in quotes, such as \"{}\"", words[0]),
            ),
        }
    }
    known
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
        if top.get("doc").is_none() {
            reader.complain(None, "\"doc\" is missing: why does it matter?".to_owned());
        }
        return Doc::default();
    };
    reader.only(table, "[doc]", &["why", "verified", "remedy"]);
    let mut doc = Doc {
        why: reader.string(table, "why").unwrap_or_default(),
        verified: reader.string(table, "verified").unwrap_or_default(),
        remedies: Vec::new(),
    };
    if let Some(remedies) = reader.table(table, "remedy") {
        reader.only(
            remedies,
            "[doc.remedy]",
            &["postfix", "dovecot-2_3", "dovecot-2_4"],
        );
        for (key, heading) in [
            ("postfix", "Postfix"),
            ("dovecot-2_3", "Dovecot 2.3 and before"),
            ("dovecot-2_4", "Dovecot 2.4"),
        ] {
            if remedies.contains_key(key) {
                let text = reader.string(remedies, key).unwrap_or_default();
                doc.remedies.push((heading.to_owned(), text));
            }
        }
    }
    doc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_complaint_comes_at_once_with_its_place() {
        let text = "id = \"other\"\nseverity = \"grave\"\nsummary = \"x\"\nextra = 1\n\
            [when]\nverdict = [\"cleartext\", \"naked\"]\n[doc]\nwhy = \"w\"\nverified = \"v\"\n";
        let errors: Vec<String> = rule("name", text)
            .expect_err("it is full of mistakes")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            errors,
            [
                "1:6: id is \"other\", the file is named \"name\"; make them the same",
                "2:12: \"grave\" is not one of error, warning, note",
                "4:1: unknown key \"extra\" in a rule; known are id, severity, summary, when, fix, doc",
                "6:25: \"naked\" is not one of tls-only, cleartext, challenge, locked-out, no-auth, fails, unknown",
            ]
        );
    }

    #[test]
    fn a_rule_can_be_about_services_of_one_name() {
        let text = |pattern: &str| {
            format!(
                "id = \"r\"\nseverity = \"note\"\nsummary = \"s\"\n\
                 [when]\nservice = '{pattern}'\n[doc]\nwhy = \"w\"\nverified = \"v\"\n"
            )
        };
        let found = rule("r", &text("^submission ")).map(|rule| rule.when.service);
        let matches = |name: &str| {
            found.as_ref().is_ok_and(|found| {
                found
                    .as_ref()
                    .is_some_and(|one| one.is_match(name.as_bytes()))
            })
        };
        assert!(matches("submission inet") && !matches("smtp inet"));
        let errors = rule("r", &text("(")).expect_err("the parenthesis stays open");
        assert_eq!((errors[0].line, errors[0].column), (5, 11));
    }

    #[test]
    fn broken_toml_is_a_complaint_with_a_place() {
        let errors = rule("name", "id = \n").expect_err("there is no value");
        assert_eq!((errors[0].line, errors.len()), (1, 1));
    }
}
