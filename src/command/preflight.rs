//! `plainsight preflight`: may I enforce it now, and who breaks?

use std::path::PathBuf;

use clap::Args;

use crate::fix;
use crate::impact::{self, Decision};
use crate::report::{self, Checked};

use super::check::with_findings;
use super::options::{ClientOptions, Format, ServerOptions};
use super::scan::{logs_of, no_logs, read};
use super::{Exit, Outcome};

/// Arguments of `preflight`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The server root, or its postfix or dovecot directory [default: the running machine]
    path: Option<PathBuf>,
    /// A mail log; may be given several times [default: maillog* and mail.log* in var/log of the server root]
    #[arg(long, value_name = "LOG")]
    log: Vec<PathBuf>,
    /// How many days the logs have to cover
    #[arg(long, default_value_t = 14, value_name = "DAYS")]
    window: i64,
    #[command(flatten)]
    server: ServerOptions,
    /// How many threads read; 0 for as many as there are cores
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    threads: usize,
    /// How to print the result
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let paths: Vec<PathBuf> = arguments.path.iter().cloned().collect();
    let surfaces = match arguments.server.surfaces(&paths, &ClientOptions::default()) {
        Ok(surfaces) => surfaces,
        Err(outcome) => return outcome,
    };
    let surface = match surfaces.len() {
        1 => &surfaces[0],
        many => {
            let names: Vec<String> = surfaces
                .iter()
                .map(|surface| surface.root.shown.display().to_string())
                .collect();
            return Outcome::trouble(vec![format!(
                "preflight decides for one server, and there are {many}: {}; name one of them",
                names.join(", ")
            )]);
        }
    };
    if surface.endpoints.is_empty() {
        return Outcome {
            exit: Exit::Nothing,
            result: Vec::new(),
            notes: vec![format!(
                "{}: no endpoint at which a client could log in, so there is nothing to decide",
                surface.root.shown.display()
            )],
        };
    }
    let logs = if arguments.log.is_empty() {
        logs_of(surface)
    } else {
        arguments.log.clone()
    };
    if logs.is_empty() {
        return Outcome {
            exit: Exit::Nothing,
            result: Vec::new(),
            notes: vec![no_logs()],
        };
    }
    let evidence = match read(&logs, Some(surface), arguments.threads) {
        Ok(evidence) => evidence,
        Err(errors) => return Outcome::trouble(errors),
    };
    let change = fix::enforce(surface, true);
    let preflight = impact::preflight(&change, &evidence, arguments.window);
    let exit = match preflight.decision {
        Decision::Go => Exit::Clean,
        Decision::NoGo => Exit::Found,
        Decision::CannotTell => Exit::Nothing,
    };
    let mut result = Vec::new();
    let written = match arguments.format {
        Format::Text => report::preflight::write(&mut result, &preflight),
        Format::Json => {
            let checked = with_findings(surfaces);
            let after = Checked {
                surface: change.after,
                findings: Vec::new(),
            };
            let document = report::json::preflight(&preflight, &checked, &after, &evidence);
            report::json::write(&mut result, &document)
        }
    };
    match written {
        Ok(()) => Outcome {
            exit,
            result,
            notes: evidence.warnings,
        },
        Err(error) => Outcome::trouble(vec![error.to_string()]),
    }
}
