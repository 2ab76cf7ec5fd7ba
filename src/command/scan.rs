//! `plainsight scan`: who authenticates without TLS?

use std::path::PathBuf;

use clap::Args;

use crate::evidence::{Evidence, Transport};
use crate::report;

use super::logs::{self, LogOptions};
use super::options::{ClientOptions, Format, ServerOptions, only};
use super::{Exit, Outcome};

/// Arguments of `scan`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Mail logs, as with --log
    log: Vec<PathBuf>,
    #[command(flatten)]
    logs: LogOptions,
    #[command(flatten)]
    server: ServerOptions,
    /// How to print the result
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let mut named = arguments.logs.named(&arguments.log);
    let asked = arguments.server.names_a_root();
    // A configuration that nobody named is not needed to read a log that somebody did.
    let surfaces = if named.is_empty() || asked {
        match arguments.server.surfaces(&[], &ClientOptions::default()) {
            Ok(surfaces) => surfaces,
            // A machine without a mail server may well collect the logs of others.
            Err(outcome) if outcome.exit == Exit::Nothing && !asked => Vec::new(),
            Err(outcome) => return outcome,
        }
    } else {
        Vec::new()
    };
    let surface = match surfaces.len() {
        0 => None,
        _ => match only(&surfaces, "scan reads the logs of") {
            Ok(surface) => Some(surface),
            Err(outcome) => return outcome,
        },
    };
    if named.is_empty() {
        named = match surface.map_or_else(logs::of_machine, logs::of_server) {
            Ok(logs) => logs,
            Err(why) => return Outcome::nothing(why),
        };
    }
    let evidence = match arguments.logs.read(&named, surface) {
        Ok(evidence) => evidence,
        Err(errors) => return Outcome::trouble(errors),
    };
    let exit = exit(&evidence);
    let mut result = Vec::new();
    let written = match arguments.format {
        Format::Text => report::scan::write(&mut result, &evidence),
        Format::Json => report::json::write(&mut result, &report::json::scan(&evidence)),
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

/// Somebody, or nobody; where no login is known to be clear and of some the log does not tell, that is no evidence.
fn exit(evidence: &Evidence) -> Exit {
    let rows = || evidence.rows.iter().chain(&evidence.anonymous);
    if rows().any(|row| row.transport == Transport::Clear) {
        Exit::Found
    } else if rows().next().is_none() || rows().any(|row| row.transport == Transport::Unknown) {
        Exit::Nothing
    } else {
        Exit::Clean
    }
}
