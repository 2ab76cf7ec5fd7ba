//! An open section: what the lines under way stand in.
//!
//! `read` beside this file opens and closes them; the scopes they lead to stay in the [`super::Config`].

use bstr::{BString, ByteSlice};

use crate::source::Span;

use super::Family;
use super::check;
use super::names;
use super::read::{DEEPEST, Reader};
use super::scope::{self, Net, Scope, ScopeId, Section};

/// A section that is open.
pub(super) struct OpenSection {
    pub(super) scope: ScopeId,
    pub(super) kind: OpenKind,
    pub(super) span: Span,
}

#[derive(PartialEq, Eq)]
pub(super) enum OpenKind {
    Section,
    /// The entries of this list stand in it (2.4).
    List(BString),
    /// `auth default {` of 1.x: its settings lack their prefix.
    OldAuth,
    /// Nested beyond measure.
    TooDeep,
}

impl Reader<'_> {
    pub(super) fn open(&mut self, span: Span, key: &[u8], name: Vec<u8>, quoted: bool) {
        let around = self.config.path(self.scope());
        let inside = self.open.last().map(|open| &open.kind);
        if inside == Some(&OpenKind::OldAuth)
            || self.family == Family::V23 && key == b"auth" && around.is_empty()
        {
            let outermost = inside != Some(&OpenKind::OldAuth);
            let scope = self.scope();
            if outermost {
                self.push(scope, OpenKind::OldAuth, span);
            } else {
                self.enter(
                    span,
                    Section::Other {
                        key: key.into(),
                        name: name.into(),
                    },
                );
            }
            return;
        }
        let listed = names::newest(key, &around);
        if names::is_list(&listed, self.family) {
            let scope = self.scope();
            return self.push(scope, OpenKind::List(listed), span);
        }
        let in_service = matches!(around.last(), Some(Section::Service(_)));
        let section = match key {
            b"protocol" if self.family == Family::V23 || !in_service => {
                let negated = name.first() == Some(&b'!');
                let name: BString = name.strip_prefix(b"!").unwrap_or(&name).into();
                let old = self.family == Family::V23 && name == "managesieve";
                Section::Protocol {
                    name: if old { "sieve".into() } else { name },
                    negated,
                }
            }
            b"local" => Section::Local(Net::parse(name.as_bstr())),
            b"remote" => Section::Remote(Net::parse(name.as_bstr())),
            b"local_name" => Section::LocalName(name.to_ascii_lowercase().into()),
            b"service" => Section::Service(name.into()),
            b"inet_listener" if in_service => Section::Listener(if name.is_empty() {
                self.unnamed += 1;
                format!("#{}", self.unnamed).into()
            } else {
                name.into()
            }),
            b"ssl_server" if self.family == Family::V24 => {
                if !name.is_empty() || quoted {
                    self.refuse(span, "ssl_server { } must not have a section name".into());
                }
                Section::SslServer
            }
            _ => {
                if let Some(why) = check::unknown_section(key, &around, self.family) {
                    self.refuse(span, why);
                }
                Section::Other {
                    key: key.into(),
                    name: name.into(),
                }
            }
        };
        self.enter(span, section);
    }

    pub(super) fn enter(&mut self, span: Span, section: Section) {
        let scope = self.scope();
        if self.open.len() >= DEEPEST {
            self.note(
                span,
                format!("more than {DEEPEST} sections inside of each other are not read"),
            );
            return self.push(scope, OpenKind::TooDeep, span);
        }
        let around = self.config.path(scope);
        if let Some(why) = scope::misplaced(&section, &around, self.family) {
            self.refuse(span, why);
        }
        if let Section::Local(net) | Section::Remote(net) = &section
            && net.range.is_none()
        {
            let message = format!(
                "\"{}\" is looked up by name when the daemon starts, so it is not known here",
                net.text
            );
            self.note(span, message);
        }
        let scope = self.child(scope, section, Some(span));
        self.push(scope, OpenKind::Section, span);
    }

    pub(super) fn push(&mut self, scope: ScopeId, kind: OpenKind, span: Span) {
        self.open.push(OpenSection { scope, kind, span });
    }

    /// The scope of a section inside of another; opening it again leads to the same one.
    pub(super) fn child(
        &mut self,
        parent: ScopeId,
        section: Section,
        opened: Option<Span>,
    ) -> ScopeId {
        // Networks are one if their addresses are, however they are written.
        let mut same = section.clone();
        if let Section::Local(net) | Section::Remote(net) = &mut same
            && net.range.is_some()
        {
            net.text.clear();
        }
        let next = ScopeId(u32::try_from(self.config.scopes.len()).unwrap_or(u32::MAX));
        *self.children.entry((parent, same)).or_insert_with(|| {
            self.config.scopes.push(Scope {
                parent: Some(parent),
                section: Some(section),
                opened,
            });
            next
        })
    }
}
