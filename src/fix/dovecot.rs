//! The fix for Dovecot: `ssl = required` where it is decided, and no block that defeats it.

use std::collections::BTreeSet;

use crate::dovecot::{
    Assignment, CommentedOut, Config, EntryKind, Family, File, Lookup, ScopeId, Section, ValueKind,
};
use crate::edit::Edit;
use crate::source::{FileId, Sources, Span};
use crate::surface::server::Surface;
use crate::surface::{Endpoint, ExemptionKind, Server, Verdict};

use super::style;

/// The word that keeps logins off until TLS is up, whatever the mechanism.
const REQUIRED: &str = "required";

/// Whether this endpoint of Dovecot is one to close: anyone from outside of this host can log in without TLS, or it is
/// down by the very settings.
pub(super) fn is_open(endpoint: &Endpoint) -> bool {
    let holed = endpoint
        .exemptions
        .iter()
        .any(|exemption| match exemption.kind {
            // Dovecot exempts its own host whatever is set.
            ExemptionKind::SameHost => false,
            ExemptionKind::TrustedNetwork | ExemptionKind::HaProxy | ExemptionKind::Filter => true,
        });
    let by_setting = || {
        let mut settings = endpoint.because.iter().map(|because| &because.setting);
        settings.any(|setting| setting == "ssl" || setting == "auth_allow_cleartext")
    };
    endpoint.server == Server::Dovecot
        && match endpoint.verdict {
            Verdict::Cleartext | Verdict::Challenge => true,
            Verdict::TlsOnly => holed,
            Verdict::Fails(_) => by_setting(),
            Verdict::LockedOut | Verdict::NoAuth | Verdict::Unknown(_) => false,
        }
}

/// Whether TLS is off as a whole, so that `required` turns it on and opens the ports of implicit TLS.
pub(super) fn is_without_tls(surface: &Surface) -> bool {
    surface.dovecot.as_ref().is_some_and(|config| {
        let global = config.effective("ssl", &Lookup::default());
        global.text == "no" && global.unknown.is_none()
    })
}

/// The edits that enforce TLS at every endpoint.
pub(super) fn everywhere(surface: &Surface) -> Vec<Edit> {
    let Some(config) = &surface.dovecot else {
        return Vec::new();
    };
    let sources = &surface.sources;
    let mut edits = set(config, sources);
    for assignment in &config.assignments {
        edits.extend(tighten(config, sources, assignment));
    }
    edits
}

/// The edits that enforce TLS for the protocols of these endpoints alone, in blocks of their own.
pub(super) fn at(surface: &Surface, endpoints: &[&Endpoint]) -> Vec<Edit> {
    let Some(config) = &surface.dovecot else {
        return Vec::new();
    };
    let protocols: BTreeSet<&str> = endpoints
        .iter()
        .filter_map(|endpoint| {
            let service = endpoint.service.split('/').next()?;
            let login = service.strip_suffix("-login")?;
            Some(if login == "managesieve" {
                "sieve"
            } else {
                login
            })
        })
        .collect();
    let sources = &surface.sources;
    let mut edits = Vec::new();
    let mut blocks = String::new();
    for protocol in protocols {
        match block_of(config, protocol) {
            Some(scope) => match config.winner("ssl", scope) {
                Some(winner) if winner.text == REQUIRED => {}
                Some(winner) => edits.push(replace(sources, winner, REQUIRED)),
                None => edits.extend(into_block(config, sources, scope)),
            },
            None => blocks.push_str(&format!("protocol {protocol} {{\n  ssl = {REQUIRED}\n}}\n")),
        }
    }
    if !blocks.is_empty()
        && let Some((file, at)) = end_of_main(config, sources)
    {
        let text = blocks.trim_end().to_owned();
        edits.push(style::new_line(file, sources.bytes(file), at, &text));
    }
    edits
}

/// The block `protocol NAME {` outside of all others.
fn block_of(config: &Config, protocol: &str) -> Option<ScopeId> {
    config.scope_ids().find(|&id| {
        let path = config.path(id);
        matches!(&path[..], [Section::Protocol { name, negated: false }] if name == protocol)
    })
}

/// A line in a block, below the one that opens it and with the indent of the settings there.
fn into_block(config: &Config, sources: &Sources, scope: ScopeId) -> Option<Edit> {
    let opened = config.scope(scope)?.opened?;
    let bytes = sources.bytes(opened.file);
    let rest = &bytes[opened.start..];
    let at = memchr::memchr(b'\n', rest).map_or(bytes.len(), |newline| opened.start + newline + 1);
    let inside = config
        .assignments
        .iter()
        .find(|one| one.scope == scope && one.span.file == opened.file);
    let indent = inside.map_or("  ".into(), |one| {
        String::from_utf8_lossy(&bytes[one.span.start..one.key_span.start])
    });
    let line = format!("{indent}ssl = {REQUIRED}");
    Some(style::new_line(opened.file, bytes, at, &line))
}

