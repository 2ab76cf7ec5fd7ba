//! The report of `scan` for people: how many accounts log in without TLS, then who, from where.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use crate::evidence::{
    Calibration, Evidence, Example, Refusal, Row, Text, Time, Transport, Window,
};
use crate::root::Root;

use super::check::count;
use super::invocation::Invocation;
use super::link;
use super::plain::{plain, plain_path};
use super::screen::{Detail, Screen, Tone, columns};
use super::table::{Cell, Column, Table};
use super::totals::{self, Totals};

/// Writes the report; `root` is the server whose configuration was read with the logs.
///
/// # Errors
/// What the writer says.
pub fn write(
    out: &mut dyn Write,
    evidence: &Evidence,
    root: Option<&Root>,
    invocation: &Invocation,
    screen: &Screen,
    detail: Detail,
) -> io::Result<()> {
    let totals = totals::totals(evidence);
    let answer = screen.paint(tone(evidence), &answer(evidence, &totals));
    let next = next(evidence, root, invocation);
    screen.answer(out, &answer, next.as_deref(), detail)?;
    if detail == Detail::Answer {
        return Ok(());
    }
    for (first, last) in &evidence.window.gaps {
        writeln!(out, "no line from {} to {}", first.day(), last.day())?;
    }
    totals::write(out, &totals, screen)?;
    let mut by_transport: BTreeMap<Transport, Vec<&Row>> = BTreeMap::new();
    for row in evidence.rows.iter().chain(&evidence.anonymous) {
        if row.way.transport != Transport::Tls || detail == Detail::All {
            by_transport.entry(row.way.transport).or_default().push(row);
        }
    }
    for (transport, title) in [
        (Transport::Clear, "without TLS"),
        (Transport::Unknown, "the log does not tell"),
        (
            Transport::Trusted,
            "without TLS, from a network or proxy the server trusts",
        ),
        (Transport::Local, "without TLS, from the server itself"),
        (Transport::Tls, "under TLS"),
    ] {
        let rows = by_transport.remove(&transport).unwrap_or_default();
        write_table(
            out,
            title,
            logins(rows.into_iter(), screen),
            evidence,
            screen,
        )?;
    }
    for (certain, title) in [
        (true, "refused for want of TLS, so these fail already"),
        (false, "failed without TLS, perhaps for want of it"),
    ] {
        let rows = evidence.refused.iter().filter(|one| one.certain == certain);
        write_table(out, title, refusals(rows, screen), evidence, screen)?;
    }
    write_calibration(out, evidence, screen, detail)?;
    if detail == Detail::All {
        let lines = &evidence.lines;
        let read = count_lines(lines.read);
        let (about, not) = (lines.candidate, lines.unparsed);
        let text = format!("{read} read, {about} about logins, {not} of them not understood");
        screen.apart(out, &text)?;
    }
    Ok(())
}

/// Cells of a table with the host of each row.
struct Rows {
    columns: Vec<Column>,
    rows: Vec<(Text, Vec<Cell>)>,
}

fn has_several_hosts(evidence: &Evidence) -> bool {
    let mut hosts = evidence.calibration.iter().map(|one| &one.host);
    let first = hosts.next();
    hosts.any(|host| Some(host) != first)
}

/// Writes the table, with a column for the host where the log is of several.
fn write_table(
    out: &mut dyn Write,
    title: &str,
    rows: Rows,
    evidence: &Evidence,
    screen: &Screen,
) -> io::Result<()> {
    if rows.rows.is_empty() {
        return Ok(());
    }
    let several = has_several_hosts(evidence);
    let host = several.then_some(Column::name("HOST"));
    let mut table = Table::new(host.into_iter().chain(rows.columns).collect());
    for (host, cells) in rows.rows {
        let host = several.then(|| Cell::from(plain(&host)));
        table.row(host.into_iter().chain(cells).collect());
    }
    screen.apart(out, &screen.paint(Tone::Heading, &format!("{title}:")))?;
    table.write(out, screen, 2)
}

/// What the first line means.
fn tone(evidence: &Evidence) -> Tone {
    let rows = || evidence.rows.iter().chain(&evidence.anonymous);
    if rows().any(|row| row.way.transport == Transport::Clear) {
        Tone::Bad
    } else if rows().next().is_none() || rows().any(|row| row.way.transport == Transport::Unknown) {
        Tone::Doubt
    } else {
        Tone::Good
    }
}

/// The first line: how many, of how many, in what time.
fn answer(evidence: &Evidence, totals: &Totals) -> String {
    let (all, unknown) = (totals.all, totals.only_unknown);
    let names = if all.clear <= FEW {
        let rows = evidence.rows.iter();
        let clear = rows.filter(|row| row.way.transport == Transport::Clear);
        few(clear.filter_map(|row| row.account.as_ref()).collect())
    } else {
        None
    };
    let names = names.map_or_else(String::new, |names| format!(": {names}"));
    let days = days(&evidence.window);
    if all.accounts == 0 && evidence.anonymous.is_empty() {
        return format!(
            "no login found in {}{days}",
            count_lines(evidence.lines.read)
        );
    }
    let nameless: BTreeSet<&Text> = evidence
        .anonymous
        .iter()
        .filter(|row| row.way.transport == Transport::Clear)
        .map(|row| &row.client)
        .collect();
    let mut text = match all.clear {
        0 if !nameless.is_empty() => format!(
            "accounts that the log does not name log in without TLS, from {}",
            count(nameless.len(), "client")
        ),
        0 => "nobody was seen to log in without TLS".to_owned(),
        1 => "1 account logs in without TLS".to_owned(),
        many => format!("{many} accounts log in without TLS"),
    };
    let accounts = count(all.accounts, "account");
    text.push_str(&format!(", of {accounts}{days}{names}"));
    if unknown > 0 {
        text.push_str(&format!("; of {unknown} of them the log does not tell"));
    }
    text
}

