//! The report of `scan` for people: how many accounts log in without TLS, then who, from where.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use crate::evidence::{Evidence, Example, Refusal, Row, Text, Time, Transport, Window};
use crate::protocol::Protocol;

use super::check::count;
use super::plain::plain;
use super::table::Table;

/// How many accounts were seen at least once each way, on one protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Accounts in all.
    pub accounts: usize,
    /// Seen without TLS.
    pub clear: usize,
    /// Seen under TLS.
    pub tls: usize,
    /// Seen from the same host.
    pub local: usize,
    /// Seen from a trusted network.
    pub trusted: usize,
    /// Seen where the log does not tell.
    pub unknown: usize,
}

/// The totals of each protocol that was seen.
pub fn totals(evidence: &Evidence) -> BTreeMap<Protocol, Totals> {
    let mut ways: BTreeMap<Protocol, BTreeMap<&[u8], [bool; 5]>> = BTreeMap::new();
    for row in &evidence.rows {
        if let Some(account) = &row.account {
            let seen = ways
                .entry(row.protocol)
                .or_default()
                .entry(account)
                .or_default();
            for (place, transport) in Transport::ALL.iter().enumerate() {
                seen[place] |= *transport == row.transport;
            }
        }
    }
    let sum = |accounts: &BTreeMap<&[u8], [bool; 5]>, transport: Transport| {
        let place = Transport::ALL.iter().position(|one| *one == transport);
        accounts
            .values()
            .filter(|seen| place.is_some_and(|place| seen[place]))
            .count()
    };
    ways.iter()
        .map(|(&protocol, accounts)| {
            let totals = Totals {
                accounts: accounts.len(),
                clear: sum(accounts, Transport::Clear),
                tls: sum(accounts, Transport::Tls),
                local: sum(accounts, Transport::Local),
                trusted: sum(accounts, Transport::Trusted),
                unknown: sum(accounts, Transport::Unknown),
            };
            (protocol, totals)
        })
        .collect()
}

/// Writes the report.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, evidence: &Evidence) -> io::Result<()> {
    writeln!(out, "{}", answer(evidence))?;
    for (first, last) in &evidence.window.gaps {
        writeln!(out, "no line from {} to {}", first.day(), last.day())?;
    }
    let totals = totals(evidence);
    if !totals.is_empty() {
        let mut table = Table::new(
            &[
                "PROTOCOL", "ACCOUNTS", "CLEAR", "UNKNOWN", "TRUSTED", "LOCAL", "TLS",
            ],
            &[1, 2, 3, 4, 5, 6],
        );
        for (protocol, one) in &totals {
            let mut cells = vec![protocol.to_string()];
            cells.extend(
                [
                    one.accounts,
                    one.clear,
                    one.unknown,
                    one.trusted,
                    one.local,
                    one.tls,
                ]
                .map(|number| number.to_string()),
            );
            table.row(cells);
        }
        writeln!(out)?;
        table.write(out, "")?;
    }
    for (transport, title) in [
        (Transport::Clear, "without TLS"),
        (Transport::Unknown, "the log does not tell"),
        (
            Transport::Trusted,
            "without TLS, from a network or proxy the server trusts",
        ),
        (Transport::Local, "without TLS, from the server itself"),
    ] {
        let rows = evidence.rows.iter().chain(&evidence.anonymous);
        let table = logins(rows.filter(|row| row.transport == transport));
        write_table(out, title, &named_by_host(table, evidence))?;
    }
    for (certain, title) in [
        (true, "refused for want of TLS, so these fail already"),
        (false, "failed without TLS, perhaps for want of it"),
    ] {
        let rows = evidence.refused.iter().filter(|one| one.certain == certain);
        write_table(out, title, &named_by_host(refusals(rows), evidence))?;
    }
    write_calibration(out, evidence)
}

/// Cells of a table with the host of each row, and which columns are numbers.
struct Rows {
    head: Vec<&'static str>,
    right: Vec<usize>,
    rows: Vec<(Text, Vec<String>)>,
}

/// The table, with a column for the host where the log is of several.
fn named_by_host(rows: Rows, evidence: &Evidence) -> Table {
    let several = has_several_hosts(evidence);
    let head: Vec<&str> = several
        .then_some("HOST")
        .into_iter()
        .chain(rows.head)
        .collect();
    let right: Vec<usize> = rows
        .right
        .iter()
        .map(|column| column + usize::from(several))
        .collect();
    let mut table = Table::new(&head, &right);
    for (host, cells) in rows.rows {
        let host = several.then(|| plain(&host));
        table.row(host.into_iter().chain(cells).collect());
    }
    table
}

fn has_several_hosts(evidence: &Evidence) -> bool {
    let mut hosts = evidence.calibration.iter().map(|one| &one.host);
    let first = hosts.next();
    hosts.any(|host| Some(host) != first)
}

fn write_table(out: &mut dyn Write, title: &str, table: &Table) -> io::Result<()> {
    if table.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}:")?;
    table.write(out, "  ")
}

