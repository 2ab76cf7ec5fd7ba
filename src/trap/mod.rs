//! A trap: text in a configuration that reads otherwise to a person than to the daemon.
//!
//! Each file beside this one knows one kind of them. A rule says why it matters; `rule` to the right asks for the kind.

mod glued;
mod misspelt;
mod orphan;
mod swallowed;
mod unread;

use crate::source::Span;
use crate::surface::Server;
use crate::surface::server::Surface;

/// The kinds of traps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrapKind {
    /// A setting was appended to a line that had no end.
    GluedLine,
    /// A parameter that no release of Postfix knows, and that is nearly one.
    MisspeltParameter,
    /// An `-o` below a commented-out service belongs to the service above it.
    OrphanedOption,
    /// An indented line belongs to the setting or service above it.
    SwallowedLine,
    /// A part of Dovecot's configuration that nothing includes.
    UnreadFile,
}

impl TrapKind {
    /// The kinds with their words in rules.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("glued-line", Self::GluedLine),
        ("misspelt-parameter", Self::MisspeltParameter),
        ("orphaned-option", Self::OrphanedOption),
        ("swallowed-line", Self::SwallowedLine),
        ("unread-file", Self::UnreadFile),
    ];
}

/// One such text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trap {
    /// Where it stands.
    pub span: Span,
    /// Its kind.
    pub kind: TrapKind,
    /// The server that reads it.
    pub server: Server,
    /// What it seems to be and what it is, in words.
    pub detail: String,
}

/// Every trap in a server's files, in reading order.
pub fn find(surface: &Surface) -> Vec<Trap> {
    let mut traps = Vec::new();
    glued::find(surface, &mut traps);
    misspelt::find(surface, &mut traps);
    orphan::find(surface, &mut traps);
    swallowed::find(surface, &mut traps);
    unread::find(surface, &mut traps);
    traps.sort();
    traps
}
