//! An exception: a finding that is known and put up with, for a reason and perhaps for a time.
//!
//! It stands in a comment above the line (`comment`), in plainsight.toml (`crate::project::Ignore`), or in a baseline that
//! was written when the rules were first run (`baseline`). An exception that has expired, covers nothing, or cannot be
//! understood is a finding itself.

mod baseline;
mod comment;

use std::path::Path;

use jiff::civil::Date;

use crate::finding::{By, Finding, Fix, Place, Suppression};
use crate::project::{Ignore, Project, fits};
use crate::rule::{ExceptionKind, Rule, THOSE_THERE_ARE};
use crate::spelling;
use crate::surface::server::Surface;

pub use baseline::Baseline;

/// Marks the findings of one server that a comment in its files excepts, and returns what is wrong with these comments.
pub fn by_comments(
    surface: &Surface,
    findings: &mut [Finding],
    rules: &[Rule],
    today: Date,
) -> Vec<Finding> {
    let mut wrong = Vec::new();
    for comment in comment::find(surface) {
        let place = comment.place.clone();
        let mut complain = |kind, detail: String| {
            wrong.extend(complaints(rules, kind, &detail, &place, Some(comment.span)));
        };
        match &comment.said {
            Err(why) => complain(ExceptionKind::Malformed, why.clone()),
            Ok(said) => {
                let unknown = unknown_rules(&said.rules, rules);
                if !unknown.is_empty() {
                    complain(ExceptionKind::Malformed, unknown.join(", "));
                    continue;
                }
                let suppression = Suppression {
                    by: By::Comment,
                    reason: said.reason.clone(),
                    owner: None,
                    until: said.until,
                };
                let named = format!("ignore[{}]", said.rules.join(", "));
                match said.until.filter(|until| *until < today) {
                    Some(until) => complain(
                        ExceptionKind::Expired,
                        format!("{named} held until {until}: {}", said.reason),
                    ),
                    None => {
                        let covers = |finding: &Finding| {
                            said.rules.contains(&finding.rule) && comment.covers(finding)
                        };
                        if !mark(findings.iter_mut(), covers, &suppression) {
                            complain(
                                ExceptionKind::Unused,
                                format!("{named} covers no finding: {}", said.reason),
                            );
                        }
                    }
                }
            }
        }
    }
    wrong
}

/// One server's findings, with the names by which plainsight.toml knows it.
#[derive(Debug)]
pub struct Named<'f> {
    /// The server.
    pub server: String,
    /// What the rules say of it.
    pub findings: &'f mut Vec<Finding>,
}