/// The first line: how many, of how many, in what time.
fn answer(evidence: &Evidence) -> String {
    let mut all: BTreeMap<&[u8], [bool; 2]> = BTreeMap::new();
    for row in &evidence.rows {
        if let Some(account) = &row.account {
            let seen = all.entry(account).or_default();
            seen[0] |= row.transport == Transport::Clear;
            seen[1] |= row.transport == Transport::Unknown;
        }
    }
    let clear = all.values().filter(|seen| seen[0]).count();
    let unknown = all.values().filter(|seen| seen[1] && !seen[0]).count();
    let days = days(&evidence.window);
    if all.is_empty() && evidence.anonymous.is_empty() {
        return format!(
            "no login found in {}{days}",
            count_lines(evidence.lines.read)
        );
    }
    let nameless: BTreeSet<&Text> = evidence
        .anonymous
        .iter()
        .filter(|row| row.transport == Transport::Clear)
        .map(|row| &row.client)
        .collect();
    let mut text = match clear {
        0 if !nameless.is_empty() => format!(
            "accounts that the log does not name log in without TLS, from {}",
            count(nameless.len(), "client")
        ),
        0 => "nobody was seen to log in without TLS".to_owned(),
        1 => "1 account logs in without TLS".to_owned(),
        many => format!("{many} accounts log in without TLS"),
    };
    text.push_str(&format!(", of {}{days}", count(all.len(), "account")));
    if unknown > 0 {
        text.push_str(&format!("; of {unknown} of them the log does not tell"));
    }
    text
}

fn count_lines(lines: u64) -> String {
    if lines == 1 {
        "1 line".to_owned()
    } else {
        format!("{lines} lines")
    }
}

/// ` (2026-10-26 to 2026-11-02)`, or nothing where no line has a time.
fn days(window: &Window) -> String {
    match (window.first, window.last) {
        (Some(first), Some(last)) => {
            format!(" ({} to {})", first.day(), last.day())
        }
        (None, _) | (_, None) => String::new(),
    }
}

fn time(time: Option<Time>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

fn logins<'a>(rows: impl Iterator<Item = &'a Row>) -> Rows {
    Rows {
        head: vec![
            "ACCOUNT", "PROTOCOL", "CLIENT", "NAME", "METHOD", "LOGINS", "FIRST", "LAST", "EXAMPLE",
        ],
        right: vec![5],
        rows: rows
            .map(|row| {
                let cells = vec![
                    account(row.account.as_ref(), row.ambiguous),
                    row.protocol.to_string(),
                    plain(&row.client),
                    row.client_name
                        .as_ref()
                        .map_or_else(|| "-".to_owned(), |name| plain(name)),
                    plain(&row.method),
                    row.logins.to_string(),
                    time(row.first),
                    time(row.last),
                    example(row.example.as_ref()),
                ];
                (row.host.clone(), cells)
            })
            .collect(),
    }
}

fn refusals<'a>(rows: impl Iterator<Item = &'a Refusal>) -> Rows {
    Rows {
        head: vec![
            "ACCOUNT", "PROTOCOL", "CLIENT", "TIMES", "LAST", "EXAMPLE", "REASON",
        ],
        right: vec![3],
        rows: rows
            .map(|refusal| {
                let cells = vec![
                    account(refusal.account.as_ref(), false),
                    refusal.protocol.to_string(),
                    plain(&refusal.client),
                    refusal.times.to_string(),
                    time(refusal.last),
                    example(refusal.example.as_ref()),
                    plain(refusal.reason.as_bytes()),
                ];
                (refusal.host.clone(), cells)
            })
            .collect(),
    }
}

/// `mail.log:37`, a line that anyone can look at.
fn example(example: Option<&Example>) -> String {
    example.map_or_else(
        || "-".to_owned(),
        |example| {
            let file = example.file.to_string_lossy();
            format!("{}:{}", plain(file.as_bytes()), example.line)
        },
    )
}

/// An account's name to show: `(not logged)` where there is none, `?` behind one that may end elsewhere.
pub(super) fn account(name: Option<&Text>, ambiguous: bool) -> String {
    match name {
        None => "(not logged)".to_owned(),
        Some(name) if ambiguous => format!("{} (?)", plain(name)),
        Some(name) => plain(name),
    }
}

fn write_calibration(out: &mut dyn Write, evidence: &Evidence) -> io::Result<()> {
    if evidence.calibration.is_empty() {
        return Ok(());
    }
    let several = has_several_hosts(evidence);
    writeln!(out, "\nwhat silence about TLS means:")?;
    for one in &evidence.calibration {
        let meaning = if one.silence_proves {
            "no TLS"
        } else {
            "nothing"
        };
        let host = if several {
            format!("{} ", plain(&one.host))
        } else {
            String::new()
        };
        writeln!(
            out,
            "  {host}{}: {meaning}, {}",
            plain(&one.service),
            plain(one.why.as_bytes())
        )?;
    }
    Ok(())
}
