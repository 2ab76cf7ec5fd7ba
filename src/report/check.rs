//! The report of `check` for people: the answer, each endpoint with what decides it, the findings.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::finding::{By, Finding, Suppression};
use crate::source::Sources;
use crate::surface::{Endpoint, Verdict};

use super::endpoint::{self, port};
use super::invocation::Invocation;
use super::plain::{plain, plain_path};
use super::screen::{Detail, Screen, Tone};
use super::{Checked, diagnostic, link};

/// Writes the report.
///
/// # Errors
/// What the writer says.
pub fn write(
    out: &mut dyn Write,
    checked: &[Checked],
    exceptions: &[Finding],
    invocation: &Invocation,
    screen: &Screen,
    detail: Detail,
) -> io::Result<()> {
    let answer = answer(checked);
    let (word, rest) = answer.split_at(answer.find(':').unwrap_or(answer.len()));
    let word = screen.paint(tone(checked), word);
    let others = others(checked, exceptions);
    let next = next(checked, exceptions, invocation);
    let answer = format!("{word}{rest}{others}");
    screen.answer(out, &answer, next.as_deref(), detail)?;
    if detail == Detail::Answer {
        return Ok(());
    }
    for one in checked {
        writeln!(out)?;
        if checked.len() > 1 {
            let name = plain_path(&one.surface.root.shown);
            writeln!(out, "{}", screen.paint(Tone::Heading, &name))?;
        }
        let surface = &one.surface;
        // What a finding shows below need not stand here too.
        let is_explained = |endpoint: &Endpoint| match detail {
            Detail::All => true,
            Detail::Answer | Detail::Usual => {
                !endpoint.verdict.is_enforced() && !one.shows(&endpoint.id())
            }
        };
        let (endpoints, sources) = (&surface.endpoints, &surface.sources);
        endpoint::write(out, endpoints, sources, screen, is_explained)?;
        write_assumptions(out, endpoints, screen)?;
        let change = invocation.diff(&surface.root);
        let seen = Some((sources, change.as_str()));
        write_findings(out, &one.findings, seen, screen)?;
        if !surface.problems.is_empty() {
            writeln!(out)?;
        }
        for problem in &surface.problems {
            let place = link::place(screen, sources, problem.span);
            let message = plain(problem.message.as_bytes());
            screen.line(out, 0, &format!("{place}: {message}"))?;
        }
    }
    write_findings(out, exceptions, None, screen)?;
    write_excepted(out, checked, screen, detail)?;
    if let Some(finding) = open(checked, exceptions).next() {
        let command = invocation.explain(&finding.rule);
        let command = screen.paint(Tone::Heading, &command);
        let words = "tells why it matters and how to mend it";
        writeln!(out, "\n{}", screen.command(&command, words, 0))?;
    }
    Ok(())
}

/// The findings that count.
fn open<'a>(
    checked: &'a [Checked],
    exceptions: &'a [Finding],
) -> impl Iterator<Item = &'a Finding> {
    let all = checked.iter().flat_map(|one| &one.findings);
    all.chain(exceptions)
        .filter(|finding| finding.suppressed.is_none())
}

/// What else there is where every endpoint is as it should be, to stand behind the answer.
fn others(checked: &[Checked], exceptions: &[Finding]) -> String {
    let mut endpoints = checked.iter().flat_map(|one| &one.surface.endpoints);
    let enforced = endpoints.all(|endpoint| endpoint.verdict.is_enforced());
    match open(checked, exceptions).count() {
        0 => String::new(),
        number if enforced => format!(", and {}", count(number, "other finding")),
        _some => String::new(),
    }
}

/// What to do next, to stand behind the answer.
fn next(checked: &[Checked], exceptions: &[Finding], invocation: &Invocation) -> Option<String> {
    let open: Vec<&Finding> = open(checked, exceptions).collect();
    // What is put up with needs no step; of equally grave ones the first is shown first.
    let worst = open.iter().rev().max_by_key(|finding| finding.severity)?;
    // Of several servers the first is the one to begin with.
    let accepts = |one: &&Checked| {
        let mut endpoints = one.surface.endpoints.iter();
        endpoints.any(|one| matches!(one.verdict, Verdict::Cleartext | Verdict::Challenge))
    };
    let command = match checked.iter().find(accepts) {
        Some(one) => invocation.preflight(&one.surface.root),
        None => invocation.explain(&worst.rule),
    };
    Some(format!("next: {command}"))
}

/// How many findings do not count, and who says so; with all details, also which, and why.
fn write_excepted(
    out: &mut dyn Write,
    checked: &[Checked],
    screen: &Screen,
    detail: Detail,
) -> io::Result<()> {
    let mut by: BTreeMap<By, usize> = BTreeMap::new();
    for finding in checked.iter().flat_map(|one| &one.findings) {
        if let Some(suppression) = &finding.suppressed {
            *by.entry(suppression.by).or_default() += 1;
        }
    }
    if by.is_empty() {
        return Ok(());
    }
    let parts: Vec<String> = by
        .iter()
        .map(|(who, number)| format!("{number} {}", said_by(*who)))
        .collect();
    let all = count(by.values().sum(), "finding");
    screen.apart(out, &format!("{all} excepted: {}", parts.join(", ")))?;
    if detail != Detail::All {
        return Ok(());
    }
    for finding in checked.iter().flat_map(|one| &one.findings) {
        if let Some(suppression) = &finding.suppressed {
            let message = plain(finding.message.as_bytes());
            screen.line(
                out,
                2,
                &format!("{}: {message}{}", finding.rule, why(suppression)),
            )?;
        }
    }
    Ok(())
}

