//! The report of `preflight` for people: GO or NO-GO, what stands in the way, who fares how.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::impact::{AccountImpact, Cause, ClientImpact, Decision, Impact, Older, Preflight};
use crate::surface::Endpoint;
use crate::surface::server::Surface;

use super::answer::{Answer, GROUPS};
use super::check::count;
use super::endpoint;
use super::plain::plain;
use super::scan::{self, account};
use super::screen::{Detail, Screen, Tone};
use super::table::{Cell, Column, Table};

/// Writes the report; `after` is the server after the change.
///
/// # Errors
/// What the writer says.
pub fn write(
    out: &mut dyn Write,
    answer: &Answer<'_>,
    after: &Surface,
    screen: &Screen,
    detail: Detail,
) -> io::Result<()> {
    let preflight = answer.preflight;
    let (decision, tone) = match preflight.decision {
        Decision::Go => ("GO", Tone::Good),
        Decision::NoGo => ("NO-GO", Tone::Bad),
        Decision::CannotTell => ("CANNOT TELL", Tone::Doubt),
    };
    let decision = screen.paint(tone, decision);
    let mut reasons = preflight.reasons.iter();
    let first = reasons.next().map_or("", String::as_str);
    let line = format!("{decision}: {}", plain(first.as_bytes()));
    let next = answer.next().map(|next| format!("next: {next}"));
    screen.answer(out, &line, next.as_deref(), detail)?;
    if detail == Detail::Answer {
        return Ok(());
    }
    for reason in reasons {
        screen.line(out, 2, &plain(reason.as_bytes()))?;
    }
    if let Some(sentence) = preflight.hosts.sentence() {
        writeln!(out)?;
        screen.line(out, 0, &plain(sentence.as_bytes()))?;
    }
    for (impact, title) in GROUPS {
        // Most accounts use TLS already, and nobody has to do anything about them.
        match (impact, detail) {
            (Impact::Survives, Detail::Usual | Detail::Answer) => {
                write_survivors(out, answer, screen)?;
            }
            (_, Detail::Usual | Detail::Answer | Detail::All) => {
                write_accounts(out, title, impact, preflight, screen)?;
            }
        }
    }
    write_trend(out, preflight, screen)?;
    write_versions(out, preflight, screen)?;
    write_minima(out, preflight, screen)?;
    write_endpoints(out, preflight, after, screen, detail)?;
    match detail {
        Detail::All => scan::write_calibration(out, answer.evidence, screen, detail),
        Detail::Answer | Detail::Usual => Ok(()),
    }
}

/// Writes how many use TLS already, in place of who.
fn write_survivors(out: &mut dyn Write, answer: &Answer<'_>, screen: &Screen) -> io::Result<()> {
    let survivors = answer.clients(Impact::Survives);
    let accounts: BTreeSet<_> = survivors.map(|one| one.account).collect();
    match accounts.len() {
        0 => Ok(()),
        1 => screen.apart(out, "1 account uses TLS already (-v names it)"),
        many => screen.apart(
            out,
            &format!("{many} accounts use TLS already (-v names them)"),
        ),
    }
}

/// Writes what stands above a table or a list.
fn write_title(out: &mut dyn Write, title: &str, screen: &Screen) -> io::Result<()> {
    screen.apart(out, &screen.paint(Tone::Heading, &format!("{title}:")))
}

fn write_accounts(
    out: &mut dyn Write,
    title: &str,
    impact: Impact,
    preflight: &Preflight,
    screen: &Screen,
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
    let mut head = vec![
        Column::name("ACCOUNT"),
        Column::name("PROTOCOL"),
        Column::name("CLIENT"),
        Column::aside("NAME"),
    ];
    head.extend(columns.networks.then_some(Column::aside("NETWORK")));
    head.push(Column::number("LOGINS"));
    head.push(Column::time("LAST"));
    head.extend(columns.schedules.then_some(Column::aside("WHEN")));
    head.extend(columns.programs.then_some(Column::aside("PROGRAM")));
    head.push(Column::aside("WHY"));
    let mut table = Table::new(head);
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
    write_title(out, title, screen)?;
    table.write(out, screen, 2)
}

/// The columns that are there only where somebody has something in them.
#[derive(Clone, Copy)]
struct Columns {
    networks: bool,
    schedules: bool,
    programs: bool,
}

fn client_cells(one: &AccountImpact, client: &ClientImpact, columns: Columns) -> Vec<Cell> {
    let mut cells = vec![
        account(one.account.as_ref(), false).into(),
        one.protocol.to_string().into(),
        plain(&client.client).into(),
        or_dash(client.client_name.as_ref().map(|name| plain(name))),
    ];
    if columns.networks {
        cells.push(or_dash(
            client.network.as_ref().map(|name| plain(name.as_bytes())),
        ));
    }
    cells.push(client.logins.to_string().into());
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
    cells.push(why.into());
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
fn cause_cells(cause: &Cause, preflight: &Preflight, columns: Columns) -> Vec<Cell> {
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
        format!("{} accounts", cause.accounts).into(),
        protocols.into_iter().collect::<Vec<_>>().join(",").into(),
        or_dash(cause.client.as_ref().map(|client| plain(client))),
        or_dash(cause.client_name.as_ref().map(|name| plain(name))),
    ];
    if columns.networks {
        cells.push(or_dash(network.map(|name| plain(name.as_bytes()))));
    }
    cells.push(logins.to_string().into());
    cells.push(or_dash(last.map(|last| last.to_string())));
    cells.extend(columns.schedules.then(|| or_dash(None)));
    cells.extend(columns.programs.then(|| or_dash(None)));
    let why = behind.first().map_or("", |(_, client)| &client.why);
    let why = format!(
        "many accounts {}; {}{}",
        plain(cause.words().as_bytes()),
        plain(why.as_bytes()),
        accepted(cause.accepted.as_deref())
    );
    cells.push(why.into());
    cells
}

