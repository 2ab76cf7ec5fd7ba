//! A rule: one file in `rules/` that says what is worth a finding, why, and how to mend it.
//!
//! `load` beside this file reads it strictly, `condition` is what has to hold, `built_in` are those that come with the
//! program. Rules see the surface and its traps only; `finding` to the right is what they report.

mod built_in;
mod condition;
mod endpoint;
mod load;
mod read;
mod test;
mod truth;
mod vocabulary;
mod written;

use std::fmt;
use std::path::Path;

use crate::source::FileTree;
use crate::toml::TomlError;

pub use condition::{About, Case, Condition, ExceptionKind, Subject};
pub use truth::Truth;

/// What to do where nothing is like the name of a rule.
pub const THOSE_THERE_ARE: &str = "plainsight rules lists those there are, and --rules, or \"rules\" in plainsight.toml, adds a site's own";

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

impl Severity {
    /// The word for it in every output.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The severity of that word.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Note, Self::Warning, Self::Error]
            .into_iter()
            .find(|one| one.word() == word)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
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

/// What a person reads about a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doc {
    /// Why it matters.
    pub why: String,
    /// How the facts behind it were verified; a site's own rule need not say.
    pub verified: Option<String>,
    /// What to write, per server: the heading and the text.
    pub remedies: Vec<(String, String)>,
    /// Where to read on: manual pages and their settings, other rules.
    pub see: Vec<String>,
}

/// Whose remedy it is: the key in a rule, and the heading above it on a page.
const REMEDIES: [(&str, &str); 4] = [
    ("any", "What to do"),
    ("postfix", "Postfix"),
    ("dovecot-2_3", "Dovecot 2.3 and before"),
    ("dovecot-2_4", "Dovecot 2.4"),
];

impl Doc {
    /// What to write in one sentence, for the server with this key.
    pub fn advice(&self, key: &str) -> Option<String> {
        let (_, wanted) = REMEDIES.iter().find(|(one, _)| *one == key)?;
        let (_, text) = self
            .remedies
            .iter()
            .find(|(heading, _)| heading == wanted)?;
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let sentence = line.split_once(". ").map_or(&*line, |(first, _)| first);
        Some(sentence.trim_end_matches('.').to_owned())
    }
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
    /// The rules that say the same of the same endpoint in more general words, and are left out beside this one.
    pub replaces: Vec<String>,
    /// What it is about.
    pub about: About,
    /// What has to hold.
    pub when: Condition,
    /// What its fix does.
    pub remedy: Remedy,
    /// What a person reads about it.
    pub doc: Doc,
}

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
        built_in::rules()
    }

    /// The rules that come with the program and those in `directories`, by name. One of the latter takes the place of
    /// another of the same name.
    ///
    /// # Errors
    /// Everything that is wrong with the files, each as `file:line:column: message`.
    pub fn all<'p>(
        directories: impl IntoIterator<Item = &'p Path>,
    ) -> Result<Vec<Self>, Vec<String>> {
        let mut rules = Self::built_in();
        let mut errors = Vec::new();
        for directory in directories {
            match Self::in_directory(directory) {
                Ok(more) => {
                    rules.retain(|rule| !more.iter().any(|other| other.id == rule.id));
                    rules.extend(more);
                }
                Err(more) => errors.extend(more),
            }
        }
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        if errors.is_empty() {
            Ok(rules)
        } else {
            Err(errors)
        }
    }

    /// The rules in a directory, one in each file `NAME.toml`.
    fn in_directory(directory: &Path) -> Result<Vec<Self>, Vec<String>> {
        let shown = directory.display();
        let mut tree = FileTree::default();
        tree.mount("/", directory);
        if !directory.is_dir() {
            return Err(vec![format!("{shown}: no such directory of rules")]);
        }
        let mut rules = Vec::new();
        let mut errors = Vec::new();
        for path in tree.list(Path::new("/")) {
            let (Some(name), true) = (
                path.file_stem().map(|name| name.to_string_lossy()),
                path.extension().is_some_and(|ending| ending == "toml"),
            ) else {
                continue;
            };
            let file = format!("{shown}/{name}.toml");
            let text = match tree.read(&path).map(String::from_utf8) {
                Ok(Ok(text)) => text,
                Ok(Err(error)) => {
                    errors.push(format!("{file}: {}; TOML is UTF-8", error.utf8_error()));
                    continue;
                }
                Err(error) => {
                    errors.push(format!("{file}: {error}"));
                    continue;
                }
            };
            match Self::parse(&name, &text) {
                Ok(rule) => rules.push(rule),
                Err(more) => errors.extend(more.iter().map(|error| format!("{file}:{error}"))),
            }
        }
        if rules.is_empty() && errors.is_empty() {
            errors.push(format!("{shown}: no rule here; a rule is a file NAME.toml"));
        }
        if errors.is_empty() {
            Ok(rules)
        } else {
            Err(errors)
        }
    }
}