/// ` (in plainsight.toml: the scanner goes in March; anna, until 2027-03-31)`
fn why(suppression: &Suppression) -> String {
    let mut words = said_by(suppression.by).to_owned();
    if !suppression.reason.is_empty() {
        words.push_str(&format!(": {}", plain(suppression.reason.as_bytes())));
    }
    if let Some(owner) = &suppression.owner {
        words.push_str(&format!("; {}", plain(owner.as_bytes())));
    }
    if let Some(until) = suppression.until {
        words.push_str(&format!(", until {until}"));
    }
    format!(" ({words})")
}

const fn said_by(by: By) -> &'static str {
    match by {
        By::Comment => "by a comment",
        By::Project => "in plainsight.toml",
        By::Baseline => "by the baseline",
    }
}

/// What the first line means.
fn tone(checked: &[Checked]) -> Tone {
    let mut endpoints = checked.iter().flat_map(|one| &one.surface.endpoints);
    if endpoints.clone().next().is_none() {
        Tone::Doubt
    } else if endpoints.all(|endpoint| endpoint.verdict.is_enforced()) {
        Tone::Good
    } else {
        Tone::Bad
    }
}

/// The first line: enforced or not.
pub(super) fn answer(checked: &[Checked]) -> String {
    // An endpoint that is judged for several ranges of releases is one, and the gravest verdict is its own.
    let mut endpoints: BTreeMap<(usize, String), Option<&Verdict>> = BTreeMap::new();
    for (server, one) in checked.iter().enumerate() {
        for endpoint in &one.surface.endpoints {
            let gravest = endpoints.entry((server, endpoint.id())).or_default();
            let open = Some(&endpoint.verdict).filter(|verdict| !verdict.is_enforced());
            *gravest = match (*gravest, open) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
    }
    let mut open: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for verdict in endpoints.values().flatten() {
        *open.entry(verdict_in_words(verdict)).or_default() += 1;
    }
    let servers = match checked.len() {
        1 => String::new(),
        count => format!(" on {count} servers"),
    };
    if endpoints.is_empty() {
        return "nothing to check: no endpoint at which a client could log in".to_owned();
    }
    if open.is_empty() {
        let endpoints = match endpoints.len() {
            1 => "the one endpoint".to_owned(),
            many => format!("any of {many} endpoints"),
        };
        return format!("enforced: no login without TLS at {endpoints}{servers}");
    }
    let parts: Vec<String> = open
        .iter()
        .map(|((one, several), number)| match number {
            1 => format!("1 {one}"),
            _ => format!("{number} {several}"),
        })
        .collect();
    format!(
        "not enforced: of {}{servers}, {}",
        count(endpoints.len(), "endpoint"),
        parts.join(", ")
    )
}

/// What is wrong at an endpoint, to stand behind a number: for one, and for several.
const fn verdict_in_words(verdict: &Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Cleartext => (
            "accepts a password without TLS",
            "accept a password without TLS",
        ),
        Verdict::Challenge => (
            "accepts a challenge login without TLS",
            "accept a challenge login without TLS",
        ),
        Verdict::LockedOut => ("lets nobody log in", "let nobody log in"),
        Verdict::Fails(_) => ("is down", "are down"),
        Verdict::Unknown(_) => ("cannot be judged", "cannot be judged"),
        Verdict::TlsOnly => ("is TLS only", "are TLS only"),
        Verdict::NoAuth => ("takes no login", "take no login"),
    }
}

/// A number and its noun.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// What was taken for granted, each once, with the ports it matters to.
fn write_assumptions(
    out: &mut dyn Write,
    endpoints: &[Endpoint],
    screen: &Screen,
) -> io::Result<()> {
    let mut assumed: Vec<(&str, Vec<String>)> = Vec::new();
    for endpoint in endpoints {
        for text in &endpoint.assumed {
            match assumed.iter_mut().find(|(known, _)| known == text) {
                Some((_, ports)) => ports.push(port(endpoint)),
                None => assumed.push((text, vec![port(endpoint)])),
            }
        }
    }
    if !assumed.is_empty() {
        writeln!(out, "\n{}", screen.paint(Tone::Heading, "assumed:"))?;
    }
    for (text, mut ports) in assumed {
        ports.dedup();
        let noun = if ports.len() == 1 { "port" } else { "ports" };
        let text = plain(text.as_bytes());
        screen.line(out, 2, &format!("{text} ({noun} {})", ports.join(", ")))?;
    }
    Ok(())
}

/// Writes each finding that counts, with the files it was seen in and the command that shows the change to them; of several that point to one place for one reason only the last shows it.
fn write_findings(
    out: &mut dyn Write,
    findings: &[Finding],
    seen: Option<(&Sources, &str)>,
    screen: &Screen,
) -> io::Result<()> {
    let open: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.suppressed.is_none())
        .collect();
    let mut together = false;
    for (at, finding) in open.iter().enumerate() {
        let same = |other: &&&Finding| {
            (&other.rule, other.span, other.fix) == (&finding.rule, finding.span, finding.fix)
                && other.releases == finding.releases
        };
        let goes_on = finding.span.is_some() && open.get(at + 1).as_ref().is_some_and(same);
        if !together {
            writeln!(out)?;
        }
        let text = if goes_on {
            diagnostic::title(finding, screen)
        } else {
            diagnostic::diagnostic(finding, seen, screen)
        };
        writeln!(out, "{text}")?;
        together = goes_on;
    }
    Ok(())
}
