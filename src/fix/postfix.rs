//! The fix for Postfix: `smtpd_tls_auth_only = yes` where it is decided, and no `-o` that defeats it.

use crate::edit::Edit;
use crate::postfix::{MainCf, Service};
use crate::source::{Sources, Span};
use crate::surface::server::Surface;
use crate::surface::{Server, Verdict};

/// The setting that keeps SASL off until TLS is up (postconf(5), smtpd_tls_auth_only).
const SETTING: &str = "smtpd_tls_auth_only";

/// The edits that enforce TLS at every endpoint of Postfix; none where it is enforced already.
pub(super) fn enforce(surface: &Surface) -> Vec<Edit> {
    let exposed = surface.endpoints.iter().any(|endpoint| {
        endpoint.server == Server::Postfix
            && match endpoint.verdict {
                Verdict::Cleartext | Verdict::Challenge => true,
                Verdict::TlsOnly
                | Verdict::LockedOut
                | Verdict::NoAuth
                | Verdict::Fails(_)
                | Verdict::Unknown(_) => false,
            }
    });
    let Some(config) = surface.postfix.as_ref().filter(|_| exposed) else {
        return Vec::new();
    };
    let mut edits = Vec::new();
    if let Some(main) = &config.main {
        edits.extend(set(main, &surface.sources));
    }
    for service in config.services() {
        edits.extend(tighten(service));
    }
    edits
}

/// Sets it in main.cf: the definition that holds, else a copy that is commented out, else a new line.
fn set(main: &MainCf, sources: &Sources) -> Option<Edit> {
    let bytes = sources.bytes(main.file);
    if let Some(winner) = main.winner(SETTING) {
        let is_set = winner.value.eq_ignore_ascii_case(b"yes");
        return (!is_set).then(|| replace_value(winner.value_span, bytes));
    }
    let end_of_line = if bytes.windows(2).any(|pair| pair == b"\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    // A comment of more than one word behind the `=` is prose, and stays.
    let copies = main.commented_out(bytes, SETTING);
    let copy = copies.iter().rfind(|copy| !copy.value.contains(&b' '));
    if let Some(copy) = copy {
        let line = &bytes[copy.span.start..copy.span.end];
        let ending = if line.ends_with(b"\r") { "\r" } else { "" };
        return Some(Edit::replace(copy.span, format!("{SETTING} = yes{ending}")));
    }
    // Behind the last of its kind, or at the end; at column 0, since an indented line continues the one above.
    let neighbour = main
        .parameters()
        .filter(|parameter| parameter.name.starts_with(b"smtpd_tls_"))
        .last();
    let at = neighbour.map_or(bytes.len(), |parameter| parameter.span.end);
    let line = format!("{SETTING} = yes{end_of_line}");
    let open_line = at > 0 && bytes.get(at - 1) != Some(&b'\n');
    let text = if open_line {
        format!("{end_of_line}{line}")
    } else {
        line
    };
    Some(Edit::insert(Span::new(main.file, at, at), text))
}

/// Puts `yes` in place of a value. An empty value follows `=` at once; it gets the blank it lacks.
fn replace_value(value: Span, bytes: &[u8]) -> Edit {
    let glued = value.is_empty()
        && value
            .start
            .checked_sub(1)
            .and_then(|before| bytes.get(before))
            == Some(&b'=');
    Edit::replace(value, if glued { " yes" } else { "yes" })
}

/// Turns every effective `-o smtpd_tls_auth_only=…` of an smtpd service to `yes`; main.cf cannot defeat it.
fn tighten(service: &Service) -> Vec<Edit> {
    if service.program() != "smtpd" {
        return Vec::new();
    }
    service
        .overrides
        .iter()
        .filter(|one| one.effective && one.name == SETTING)
        .filter(|one| !one.value.eq_ignore_ascii_case(b"yes"))
        .map(|one| Edit::replace(one.value_span, "yes"))
        .collect()
}
