//! Reports: the answers of the commands as text and as JSON. Nothing here decides anything.
//!
//! `check`, `scan` and `preflight` write for people, `json` for programs; `html`, `markdown` and `csv` hand on the `answer` of
//! `preflight`;
//! `rule` writes what there is to know about one;
//! `redact` replaces names by pseudonyms, `plain` makes hostile text harmless;
//! an `invocation` is the command that was given, and written again for the next step in words of a `shell`;
//! a `screen` is what people look at, `table` lines up columns on it, `link` leads from it to files.

pub mod answer;
mod cell;
pub mod check;
pub mod csv;
mod diagnostic;
mod discreet;
mod endpoint;
pub mod github;
pub mod html;
pub mod invocation;
pub mod json;
pub mod junit;
mod link;
pub mod markdown;
pub mod patch;
pub mod plain;
pub mod preflight;
pub mod redact;
pub mod rule;
pub mod sarif;
pub mod scan;
pub mod screen;
pub mod shell;
pub mod table;
pub mod totals;

use std::path::PathBuf;

use crate::exception::Named;
use crate::finding::{Finding, in_file};
use crate::source::{FileId, Sources, Span};
use crate::surface::Server;
use crate::surface::server::{Judged, Surface};

/// What `check` found out about one server.
#[derive(Debug)]
pub struct Checked {
    /// The server as its repository names it.
    pub name: String,
    /// The directory from which names begin: that of plainsight.toml, or of the repository.
    pub base: PathBuf,
    /// The server.
    pub surface: Judged,
    /// What the rules say about it.
    pub findings: Vec<Finding>,
}

impl Checked {
    /// A server with what the rules say about it, by the name that the user gave it.
    pub fn new(surface: Surface, findings: Vec<Finding>) -> Self {
        Self {
            name: surface.root.shown.display().to_string(),
            base: std::env::current_dir().unwrap_or_default(),
            surface: surface.into(),
            findings,
        }
    }

    /// Forgets all texts but the lines of what decides an endpoint or a finding, and of what is wrong: no report shows others.
    pub fn keep_only_shown(&mut self) {
        let endpoints = self.surface.endpoints.iter();
        let reasons = endpoints.flat_map(|one| one.because.iter().chain(&one.tls_fault));
        let findings = self.findings.iter();
        let shown: Vec<Span> = reasons
            .filter_map(|reason| in_file(reason.origin))
            .chain(findings.flat_map(|one| one.deciders.iter().chain(&one.span).copied()))
            .chain(self.surface.problems.iter().map(|problem| problem.span))
            .collect();
        self.surface.sources.keep_only(shown);
    }

    /// The file as its repository names it where a finding goes that no line decides.
    pub fn first_file(&self, finding: &Finding) -> Option<String> {
        let sources = &self.surface.sources;
        let file = first_file(sources, finding)?;
        Some(crate::project::name_below(
            &self.base,
            sources.shown_path(file),
        ))
    }

    /// Whether a finding that counts is about this endpoint.
    fn shows(&self, endpoint: &str) -> bool {
        let mut open = self.findings.iter().filter(|one| one.suppressed.is_none());
        open.any(|finding| finding.endpoint.as_deref() == Some(endpoint))
    }

    /// Its findings, by the name that its repository gives it.
    pub fn named(&mut self) -> Named<'_> {
        Named {
            server: self.name.clone(),
            findings: &mut self.findings,
        }
    }
}

/// The first file of the server that a finding is about.
fn first_file(sources: &Sources, finding: &Finding) -> Option<FileId> {
    let directory = finding.server.map(|server| match server {
        Server::Postfix => "/etc/postfix",
        Server::Dovecot => "/etc/dovecot",
    });
    let is_its_own = |id: &FileId| {
        directory.is_none_or(|directory| sources.daemon_path(*id).starts_with(directory))
    };
    sources
        .ids()
        .find(is_its_own)
        .or_else(|| sources.ids().next())
}
