//! `plainsight check`: is TLS-only authentication enforced, endpoint by endpoint?

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::exception::{self, Baseline, Named};
use crate::finding::{self, Finding, Fix};
use crate::fix;
use crate::project::Projects;
use crate::report::{self, Checked};
use crate::rule::{Rule, Severity};
use crate::source::absolute;
use crate::surface::server::Surface;

use super::options::{ClientOptions, Color, RuleOptions, ServerOptions, today};
use super::{Exit, Outcome, parallel};

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

/// Arguments of `check`.
#[derive(Debug, Args)]
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
    /// Whether the text is in colour
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    color: Color,
    /// How to print the result
    #[arg(long, value_enum, default_value = "text")]
    format: Output,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    match answer(arguments) {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

fn answer(arguments: &Arguments) -> Result<Outcome, Outcome> {
    let rules = arguments.rules.all()?;
    let surfaces = arguments
        .server
        .surfaces(&arguments.path, &arguments.client)?;
    let mut checked = with_findings(surfaces, &rules);
    let mut notes = Vec::new();
    let exceptions = except(arguments, &rules, &mut checked, &mut notes)?;
    let exit = exit(arguments, &checked, &exceptions);
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
        Output::Text => {
            let styled = arguments.color.is_wanted();
            report::check::write(&mut result, &checked, &exceptions, styled)
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

/// Takes what is excepted out of the count, and returns what is wrong with the exceptions in project files.
fn except(
    arguments: &Arguments,
    rules: &[Rule],
    checked: &mut [Checked],
    notes: &mut Vec<String>,
) -> Result<Vec<Finding>, Outcome> {
    let today = today();
    let mut projects = Projects::default();
    let mut of_project: BTreeMap<PathBuf, Vec<&mut Checked>> = BTreeMap::new();
    for one in checked.iter_mut() {
        let project = projects
            .of(&one.surface.root.shown)
            .map_err(Outcome::trouble)?;
        one.name = project.name_of(&one.surface.root.shown);
        one.base.clone_from(&project.base);
        if !arguments.no_ignores {
            let wrong = exception::by_comments(&one.surface, &mut one.findings, rules, today);
            one.findings.extend(wrong);
        }
        for place in one.findings.iter_mut().filter_map(|one| one.place.as_mut()) {
            place.name = project.name_of(&place.file);
        }
        of_project
            .entry(project.base.clone())
            .or_default()
            .push(one);
    }
    let mut wrong = Vec::new();
    let mut all: Vec<Named<'_>> = Vec::new();
    for (base, servers) in of_project {
        let project = projects.of(&base).map_err(Outcome::trouble)?;
        let mut named: Vec<Named<'_>> = servers.into_iter().map(Checked::named).collect();
        if !arguments.no_ignores {
            let whole = arguments.covers(&base);
            wrong.extend(exception::by_project(
                &project, &mut named, rules, today, whole,
            ));
        }
        all.extend(named);
    }
    if let Some(file) = &arguments.baseline {
        let baseline = Baseline::read(file).map_err(|why| Outcome::trouble(vec![why]))?;
        let gone = baseline.apply(&mut all);
        if gone > 0 {
            notes.push(format!(
                "{}: {} of the baseline {} gone; --write-baseline {} takes note of it",
                file.display(),
                report::check::count(gone, "finding"),
                if gone == 1 { "is" } else { "are" },
                file.display()
            ));
        }
    }
    if let Some(file) = &arguments.write_baseline {
        // A slip of the fingers must not cost a configuration file.
        if file.exists() {
            Baseline::read(file).map_err(|why| {
                Outcome::trouble(vec![format!("{why}, so it is not written over")])
            })?;
        }
        let written = write_baseline(file, &all);
        written.map_err(|error| Outcome::trouble(vec![format!("{}: {error}", file.display())]))?;
        // What the baseline holds from now on does not count today either.
        Baseline::read(file)
            .map_err(|why| Outcome::trouble(vec![why]))?
            .apply(&mut all);
    }
    Ok(wrong)
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

fn write_baseline(file: &Path, servers: &[Named<'_>]) -> io::Result<()> {
    let mut text = Vec::new();
    report::json::write(&mut text, &Baseline::write(servers))?;
    fs::write(file, text)
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
    /// Whether everything below a directory is looked at, for every client.
    fn covers(&self, base: &Path) -> bool {
        let contains = |path: &PathBuf| base.starts_with(absolute(path));
        self.client.is_everybody() && self.path.iter().any(contains)
    }
}

/// What the rules say of each server, with the word on each fix that its change would get.
pub(super) fn with_findings(surfaces: Vec<Surface>, rules: &[Rule]) -> Vec<Checked> {
    parallel::map(surfaces, |surface| {
        let mut findings = finding::of_surface(&surface, rules);
        if findings.iter().any(|finding| finding.fix == Fix::Safe) {
            let change = fix::enforce(&surface, &fix::Wish::whole());
            for finding in &mut findings {
                let mut harm = change.unsafe_because.iter();
                let harmed = harm.any(|(server, _)| Some(*server) == finding.server);
                if finding.fix == Fix::Safe && harmed {
                    finding.fix = Fix::Unsafe;
                }
            }
        }
        Checked::new(surface, findings)
    })
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
