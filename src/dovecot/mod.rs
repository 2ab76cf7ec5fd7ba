//! The configuration of one Dovecot instance: dovecot.conf and all that it includes, lossless.
//!
//! This module knows the language and how values come about in every scope; it knows nothing about TLS policy.
//! `surface::dovecot` to the right judges what it means.
//!
//! Two families of releases read different languages: up to 2.3, and from 2.4 on.
//! Which of them a tree is written in shows in its first line (`dovecot_config_version`) or in the names it uses.

mod block;
mod check;
mod conflict;
mod file;
mod heredoc;
mod include;
mod input;
mod joined;
mod line;
mod lookup;
mod names;
mod old;
mod read;
mod scope;
mod section;
mod service;
mod setting;
mod variable;

use std::path::Path;

use bstr::BString;

use crate::source::{FileId, Problem, Sources, Span};
use crate::version::{Range, Version};

pub use conflict::Conflict;
pub use file::{CommentedOut, Entry, EntryKind, File};
pub use line::ValueKind;
pub use lookup::{Lookup, Value, shown};
pub use names::{is_known, native, renamed};
pub use scope::{Net, Scope, ScopeId, Section};
pub use service::{Listener, Login, Protocols, logins};

/// The releases that read one language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// 2.0 to 2.3.
    #[default]
    V23,
    /// 2.4 and later.
    V24,
}

impl Family {
    /// The family of a release.
    pub fn of(version: Version) -> Self {
        if version < Version::new(2, 4) {
            Self::V23
        } else {
            Self::V24
        }
    }
}

/// `key = value`, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The key as it is written.
    pub key: BString,
    /// The newest name of the setting; `inet_listener_port` for `port` in a listener.
    pub name: BString,
    /// The entry of a list that it sets, for `imap = yes` inside of `protocols {` (2.4).
    pub item: Option<BString>,
    /// Where the key stands.
    pub key_span: Span,
    /// Where the value stands, without its quotes or its `<`; a heredoc from its `<<` to the line that ends it.
    pub value_span: Span,
    /// How the value is written.
    pub kind: ValueKind,
    /// The whole line (or lines, where continuations join them) with its ending.
    pub span: Span,
    /// The sections around it.
    pub scope: ScopeId,
    /// The value as the daemon holds it: without quotes, after variables. For `<file` the path if it names a
    /// certificate or key, what the file holds otherwise.
    pub text: BString,
    /// The path behind `<`, as it is written.
    pub file: Option<BString>,
    /// What the value depends on that no file tells; the text is then as far as it is known.
    pub unknown: Option<String>,
    /// It is not written like that: a setting of 1.x stands for it.
    pub translated: bool,
}

/// `@label = name`: a group of settings that holds in this scope (2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupUse {
    /// The scope it is used in.
    pub scope: ScopeId,
    /// Without the `@`.
    pub label: BString,
    /// Which of the label's groups.
    pub name: BString,
    /// The line.
    pub span: Span,
}

/// An include whose files are not part of what was given to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Where the pattern stands.
    pub span: Span,
    /// The pattern, made absolute.
    pub pattern: BString,
}

/// One dovecot.conf with its includes.
#[derive(Debug, Default)]
pub struct Config {
    /// The language it is written in.
    pub family: Family,
    /// The files, in the order of their first reading; dovecot.conf is the first, if it could be read.
    pub files: Vec<File>,
    /// Every scope, in the order of its first opening; the first is the global one.
    pub scopes: Vec<Scope>,
    /// Every assignment in reading order; the last in its scope holds there.
    pub assignments: Vec<Assignment>,
    /// The uses of groups, in reading order.
    pub group_uses: Vec<GroupUse>,
    /// Includes that name files outside of what was given.
    pub unread: Vec<Unread>,
    /// What is wrong or doubtful, in reading order.
    pub problems: Vec<Problem>,
    /// Those of the problems for which the daemon does not start.
    pub refusals: Vec<Problem>,
    /// The first statement of a template in a file: which of its lines there are depends on it.
    pub statement: Option<Span>,
    /// The value of `dovecot_config_version`.
    pub config_version: Option<Version>,
    /// The first line that continues in the next, which releases before 2.2.22 do not know.
    pub continued: Option<Span>,
    /// The first such line of those up to `dovecot_config_version`, by which 2.4.2 and later fail.
    pub continued_header: Option<Span>,
    /// The first line before `dovecot_config_version` that cannot be read, which 2.4.2 and later pass over.
    pub passed_over: Option<Problem>,
    /// The first heredoc, and what releases before 2.4.5 say to it: they look for a file `<MARK`.
    pub heredoc: Option<Problem>,
    /// The release whose `doveconf -n` wrote the main file (`# 2.3.19.1 (…): /etc/dovecot/dovecot.conf`).
    pub written_by: Option<Version>,
    /// Only parts of a tree were given: no dovecot.conf, so that what is missing is taken as the packages have it.
    pub partial: bool,
    /// The names of the files that were read, without their directories.
    read_names: Vec<String>,
    /// How values are looked up.
    index: block::Index,
}

