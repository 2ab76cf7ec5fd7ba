//! Reading a rule strictly: every key is known, every word is one of a closed list, every complaint has a place.

use std::fmt;
use std::ops::Range;

use regex::bytes::Regex;
use toml_edit::{Document, Item, TableLike};

use crate::source;
use crate::surface::Server;

use super::{Doc, Remedy, Rule, Severity, When};

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for RuleError {}

const VERDICTS: &[&str] = &[
    "tls-only",
    "cleartext",
    "challenge",
    "locked-out",
    "no-auth",
    "fails",
    "unknown",
];

/// The text being read and the complaints so far.
struct Reader<'a> {
    text: &'a str,
    errors: Vec<RuleError>,
}

pub(super) fn rule(name: &str, text: &str) -> Result<Rule, Vec<RuleError>> {
    let mut reader = Reader {
        text,
        errors: Vec::new(),
    };
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            reader.complain(error.span(), error.message().to_owned());
            return Err(reader.errors);
        }
    };
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
        when: reader.when(top),
        remedy: reader.remedy(top),
        doc: reader.doc(top),
    };
    if reader.errors.is_empty() {
        Ok(rule)
    } else {
        Err(reader.errors)
    }
}

impl Reader<'_> {
    fn complain(&mut self, span: Option<Range<usize>>, message: String) {
        let place = source::position(self.text.as_bytes(), span.map_or(0, |span| span.start));
        self.errors.push(RuleError {
            line: place.line,
            column: place.column,
            message,
        });
    }

    /// Complains about every key that is not one of `known`.
    fn only(&mut self, table: &dyn TableLike, what: &str, known: &[&str]) {
        let unknown: Vec<(String, Option<Range<usize>>)> = table
            .iter()
            .filter(|(key, _)| !known.contains(key))
            .map(|(key, item)| {
                let place = table.key(key).and_then(toml_edit::Key::span);
                (key.to_owned(), place.or_else(|| item.span()))
            })
            .collect();
        for (key, span) in unknown {
            self.complain(
                span,
                format!(
                    "unknown key \"{key}\" in {what}; known are {}",
                    known.join(", ")
                ),
            );
        }
    }

    fn table<'t>(&mut self, parent: &'t dyn TableLike, key: &str) -> Option<&'t dyn TableLike> {
        let item = parent.get(key)?;
        let table = item.as_table_like();
        if table.is_none() {
            self.complain(item.span(), format!("\"{key}\" must be a table, [{key}]"));
        }
        table
    }

    /// A text that has to be there.
    fn string(&mut self, table: &dyn TableLike, key: &str) -> Option<String> {
        let Some(item) = table.get(key) else {
            self.complain(None, format!("\"{key}\" is missing"));
            return None;
        };
        let text = item.as_str().map(|text| text.trim().to_owned());
        if text.as_ref().is_none_or(String::is_empty) {
            self.complain(item.span(), format!("\"{key}\" must be a text"));
        }
        text
    }

    /// A text that has to be one of `words`.
    fn word(&mut self, table: &dyn TableLike, key: &str, words: &[&str]) -> Option<String> {
        let word = self.string(table, key)?;
        if !words.contains(&word.as_str()) {
            let span = table.get(key).and_then(Item::span);
            self.complain(
                span,
                format!("\"{word}\" is not one of {}", words.join(", ")),
            );
        }
        Some(word)
    }

    fn when(&mut self, top: &dyn TableLike) -> When {
        let Some(table) = self.table(top, "when") else {
            if top.get("when").is_none() {
                self.complain(None, "\"when\" is missing: which endpoints?".to_owned());
            }
            return When::default();
        };
        self.only(table, "[when]", &["server", "verdict", "service"]);
        let server = table
            .contains_key("server")
            .then(|| self.word(table, "server", &["postfix", "dovecot"]))
            .flatten();
        When {
            server: match server.as_deref() {
                Some("postfix") => Some(Server::Postfix),
                Some("dovecot") => Some(Server::Dovecot),
                Some(_) | None => None,
            },
            verdict: self.words(table, "verdict", VERDICTS),
            service: self.pattern(table, "service"),
        }
    }

    /// A regular expression.
    fn pattern(&mut self, table: &dyn TableLike, key: &str) -> Option<Regex> {
        let item = table.get(key)?;
        match Regex::new(item.as_str().unwrap_or_default()) {
            Ok(pattern) if item.is_str() => Some(pattern),
            Ok(_) => {
                self.complain(item.span(), format!("\"{key}\" must be a text"));
                None
            }
            Err(error) => {
                let why = error.to_string().replace('\n', " ");
                self.complain(
                    item.span(),
                    format!("\"{key}\" is no regular expression: {why}"),
                );
                None
            }
        }
    }

    /// A list, each entry of which has to be one of `words`.
    fn words(&mut self, table: &dyn TableLike, key: &str, words: &[&str]) -> Vec<String> {
        let Some(item) = table.get(key) else {
            return Vec::new();
        };
        let Some(array) = item.as_array() else {
            self.complain(item.span(), format!("\"{key}\" must be a list of words"));
            return Vec::new();
        };
        let mut known = Vec::new();
        for value in array {
            match value.as_str() {
                Some(word) if words.contains(&word) => known.push(word.to_owned()),
                Some(word) => self.complain(
                    value.span(),
                    format!("\"{word}\" is not one of {}", words.join(", ")),
                ),
                None => self.complain(
                    value.span(),
                    format!("\"{key}\" holds words in quotes, such as \"{}\"", words[0]),
                ),
            }
        }
        known
    }

    fn remedy(&mut self, top: &dyn TableLike) -> Remedy {
        let Some(table) = self.table(top, "fix") else {
            return Remedy::None;
        };
        self.only(table, "[fix]", &["edit"]);
        match self
            .word(table, "edit", &["enforce-tls", "none"])
            .as_deref()
        {
            Some("enforce-tls") => Remedy::EnforceTls,
            Some(_) | None => Remedy::None,
        }
    }

    fn doc(&mut self, top: &dyn TableLike) -> Doc {
        let Some(table) = self.table(top, "doc") else {
            if top.get("doc").is_none() {
                self.complain(None, "\"doc\" is missing: why does it matter?".to_owned());
            }
            return Doc::default();
        };
        self.only(table, "[doc]", &["why", "verified", "remedy"]);
        let mut doc = Doc {
            why: self.string(table, "why").unwrap_or_default(),
            verified: self.string(table, "verified").unwrap_or_default(),
            remedies: Vec::new(),
        };
        if let Some(remedies) = self.table(table, "remedy") {
            self.only(
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
                    let text = self.string(remedies, key).unwrap_or_default();
                    doc.remedies.push((heading.to_owned(), text));
                }
            }
        }
        doc
    }
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
                "4:1: unknown key \"extra\" in a rule; known are id, severity, summary, when, fix, doc",
                "1:6: id is \"other\", the file is named \"name\"; make them the same",
                "2:12: \"grave\" is not one of error, warning, note",
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
