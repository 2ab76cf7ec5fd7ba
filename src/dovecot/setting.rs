//! A setting: how a line `key = value` becomes assignments, its value unquoted, expanded and checked.
//!
//! `read` beside this file finds the lines; `variable`, `old` and `check` know what the parts mean.

use std::ops::Range;

use bstr::{BString, ByteSlice};

use crate::source::{ReadError, Span};
use crate::template;

use super::check;
use super::heredoc;
use super::joined::Joined;
use super::line::{self, ValueKind};
use super::names;
use super::old;
use super::read::Reader;
use super::scope::{ScopeId, Section};
use super::section::OpenKind;
use super::variable::{self, Meaning};
use super::{Assignment, Family, GroupUse};

impl Reader<'_> {
    pub(super) fn setting(
        &mut self,
        text: &Joined,
        end: usize,
        key: Range<usize>,
        value: Range<usize>,
        kind: ValueKind,
    ) {
        let key_span = text.span(key.start, key.end);
        let value_span = text.span(value.start, value.end);
        let mut span = text.span(0, text.text.len());
        if let Some(entry) = self.inputs.last().filter(|input| input.file == span.file) {
            // Whole lines, from the first continued one on.
            let bytes = &entry.bytes;
            let line_start = memchr::memrchr(b'\n', &bytes[..span.start.min(bytes.len())]);
            span = Span::new(span.file, line_start.map_or(0, |at| at + 1), end);
        }
        let scope = self.scope();
        let around = self.config.path(scope);
        let raw = &text.text[value];
        let key = &text.text[key];
        let assignment = |key: &[u8], kind: ValueKind, raw: &[u8], scope: ScopeId| Assignment {
            key: key.into(),
            name: BString::default(),
            item: None,
            key_span,
            value_span,
            kind,
            span,
            scope,
            text: raw.into(),
            file: (kind == ValueKind::File).then(|| raw.into()),
            unknown: None,
            translated: false,
        };
        match self.open.last().map(|open| &open.kind) {
            Some(OpenKind::TooDeep) => return,
            Some(OpenKind::List(list)) => {
                let list = list.clone();
                let mut entry = assignment(key, kind, raw, scope);
                entry.item = Some(key.into());
                return self.assign(entry, list, &around);
            }
            Some(OpenKind::OldAuth) => {
                let mut long = b"auth_".to_vec();
                long.extend_from_slice(key.strip_prefix(b"auth_").unwrap_or(key));
                if old::meaning(&long, raw, &[]).is_some() {
                    return;
                }
                let entry = assignment(&long, kind, raw, scope);
                return self.assign(entry, long.into(), &[]);
            }
            Some(OpenKind::Section) | None => {}
        }
        match (self.family, key) {
            (Family::V24, [b'@', ..]) if kind == ValueKind::Heredoc => {
                self.refuse(
                    value_span,
                    "Heredoc syntax is not supported for include groups".into(),
                );
                return;
            }
            (Family::V24, [b'@', label @ ..]) => {
                self.config.group_uses.push(GroupUse {
                    scope,
                    label: label.into(),
                    name: raw.into(),
                    span,
                });
                return;
            }
            (Family::V24, b"dovecot_config_version") => {
                let mut entry = assignment(key, kind, raw, scope);
                entry.name = key.into();
                if kind == ValueKind::Quoted {
                    entry.text = line::unescape(raw).into();
                } else if kind == ValueKind::Heredoc {
                    entry.text = heredoc::body(raw).into();
                }
                self.header(&entry.text, value_span);
                self.config.assignments.push(entry);
                return;
            }
            (Family::V23, _)
                if around.iter().all(Section::is_filter)
                    && matches!(kind, ValueKind::Plain | ValueKind::Quoted) =>
            {
                let value = if kind == ValueKind::Quoted {
                    line::unescape(raw)
                } else {
                    raw.to_vec()
                };
                if let Some(meant) = old::meaning(key, &value, &around) {
                    for meant in meant {
                        let scope = meant.listener.map_or(scope, |(service, listener)| {
                            let service =
                                self.child(ScopeId::GLOBAL, Section::Service(service.into()), None);
                            self.child(service, Section::Listener(listener.into()), None)
                        });
                        let mut entry = assignment(key, meant.kind, &meant.value, scope);
                        let around = self.config.path(scope);
                        entry.translated = meant.key.as_bytes() != key || meant.value != *value;
                        let name = names::newest(meant.key.as_bytes(), &around);
                        self.assign(entry, name, &around);
                    }
                    return;
                }
            }
            (Family::V23 | Family::V24, _) => {}
        }
        let name = names::newest(key, &around);
        let mut entry = assignment(key, kind, raw, scope);
        if self.family == Family::V24
            && matches!(around.last(), Some(Section::SslServer))
            && name.starts_with(b"ssl_server_")
        {
            // The prefixed settings of a named section are settings of the scope around it.
            entry.scope = self.config.scopes[scope.index()]
                .parent
                .unwrap_or(ScopeId::GLOBAL);
        }
        self.assign(entry, name, &around);
    }

    /// Takes an assignment, its value unquoted, expanded and checked.
    pub(super) fn assign(&mut self, mut entry: Assignment, name: BString, around: &[Section]) {
        entry.name = name;
        if self.hidden && entry.text.is_empty() {
            entry.unknown = Some("what this output of doveconf hides".into());
        }
        match entry.kind {
            ValueKind::Plain => {}
            ValueKind::Heredoc => entry.text = heredoc::body(&entry.text).into(),
            ValueKind::Quoted if entry.translated => {}
            ValueKind::Quoted => entry.text = line::unescape(&entry.text).into(),
            ValueKind::File if is_of_erb(&entry.text) => {
                entry.kind = ValueKind::Plain;
                entry.file = None;
                entry.text.insert(0, b'<');
            }
            ValueKind::File if check::is_path(&entry.name) => {}
            ValueKind::File => self.read_value(&mut entry),
            ValueKind::Variable => {
                let expanded = variable::expand(&entry.text, self.family, |wanted| {
                    self.variable(&entry, wanted, around)
                });
                match expanded {
                    Ok(expanded) => {
                        entry.text = expanded.text.into();
                        entry.unknown = expanded.unknown;
                    }
                    Err(why) => return self.refuse(entry.value_span, why),
                }
            }
        }
        if entry.unknown.is_none()
            && let Some(found) = template::placeholder(&entry.text)
        {
            entry.unknown = Some(format!("the template placeholder {}", found.as_bstr()));
        }
        if check::awaits_expansion(&entry, self.family) {
            entry.unknown = Some(match self.family {
                Family::V24 => format!("what {} expands to", entry.text),
                Family::V23 => format!("the template placeholder {}", entry.text),
            });
        }
        let complaint = check::complaint(&entry, around, self.family);
        let refused = complaint.is_some();
        if let Some((span, why)) = complaint {
            self.refuse(span, why);
        }
        let at = self.config.assignments.len();
        if !refused && entry.item.is_none() {
            self.current.insert((entry.scope, entry.name.clone()), at);
        }
        self.config.assignments.push(entry);
    }

    /// `key = <file`: the file's content, its last newline included.
    pub(super) fn read_value(&mut self, entry: &mut Assignment) {
        let path = self.relative(&entry.text);
        if !check::is_known(&entry.name, self.family) {
            entry.unknown = Some(format!("what {} holds", path.display()));
            return;
        }
        match self.sources.tree().read(&path) {
            Ok(bytes) => entry.text = bytes.into(),
            Err(ReadError::Missing) if self.sources.tree().covers(&path) => {
                entry.unknown = Some(format!("what {} holds", path.display()));
                self.note(
                    entry.value_span,
                    format!("can't open file {}: no such file", path.display()),
                );
            }
            Err(_) => entry.unknown = Some(format!("what {} holds", path.display())),
        }
    }

    /// What `$name` stands for: the setting's value in this scope; in its own scope or those around it if a setting
    /// names itself; what is built in otherwise (config_get_value).
    pub(super) fn variable(
        &self,
        entry: &Assignment,
        wanted: &[u8],
        around: &[Section],
    ) -> Meaning {
        let name = names::newest(wanted, around);
        if names::is_list(&name, self.family) {
            return Meaning::Refused(format!(
                "Failed to expand $SET:{}: Setting type can't be expanded to string",
                wanted.as_bstr()
            ));
        }
        let mut scope = Some(entry.scope);
        while let Some(at) = scope {
            if let Some(&found) = self.current.get(&(at, name.clone())) {
                let found = &self.config.assignments[found];
                return match &found.unknown {
                    Some(unknown) => Meaning::Unknown(unknown.clone()),
                    None => Meaning::Text(check::exported(&found.text, &name)),
                };
            }
            if wanted != entry.key.as_slice() {
                break;
            }
            scope = self.config.scopes[at.index()].parent;
        }
        match names::built_in(&name.to_string(), self.family) {
            Some(("imap pop3 lmtp", _)) => Meaning::Unknown(
                "which protocols are built in (Debian's packages: none; others: imap pop3 lmtp)"
                    .into(),
            ),
            Some((text, _)) => Meaning::Text(text.into()),
            None if check::is_known(&name, self.family) => {
                Meaning::Unknown(format!("what is built in for {}", wanted.as_bstr()))
            }
            None => Meaning::Refused(format!("Unknown variable: ${}", wanted.as_bstr())),
        }
    }

    pub(super) fn header(&mut self, value: &[u8], span: Span) {
        let text = value.to_str().ok();
        // That of a heredoc ends in a newline, which is none of a version (live, 2.4.5).
        let text = text.filter(|text| !text.ends_with('\n'));
        let version = text.and_then(|text| text.parse().ok());
        match (self.config.config_version, version) {
            (_, None) => self.refuse(span, "Invalid dovecot_config_version".into()),
            (Some(first), Some(again)) if first != again => {
                self.refuse(
                    span,
                    "dovecot_config_version value can't be changed once set".into(),
                );
            }
            (Some(_) | None, version) => self.config.config_version = version,
        }
    }
}

/// Whether a value that seems to be that of a file is a placeholder: `ssl = <%= @ssl %>`.
fn is_of_erb(behind: &[u8]) -> bool {
    matches!(behind, [b'%', b'=' | b'-', ..]) && behind.contains_str("%>")
}
