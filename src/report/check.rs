//! The report of `check` for people: the answer, each endpoint with what decides it, the findings.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::finding::{By, Finding};
use crate::source::{Origin, Sources};
use crate::surface::{Because, Endpoint, Verdict};

use super::plain::{plain, plain_path, plain_place};
use super::table::Table;
use super::{Checked, diagnostic};

/// Writes the report; in colour if `styled`.
///
/// # Errors
/// What the writer says.
pub fn write(
    out: &mut dyn Write,
    checked: &[Checked],
    exceptions: &[Finding],
    styled: bool,
) -> io::Result<()> {
    writeln!(out, "{}", answer(checked))?;
    for one in checked {
        writeln!(out)?;
        if checked.len() > 1 {
            writeln!(out, "{}", plain_path(&one.surface.root.shown))?;
        }
        write_endpoints(out, one)?;
        write_assumptions(out, &one.surface.endpoints)?;
        write_findings(out, &one.findings, Some(&one.surface.sources), styled)?;
        let problems: Vec<_> = one.surface.problems().collect();
        if !problems.is_empty() {
            writeln!(out)?;
        }
        for problem in problems {
            let place = plain_place(&one.surface.sources, problem.span);
            let message = plain(problem.message.as_bytes());
            writeln!(out, "{place}: {message}")?;
        }
    }
    write_findings(out, exceptions, None, styled)?;
    write_excepted(out, checked)?;
    let all = || {
        checked
            .iter()
            .flat_map(|one| &one.findings)
            .chain(exceptions)
    };
    if let Some(finding) = all().find(|finding| finding.suppressed.is_none()) {
        writeln!(
            out,
            "\nplainsight explain {} tells why it matters and how to mend it",
            finding.rule
        )?;
    }
    Ok(())
}

/// How many findings do not count, and who says so.
fn write_excepted(out: &mut dyn Write, checked: &[Checked]) -> io::Result<()> {
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
        .map(|(by, number)| {
            let by = match by {
                By::Comment => "by a comment",
                By::Project => "in plainsight.toml",
                By::Baseline => "by the baseline",
            };
            format!("{number} {by}")
        })
        .collect();
    let all = count(by.values().sum(), "finding");
    writeln!(out, "\n{all} excepted: {}", parts.join(", "))
}

/// The first line: enforced or not.
pub(super) fn answer(checked: &[Checked]) -> String {
    let endpoints: Vec<&Endpoint> = checked
        .iter()
        .flat_map(|one| &one.surface.endpoints)
        .collect();
    let mut open: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for endpoint in &endpoints {
        if !endpoint.verdict.is_enforced() {
            *open.entry(verdict_in_words(&endpoint.verdict)).or_default() += 1;
        }
    }
    let servers = match checked.len() {
        1 => String::new(),
        count => format!(" on {count} servers"),
    };
    if endpoints.is_empty() {
        return "nothing to check: no endpoint at which a client could log in".to_owned();
    }
    if open.is_empty() {
        return format!(
            "enforced: no login without TLS at any of {}{servers}",
            count(endpoints.len(), "endpoint")
        );
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

fn write_endpoints(out: &mut dyn Write, one: &Checked) -> io::Result<()> {
    let endpoints = &one.surface.endpoints;
    if endpoints.is_empty() {
        return Ok(());
    }
    let any = crate::version::Range::ANY;
    let ranged = endpoints.iter().any(|endpoint| endpoint.versions != any);
    let releases = ranged.then_some("RELEASES");
    let head = ["VERDICT", "SERVER", "SERVICE", "PORT", "TLS"].into_iter();
    let mut table = Table::new(&head.chain(releases).collect::<Vec<_>>(), &[3]);
    for endpoint in endpoints {
        let mut cells = vec![
            endpoint.verdict.word().to_owned(),
            endpoint.server.to_string(),
            plain(endpoint.service.as_bytes()),
            port(endpoint),
            endpoint.tls.to_string(),
        ];
        cells.extend(ranged.then(|| endpoint.versions.to_string()));
        table.row(cells);
    }
    // The table is laid out as a whole, then each row is followed by what decides it.
    let mut text = Vec::new();
    table.write(&mut text, "")?;
    let text = String::from_utf8_lossy(&text);
    for (row, line) in text.lines().enumerate() {
        writeln!(out, "{line}")?;
        if let Some(endpoint) = row.checked_sub(1).and_then(|row| endpoints.get(row)) {
            write_reasons(out, &one.surface.sources, endpoint)?;
        }
    }
    Ok(())
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

fn write_reasons(out: &mut dyn Write, sources: &Sources, endpoint: &Endpoint) -> io::Result<()> {
    match &endpoint.verdict {
        Verdict::Fails(why) | Verdict::Unknown(why) => {
            writeln!(out, "    {}", plain(why.as_bytes()))?;
        }
        Verdict::TlsOnly
        | Verdict::Cleartext
        | Verdict::Challenge
        | Verdict::LockedOut
        | Verdict::NoAuth => {}
    }
    for because in &endpoint.because {
        writeln!(out, "    {}", because_line(sources, because))?;
    }
    for exemption in &endpoint.exemptions {
        let network = exemption
            .network
            .as_deref()
            .map(|network| format!(" {}", plain(network.as_bytes())))
            .unwrap_or_default();
        writeln!(
            out,
            "    except {}{network}: {}",
            exemption.kind.word(),
            plain(exemption.detail.as_bytes())
        )?;
    }
    Ok(())
}

/// What was taken for granted, each once, with the ports it matters to.
fn write_assumptions(out: &mut dyn Write, endpoints: &[Endpoint]) -> io::Result<()> {
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
        writeln!(out, "\nassumed:")?;
    }
    for (text, mut ports) in assumed {
        ports.dedup();
        let noun = if ports.len() == 1 { "port" } else { "ports" };
        let text = plain(text.as_bytes());
        writeln!(out, "  {text} ({noun} {})", ports.join(", "))?;
    }
    Ok(())
}

/// `smtpd_tls_auth_only = no (default)` or `… (etc/postfix/main.cf:3:1)`.
pub(super) fn because_line(sources: &Sources, because: &Because) -> String {
    let origin = match because.origin {
        Origin::File(span) => plain_place(sources, span),
        Origin::Default(_) => "default".to_owned(),
        Origin::Implied(how) => how.to_owned(),
    };
    let value = plain(&because.value);
    let value = if value.is_empty() { "(empty)" } else { &value };
    format!(
        "{} = {value}  ({origin})",
        plain(because.setting.as_bytes())
    )
}

/// Writes each finding that counts; of several that point to one place for one reason only the last shows it.
fn write_findings(
    out: &mut dyn Write,
    findings: &[Finding],
    sources: Option<&Sources>,
    styled: bool,
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
            diagnostic::title(finding, styled)
        } else {
            diagnostic::diagnostic(finding, sources, styled)
        };
        writeln!(out, "{text}")?;
        together = goes_on;
    }
    Ok(())
}
