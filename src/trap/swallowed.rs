//! A swallowed line: one that is indented, so that it belongs to the setting or service above it.
//!
//! ```text
//! smtpd_tls_security_level = may
//!  smtpd_tls_auth_only = yes
//! ```
//!
//! Postfix reads one setting with the value `may smtpd_tls_auth_only = yes` (util/readlline.c).

use bstr::ByteSlice;

use crate::postfix::is_parameter;
use crate::source::Span;
use crate::surface::Server;
use crate::surface::server::Surface;

use super::orphan::service_label;
use super::{Trap, TrapKind};

pub(super) fn find(surface: &Surface, traps: &mut Vec<Trap>) {
    let Some(config) = &surface.postfix else {
        return;
    };
    let mut push = |span, seems: &str, above: &str| {
        traps.push(Trap {
            span,
            kind: TrapKind::SwallowedLine,
            server: Server::Postfix,
            detail: format!("the indented \"{seems}\" is part of {above}"),
        });
    };
    for parameter in config.main.iter().flat_map(|main| main.parameters()) {
        for (span, line) in continued(surface, parameter.span) {
            if let Some(name) = set_name(line).filter(|name| is_parameter(name)) {
                push(
                    span,
                    &format!("{} =", name.as_bstr()),
                    &parameter.name.to_string(),
                );
            }
        }
    }
    for service in config.services() {
        for (span, line) in continued(surface, service.span) {
            if let Some(label) = service_label(line) {
                push(span, &label, &service.label());
            }
        }
    }
}

/// The lines of a logical line behind its first, without comments and blanks around them.
fn continued(surface: &Surface, whole: Span) -> Vec<(Span, &[u8])> {
    let mut at = whole.start;
    let mut lines = Vec::new();
    for physical in surface
        .sources
        .text(whole)
        .split_inclusive(|&byte| byte == b'\n')
    {
        let line = physical.trim_ascii();
        let start = at + physical.len() - physical.trim_ascii_start().len();
        if at > whole.start && !line.is_empty() && !line.starts_with(b"#") {
            lines.push((Span::new(whole.file, start, start + line.len()), line));
        }
        at += physical.len();
    }
    lines
}

/// The name in `name = value`.
fn set_name(line: &[u8]) -> Option<&[u8]> {
    let equals = line.find_byte(b'=')?;
    Some(line[..equals].trim_ascii_end())
}
