//! `plainsight preflight`: may I enforce it now, and who breaks?

use std::path::PathBuf;

use clap::Args;

use crate::fix;
use crate::impact::{self, Decision};
use crate::report::{self, Checked};
use crate::rule::Rule;

use super::check::with_findings;
use super::logs::{self, LogOptions};
use super::options::{ClientOptions, Format, ServerOptions, only};
use super::{Exit, Outcome};

/// Arguments of `preflight`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The server root, or its postfix or dovecot directory [default: the running machine]
    path: Option<PathBuf>,
    #[command(flatten)]
    logs: LogOptions,
    /// How many days the logs have to cover
    #[arg(long, default_value_t = 14, value_name = "DAYS")]
    window: i64,
    #[command(flatten)]
    server: ServerOptions,
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
    let surface = match only(&surfaces, "preflight decides for") {
        Ok(surface) => surface,
        Err(outcome) => return outcome,
    };
    if surface.endpoints.is_empty() {
        return Outcome::nothing(format!(
            "{}: no endpoint at which a client could log in, so there is nothing to decide",
            surface.root.shown.display()
        ));
    }
    let mut named = arguments.logs.named(&[]);
    if named.is_empty() {
        named = match logs::of_server(surface) {
            Ok(logs) => logs,
            Err(why) => return Outcome::nothing(why),
        };
    }
    let evidence = match arguments.logs.read(&named, Some(surface)) {
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
            let checked = with_findings(surfaces, &Rule::built_in());
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
