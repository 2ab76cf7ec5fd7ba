//! The report of `preflight` for people: GO or NO-GO, what stands in the way, who fares how.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::impact::{AccountImpact, Cause, ClientImpact, Decision, Impact, Older, Preflight};

use super::answer::GROUPS;
use super::check::{count, port};
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
    if let Some(sentence) = preflight.hosts.sentence() {
        writeln!(out, "\n{}", plain(sentence.as_bytes()))?;
    }
    for (impact, title) in GROUPS {
        write_accounts(out, title, impact, preflight)?;
    }
    write_trend(out, preflight)?;
    write_versions(out, preflight)?;
    write_minima(out, preflight)?;
    write_endpoints(out, preflight)
}

fn write_accounts(
    out: &mut dyn Write,
    title: &str,
    impact: Impact,
    preflight: &Preflight,
) -> io::Result<()> {
    let fares = |client: &&ClientImpact| client.impact == impact;
    let clients = || preflight.accounts.iter().flat_map(|one| &one.clients);
    let columns = Columns {
        networks: clients().filter(fares).any(|one| one.network.is_some()),
        schedules: clients().filter(fares).any(|one| one.schedule.is_some()),
        programs: clients()
            .filter(fares)
            .any(|one| one.mail_program.is_some()),
    };
    let mut head = vec!["ACCOUNT", "PROTOCOL", "CLIENT", "NAME"];
    head.extend(columns.networks.then_some("NETWORK"));
    head.push("LOGINS");
    let right = head.len() - 1;
    head.push("LAST");
    head.extend(columns.schedules.then_some("WHEN"));
    head.extend(columns.programs.then_some("PROGRAM"));
    head.push("WHY");
    let mut table = Table::new(&head, &[right]);
    for cause in preflight.causes.iter().filter(|one| one.impact == impact) {
        table.row(cause_cells(cause, preflight, columns));
    }
    for one in &preflight.accounts {
        for client in one.clients.iter().filter(fares) {
            // What has one cause is one row.
            let explained = one.account.is_some()
                && preflight.causes.iter().any(|cause| cause.explains(client));
            if !explained {
                table.row(client_cells(one, client, columns));
            }
        }
    }
    if table.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}:")?;
    table.write(out, "  ")
}

/// The columns that are there only where somebody has something in them.
#[derive(Clone, Copy)]
struct Columns {
    networks: bool,
    schedules: bool,
    programs: bool,
}

fn client_cells(one: &AccountImpact, client: &ClientImpact, columns: Columns) -> Vec<String> {
    let mut cells = vec![
        account(one.account.as_ref(), false),
        one.protocol.to_string(),
        plain(&client.client),
        or_dash(client.client_name.as_ref().map(|name| plain(name))),
    ];
    if columns.networks {
        cells.push(or_dash(
            client.network.as_ref().map(|name| plain(name.as_bytes())),
        ));
    }
    cells.push(client.logins.to_string());
    cells.push(or_dash(client.last.map(|last| last.to_string())));
    if columns.schedules {
        cells.push(or_dash(client.schedule.clone()));
    }
    if columns.programs {
        cells.push(or_dash(
            client.mail_program.as_ref().map(|name| plain(name)),
        ));
    }
    let mut why = plain(client.why.as_bytes());
    why.push_str(&accepted(client.accepted.as_deref()));
    if let Some(days) = client.days_ago.filter(|&days| days >= LONG_AGO) {
        why.push_str(&format!("; not seen for {days} days"));
    }
    cells.push(why);
    cells
}

fn accepted(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| {
        format!("; accepted ({})", plain(reason.as_bytes()))
    })
}

/// From how many days on it is said that somebody was not seen.
const LONG_AGO: i64 = 7;

