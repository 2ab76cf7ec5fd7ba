//! The endpoints of a server as a table, each with what decides it.

use std::io::{self, Write};

use crate::source::{Origin, Sources};
use crate::surface::{Because, Endpoint, Verdict};
use crate::version::Range;

use super::link;
use super::plain::plain;
use super::screen::{Screen, Tone};
use super::table::{Cell, Column, Table};

/// Writes the endpoints; those of which `is_explained` says so with the settings that decide them.
///
/// # Errors
/// What the writer says.
pub(super) fn write(
    out: &mut dyn Write,
    endpoints: &[Endpoint],
    sources: &Sources,
    screen: &Screen,
    is_explained: impl Fn(&Endpoint) -> bool,
) -> io::Result<()> {
    if endpoints.is_empty() {
        return Ok(());
    }
    let ranged = endpoints
        .iter()
        .any(|endpoint| endpoint.versions != Range::ANY);
    let mut columns = vec![
        Column::name("VERDICT"),
        Column::name("SERVER"),
        Column::name("SERVICE"),
        Column::number("PORT"),
        Column::aside("TLS"),
    ];
    columns.extend(ranged.then_some(Column::aside("RELEASES")));
    let mut table = Table::new(columns);
    for endpoint in endpoints {
        let mut cells = vec![
            verdict(&endpoint.verdict),
            endpoint.server.to_string().into(),
            plain(endpoint.service.as_bytes()).into(),
            port(endpoint).into(),
            endpoint.tls.to_string().into(),
        ];
        cells.extend(ranged.then(|| endpoint.versions.to_string().into()));
        table.row(cells);
    }
    table.write_with(out, screen, 0, |out, row| match endpoints.get(row) {
        Some(endpoint) => {
            if is_explained(endpoint) {
                write_reasons(out, sources, endpoint, screen)?;
            }
            write_exemptions(out, endpoint, screen)
        }
        None => Ok(()),
    })
}

/// The cell of a verdict.
pub(super) fn verdict(verdict: &Verdict) -> Cell {
    let tone = match verdict {
        Verdict::TlsOnly | Verdict::NoAuth => Tone::Good,
        Verdict::Cleartext | Verdict::LockedOut | Verdict::Fails(_) => Tone::Bad,
        Verdict::Challenge | Verdict::Unknown(_) => Tone::Doubt,
    };
    Cell::toned(verdict.word(), tone)
}

/// The port with the address before it, where it is not every address.
pub(super) fn port(endpoint: &Endpoint) -> String {
    let port = match endpoint.port {
        0 => "?".to_owned(),
        port => port.to_string(),
    };
    match endpoint.address.as_str() {
        "*" | "" => port,
        address if address.contains(':') => format!("[{}]:{port}", plain(address.as_bytes())),
        address => format!("{}:{port}", plain(address.as_bytes())),
    }
}

fn write_reasons(
    out: &mut dyn Write,
    sources: &Sources,
    endpoint: &Endpoint,
    screen: &Screen,
) -> io::Result<()> {
    match &endpoint.verdict {
        Verdict::Fails(why) | Verdict::Unknown(why) => {
            screen.line(out, 4, &plain(why.as_bytes()))?;
        }
        Verdict::TlsOnly
        | Verdict::Cleartext
        | Verdict::Challenge
        | Verdict::LockedOut
        | Verdict::NoAuth => {}
    }
    for because in &endpoint.because {
        screen.line(out, 4, &because_line(sources, because, screen))?;
    }
    Ok(())
}

fn write_exemptions(out: &mut dyn Write, endpoint: &Endpoint, screen: &Screen) -> io::Result<()> {
    for exemption in &endpoint.exemptions {
        let network = exemption
            .network
            .as_deref()
            .map(|network| format!(" {}", plain(network.as_bytes())))
            .unwrap_or_default();
        let kind = exemption.kind.word();
        let detail = plain(exemption.detail.as_bytes());
        screen.line(out, 4, &format!("except {kind}{network}: {detail}"))?;
    }
    Ok(())
}

/// `smtpd_tls_auth_only = no (default)` or `… (etc/postfix/main.cf:3:1)`.
fn because_line(sources: &Sources, because: &Because, screen: &Screen) -> String {
    let origin = match because.origin {
        Origin::File(span) => link::place(screen, sources, span),
        Origin::Default(_) => "default".to_owned(),
        Origin::Implied(how) => how.to_owned(),
    };
    let value = plain(&because.value);
    let value = if value.is_empty() { "(empty)" } else { &value };
    let origin = screen.paint(Tone::Faint, &format!("({origin})"));
    format!("{} = {value}  {origin}", plain(because.setting.as_bytes()))
}
