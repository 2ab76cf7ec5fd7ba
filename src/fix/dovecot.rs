//! The fix for Dovecot: `ssl = required` where it is decided, and no block that defeats it.

use crate::dovecot::{Assignment, Config, Family};
use crate::dovecot::{ScopeId, Section};
use crate::edit::Edit;
use crate::source::{Sources, Span};
use crate::surface::server::Surface;
use crate::surface::{Endpoint, ExemptionKind, Server, Verdict};

/// The edits that enforce TLS at every endpoint of Dovecot; none where it is enforced already.
pub(super) fn enforce(surface: &Surface) -> Vec<Edit> {
    let exposed = surface
        .endpoints
        .iter()
        .any(|endpoint| endpoint.server == Server::Dovecot && is_exposed(endpoint));
    let Some(config) = surface.dovecot.as_ref().filter(|_| exposed) else {
        return Vec::new();
    };
    let mut edits: Vec<Edit> = Vec::new();
    edits.extend(set(config, &surface.sources));
    for assignment in &config.assignments {
        edits.extend(tighten(config, assignment));
    }
    edits
}

/// Whether anyone from outside of this host can log in without TLS.
fn is_exposed(endpoint: &Endpoint) -> bool {
    let holed = endpoint
        .exemptions
        .iter()
        .any(|exemption| match exemption.kind {
            // Dovecot exempts its own host whatever is set.
            ExemptionKind::SameHost => false,
            ExemptionKind::TrustedNetwork | ExemptionKind::HaProxy | ExemptionKind::Filter => true,
        });
    match endpoint.verdict {
        Verdict::Cleartext | Verdict::Challenge => true,
        Verdict::TlsOnly => holed,
        Verdict::LockedOut | Verdict::NoAuth | Verdict::Fails(_) | Verdict::Unknown(_) => false,
    }
}

/// Sets the global `ssl`: the assignment that holds, else a copy that is commented out, else a new line.
fn set(config: &Config, sources: &Sources) -> Option<Edit> {
    if let Some(winner) = config.winner("ssl", ScopeId::GLOBAL) {
        return (winner.text != "required").then(|| Edit::replace(winner.value_span, "required"));
    }
    let commented = config
        .commented_out(sources, "ssl")
        .into_iter()
        // A comment of more than one word behind the `=` is prose, and stays.
        .rfind(|copy| {
            copy.scope == ScopeId::GLOBAL && !sources.text(copy.value_span).contains(&b' ')
        });
    if let Some(copy) = commented {
        let line = sources.text(copy.span);
        let ending: &[u8] = if line.ends_with(b"\r\n") {
            b"\r\n"
        } else if line.ends_with(b"\n") {
            b"\n"
        } else {
            b""
        };
        return Some(Edit::replace(
            copy.span,
            [b"ssl = required".as_slice(), ending].concat(),
        ));
    }
    // Behind the last global setting about TLS, or at the end of the main file: what comes last holds.
    let neighbour = config
        .assignments
        .iter()
        .rfind(|one| one.scope == ScopeId::GLOBAL && one.name.starts_with(b"ssl_"));
    let (file, at) = match neighbour {
        Some(one) => (one.span.file, one.span.end),
        None => {
            let file = config.main_file()?;
            (file, sources.bytes(file).len())
        }
    };
    let bytes = sources.bytes(file);
    let end_of_line = if bytes.windows(2).any(|pair| pair == b"\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let open_line = at > 0 && bytes.get(at - 1) != Some(&b'\n');
    let start = if open_line { end_of_line } else { "" };
    Some(Edit::insert(
        Span::new(file, at, at),
        format!("{start}ssl = required{end_of_line}"),
    ))
}

/// Tightens one assignment that would defeat the global `ssl = required`, or of which the server would die beside it.
fn tighten(config: &Config, assignment: &Assignment) -> Option<Edit> {
    let path = config.path(assignment.scope);
    let in_listener = path
        .iter()
        .any(|section| matches!(section, Section::Listener(_)));
    if in_listener {
        // `inet_listener x { ssl = yes }` is another setting: implicit TLS.
        return None;
    }
    if assignment.name == "ssl" {
        let weaker = assignment.scope != ScopeId::GLOBAL && assignment.text != "required";
        return weaker.then(|| Edit::replace(assignment.value_span, "required"));
    }
    // 2.4 refuses `auth_allow_cleartext = yes` beside `ssl = required`
    // (live 2.4.1, 2.4.5: "auth_allow_cleartext=yes has no effect with ssl=required").
    let refused = config.family == Family::V24
        && assignment.name == "auth_allow_cleartext"
        && assignment.text != "no";
    refused.then(|| Edit::replace(assignment.value_span, "no"))
}
