//! An orphaned option: an `-o` whose service is commented out, so that it belongs to the service above.
//!
//! ```text
//! smtp       inet  n  -  y  -  -  smtpd
//! #submission inet n  -  y  -  -  smtpd
//!   -o smtpd_tls_auth_only=no
//! ```
//!
//! Comments and blank lines inside a logical line are skipped (util/readlline.c), so the option is that of `smtp`.

use bstr::ByteSlice;

use crate::postfix::Service;
use crate::source::{Sources, Span};
use crate::surface::Server;
use crate::surface::server::Surface;

use super::{Trap, TrapKind};

pub(super) fn find(surface: &Surface, traps: &mut Vec<Trap>) {
    let Some(config) = &surface.postfix else {
        return;
    };
    for service in config.services() {
        // Where the last commented-out service before an option begins.
        let headers = commented_services(&surface.sources, service);
        for option in &service.overrides {
            let above = headers
                .iter()
                .rfind(|(span, _)| span.start < option.span.start);
            if let Some((_, label)) = above {
                traps.push(Trap {
                    span: option.span,
                    kind: TrapKind::OrphanedOption,
                    server: Server::Postfix,
                    detail: format!(
                        "-o {}={} stands below the commented-out \"{label}\" and belongs to \"{}\"",
                        option.name,
                        option.value,
                        service.label()
                    ),
                });
            }
        }
    }
}

/// The commented-out service lines inside the text of a service, with what each would be called.
fn commented_services(sources: &Sources, service: &Service) -> Vec<(Span, String)> {
    let mut found = Vec::new();
    let mut at = service.span.start;
    for line in sources
        .text(service.span)
        .split_inclusive(|&byte| byte == b'\n')
    {
        let text = line.trim_ascii_start();
        if text.starts_with(b"#")
            && let Some(label) = service_label(text.trim_start_with(|c| c == '#'))
        {
            found.push((Span::new(service.span.file, at, at + line.len()), label));
        }
        at += line.len();
    }
    found
}

/// `submission inet` where a line has the eight columns of a service.
pub(super) fn service_label(line: &[u8]) -> Option<String> {
    let columns: Vec<&[u8]> = line
        .split(u8::is_ascii_whitespace)
        .filter(|column| !column.is_empty())
        .collect();
    let [
        name,
        kind,
        private,
        unprivileged,
        chroot,
        wakeup,
        limit,
        _,
        ..,
    ] = columns[..]
    else {
        return None;
    };
    let is_flag = |column: &[u8]| matches!(column, b"-" | b"y" | b"n");
    let is_number =
        |column: &[u8]| column == b"-" || column.first().is_some_and(u8::is_ascii_digit);
    let fits = matches!(kind, b"inet" | b"unix" | b"fifo" | b"pass" | b"unix-dgram")
        && [private, unprivileged, chroot].into_iter().all(is_flag)
        && is_number(wakeup)
        && is_number(limit);
    fits.then(|| format!("{} {}", name.as_bstr(), kind.as_bstr()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commented_service_has_the_columns_of_one() {
        for (line, label) in [
            ("submission inet n - y - - smtpd", Some("submission inet")),
            ("smtps\tinet n - - - - smtpd -o a=b", Some("smtps inet")),
            ("  -o smtpd_tls_auth_only=yes", None),
            (
                "service type  private unpriv  chroot  wakeup  maxproc command",
                None,
            ),
            ("the pickup service needs unix and more words here", None),
        ] {
            assert_eq!(service_label(line.as_bytes()).as_deref(), label, "{line}");
        }
    }
}
