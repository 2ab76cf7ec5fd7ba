//! A rule: one file in `rules/` that says which endpoints are worth a finding, why, and how to mend them.
//!
//! `load` beside this file reads it strictly. Rules see the surface only; `finding` to the right is what they report.

mod load;

use std::fmt;

use regex::bytes::Regex;

use crate::surface::{Endpoint, Server};
use crate::toml::TomlError;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Note,
    /// Worth a look before the next change.
    Warning,
    /// Passwords are exposed or clients are shut out.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// What a rule's fix does to the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Set `smtpd_tls_auth_only = yes` and `ssl = required` where they belong, as `plainsight diff` does.
    EnforceTls,
    /// Nothing that a program should do by itself.
    None,
}

/// The endpoints a rule is about. A list that is empty leaves the matter open.
#[derive(Clone, Debug, Default)]
pub struct When {
    /// The server behind the endpoint.
    pub server: Option<Server>,
    /// The words of the verdicts.
    pub verdict: Vec<String>,
    /// What the service's name has to match, such as `^submission`.
    pub service: Option<Regex>,
}

impl When {
    /// Whether the rule speaks of this endpoint.
    pub fn holds(&self, endpoint: &Endpoint) -> bool {
        self.server.is_none_or(|server| server == endpoint.server)
            && self
                .service
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(endpoint.service.as_bytes()))
            && (self.verdict.is_empty()
                || self
                    .verdict
                    .iter()
                    .any(|word| word == endpoint.verdict.word()))
    }
}

/// What a person reads about a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doc {
    /// Why it matters.
    pub why: String,
    /// How the facts behind it were verified.
    pub verified: String,
    /// What to write, per server: the heading and the text.
    pub remedies: Vec<(String, String)>,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, the same as its file's.
    pub id: String,
    /// How grave its findings are.
    pub severity: Severity,
    /// One line about what was found.
    pub summary: String,
    /// Which endpoints it is about.
    pub when: When,
    /// What its fix does.
    pub remedy: Remedy,
    /// What a person reads about it.
    pub doc: Doc,
}

/// The rules that come with the program, as (name, text).
const BUILT_IN: [(&str, &str); 5] = [
    (
        "dovecot-cleartext-login",
        include_str!("../../rules/dovecot-cleartext-login.toml"),
    ),
    ("locked-out", include_str!("../../rules/locked-out.toml")),
    (
        "postfix-cleartext-login",
        include_str!("../../rules/postfix-cleartext-login.toml"),
    ),
    (
        "service-fails",
        include_str!("../../rules/service-fails.toml"),
    ),
    ("undecided", include_str!("../../rules/undecided.toml")),
];

impl Rule {
    /// Reads one rule; `name` is its file's name without `.toml`.
    ///
    /// # Errors
    /// Everything that is wrong with the text, each with line and column.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<TomlError>> {
        load::rule(name, text)
    }

    /// The rules that come with the program, by name.
    pub fn built_in() -> Vec<Self> {
        BUILT_IN
            .iter()
            .filter_map(|(name, text)| Self::parse(name, text).ok())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_that_comes_with_the_program_is_well_formed() {
        let mut names = Vec::new();
        for (name, text) in BUILT_IN {
            let rule = Rule::parse(name, text);
            assert!(rule.is_ok(), "rules/{name}.toml: {rule:?}");
            names.push(name);
        }
        let mut files: Vec<String> =
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/rules"))
                .expect("rules/ is part of the project")
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().replace(".toml", ""))
                .collect();
        files.sort();
        assert_eq!(names, files, "each file in rules/ is embedded, in order");
    }
}
