//! `plainsight check`: is TLS-only authentication enforced, endpoint by endpoint?

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::finding::{self, Fix};
use crate::fix;
use crate::report::{self, Checked};
use crate::rule::{Rule, Severity};
use crate::surface::server::Surface;

use super::options::{ClientOptions, Format, RuleOptions, ServerOptions};
use super::{Exit, Outcome, parallel};

/// From which severity on findings make the exit code 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Note,
    Never,
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
    /// How to print the result
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let rules = match arguments.rules.all() {
        Ok(rules) => rules,
        Err(outcome) => return outcome,
    };
    let surfaces = match arguments
        .server
        .surfaces(&arguments.path, &arguments.client)
    {
        Ok(surfaces) => surfaces,
        Err(outcome) => return outcome,
    };
    let checked = with_findings(surfaces, &rules);
    let worst = checked
        .iter()
        .flat_map(|one| &one.findings)
        .map(|finding| finding.severity)
        .max();
    let nothing = checked.iter().all(|one| one.surface.endpoints.is_empty());
    let exit = if nothing {
        Exit::Nothing
    } else if worst.is_some_and(|worst| arguments.fail_on.covers(worst)) {
        Exit::Found
    } else {
        Exit::Clean
    };
    let mut result = Vec::new();
    let written = match arguments.format {
        Format::Text => report::check::write(&mut result, &checked),
        Format::Json => report::json::write(&mut result, &report::json::check(&checked)),
    };
    match written {
        Ok(()) => Outcome {
            exit,
            result,
            notes: Vec::new(),
        },
        Err(error) => Outcome::trouble(vec![error.to_string()]),
    }
}

/// What the rules say of each server, with the word on each fix that its change would get.
pub(super) fn with_findings(surfaces: Vec<Surface>, rules: &[Rule]) -> Vec<Checked> {
    parallel::map(surfaces, |surface| {
        let mut findings = finding::of_surface(&surface, rules);
        if findings.iter().any(|finding| finding.fix == Fix::Safe) {
            let change = fix::enforce(&surface, true);
            for finding in &mut findings {
                let mut harm = change.unsafe_because.iter();
                let harmed = harm.any(|(server, _)| *server == finding.server);
                if finding.fix == Fix::Safe && harmed {
                    finding.fix = Fix::Unsafe;
                }
            }
        }
        Checked { findings, surface }
    })
}

impl FailOn {
    fn covers(self, severity: Severity) -> bool {
        match self {
            Self::Error => severity >= Severity::Error,
            Self::Warning => severity >= Severity::Warning,
            Self::Note => true,
            Self::Never => false,
        }
    }
}
