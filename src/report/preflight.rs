//! The report of `preflight` for people: GO or NO-GO, what stands in the way, who fares how.

use std::io::{self, Write};

use crate::impact::{AccountImpact, Decision, Impact, Preflight};

use super::check::port;
use super::plain::plain;
use super::scan::account;
use super::table::Table;

/// Writes the report.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, preflight: &Preflight) -> io::Result<()> {
    let decision = match preflight.decision {
        Decision::Go => "GO",
        Decision::NoGo => "NO-GO",
        Decision::CannotTell => "CANNOT TELL",
    };
    let mut reasons = preflight.reasons.iter();
    match reasons.next() {
        Some(reason) => writeln!(out, "{decision}: {}", plain(reason.as_bytes()))?,
        None => writeln!(out, "{decision}")?,
    }
    for reason in reasons {
        writeln!(out, "  {}", plain(reason.as_bytes()))?;
    }
    for (impact, title) in [
        (Impact::Breaks, "would break"),
        (Impact::Unknown, "the log does not tell"),
        (
            Impact::Relays,
            "lose the login, their mail is still accepted",
        ),
        (Impact::Refused, "are refused already"),
        (
            Impact::Exempt,
            "go on without TLS, as the server exempts them",
        ),
        (Impact::Survives, "go on, under TLS already"),
    ] {
        write_accounts(out, title, impact, &preflight.accounts)?;
    }
    write_endpoints(out, preflight)
}

fn write_accounts(
    out: &mut dyn Write,
    title: &str,
    impact: Impact,
    accounts: &[AccountImpact],
) -> io::Result<()> {
    let mut table = Table::new(
        &[
            "ACCOUNT", "PROTOCOL", "CLIENT", "NAME", "LOGINS", "LAST", "WHY",
        ],
        &[4],
    );
    for one in accounts {
        for client in one.clients.iter().filter(|client| client.impact == impact) {
            table.row(vec![
                account(one.account.as_ref(), false),
                one.protocol.to_string(),
                plain(&client.client),
                client
                    .client_name
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), |name| plain(name)),
                client.logins.to_string(),
                client
                    .last
                    .map_or_else(|| "-".to_owned(), |time| time.to_string()),
                plain(client.why.as_bytes()),
            ]);
        }
    }
    if table.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}:")?;
    table.write(out, "  ")
}

fn write_endpoints(out: &mut dyn Write, preflight: &Preflight) -> io::Result<()> {
    let mut table = Table::new(&["VERDICT", "SERVER", "SERVICE", "PORT"], &[3]);
    for endpoint in &preflight.endpoints_after {
        table.row(vec![
            endpoint.verdict.word().to_owned(),
            endpoint.server.to_string(),
            plain(endpoint.service.as_bytes()),
            port(endpoint),
        ]);
    }
    if table.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nendpoints after the change:")?;
    table.write(out, "  ")
}