/// Marks the findings that the project file excepts, and returns what is wrong with its entries.
/// An entry counts as unused only where it speaks of servers that were looked at: all of them if `whole` says so.
pub fn by_project(
    project: &Project,
    servers: &mut [Named<'_>],
    rules: &[Rule],
    today: Date,
    whole: bool,
) -> Vec<Finding> {
    let mut wrong = Vec::new();
    for ignore in &project.ignores {
        let place = Place {
            file: project.file.clone().unwrap_or_default(),
            name: crate::project::NAME.to_owned(),
            line: ignore.line,
            column: 1,
        };
        let mut complain = |kind, detail: String| {
            wrong.extend(complaints(rules, kind, &detail, &place, None));
        };
        let unknown = unknown_rules(&ignore.rules, rules);
        if !unknown.is_empty() {
            complain(ExceptionKind::Malformed, unknown.join(", "));
            continue;
        }
        let named = format!("[[ignore]] of {}", ignore.rules.join(", "));
        if let Some(until) = ignore.until.filter(|until| *until < today) {
            let reason = &ignore.reason;
            complain(
                ExceptionKind::Expired,
                format!("{named} held until {until}: {reason}"),
            );
            continue;
        }
        let suppression = Suppression {
            by: By::Project,
            reason: ignore.reason.clone(),
            owner: ignore.owner.clone(),
            until: ignore.until,
        };
        let mut used = false;
        let mut meant = whole;
        for one in servers.iter_mut() {
            let server = one.server.as_str();
            if !fits(ignore.server.as_ref(), Some(server)) {
                continue;
            }
            meant |= ignore.server.is_some();
            let covers = |finding: &Finding| covers(ignore, project, server, finding);
            used |= mark(one.findings.iter_mut(), covers, &suppression);
        }
        if !used && meant {
            let reason = &ignore.reason;
            let but = key_in_the_way(ignore, project, servers).map_or_else(String::new, |key| {
                format!(", and would without its \"{key}\"")
            });
            complain(
                ExceptionKind::Unused,
                format!("{named} covers no finding{but}: {reason}"),
            );
        }
    }
    wrong
}

/// Whether an entry speaks of this finding of a server that it speaks of.
fn covers(ignore: &Ignore, project: &Project, server: &str, finding: &Finding) -> bool {
    let file = finding
        .place
        .as_ref()
        .map(|place| project.name_of(&place.file));
    let fingerprint = ignore.fingerprint.as_ref();
    ignore.rules.contains(&finding.rule)
        && fits(ignore.endpoint.as_ref(), finding.endpoint.as_deref())
        && fits(ignore.file.as_ref(), file.as_deref())
        && fingerprint.is_none_or(|wanted| *wanted == finding.fingerprint(server))
}

/// The one key without which an entry would cover a finding, if there is one.
fn key_in_the_way(
    ignore: &Ignore,
    project: &Project,
    servers: &[Named<'_>],
) -> Option<&'static str> {
    let wider = [
        (
            "server",
            Ignore {
                server: None,
                ..ignore.clone()
            },
        ),
        (
            "endpoint",
            Ignore {
                endpoint: None,
                ..ignore.clone()
            },
        ),
        (
            "file",
            Ignore {
                file: None,
                ..ignore.clone()
            },
        ),
        (
            "fingerprint",
            Ignore {
                fingerprint: None,
                ..ignore.clone()
            },
        ),
    ];
    wider.into_iter().find_map(|(key, wider)| {
        let would = servers.iter().any(|one| {
            let server = one.server.as_str();
            fits(wider.server.as_ref(), Some(server))
                && one
                    .findings
                    .iter()
                    .any(|finding| covers(&wider, project, server, finding))
        });
        would.then_some(key)
    })
}

/// Marks what is covered and not marked yet; whether anything is covered at all.
fn mark<'f>(
    findings: impl Iterator<Item = &'f mut Finding>,
    covers: impl Fn(&Finding) -> bool,
    suppression: &Suppression,
) -> bool {
    let mut used = false;
    for finding in findings.filter(|finding| covers(finding)) {
        used = true;
        finding
            .suppressed
            .get_or_insert_with(|| suppression.clone());
    }
    used
}

/// What is wrong with the names of rules in an exception.
fn unknown_rules(named: &[String], rules: &[Rule]) -> Vec<String> {
    let known = || rules.iter().map(|rule| rule.id.as_str());
    named
        .iter()
        .filter(|name| !known().any(|id| id == name.as_str()))
        .map(|name| match spelling::nearest(name, known()) {
            Some(meant) => format!("there is no rule \"{name}\"; did you mean {meant}?"),
            None => format!("there is no rule \"{name}\"; {THOSE_THERE_ARE}"),
        })
        .collect()
}

/// What the rules about exceptions say of one that is not as it should be.
fn complaints(
    rules: &[Rule],
    kind: ExceptionKind,
    detail: &str,
    place: &Place,
    span: Option<crate::source::Span>,
) -> Vec<Finding> {
    rules
        .iter()
        .filter(|rule| rule.when.speaks_of(kind))
        .map(|rule| Finding {
            rule: rule.id.clone(),
            severity: rule.severity,
            message: format!("{}: {detail}", rule.summary),
            server: None,
            endpoint: None,
            subject: format!("{}\0{detail}", file_name(&place.file)),
            span,
            place: Some(place.clone()),
            deciders: Vec::new(),
            releases: None,
            fix: Fix::None,
            advice: rule.doc.advice("any"),
            suppressed: None,
        })
        .collect()
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
