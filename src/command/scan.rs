//! `plainsight scan`: who authenticates without TLS?

use std::path::{Path, PathBuf};

use clap::Args;

use crate::evidence::{Evidence, Transport};
use crate::impact;
use crate::log;
use crate::report;
use crate::surface::server::Surface;

use super::options::{ClientOptions, Format, ServerOptions};
use super::{Exit, Outcome};

/// Arguments of `scan`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Mail logs [default: maillog* and mail.log* in var/log of the server root]
    log: Vec<PathBuf>,
    /// Another mail log; as the argument
    #[arg(long = "log", value_name = "LOG")]
    more: Vec<PathBuf>,
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
    let mut logs: Vec<PathBuf> = arguments.log.clone();
    logs.extend(arguments.more.iter().cloned());
    // A configuration that nobody named is not needed to read a log that somebody did.
    let surface = if logs.is_empty() || arguments.server.names_a_root() {
        match arguments.server.surfaces(&[], &ClientOptions::default()) {
            Ok(surfaces) => surfaces.into_iter().next(),
            Err(outcome) => return outcome,
        }
    } else {
        None
    };
    if logs.is_empty() {
        logs = surface.as_ref().map(logs_of).unwrap_or_default();
        if logs.is_empty() {
            return Outcome {
                exit: Exit::Nothing,
                result: Vec::new(),
                notes: vec![no_logs()],
            };
        }
    }
    let evidence = match read(&logs, surface.as_ref(), arguments.threads) {
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

/// Reads the logs, with what the configuration says about them where there is one.
pub(super) fn read(
    logs: &[PathBuf],
    surface: Option<&Surface>,
    threads: usize,
) -> Result<Evidence, Vec<String>> {
    let options = log::Options {
        calibration: surface.map(impact::calibrate),
        threads,
        ..log::Options::default()
    };
    log::scan(logs, &options).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

/// The mail logs of a server root, where rsyslog of the distributions puts them.
pub(super) fn logs_of(surface: &Surface) -> Vec<PathBuf> {
    let tree = &surface.root.tree;
    tree.list(Path::new("/var/log"))
        .into_iter()
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("maillog") || name.starts_with("mail.log")
        })
        .filter_map(|path| tree.locate(&path))
        .filter(|path| path.is_file())
        .map(|path| match path.strip_prefix("./") {
            Ok(short) => short.to_path_buf(),
            Err(_) => path,
        })
        .collect()
}

/// What to say where no log was named or found.
pub(super) fn no_logs() -> String {
    "no mail log: none was named, and there is no var/log/maillog* or var/log/mail.log* in the server root; \
     name one with --log"
        .to_owned()
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
