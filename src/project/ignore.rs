//! An ignore: findings that are known and put up with. `[[ignore]]` of plainsight.toml.

use glob::{MatchOptions, Pattern, PatternError};
use jiff::civil::Date;
use toml_edit::TableLike;

use crate::toml::{Reader, place};

/// Which findings to put up with, and why. All that is given has to fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignore {
    /// The rules.
    pub rules: Vec<String>,
    /// Which servers, by their path from the project file.
    pub server: Option<Pattern>,
    /// Which endpoints, by their id: `postfix:smtp inet:*:25`.
    pub endpoint: Option<Pattern>,
    /// In which files, by their path from the project file.
    pub file: Option<Pattern>,
    /// The one finding of this fingerprint.
    pub fingerprint: Option<String>,
    /// Why.
    pub reason: String,
    /// Who looks after it.
    pub owner: Option<String>,
    /// The last day on which it holds; for ever without one.
    pub until: Option<Date>,
    /// The line in plainsight.toml.
    pub line: usize,
}

/// The keys of `[[ignore]]`.
pub(super) const KEYS: &[&str] = &[
    "rule",
    "server",
    "endpoint",
    "file",
    "fingerprint",
    "reason",
    "owner",
    "until",
];

/// A `*` does not cross a `/`, and a file that begins with a dot is one like any other.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

impl Ignore {
    /// Whether its last day has passed.
    pub fn is_expired(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }
}

/// Whether a pattern, if there is one, matches a text, if there is one.
pub fn fits(pattern: Option<&Pattern>, text: Option<&str>) -> bool {
    pattern.is_none_or(|pattern| text.is_some_and(|text| pattern.matches_with(text, OPTIONS)))
}

/// A pattern for paths from the project file; `./hosts/mx/`, as `check` and a shell show it, is `hosts/mx`.
///
/// # Errors
/// Where it is no pattern.
pub(super) fn path_pattern(text: &str) -> Result<Pattern, PatternError> {
    let path = text.trim_end_matches('/');
    let path = path.strip_prefix("./").unwrap_or(path);
    Pattern::new(if text.starts_with('/') { text } else { path })
}

/// Reads every `[[ignore]]`.
pub(super) fn ignores(reader: &mut Reader<'_>, top: &dyn TableLike) -> Vec<Ignore> {
    let mut ignores = Vec::new();
    for (table, header) in reader.placed_tables(top, "ignore") {
        reader.only(table, "[[ignore]]", KEYS);
        if !table.contains_key("rule") {
            reader.complain(place(table), "\"rule\" is missing".to_owned());
        }
        let rules = reader.texts(table, "rule");
        reader.not_empty(table, "rule");
        ignores.push(Ignore {
            rules: rules.into_iter().map(|(rule, _)| rule).collect(),
            server: pattern(reader, table, "server", path_pattern),
            endpoint: pattern(reader, table, "endpoint", Pattern::new),
            file: pattern(reader, table, "file", path_pattern),
            fingerprint: reader.optional(table, "fingerprint"),
            reason: reader.string(table, "reason").unwrap_or_default(),
            owner: reader.optional(table, "owner"),
            until: reader.date(table, "until"),
            line: reader.line(header),
        });
    }
    ignores
}

fn pattern(
    reader: &mut Reader<'_>,
    table: &dyn TableLike,
    key: &str,
    read: fn(&str) -> Result<Pattern, PatternError>,
) -> Option<Pattern> {
    let span = table.get(key).and_then(toml_edit::Item::span);
    let text = reader.optional(table, key)?;
    match read(&text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            reader.complain(span, format!("\"{key}\" is no pattern: {}", error.msg));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_known_as_check_and_a_shell_show_it() {
        for (text, path) in [
            ("hosts/mx1", "hosts/mx1"),
            ("./hosts/mx1/", "hosts/mx1"),
            ("./", "."),
            (".", "."),
            ("hosts/*/", "hosts/mx1"),
        ] {
            let pattern = path_pattern(text).expect("it is a pattern");
            assert!(fits(Some(&pattern), Some(path)), "{text}");
        }
    }
}
