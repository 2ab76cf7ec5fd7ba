//! A parameter that the programs of Postfix know: its type, its limits and its default, release by release.
//!
//! The table itself is `builtin.txt` beside this file. Its order is the order in which smtpd loads its parameters, and that
//! order is part of the language: a value that refers to a parameter which main.cf does not set sees its default only if
//! that was loaded before (get_mail_conf_str and its like store the default when they come to it).

use std::sync::OnceLock;

use hashbrown::HashMap;

use crate::version::Version;

/// How a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, after `$` expansion; the limits are for its length.
    Text,
    /// Text as it stands, expanded later or never.
    Raw,
    /// `yes` or `no` in any case.
    Bool,
    /// A whole number.
    Number,
    /// A number with a unit.
    Time,
    /// Text whose default the program finds out on the machine (host name, own networks, its version).
    Computed,
}

/// Which program loads a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loader {
    /// Every program, master among them.
    All,
    /// Only master.
    Master,
    /// Only smtpd, after all that every program loads.
    Smtpd,
}

/// One parameter, as some releases have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// How its value is read.
    pub kind: Kind,
    /// Which program loads it.
    pub loader: Loader,
    /// Its place in the order of loading; rows of one name may have different places.
    pub position: usize,
    /// The smallest value or length that is accepted, if there is a limit.
    pub least: Option<i64>,
    /// The largest value or length that is accepted, if there is a limit.
    pub most: Option<i64>,
    /// The first release that has it so; "always" where no release is known without it.
    pub since: &'static str,
    /// The releases that have it so.
    from: Option<Version>,
    before: Option<Version>,
    /// The value where main.cf gives none, before `$` expansion.
    pub default: &'static str,
}

impl Builtin {
    /// Whether `version` has it so.
    fn holds(&self, version: Version) -> bool {
        self.from.is_none_or(|from| from <= version)
            && self.before.is_none_or(|before| version < before)
    }
}

/// The parameter `name` as `version` has it.
pub fn find(name: &[u8], version: Version) -> Option<&'static Builtin> {
    let rows = table().by_name.get(name)?;
    rows.iter().find(|row| row.holds(version))
}

/// The releases at which the default of a parameter changes, or the language in which values are written, ascending.
pub fn default_changes(name: &str) -> Vec<Version> {
    let rows = table().by_name.get(name.as_bytes()).into_iter().flatten();
    let mut changes: Vec<Version> = rows
        .flat_map(|row| [row.from, row.before])
        .flatten()
        .chain([Version::new(3, 0), Version::new(3, 6), Version::new(3, 11)])
        .collect();
    changes.sort_unstable();
    changes.dedup();
    changes
}

/// The names of all parameters that some release of master and smtpd knows, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    table().names.iter().copied()
}

struct Table {
    by_name: HashMap<&'static [u8], Vec<Builtin>>,
    names: Vec<&'static str>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut loader = Loader::All;
        let mut position = 0;
        let mut by_name: HashMap<&'static [u8], Vec<Builtin>> = HashMap::new();
        let mut names: Vec<&str> = Vec::new();
        for line in include_str!("builtin.txt").lines() {
            match line {
                "# global" => loader = Loader::All,
                "# master" => loader = Loader::Master,
                "# smtpd" => loader = Loader::Smtpd,
                _ => {
                    if let Some(row) = row(line, loader, position) {
                        position += 1;
                        names.push(row.name);
                        by_name.entry(row.name.as_bytes()).or_default().push(row);
                    }
                }
            }
        }
        names.sort_unstable();
        names.dedup();
        Table { by_name, names }
    })
}

/// Reads one row of the table; none where it is a comment.
fn row(line: &'static str, loader: Loader, position: usize) -> Option<Builtin> {
    let mut fields = line.splitn(6, ' ');
    let name = fields.next().filter(|name| !name.starts_with('#'))?;
    let kind = match fields.next()? {
        "str" => Kind::Text,
        "raw" => Kind::Raw,
        "bool" | "nbool" => Kind::Bool,
        "int" | "long" | "nint" => Kind::Number,
        "time" => Kind::Time,
        "computed" => Kind::Computed,
        _ => return None,
    };
    let (least, most) = fields.next()?.split_once("..").unwrap_or_default();
    let since = fields.next()?;
    let before = fields.next()?;
    Some(Builtin {
        name,
        kind,
        loader,
        position,
        least: least.parse().ok(),
        most: most.parse().ok(),
        since: if since == "-" { "always" } else { since },
        from: since.parse().ok(),
        before: before.parse().ok(),
        default: fields.next().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        let rows = include_str!("builtin.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .count();
        let read: usize = table().by_name.values().map(Vec::len).sum();
        assert_eq!(read, rows);
        assert!(names().count() > 300);
    }

    #[test]
    fn a_parameter_has_the_default_of_its_release() {
        let of = |name: &str, major, minor| {
            find(name.as_bytes(), Version::new(major, minor)).map(|row| row.default)
        };
        assert_eq!(of("smtpd_tls_auth_only", 2, 3), Some("no"));
        assert_eq!(of("smtpd_tls_chain_files", 3, 3), None);
        assert_eq!(of("smtpd_tls_chain_files", 3, 4), Some(""));
        assert_eq!(of("syslog_name", 2, 5), Some("postfix"));
        assert_eq!(
            of("smtpd_tls_key_file", 3, 11),
            Some("$smtpd_tls_cert_file")
        );
    }
}
