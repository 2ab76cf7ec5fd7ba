//! `plainsight scan`: who authenticates without TLS?

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::evidence::{Evidence, Transport};
use crate::log::Named;
use crate::report;
use crate::report::invocation::Invocation;
use crate::report::screen::Screen;
use crate::root;

use super::logs::{self, LogArguments, LogOptions};
use super::options::{ClientOptions, RedactOptions, ServerOptions, only};
use super::screen::DetailOptions;
use super::{Exit, Outcome};

const EXAMPLES: &str = "\
Examples:
  plainsight scan                      the logs of the running machine
  plainsight scan '/var/log/mail.log*' --since 14d
  zcat old.gz | plainsight scan -
  plainsight scan --resume /var/lib/plainsight/scan '/var/log/mail.log*'
                                       every night, only what is new";

/// Arguments of `scan`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    named: LogArguments,
    #[command(flatten)]
    logs: LogOptions,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    redact: RedactOptions,
    #[command(flatten)]
    detail: DetailOptions,
    /// How to print the result
    #[arg(long, value_enum, default_value = "text")]
    format: ScanFormat,
}

/// How to print the result of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ScanFormat {
    /// For people.
    Text,
    /// For programs; docs/json.md describes it.
    Json,
    /// The segment that the logs reduce to, a JSON object a line, to be joined with others.
    Evidence,
}

pub(super) fn run(arguments: &Arguments, invocation: &Invocation, screen: &Screen) -> Outcome {
    let mut named = arguments.logs.named(&arguments.named.log);
    let asked = arguments.server.names_a_root();
    // A configuration that nobody named is not needed to read a log that somebody did.
    let mut surfaces = if named.is_empty() || asked {
        match arguments.server.surfaces(&[], &ClientOptions::default()) {
            Ok(surfaces) => surfaces,
            // A machine without a mail server may well collect the logs of others.
            Err(outcome) if outcome.exit == Exit::Nothing && !asked => Vec::new(),
            Err(outcome) => return outcome,
        }
    } else {
        Vec::new()
    };
    for surface in &mut surfaces {
        surface.hosts.extend(arguments.logs.hosts().iter().cloned());
    }
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
    if arguments.format == ScanFormat::Evidence && arguments.logs.resumes() {
        return Outcome::trouble(vec![
            "--format evidence is of everything that the logs hold; leave out --resume".to_owned(),
        ]);
    }
    let read = match arguments.format {
        ScanFormat::Text | ScanFormat::Json => {
            let evidence = arguments.logs.read(&named, surface);
            evidence.map(|evidence| (evidence, Vec::new()))
        }
        ScanFormat::Evidence => {
            let read = arguments.logs.segment(&named, surface);
            let harmless = |rows: Vec<u8>| {
                let rows = String::from_utf8_lossy(&rows);
                report::plain::json(&rows).into_owned().into_bytes()
            };
            read.map(|(evidence, rows)| (evidence, harmless(rows)))
        }
    };
    let redaction = match arguments.redact.redaction() {
        Ok(Some(_)) if arguments.format == ScanFormat::Evidence => {
            return Outcome::trouble(vec![
                "--format evidence is to be joined with others, so names stay; leave out --redact"
                    .to_owned(),
            ]);
        }
        Ok(redaction) => redaction,
        Err(why) => return Outcome::trouble(vec![why]),
    };
    let (mut evidence, mut result) = match read {
        Ok(read) => read,
        Err(mut outcome) => {
            outcome.notes.extend(servers_among(&named));
            return outcome;
        }
    };
    if let Some(redaction) = redaction {
        redaction.evidence(&mut evidence);
    }
    let exit = exit(&evidence);
    let written = match arguments.format {
        ScanFormat::Text => {
            let detail = arguments.detail.detail();
            let root = surface.map(|surface| &surface.root);
            report::scan::write(&mut result, &evidence, root, invocation, screen, detail)
        }
        ScanFormat::Json => report::json::write(&mut result, &report::json::scan(&evidence)),
        ScanFormat::Evidence => Ok(()),
    };
    let notes = std::mem::take(&mut evidence.warnings);
    // It is given back when the program ends: at once, where a million rows one by one would take a second.
    std::mem::forget(evidence);
    match written {
        Ok(()) => Outcome {
            exit,
            result,
            notes,
        },
        Err(error) => Outcome::trouble(vec![error.to_string()]),
    }
}

/// What to write for each server that was named like a log, as it is for the other commands.
fn servers_among(named: &[Named]) -> Vec<String> {
    let servers = named.iter().filter_map(|named| match named {
        Named::Path(path) if path.is_dir() => root::find(path, None, true).ok().map(|_| path),
        Named::Path(_) | Named::Stdin | Named::Journal => None,
    });
    let advice = |path: &PathBuf| {
        let word = report::shell::path(path);
        format!(
            "for the logs of the server whose configuration is there: plainsight scan --root {word}"
        )
    };
    servers.map(advice).collect()
}

/// Somebody, or nobody; where no login is known to be clear, and of some the log does not tell or not all was read,
/// that is no evidence.
fn exit(evidence: &Evidence) -> Exit {
    let rows = || evidence.rows.iter().chain(&evidence.anonymous);
    if rows().any(|row| row.way.transport == Transport::Clear) {
        Exit::Found
    } else if evidence.stopped
        || rows().next().is_none()
        || rows().any(|row| row.way.transport == Transport::Unknown)
    {
        Exit::Nothing
    } else {
        Exit::Clean
    }
}
