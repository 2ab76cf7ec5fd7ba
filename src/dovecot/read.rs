//! A reading: files and includes from the first line to the last, as the daemon meets them.
//!
//! It makes the scopes and the assignments of a [`Config`] from the lines of each `input`. Nothing stops it: what the daemon
//! would refuse is noted, and the next line is read.
//! Source: config_parse_file and config_parser_apply_line in src/config/config-parser.c, 2.3.19.1 and 2.4.1.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bstr::{BString, ByteSlice};

use crate::source::{FileId, Problem, Sources, Span};
use crate::template;

use super::check;
use super::file::EntryKind;
use super::include;
use super::input::Input;
use super::joined::Joined;
use super::line::{self, Form, ValueKind};
use super::scope::{Scope, ScopeId, Section};
use super::section::OpenSection;
use super::{Config, Family, block};

/// How deep files may include files, and sections may stand in sections. The daemons know no bound but memory.
pub(super) const DEEPEST: usize = 64;
/// How many files are read, counting each inclusion.
pub(super) const MOST_FILES: usize = 4096;
/// How much of them is read, counting each inclusion; a single file may be as large.
pub(super) const MOST_MEBIBYTES: usize = 64;

/// Reads a tree in the language of `family`.
pub(super) fn read(sources: &mut Sources, file: &Path, family: Family) -> Config {
    let mut reader = Reader {
        config: Config {
            family,
            scopes: vec![Scope {
                parent: None,
                section: None,
                opened: None,
            }],
            ..Config::default()
        },
        sources,
        family,
        open: Vec::new(),
        inputs: Vec::new(),
        pending: Joined::default(),
        children: HashMap::new(),
        current: HashMap::new(),
        entries: HashMap::new(),
        started: 0,
        taken: 0,
        depth: 0,
        unnamed: 0,
        header_missed: false,
        hidden: false,
    };
    if reader.sources.tree().is_directory(file) {
        // A folder of parts without its dovecot.conf, read as `!include *.conf` would.
        reader.config.partial = true;
        let mut pattern = file.as_os_str().as_encoded_bytes().to_vec();
        pattern.extend_from_slice(b"/*.conf");
        let parts = include::matches(&pattern, reader.sources.tree());
        for part in parts.unwrap_or_default().into_iter().rev() {
            if let Ok(id) = reader.sources.read(&part) {
                reader.start(id);
            }
        }
    } else {
        match reader.sources.read(file) {
            Ok(id) => reader.start(id),
            Err(error) => {
                let id = reader.sources.add(file, Vec::new());
                reader.refuse(Span::new(id, 0, 0), format!("cannot be read: {error}"));
            }
        }
        let named = file.file_name().is_some_and(|name| name == "dovecot.conf");
        let dumped = reader
            .inputs
            .last()
            .is_some_and(|input| input.bytes.starts_with(b"# 2."));
        reader.config.partial = !named && !dumped;
    }
    reader.run();
    reader.finish()
}

pub(super) struct Reader<'a> {
    pub(super) sources: &'a mut Sources,
    pub(super) family: Family,
    pub(super) config: Config,
    pub(super) open: Vec<OpenSection>,
    pub(super) inputs: Vec<Input>,
    pub(super) pending: Joined,
    pub(super) children: HashMap<(ScopeId, Section), ScopeId>,
    /// The last assignment of each setting in each scope so far, which variables stand for.
    pub(super) current: HashMap<(ScopeId, BString), usize>,
    /// Where a file's entries are.
    pub(super) entries: HashMap<FileId, usize>,
    /// How many files were begun.
    pub(super) started: usize,
    /// How many bytes they have.
    pub(super) taken: usize,
    /// The depth of the file under way.
    pub(super) depth: usize,
    pub(super) unnamed: usize,
    /// It was said that the header is missing.
    pub(super) header_missed: bool,
    /// The line under way hides its value.
    pub(super) hidden: bool,
}