fn or_dash(cell: Option<String>) -> Cell {
    cell.map_or_else(|| Cell::from("-"), Cell::from)
}

/// The weeks in which somebody logged in without TLS, where there is more than one to compare.
fn write_trend(out: &mut dyn Write, preflight: &Preflight, screen: &Screen) -> io::Result<()> {
    let weeks = &preflight.trend;
    if weeks.len() < 2 || weeks.iter().all(|week| week.clear == 0) {
        return Ok(());
    }
    let mut table = Table::new(vec![
        Column::name("WEEK OF"),
        Column::number("WITHOUT TLS"),
        Column::number("UNKNOWN"),
        Column::number("ALL"),
    ]);
    for week in weeks {
        table.row(vec![
            week.monday().day().into(),
            week.clear.to_string().into(),
            week.unknown.to_string().into(),
            week.accounts.to_string().into(),
        ]);
    }
    write_title(out, "accounts by week", screen)?;
    table.write(out, screen, 2)?;
    match preflight.last_clear {
        Some(last) if last.days_ago >= LONG_AGO => {
            let days = last.days_ago;
            let since = last.time;
            screen.line(
                out,
                2,
                &format!("nobody without TLS for {days} days, since {since}"),
            )
        }
        Some(_) | None => Ok(()),
    }
}

/// The versions of TLS in use, where the logs tell any.
fn write_versions(out: &mut dyn Write, preflight: &Preflight, screen: &Screen) -> io::Result<()> {
    let versions = &preflight.tls_versions;
    if versions.iter().all(|one| one.version.is_none()) {
        return Ok(());
    }
    let mut table = Table::new(vec![
        Column::name("VERSION"),
        Column::number("ACCOUNTS"),
        Column::number("LOGINS"),
        Column::time("LAST"),
    ]);
    for one in versions {
        let version = one.version.as_ref().map(|version| plain(version));
        table.row(vec![
            version.unwrap_or_else(|| "(not logged)".to_owned()).into(),
            one.accounts.to_string().into(),
            one.logins.to_string().into(),
            or_dash(one.last.map(|last| last.to_string())),
        ]);
    }
    write_title(out, "versions of TLS in use", screen)?;
    table.write(out, screen, 2)
}

/// Who would break if a newer version of TLS were asked for: by name at the first minimum, then by number.
fn write_minima(out: &mut dyn Write, preflight: &Preflight, screen: &Screen) -> io::Result<()> {
    let mut minima = preflight.minima.iter();
    if let Some(minimum) = minima.next() {
        let version = minimum.version;
        let title = format!("would break at a minimum of {version}");
        write_older(out, &title, &minimum.breaks, screen)?;
        let title = format!("came with less than {version} before these files asked for it");
        write_older(out, &title, &minimum.already, screen)?;
    }
    for minimum in minima {
        let accounts: BTreeSet<_> = minimum.breaks.iter().map(|older| &older.account).collect();
        if !accounts.is_empty() {
            let number = count(accounts.len(), "account");
            let version = minimum.version;
            let text = format!("{number} would break at a minimum of {version}");
            screen.apart(out, &text)?;
        }
    }
    Ok(())
}

fn write_older(out: &mut dyn Write, title: &str, all: &[Older], screen: &Screen) -> io::Result<()> {
    let mut table = Table::new(vec![
        Column::name("ACCOUNT"),
        Column::name("PROTOCOL"),
        Column::name("CLIENT"),
        Column::name("SEEN WITH"),
    ]);
    for older in all {
        table.row(vec![
            account(older.account.as_ref(), false).into(),
            older.protocol.to_string().into(),
            plain(&older.client).into(),
            plain(&older.tls_version).into(),
        ]);
    }
    if table.is_empty() {
        return Ok(());
    }
    write_title(out, title, screen)?;
    table.write(out, screen, 2)
}

/// The endpoints after the change: in a line where all is well, else those that are not, or all with what decides them.
fn write_endpoints(
    out: &mut dyn Write,
    preflight: &Preflight,
    after: &Surface,
    screen: &Screen,
    detail: Detail,
) -> io::Result<()> {
    let all = &preflight.endpoints_after;
    let open: Vec<Endpoint> = all
        .iter()
        .filter(|endpoint| !endpoint.verdict.is_enforced())
        .cloned()
        .collect();
    match detail {
        Detail::All => {
            write_title(out, "endpoints after the change", screen)?;
            endpoint::write(out, all, &after.sources, screen, |_| true)
        }
        Detail::Answer | Detail::Usual if all.is_empty() => Ok(()),
        Detail::Answer | Detail::Usual if open.is_empty() => screen.apart(
            out,
            "after the change every endpoint is TLS only or without login",
        ),
        Detail::Answer | Detail::Usual => {
            let title = format!("open after the change, of {}", count(all.len(), "endpoint"));
            write_title(out, &title, screen)?;
            endpoint::write(out, &open, &after.sources, screen, |_| true)
        }
    }
}
