//! A release: which one of each server runs, everywhere or on some servers only. `[versions]` of plainsight.toml.

use glob::Pattern;
use toml_edit::{Item, TableLike};

use crate::toml::Reader;
use crate::version::Version;

use super::ignore::{fits, path_pattern};

/// The releases that run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Releases {
    /// Of Postfix.
    pub postfix: Option<Version>,
    /// Of Dovecot.
    pub dovecot: Option<Version>,
}

/// The releases of all servers, and of some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    everywhere: Releases,
    /// Those of the servers whose path from the project file a pattern matches.
    some: Vec<(Pattern, Releases)>,
}

impl Versions {
    /// The releases of a server, by its path from the project file: the first table that fits and names one decides.
    pub fn of(&self, server: &str) -> Releases {
        let fitting = self
            .some
            .iter()
            .filter(|(pattern, _)| fits(Some(pattern), Some(server)))
            .map(|(_, releases)| releases);
        fitting
            .chain([&self.everywhere])
            .fold(Releases::default(), |found, next| Releases {
                postfix: found.postfix.or(next.postfix),
                dovecot: found.dovecot.or(next.dovecot),
            })
    }
}

const KEYS: [&str; 2] = ["postfix", "dovecot"];

/// Reads `[versions]` and each `[versions."PATTERN"]`.
pub(super) fn versions(reader: &mut Reader<'_>, table: &dyn TableLike) -> Versions {
    let tables: Vec<&str> = table
        .iter()
        .filter(|(key, item)| !KEYS.contains(key) && item.is_table_like())
        .map(|(key, _)| key)
        .collect();
    reader.only(table, "[versions]", &[&KEYS[..], &tables].concat());
    let mut versions = Versions {
        everywhere: releases(reader, table),
        some: Vec::new(),
    };
    for name in tables {
        let Some(table) = table.get(name).and_then(Item::as_table_like) else {
            continue;
        };
        reader.only(table, &format!("[versions.\"{name}\"]"), &KEYS);
        let releases = releases(reader, table);
        match path_pattern(name) {
            Ok(pattern) => versions.some.push((pattern, releases)),
            Err(error) => {
                let why = error.msg;
                reader.complain(
                    crate::toml::place(table),
                    format!("\"{name}\" is no pattern for the path of a server: {why}"),
                );
            }
        }
    }
    versions
}

fn releases(reader: &mut Reader<'_>, table: &dyn TableLike) -> Releases {
    Releases {
        postfix: version(reader, table, "postfix"),
        dovecot: version(reader, table, "dovecot"),
    }
}

fn version(reader: &mut Reader<'_>, table: &dyn TableLike, key: &str) -> Option<Version> {
    let span = table.get(key).and_then(Item::span);
    let text = reader.optional(table, key)?;
    match text.parse() {
        Ok(version) => Some(version),
        Err(why) => {
            reader.complain(span, why);
            None
        }
    }
}