impl Reader<'_> {
    pub(super) fn scope(&self) -> ScopeId {
        self.open.last().map_or(ScopeId::GLOBAL, |open| open.scope)
    }

    pub(super) fn note(&mut self, span: Span, message: String) {
        self.config.problems.push(Problem { span, message });
    }

    /// Takes what the daemon refuses down, unless it is a line that some other program fills in first.
    pub(super) fn refuse(&mut self, span: Span, message: String) {
        if self.filled_in(span) {
            return;
        }
        self.config.refusals.push(Problem {
            span,
            message: message.clone(),
        });
        self.note(span, message);
    }

    /// Whether a placeholder stands in the line of this span; nobody knows then what the line is.
    fn filled_in(&mut self, span: Span) -> bool {
        let bytes = self.sources.bytes(span.file);
        let start = memchr::memrchr(b'\n', &bytes[..span.start]).map_or(0, |at| at + 1);
        let end = memchr::memchr(b'\n', &bytes[span.start..])
            .map_or(bytes.len(), |at| (span.start + at).max(span.end));
        let line = bytes[start..end].trim_ascii();
        if line.starts_with(b"#") || template::placeholder(line).is_none() {
            return false;
        }
        let start = start + bytes[start..end].find(line).unwrap_or_default();
        let whole = Span::new(span.file, start, start + line.len());
        self.config.statement.get_or_insert(whole);
        true
    }

    /// Whether the header that 2.4 wants first has not come yet.
    pub(super) fn awaits_header(&self) -> bool {
        self.family == Family::V24 && !self.config.partial && self.config.config_version.is_none()
    }

    /// Takes one whole line, whose entry ends at `end`.
    pub(super) fn statement(&mut self, mut text: Joined, mut end: usize) {
        let mut form = line::form(&text.text, self.family);
        if let Form::Setting {
            value,
            kind: ValueKind::Heredoc,
            ..
        } = &mut form
        {
            let Some(after) = self.heredoc(&mut text, value.start) else {
                return;
            };
            value.end = text.text.len();
            end = after;
        }
        let text = &text;
        let kind = match &form {
            Form::Setting { .. } => EntryKind::Setting,
            Form::Open { .. } | Form::Group { .. } => EntryKind::Open,
            Form::Close => EntryKind::Close,
            Form::Include { .. } => EntryKind::Include,
            Form::Wrong(_) => EntryKind::Wrong,
        };
        self.entry(end, kind);
        let whole = text.span(0, text.text.len());
        let is_setting = matches!(form, Form::Setting { .. });
        if !is_setting && self.filled_in(whole) && !matches!(form, Form::Open { .. }) {
            // Which section or file is meant is not to be told. What it opens has to be closed, though.
            return;
        }
        let key = match &form {
            Form::Setting { key, .. } => &text.text[key.clone()],
            Form::Open { .. } | Form::Group { .. } | Form::Close | Form::Include { .. } => {
                b"".as_slice()
            }
            Form::Wrong(why) if self.awaits_header() && !self.header_missed => {
                // 2.4.2 and later look for the header first, and pass over what is no setting (config_parser_get_version and
                // its loop in config-parser.c, 2.4.2; live, 2.4.5: "junk" or a byte order mark alone does no harm).
                self.config.passed_over.get_or_insert(Problem {
                    span: whole,
                    message: (*why).into(),
                });
                self.note(whole, (*why).into());
                return;
            }
            Form::Wrong(why) => {
                self.refuse(whole, (*why).into());
                return;
            }
        };
        if self.awaits_header() && key != b"dovecot_config_version" {
            // Said once: the rest of the file is read as if the header were there.
            if !self.header_missed {
                self.header_missed = true;
                self.refuse(whole, check::NO_HEADER.into());
            }
        }
        match form {
            Form::Setting { key, value, kind } => self.setting(text, end, key, value, kind),
            Form::Open { key, name, quoted } => {
                let shown = &text.text[name];
                let name = if quoted {
                    line::unescape(shown)
                } else {
                    shown.to_vec()
                };
                self.open(whole, &text.text[key], name, quoted);
            }
            Form::Group { label, name } => {
                let label: BString = text.text[label].into();
                let section = Section::Group {
                    label: label.strip_prefix(b"@").unwrap_or(&label).into(),
                    name: text.text[name].into(),
                };
                self.enter(whole, section);
            }
            Form::Close => {
                // A section that a template names may not have been taken for one.
                if self.open.pop().is_none() && self.config.statement.is_none() {
                    self.refuse(whole, "unexpected \"}\"".into());
                }
            }
            Form::Include { pattern, try_ } => {
                let span = text.span(pattern.start, pattern.end);
                self.include(&text.text[pattern], span, try_);
            }
            Form::Wrong(_) => {}
        }
    }

    pub(super) fn relative(&self, path: &[u8]) -> PathBuf {
        let path = PathBuf::from(path.to_os_str_lossy().into_owned());
        let base = self
            .inputs
            .last()
            .map(|input| self.sources.daemon_path(input.file));
        match base.and_then(Path::parent) {
            Some(folder) if path.is_relative() => folder.join(path),
            Some(_) | None => path,
        }
    }

    fn finish(mut self) -> Config {
        while let Some(open) = self.open.pop() {
            self.refuse(open.span, "this section is never closed".into());
        }
        if self.family == Family::V24
            && !self.config.partial
            && let Some(span) = self.config.main_file().map(|file| Span::new(file, 0, 0))
            && !self
                .config
                .assignments
                .iter()
                .any(|a| a.name == "dovecot_storage_version")
        {
            self.refuse(span, "dovecot_storage_version setting must be set".into());
        }
        let unknown: Vec<Problem> = self
            .config
            .group_uses
            .iter()
            .filter_map(|used| {
                let groups = self
                    .config
                    .scopes
                    .iter()
                    .filter_map(|scope| match &scope.section {
                        Some(Section::Group { label, name }) if *label == used.label => Some(name),
                        Some(_) | None => None,
                    });
                let names: Vec<&BString> = groups.collect();
                (!names.contains(&&used.name)).then(|| Problem {
                    span: used.span,
                    message: if names.is_empty() {
                        format!("Unknown group label @{}", used.label)
                    } else {
                        format!("Unknown group @{}={}", used.label, used.name)
                    },
                })
            })
            .collect();
        for problem in unknown {
            self.refuse(problem.span, problem.message);
        }
        self.config.index = block::Index::new(&self.config);
        if let Some((span, name)) = self.config.unknown_protocol() {
            self.refuse(span, format!("protocols: Unknown protocol: {name}"));
        }
        self.config
    }
}