/// The row of many accounts behind one client.
fn cause_cells(cause: &Cause, preflight: &Preflight, columns: Columns) -> Vec<String> {
    let behind: Vec<(&AccountImpact, &ClientImpact)> = preflight
        .accounts
        .iter()
        .filter(|one| one.account.is_some())
        .flat_map(|one| one.clients.iter().map(move |client| (one, client)))
        .filter(|(_, client)| cause.explains(client))
        .collect();
    let protocols: BTreeSet<String> = behind
        .iter()
        .map(|(one, _)| one.protocol.to_string())
        .collect();
    let network = behind
        .iter()
        .find_map(|(_, client)| client.network.as_ref());
    let logins: u64 = behind.iter().map(|(_, client)| client.logins).sum();
    let last = behind.iter().filter_map(|(_, client)| client.last).max();
    let mut cells = vec![
        format!("{} accounts", cause.accounts),
        protocols.into_iter().collect::<Vec<_>>().join(","),
        or_dash(cause.client.as_ref().map(|client| plain(client))),
        or_dash(cause.client_name.as_ref().map(|name| plain(name))),
    ];
    if columns.networks {
        cells.push(or_dash(network.map(|name| plain(name.as_bytes()))));
    }
    cells.push(logins.to_string());
    cells.push(or_dash(last.map(|last| last.to_string())));
    cells.extend(columns.schedules.then(|| or_dash(None)));
    cells.extend(columns.programs.then(|| or_dash(None)));
    let why = behind.first().map_or("", |(_, client)| &client.why);
    cells.push(format!(
        "many accounts {}; {}{}",
        plain(cause.words().as_bytes()),
        plain(why.as_bytes()),
        accepted(cause.accepted.as_deref())
    ));
    cells
}

fn or_dash(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "-".to_owned())
}

/// The weeks in which somebody logged in without TLS, where there is more than one to compare.
fn write_trend(out: &mut dyn Write, preflight: &Preflight) -> io::Result<()> {
    let weeks = &preflight.trend;
    if weeks.len() < 2 || weeks.iter().all(|week| week.clear == 0) {
        return Ok(());
    }
    let mut table = Table::new(&["WEEK OF", "WITHOUT TLS", "UNKNOWN", "ALL"], &[1, 2, 3]);
    for week in weeks {
        table.row(vec![
            week.monday().day(),
            week.clear.to_string(),
            week.unknown.to_string(),
            week.accounts.to_string(),
        ]);
    }
    writeln!(out, "\naccounts by week:")?;
    table.write(out, "  ")?;
    match preflight.last_clear {
        Some(last) if last.days_ago >= LONG_AGO => {
            let days = last.days_ago;
            writeln!(
                out,
                "  nobody without TLS for {days} days, since {}",
                last.time
            )
        }
        Some(_) | None => Ok(()),
    }
}

/// The versions of TLS in use, where the logs tell any.
fn write_versions(out: &mut dyn Write, preflight: &Preflight) -> io::Result<()> {
    let versions = &preflight.tls_versions;
    if versions.iter().all(|one| one.version.is_none()) {
        return Ok(());
    }
    let mut table = Table::new(&["VERSION", "ACCOUNTS", "LOGINS", "LAST"], &[1, 2]);
    for one in versions {
        let version = one.version.as_ref().map(|version| plain(version));
        table.row(vec![
            version.unwrap_or_else(|| "(not logged)".to_owned()),
            one.accounts.to_string(),
            one.logins.to_string(),
            or_dash(one.last.map(|last| last.to_string())),
        ]);
    }
    writeln!(out, "\nversions of TLS in use:")?;
    table.write(out, "  ")
}

/// Who would break if a newer version of TLS were asked for: by name at the first minimum, then by number.
fn write_minima(out: &mut dyn Write, preflight: &Preflight) -> io::Result<()> {
    let mut minima = preflight.minima.iter();
    if let Some(minimum) = minima.next() {
        let version = minimum.version;
        let title = format!("would break at a minimum of {version}");
        write_older(out, &title, &minimum.breaks)?;
        let title = format!("came with less than {version} before these files asked for it");
        write_older(out, &title, &minimum.already)?;
    }
    for minimum in minima {
        let accounts: BTreeSet<_> = minimum.breaks.iter().map(|older| &older.account).collect();
        if !accounts.is_empty() {
            let number = count(accounts.len(), "account");
            let version = minimum.version;
            writeln!(out, "\n{number} would break at a minimum of {version}")?;
        }
    }
    Ok(())
}

fn write_older(out: &mut dyn Write, title: &str, all: &[Older]) -> io::Result<()> {
    let mut table = Table::new(&["ACCOUNT", "PROTOCOL", "CLIENT", "SEEN WITH"], &[]);
    for older in all {
        table.row(vec![
            account(older.account.as_ref(), false),
            older.protocol.to_string(),
            plain(&older.client),
            plain(&older.tls_version),
        ]);
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
