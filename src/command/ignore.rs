//! `plainsight ignore`: puts up with a finding, by an `[[ignore]]` in plainsight.toml.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::civil::Date;

use crate::project::{NAME, NewIgnore, Projects};
use crate::rule::THOSE_THERE_ARE;
use crate::spelling;
use crate::toml::day;
use crate::transaction::{Readers, write_whole};

use super::options::RuleOptions;
use super::{Exit, Outcome};

const EXAMPLES: &str = "\
Examples:
  plainsight ignore auth-on-port-25 --reason \"the scanner goes in March\" --until 2027-03-31
  plainsight ignore unread-file --reason \"kept for the old server\" --server \"hosts/old*\"";

/// Arguments of `ignore`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The rule, as findings show it in brackets
    rule: String,
    /// Where the servers are whose project file is meant
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Why it is put up with
    #[arg(long)]
    reason: String,
    /// The last day on which that holds, such as 2027-01-31
    #[arg(long, value_name = "DATE", value_parser = date)]
    until: Option<Date>,
    /// Who looks after it
    #[arg(long)]
    owner: Option<String>,
    /// Only for these servers, by their path from plainsight.toml; * and ? stand for other letters, ** for directories
    #[arg(long, value_name = "PATTERN")]
    server: Option<String>,
    /// Only for these endpoints, by their id in the JSON output, such as "postfix:smtp inet:*:25"
    #[arg(long, value_name = "PATTERN")]
    endpoint: Option<String>,
    /// Only where the finding points to one of these files, by their path from plainsight.toml, such as "hosts/**"
    #[arg(long, value_name = "PATTERN")]
    file: Option<String>,
    /// Only for the finding of this fingerprint
    #[arg(long)]
    fingerprint: Option<String>,
    #[command(flatten)]
    rules: RuleOptions,
}

fn date(text: &str) -> Result<Date, String> {
    day(text).ok_or_else(|| "it is no day such as 2027-01-31".to_owned())
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    match added(arguments) {
        Ok(note) => Outcome {
            exit: Exit::Clean,
            result: Vec::new(),
            notes: vec![note],
        },
        Err(errors) => Outcome::trouble(errors),
    }
}

/// Adds the entry, and says where it is.
fn added(arguments: &Arguments) -> Result<String, Vec<String>> {
    let rules = arguments
        .rules
        .all(Some(&arguments.path))
        .map_err(|outcome| outcome.notes)?;
    let known = || rules.iter().map(|rule| rule.id.as_str());
    if !known().any(|id| id == arguments.rule) {
        let rule = &arguments.rule;
        let help = spelling::hint(rule, known()).unwrap_or(THOSE_THERE_ARE.to_owned());
        return Err(vec![format!("there is no rule \"{rule}\"; {help}")]);
    }
    if arguments.reason.trim().is_empty() {
        return Err(vec![
            "the reason is empty; say why it is put up with".to_owned(),
        ]);
    }
    let project = Projects::default().of(&arguments.path)?;
    let file = project.base.join(NAME);
    let old = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(vec![format!("{}: {error}", file.display())]),
    };
    let entry = NewIgnore {
        rule: &arguments.rule,
        server: arguments.server.as_deref(),
        endpoint: arguments.endpoint.as_deref(),
        file: arguments.file.as_deref(),
        fingerprint: arguments.fingerprint.as_deref(),
        reason: arguments.reason.trim(),
        owner: arguments.owner.as_deref(),
        until: arguments.until,
    };
    let (new, line) = entry.put_into(&old).map_err(|why| vec![why])?;
    let shown = project.file.clone().unwrap_or_else(|| shorter(&file));
    write_whole(&file, new.as_bytes(), Readers::Anybody)
        .map_err(|error| vec![format!("{}: {error}", shown.display())])?;
    Ok(format!(
        "{}:{line}: {} is ignored{}",
        shown.display(),
        arguments.rule,
        arguments
            .until
            .map(|until| format!(" until {until}"))
            .unwrap_or_default()
    ))
}

/// A path as the user would type it, where it lies below the working directory.
fn shorter(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).map(Path::to_path_buf).ok());
    below.unwrap_or_else(|| path.to_path_buf())
}
