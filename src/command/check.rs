//! `plainsight check`: is TLS-only authentication enforced, endpoint by endpoint?

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::finding::Finding;
use crate::report::invocation::{Given, Invocation};
use crate::report::screen::Screen;
use crate::report::{self, Checked};
use crate::rule::Severity;
use crate::source::absolute;
use crate::surface::server::Surface;

use super::changed::Changes;
use super::clock::today;
use super::findings::Exceptions;
use super::options::{ClientOptions, RuleOptions, ServerOptions};
use super::screen::DetailOptions;
use super::{Exit, Outcome};

/// From which severity on findings make the exit code 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Note,
    Never,
}

/// How to print the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Text,
    /// For programs; docs/json.md describes it
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions, and a summary of the step
    Github,
    /// JUnit XML: a case for each endpoint and rule
    Junit,
}

const EXAMPLES: &str = "\
Examples:
  plainsight check                     the running machine
  plainsight check .                   every server in a repository
  plainsight check mx1 --dovecot-version 2.3.19.1
  plainsight check . --format sarif > plainsight.sarif";

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Server roots, postfix or dovecot directories, single files, or repositories of many servers
    /// [default: the running machine]
    path: Vec<PathBuf>,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    client: ClientOptions,
    #[command(flatten)]
    rules: RuleOptions,
    /// Exit with 1 from this severity on
    #[arg(long, value_enum, default_value = "warning")]
    fail_on: FailOn,
    /// Let every finding count, whatever exceptions say
    #[arg(long)]
    no_ignores: bool,
    /// Let only findings count that are not in this file
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write the findings that count to this file, and let them count no more
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    write_baseline: Option<PathBuf>,
    /// Judge only the servers that differ from this revision of git, and show only findings that it does not have
    #[arg(long, value_name = "REVISION", conflicts_with = "write_baseline")]
    changed_since: Option<String>,
    #[command(flatten)]
    detail: DetailOptions,
    /// How to print the result
    #[arg(long, value_enum, default_value = "text")]
    format: Output,
}

pub(super) fn run(arguments: &Arguments, invocation: &Invocation, screen: &Screen) -> Outcome {
    match answer(arguments, invocation, screen) {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

fn answer(
    arguments: &Arguments,
    invocation: &Invocation,
    screen: &Screen,
) -> Result<Outcome, Outcome> {
    let rules = arguments.rules.all(arguments.path.first())?;
    let exceptions = Exceptions {
        apply: !arguments.no_ignores,
        baseline: arguments.baseline.as_deref(),
        write_baseline: arguments.write_baseline.as_deref(),
    };
    let today = today();
    let changes = arguments.changed_since.as_ref();
    let changes = changes.map(|revision| Changes::since(revision, &arguments.path));
    let judge = |surface: Surface| {
        let meant = match &changes {
            Some(Ok(changes)) => changes.touch(&surface),
            Some(Err(_)) => false,
            None => true,
        };
        meant.then(|| exceptions.of_comments(surface, &rules, today))
    };
    let checked = arguments
        .server
        .of_surfaces(&arguments.path, &arguments.client, judge)?;
    let changes = changes.transpose()?;
    let mut checked: Vec<Checked> = checked.into_iter().flatten().collect();
    let mut notes = Vec::new();
    let whole = |base: &Path| arguments.covers(base);
    let mut exceptions = exceptions.except(&rules, today, &mut checked, whole, &mut notes)?;
    if let Some(changes) = &changes {
        let known = changes.leave_out_known(&mut checked, &mut exceptions, &rules)?;
        notes.extend(known);
    }
    let exit = if checked.is_empty() && changes.is_some() {
        Exit::Clean
    } else {
        exit(arguments, &checked, &exceptions)
    };
    let mut result = Vec::new();
    let written = match arguments.format {
        Output::Sarif => {
            let document = report::sarif::document(&checked, &exceptions, &rules);
            report::json::write(&mut result, &document)
        }
        Output::Github => github(&mut result, &checked, &exceptions),
        Output::Junit => {
            let fails = arguments.fail_on.least();
            report::junit::write(&mut result, &checked, &exceptions, &rules, fails)
        }
        Output::Text if checked.is_empty() && changes.is_some() => {
            writeln!(result, "no server here has changed")
        }
        Output::Text => {
            let detail = arguments.detail.detail();
            let next = arguments.with_rules_elsewhere(invocation);
            report::check::write(&mut result, &checked, &exceptions, &next, screen, detail)
        }
        Output::Json => {
            let document = report::json::check(&checked, &exceptions);
            report::json::write(&mut result, &document)
        }
    };
    match written {
        Ok(()) => Ok(Outcome {
            exit,
            result,
            notes,
        }),
        Err(error) => Err(Outcome::trouble(vec![error.to_string()])),
    }
}

/// Writes the annotations, and where GitHub wants one, the summary of the step.
fn github(out: &mut Vec<u8>, checked: &[Checked], exceptions: &[Finding]) -> io::Result<()> {
    if let Some(file) = env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) {
        let mut summary = Vec::new();
        report::github::write_summary(&mut summary, checked, exceptions)?;
        let file = fs::OpenOptions::new().create(true).append(true).open(file);
        file?.write_all(&summary)?;
    }
    report::github::write(out, checked, exceptions)
}

fn exit(arguments: &Arguments, checked: &[Checked], exceptions: &[Finding]) -> Exit {
    let worst = checked
        .iter()
        .flat_map(|one| &one.findings)
        .chain(exceptions)
        .filter(|finding| finding.suppressed.is_none())
        .map(|finding| finding.severity)
        .max();
    if worst.is_some_and(|worst| arguments.fail_on.covers(worst)) {
        Exit::Found
    } else if checked.iter().all(|one| one.surface.endpoints.is_empty()) {
        Exit::Nothing
    } else {
        Exit::Clean
    }
}

impl Arguments {
    /// The invocation, with the rules of a project that is not the one where the user stands.
    fn with_rules_elsewhere(&self, invocation: &Invocation) -> Invocation {
        let mut invocation = invocation.clone();
        let directories = RuleOptions::of_project_elsewhere(self.path.first());
        invocation
            .rules
            .extend(directories.into_iter().map(|directory| Given {
                option: "rules".to_owned(),
                value: Some(directory.into()),
            }));
        invocation
    }

    /// Whether everything below a directory is looked at, for every client.
    fn covers(&self, base: &Path) -> bool {
        let contains = |path: &PathBuf| base.starts_with(absolute(path));
        self.client.is_everybody() && self.changed_since.is_none() && self.path.iter().any(contains)
    }
}

impl FailOn {
    /// The least severity that counts.
    const fn least(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Note => Some(Severity::Note),
            Self::Never => None,
        }
    }

    fn covers(self, severity: Severity) -> bool {
        self.least().is_some_and(|least| severity >= least)
    }
}
