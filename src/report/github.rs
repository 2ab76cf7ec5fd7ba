//! The report of `check` as annotations of GitHub Actions, and as the Markdown of a step's summary.
//! Both are seen by everybody who sees the pull request: they name no account and no address.

use std::io::{self, Write};

use crate::finding::Finding;
use crate::rule::Severity;

use super::Checked;
use super::discreet::discreet;
use super::plain::{markdown, message, property};

/// GitHub shows no more annotations of one kind for a step.
const MOST: usize = 10;

/// Writes the annotations, the gravest first, and one line that counts them all.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, checked: &[Checked], exceptions: &[Finding]) -> io::Result<()> {
    let mut parts = Vec::new();
    for (severity, command) in KINDS {
        let findings: Vec<(Option<&Checked>, &Finding)> = open(checked, exceptions)
            .filter(|(_, finding)| finding.severity == severity)
            .collect();
        for &(server, finding) in findings.iter().take(MOST) {
            writeln!(out, "{}", annotation(command, server, finding))?;
        }
        let hidden = findings.len().saturating_sub(MOST);
        let count = super::check::count(findings.len(), severity.word());
        match (findings.len(), hidden) {
            (0, _) => {}
            (_, 0) => parts.push(count),
            (_, hidden) => parts.push(format!("{count} ({hidden} not annotated)")),
        }
    }
    let found = if parts.is_empty() {
        "nothing found".to_owned()
    } else {
        parts.join(", ")
    };
    let servers = super::check::count(checked.len(), "server");
    writeln!(out, "plainsight: {found} on {servers}")
}

const KINDS: [(Severity, &str); 3] = [
    (Severity::Error, "error"),
    (Severity::Warning, "warning"),
    (Severity::Note, "notice"),
];

/// The findings that count, each with its server.
fn open<'f>(
    checked: &'f [Checked],
    exceptions: &'f [Finding],
) -> impl Iterator<Item = (Option<&'f Checked>, &'f Finding)> {
    checked
        .iter()
        .flat_map(|one| one.findings.iter().map(move |finding| (Some(one), finding)))
        .chain(exceptions.iter().map(|finding| (None, finding)))
        .filter(|(_, finding)| finding.suppressed.is_none())
}

/// `::error file=…,line=…,col=…,title=…::message`, as the runner reads it (actions/toolkit, core/src/command.ts).
fn annotation(command: &str, server: Option<&Checked>, finding: &Finding) -> String {
    let mut properties = Vec::new();
    if let Some(place) = &finding.place {
        properties.push(format!("file={}", property(place.name.as_bytes())));
        properties.push(format!("line={}", place.line));
        properties.push(format!("col={}", place.column));
    } else if let Some(file) = server.and_then(|one| one.first_file(finding)) {
        properties.push(format!("file={}", property(file.as_bytes())));
    }
    properties.push(format!("title={}", property(finding.rule.as_bytes())));
    let message = message(discreet(&finding.message).as_bytes());
    format!("::{command} {}::{message}", properties.join(","))
}

/// Writes the summary of the step: how each server stands, and what was found.
///
/// # Errors
/// What the writer says.
pub fn write_summary(
    out: &mut dyn Write,
    checked: &[Checked],
    exceptions: &[Finding],
) -> io::Result<()> {
    writeln!(
        out,
        "### {}\n",
        markdown(super::check::answer(checked).as_bytes())
    )?;
    if open(checked, exceptions).next().is_none() {
        return Ok(());
    }
    writeln!(
        out,
        "| severity | rule | place | finding |\n|---|---|---|---|"
    )?;
    for (server, finding) in open(checked, exceptions) {
        let place = match &finding.place {
            Some(place) => format!("{}:{}", place.name, place.line),
            None => server
                .and_then(|one| one.first_file(finding))
                .unwrap_or_default(),
        };
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            finding.severity,
            markdown(finding.rule.as_bytes()),
            markdown(place.as_bytes()),
            markdown(discreet(&finding.message).as_bytes()),
        )?;
    }
    Ok(())
}