/// What to do next, to stand behind the answer.
fn next(evidence: &Evidence, root: Option<&Root>, invocation: &Invocation) -> Option<String> {
    let mut rows = evidence.rows.iter().chain(&evidence.anonymous);
    // What the log does not tell, the configuration may.
    let asks = |row: &Row| match row.way.transport {
        Transport::Clear => true,
        Transport::Unknown => root.is_none(),
        Transport::Tls | Transport::Local | Transport::Trusted => false,
    };
    rows.any(asks).then(|| match root {
        Some(root) => format!("next: {}", invocation.preflight(root)),
        None => invocation.step_from_logs(),
    })
}

/// More names than these are not shown in a line.
const FEW: usize = 3;

/// The names, where there are so few that a line has room for them.
pub(super) fn few(names: BTreeSet<&Text>) -> Option<String> {
    const ROOM: usize = 60;
    let number = names.len();
    let names: Vec<String> = names
        .into_iter()
        .take(FEW)
        .map(|name| plain(name))
        .collect();
    let names = names.join(", ");
    (1..=FEW)
        .contains(&number)
        .then_some(names)
        .filter(|names| columns(names) <= ROOM)
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

fn logins<'a>(rows: impl Iterator<Item = &'a Row>, screen: &Screen) -> Rows {
    let cells = |row: &Row| {
        vec![
            account(row.account.as_ref(), row.ambiguous).into(),
            row.way.protocol.to_string().into(),
            plain(&row.client).into(),
            row.client_name
                .as_ref()
                .map_or_else(|| "-".to_owned(), |name| plain(name))
                .into(),
            plain(&row.way.method).into(),
            row.logins.to_string().into(),
            time(row.first).into(),
            time(row.last).into(),
            example(row.example.as_ref(), screen),
        ]
    };
    Rows {
        columns: vec![
            Column::name("ACCOUNT"),
            Column::name("PROTOCOL"),
            Column::name("CLIENT"),
            Column::aside("NAME"),
            Column::aside("METHOD"),
            Column::number("LOGINS"),
            Column::aside("FIRST"),
            Column::time("LAST"),
            Column::aside("EXAMPLE"),
        ],
        rows: rows.map(|row| (row.way.host.clone(), cells(row))).collect(),
    }
}

fn refusals<'a>(rows: impl Iterator<Item = &'a Refusal>, screen: &Screen) -> Rows {
    let cells = |refusal: &Refusal| {
        vec![
            account(refusal.account.as_ref(), false).into(),
            refusal.protocol.to_string().into(),
            plain(&refusal.client).into(),
            refusal.times.to_string().into(),
            time(refusal.last).into(),
            example(refusal.example.as_ref(), screen),
            plain(refusal.reason.as_bytes()).into(),
        ]
    };
    Rows {
        columns: vec![
            Column::name("ACCOUNT"),
            Column::name("PROTOCOL"),
            Column::name("CLIENT"),
            Column::number("TIMES"),
            Column::time("LAST"),
            Column::aside("EXAMPLE"),
            Column::aside("REASON"),
        ],
        rows: rows
            .map(|refusal| (refusal.host.clone(), cells(refusal)))
            .collect(),
    }
}

/// `mail.log:37`, a line that anyone can look at.
fn example(example: Option<&Example>, screen: &Screen) -> Cell {
    example.map_or_else(
        || Cell::from("-"),
        |example| {
            let text = format!("{}:{}", plain_path(&example.file), example.line);
            // A pipe and the journal cannot be opened.
            let link = link::file(screen, &example.file).filter(|_| example.file.is_file());
            Cell::linked(text, link)
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

/// Whether silence about TLS proves something: of the services of which it does not, or of all.
pub(super) fn write_calibration(
    out: &mut dyn Write,
    evidence: &Evidence,
    screen: &Screen,
    detail: Detail,
) -> io::Result<()> {
    let shown = evidence.calibration.iter();
    let shown: Vec<&Calibration> = match detail {
        Detail::All => shown.collect(),
        Detail::Answer | Detail::Usual => shown.filter(|one| !one.silence_proves).collect(),
    };
    if shown.is_empty() {
        return Ok(());
    }
    let several = has_several_hosts(evidence);
    let title = "what silence about TLS means:";
    screen.apart(out, &screen.paint(Tone::Heading, title))?;
    for one in shown {
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
        let (service, why) = (plain(&one.service), plain(one.why.as_bytes()));
        screen.line(out, 2, &format!("{host}{service}: {meaning}, {why}"))?;
    }
    Ok(())
}