/// Sets the global `ssl`: the assignment that holds, else a copy that is commented out, else a new line.
fn set(config: &Config, sources: &Sources) -> Vec<Edit> {
    if let Some(winner) = config.winner("ssl", ScopeId::GLOBAL) {
        if winner.text == REQUIRED {
            return Vec::new();
        }
        return vec![replace(sources, winner, REQUIRED)];
    }
    let inherited = config.effective("ssl", &Lookup::default());
    if inherited.assignment.is_some() {
        // A group that is used outside of every block sets it, and is tightened like any other block.
        return Vec::new();
    }
    let mut commented = config.commented_out(sources, "ssl").into_iter();
    let revived =
        commented.rfind(|copy| copy.scope == ScopeId::GLOBAL && can_live(config, sources, copy));
    if let Some(copy) = revived {
        return vec![
            Edit::delete(copy.hash_span),
            Edit::replace(copy.value_span, REQUIRED),
        ];
    }
    // Behind the last global setting about TLS, or at the end of the main file: what comes last holds.
    let neighbour = config
        .assignments
        .iter()
        .rfind(|one| one.scope == ScopeId::GLOBAL && one.name.starts_with(b"ssl_"));
    let line = format!("ssl = {REQUIRED}");
    let place = match neighbour {
        Some(one) => {
            let written = &sources.bytes(one.span.file)[one.key_span.start..one.span.end];
            Some((
                one.span.file,
                one.span.end,
                style::like(written, "ssl", REQUIRED),
            ))
        }
        None => end_of_main(config, sources).map(|(file, at)| (file, at, line)),
    };
    place
        .map(|(file, at, line)| style::new_line(file, sources.bytes(file), at, &line))
        .into_iter()
        .collect()
}

/// Whether a commented-out copy is a setting that would be one again without its `#`.
fn can_live(config: &Config, sources: &Sources, copy: &CommentedOut) -> bool {
    // More than one word behind the `=` is prose.
    let is_word = !sources.text(copy.value_span).contains(&b' ');
    let file = config.files.iter().find(|file| file.file == copy.span.file);
    is_word && file.is_some_and(|file| !is_swallowed(file, copy.span.start))
}

/// Whether a setting at this place would be taken for the end of a line that stops in `\`.
fn is_swallowed(file: &File, at: usize) -> bool {
    let before = file.entries.iter().rfind(|entry| entry.span.end <= at);
    before.is_some_and(|entry| match entry.kind {
        EntryKind::Lost | EntryKind::Carried => true,
        EntryKind::Blank
        | EntryKind::Comment
        | EntryKind::Setting
        | EntryKind::Open
        | EntryKind::Close
        | EntryKind::Include
        | EntryKind::Wrong => false,
    })
}

/// The end of the main file; in front of a last line that stops in `\`, which would swallow what follows it.
fn end_of_main(config: &Config, sources: &Sources) -> Option<(FileId, usize)> {
    let file = config.files.first()?;
    let end = sources.bytes(file.file).len();
    let last = file.entries.last();
    let at = match last {
        Some(entry) if is_swallowed(file, end) => entry.span.start,
        Some(_) | None => end,
    };
    Some((file.file, at))
}

/// Tightens one assignment that would defeat the global `ssl = required`, or of which the server would die beside it.
fn tighten(config: &Config, sources: &Sources, assignment: &Assignment) -> Option<Edit> {
    let path = config.path(assignment.scope);
    if !path.iter().all(|section| concerns_logins(config, section)) {
        return None;
    }
    if assignment.name == "ssl" {
        let weaker = assignment.scope != ScopeId::GLOBAL && assignment.text != REQUIRED;
        return weaker.then(|| replace(sources, assignment, REQUIRED));
    }
    // 2.4 refuses `auth_allow_cleartext = yes` beside `ssl = required`
    // (live 2.4.1, 2.4.5: "auth_allow_cleartext=yes has no effect with ssl=required").
    let refused = config.family == Family::V24
        && assignment.name == "auth_allow_cleartext"
        && assignment.text != "no";
    refused.then(|| replace(sources, assignment, "no"))
}

/// Whether what stands in a section can decide a login before TLS is up.
fn concerns_logins(config: &Config, section: &Section) -> bool {
    let is_login = |name: &[u8]| LOGINS.contains(&name);
    match section {
        Section::Protocol { name, negated } => *negated || is_login(name),
        Section::Local(_) | Section::Remote(_) | Section::SslServer => true,
        // In 2.4 what stands in the service of the login process counts, and in no other (live 2.4.1).
        Section::Service(name) => {
            let login = name.strip_suffix(b"-login").unwrap_or_default();
            config.family == Family::V24 && is_login(login)
        }
        Section::Group { label, name } => {
            let mut uses = config.group_uses.iter();
            uses.any(|used| used.label == *label && used.name == *name)
        }
        // The name is known only when TLS is up already. `ssl` in a listener is another setting: implicit TLS.
        Section::LocalName(_) | Section::Listener(_) | Section::Other { .. } => false,
    }
}

/// The protocols that people log in with; ManageSieve goes by `sieve` and its service by `managesieve-login`.
const LOGINS: [&[u8]; 5] = [b"imap", b"pop3", b"submission", b"sieve", b"managesieve"];

/// Puts another value into an assignment, in whatever form it is written.
fn replace(sources: &Sources, assignment: &Assignment, value: &str) -> Edit {
    let span = assignment.value_span;
    let whole = |start: usize| Span::new(span.file, start, span.end);
    if assignment.translated {
        // `ssl_disable = yes` of 1.x.
        let name = String::from_utf8_lossy(&assignment.name).into_owned();
        return Edit::replace(
            whole(assignment.key_span.start),
            format!("{name} = {value}"),
        );
    }
    match assignment.kind {
        ValueKind::File => {
            let before = &sources.bytes(span.file)[..span.start];
            let sign = memchr::memrchr(b'<', before).unwrap_or(span.start);
            Edit::replace(whole(sign), value)
        }
        ValueKind::Plain | ValueKind::Quoted | ValueKind::Variable if span.is_empty() => {
            let bytes = sources.bytes(span.file);
            let mut filled = style::replace_value(bytes, span, assignment.span.end, value);
            filled.pop().unwrap_or_else(|| Edit::replace(span, value))
        }
        ValueKind::Plain | ValueKind::Quoted | ValueKind::Variable | ValueKind::Heredoc => {
            Edit::replace(span, value)
        }
    }
}