impl Config {
    /// Reads `file` (a daemon path such as `/etc/dovecot/dovecot.conf`) and what it includes.
    pub fn load(sources: &mut Sources, file: &Path) -> Self {
        let family = if input::first_is_header(sources, file) {
            Family::V24
        } else {
            Family::V23
        };
        let config = read::read(sources, file, family);
        if family == Family::V23 && config.looks_like_24() {
            return read::read(sources, file, Family::V24);
        }
        config
    }

    /// Whether names that only 2.4 knows outnumber those that it dropped.
    fn looks_like_24(&self) -> bool {
        let (mut new, mut old) = (0_usize, 0_usize);
        for assignment in &self.assignments {
            match assignment.key.as_slice() {
                b"dovecot_config_version" | b"dovecot_storage_version" => return true,
                b"auth_allow_cleartext"
                | b"mail_driver"
                | b"mail_path"
                | b"ssl_server_cert_file"
                | b"ssl_server_key_file"
                | b"ssl_server_dh_file"
                | b"ssl_server_ca_file" => new += 1,
                b"disable_plaintext_auth"
                | b"ssl_cert"
                | b"ssl_key"
                | b"ssl_dh"
                | b"ssl_ca"
                | b"mail_location" => old += 1,
                _ => {}
            }
        }
        new > old
    }

    /// The main file, where it could be read.
    pub fn main_file(&self) -> Option<FileId> {
        self.files.first().map(|file| file.file)
    }

    /// A scope by its id.
    pub fn scope(&self, id: ScopeId) -> Option<&Scope> {
        self.scopes.get(id.index())
    }

    /// The ids of all scopes, in the order of their first opening.
    pub fn scope_ids(&self) -> impl Iterator<Item = ScopeId> + use<> {
        (0..u32::try_from(self.scopes.len()).unwrap_or(u32::MAX)).map(ScopeId::nth)
    }

    /// The scope's sections, the outermost first.
    pub fn path(&self, scope: ScopeId) -> Vec<Section> {
        let mut path = Vec::new();
        let mut at = self.scopes.get(scope.index());
        while let Some(scope) = at {
            path.extend(scope.section.clone());
            at = scope
                .parent
                .and_then(|parent| self.scopes.get(parent.index()));
        }
        path.reverse();
        path
    }

    /// The assignments of a setting in all scopes, by any of its names, in reading order.
    pub fn all(&self, setting: &str) -> impl Iterator<Item = &Assignment> {
        let name = names::newest(setting.as_bytes(), &[]);
        self.assignments
            .iter()
            .filter(move |assignment| assignment.name == name)
    }

    /// The assignment of a setting that holds in one scope by itself: the last of them.
    pub fn winner(&self, setting: &str, scope: ScopeId) -> Option<&Assignment> {
        let name = names::newest(setting.as_bytes(), &[]);
        self.assignments
            .iter()
            .rev()
            .find(|assignment| assignment.scope == scope && assignment.name == name)
    }
}

/// The newest `dovecot_config_version` that every release of 2.4 takes: each reads its own and older ones, and Debian's
/// 2.4.1 all up to this (live).
pub const HEADER_OF_ALL: Version = Version::patch(2, 4, 4);

/// The first release that knows heredocs (config_parse_line at 2.4.4; live, 2.4.5).
pub const HEREDOCS: Version = Version::patch(2, 4, 5);

/// The releases that can be meant by the tree itself.
///
/// `dovecot_config_version` names the oldest release whose defaults are wanted, so that a release before it cannot read
/// the tree ([`HEADER_OF_ALL`]). None before 2.4.5 can read one with heredocs. Without a header it is for 2.3 or older, since 2.4 refuses such a tree. The submission service came with 2.3.0, and
/// with it the file that its package brings.
pub fn version_hint(config: &Config) -> Range {
    match config.family {
        Family::V24 => Range {
            from: config
                .config_version
                .filter(|&header| header > HEADER_OF_ALL && header < Version::new(2, 5))
                .max(config.heredoc.as_ref().map(|_| HEREDOCS))
                .or(Some(Version::new(2, 4))),
            before: None,
        },
        Family::V23 => Range {
            from: config
                .written_by
                .filter(|&version| Family::of(version) == Family::V23)
                .or_else(|| config.has_submission().then_some(Version::new(2, 3))),
            before: Some(Version::new(2, 4)),
        },
    }
}

/// Whether a text is yes, as the daemons read it.
pub fn is_yes(text: &[u8]) -> bool {
    names::boolean(text) == Some(true)
}

/// The daemon path of the file that an assignment names, relative to the file it stands in.
pub fn file_path(assignment: &Assignment, sources: &Sources) -> std::path::PathBuf {
    use bstr::ByteSlice;
    let named = assignment.file.as_ref().unwrap_or(&assignment.text);
    let path = std::path::PathBuf::from(named.to_os_str_lossy().into_owned());
    match sources.daemon_path(assignment.span.file).parent() {
        Some(folder) if path.is_relative() => folder.join(path),
        Some(_) | None => path,
    }
}
