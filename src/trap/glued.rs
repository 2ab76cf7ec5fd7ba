//! A glued line: a setting that was appended to a file whose last line had no end, so that both became one.
//!
//! ```text
//! relayhost = [mail.example.org]smtpd_tls_auth_only = yes
//! ```
//!
//! `postconf -e` itself does so (3.7.11), and so does every `echo … >> main.cf`.

use bstr::ByteSlice;

use crate::dovecot::{self, EntryKind};
use crate::postfix::{is_parameter, parameter_named};
use crate::source::Span;
use crate::surface::Server;
use crate::surface::server::Surface;

use super::{Trap, TrapKind};

/// Shorter names may stand at the end of a word by chance.
const SHORTEST: usize = 8;

/// The settings of Dovecot that people append by hand; its other names are words of every language.
const OF_DOVECOT: [&str; 10] = [
    "auth_allow_cleartext",
    "auth_mechanisms",
    "disable_plaintext_auth",
    "login_trusted_networks",
    "ssl_cert",
    "ssl_key",
    "ssl_min_protocol",
    "ssl_server_cert_file",
    "ssl_server_key_file",
    "ssl",
];

pub(super) fn find(surface: &Surface, traps: &mut Vec<Trap>) {
    in_postfix(surface, traps);
    in_dovecot(surface, traps);
}

fn in_postfix(surface: &Surface, traps: &mut Vec<Trap>) {
    let Some(main) = surface.postfix.as_ref().and_then(|one| one.main.as_ref()) else {
        return;
    };
    let mut push = |span, name: &str, whole: &[u8]| {
        traps.push(Trap {
            span,
            kind: TrapKind::GluedLine,
            server: Server::Postfix,
            detail: format!("\"{name} =\" at the end of \"{}\"", whole.as_bstr()),
        });
    };
    let bytes = surface.sources.bytes(main.file);
    for parameter in main.parameters() {
        for (word, span) in words_before_equals(bytes, parameter.span) {
            if let Some(name) = glued_parameter(word) {
                push(span, name, word);
            }
        }
    }
    // The last line may have been a comment.
    let last = bytes.trim_ascii_end();
    let start = last.rfind_byte(b'\n').map_or(0, |newline| newline + 1);
    if last[start..].trim_ascii_start().starts_with(b"#") {
        let line = Span::new(main.file, start, last.len());
        for (word, span) in words_before_equals(bytes, line) {
            if let Some(name) = glued_parameter(word) {
                push(span, name, word);
            }
        }
    }
}

/// The words in a stretch of text that stand before a `=`.
fn words_before_equals(bytes: &[u8], stretch: Span) -> Vec<(&[u8], Span)> {
    let text = &bytes[stretch.start..stretch.end];
    memchr::memchr_iter(b'=', text)
        .filter_map(|equals| {
            let word = text[..equals].trim_ascii_end();
            let start = word.rfind_byteset(b" \t\r\n=").map_or(0, |blank| blank + 1);
            let place = stretch.start + start;
            (start < word.len()).then(|| {
                let span = Span::new(stretch.file, place, place + word.len() - start);
                (&word[start..], span)
            })
        })
        .collect()
}

/// The parameter at the end of a word that is none by itself.
fn glued_parameter(word: &[u8]) -> Option<&'static str> {
    if is_parameter(word) {
        return None;
    }
    // The longest name comes first.
    let ends = 1..(word.len() + 1).saturating_sub(SHORTEST);
    ends.filter_map(|start| parameter_named(&word[start..]))
        .find(|name| is_glued(word, name))
}

/// Whether a word ends in a name behind something else. What ends in `_` before it is a name that somebody made up, what
/// ends in `$` and the like refers to it, and `#` alone comments it out.
fn is_glued(word: &[u8], name: &str) -> bool {
    word.strip_suffix(name.as_bytes()).is_some_and(|before| {
        let joint = before.last().copied().unwrap_or(b'_');
        !b"_${(,:!/-.".contains(&joint) && !before.iter().all(|byte| *byte == b'#')
    })
}

fn in_dovecot(surface: &Surface, traps: &mut Vec<Trap>) {
    let Some(config) = &surface.dovecot else {
        return;
    };
    for file in &config.files {
        let bytes = surface.sources.bytes(file.file);
        let last = file.entries.len().saturating_sub(1);
        for (at, entry) in file.entries.iter().enumerate() {
            let looked_at = match entry.kind {
                EntryKind::Setting => true,
                // The last line may have been a comment.
                EntryKind::Comment => at == last,
                EntryKind::Blank
                | EntryKind::Open
                | EntryKind::Close
                | EntryKind::Include
                | EntryKind::Wrong
                | EntryKind::Lost
                | EntryKind::Carried => false,
            };
            if !looked_at {
                continue;
            }
            for (word, span) in words_before_equals(bytes, entry.span) {
                let known = dovecot::is_known(word, config.family);
                let glued = OF_DOVECOT.iter().find(|name| is_glued(word, name));
                if let Some(name) = glued.filter(|_| !known) {
                    traps.push(Trap {
                        span,
                        kind: TrapKind::GluedLine,
                        server: Server::Dovecot,
                        detail: format!("\"{name} =\" at the end of \"{}\"", word.as_bstr()),
                    });
                }
            }
        }
    }
}
