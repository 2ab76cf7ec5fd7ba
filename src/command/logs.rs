//! What the commands that read logs let the user say: which logs, of what time, and how to read them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;

use crate::evidence::Evidence;
use crate::impact::{self, LogFiles};
use crate::log::{self, Bound, Named, ScanError};
use crate::source::FileTree;
use crate::surface::server::Surface;
use crate::transaction::{Readers, write_whole};

use super::progress::Progress;
use super::{Exit, Outcome};

/// The logs of a command that is about nothing else.
#[derive(Debug, Args)]
pub(super) struct LogArguments {
    /// Mail logs, as with --log
    pub(super) log: Vec<PathBuf>,
}

/// Which logs, and how to read them.
#[derive(Debug, Default, Args)]
pub(super) struct LogOptions {
    /// A mail log, a directory of them, a pattern, or - for the standard input; may be given several times
    /// [default: the files that the configuration names, else maillog* and mail.log* in var/log of the server root,
    /// else, on the running machine, its journal]
    #[arg(long = "log", value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// Read the journal of the running machine, through journalctl
    #[arg(long)]
    journal: bool,
    /// Leave out what is older: a date, a time, or a span back from the last line of the log, such as 14d or 36h
    #[arg(long, value_name = "TIME", value_parser = Bound::since, allow_hyphen_values = true)]
    since: Option<Bound>,
    /// Leave out what is younger; a date is meant to its end
    #[arg(long, value_name = "TIME", value_parser = Bound::until, allow_hyphen_values = true)]
    until: Option<Bound>,
    /// The zone of time stamps that have none, such as Europe/Berlin or +02:00
    #[arg(long, value_name = "ZONE", value_parser = zone, allow_hyphen_values = true)]
    timezone: Option<TimeZone>,
    /// The year of the last line, for time stamps without a year where nothing else tells it
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i16).range(1970..=9998))]
    year: Option<i16>,
    /// What the log calls the machine of this configuration, where that does not tell it; * and ? stand for other letters
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    host: Vec<String>,
    /// Read only what is new since the scan that wrote this file, and write it anew; where it is missing, read everything.
    /// The result is that of reading everything, or an error says why it could not be. Name the rotated parts as well
    /// (mail.log*)
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// How many threads read; 0 for as many as there are cores
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    threads: usize,
}

impl LogOptions {
    /// These logs, read as usual.
    pub(super) fn of(logs: &[PathBuf]) -> Self {
        Self {
            logs: logs.to_vec(),
            ..Self::default()
        }
    }

    /// Whether an earlier scan is gone on with.
    pub(super) const fn resumes(&self) -> bool {
        self.resume.is_some()
    }

    /// What the log calls the machine of the configuration.
    pub(super) fn hosts(&self) -> &[String] {
        &self.host
    }

    /// The logs that the user names, here and as arguments of the command.
    pub(super) fn named(&self, arguments: &[PathBuf]) -> Vec<Named> {
        let paths = arguments.iter().chain(&self.logs);
        let mut named: Vec<Named> = paths
            .map(|path| match path.to_str() {
                Some("-") => Named::Stdin,
                Some(_) | None => Named::Path(path.clone()),
            })
            .collect();
        if self.journal {
            named.push(Named::Journal);
        }
        named
    }

    /// Reads logs, with what the configuration says about them where there is one.
    pub(super) fn read(
        &self,
        logs: &[Named],
        surface: Option<&Surface>,
    ) -> Result<Evidence, Outcome> {
        let progress = Progress::new();
        let options = self.options(surface, &progress);
        let Some(path) = &self.resume else {
            return log::scan(logs, &options).map_err(|errors| unread(&errors, None));
        };
        let trouble = |why: io::Error| Outcome::trouble(vec![format!("{}: {why}", path.display())]);
        let saved = saved_state(path).map_err(trouble)?;
        let (evidence, saved) = log::resume(logs, &options, saved.as_deref())
            .map_err(|errors| unread(&errors, Some(path)))?;
        if let Some(saved) = saved {
            write_whole(path, &saved, Readers::Owner).map_err(trouble)?;
        }
        Ok(evidence)
    }

    /// Reads logs, and gives the segment that they reduce to as well.
    pub(super) fn segment(
        &self,
        logs: &[Named],
        surface: Option<&Surface>,
    ) -> Result<(Evidence, Vec<u8>), Outcome> {
        let progress = Progress::new();
        let read = log::segment(logs, &self.options(surface, &progress));
        read.map_err(|errors| unread(&errors, None))
    }

    fn options(&self, surface: Option<&Surface>, progress: &Progress) -> log::Options {
        log::Options {
            calibration: surface.map(impact::calibrate),
            timezone: self.timezone.clone(),
            year: self.year,
            since: self.since,
            until: self.until,
            threads: self.threads,
            watch: Some(Arc::clone(&progress.watch)),
        }
    }
}

/// What comes of logs that are not read, and of the saved state that `--resume` names.
fn unread(errors: &[ScanError], saved: Option<&Path>) -> Outcome {
    let mut exit = Exit::Nothing;
    let mut notes = Vec::new();
    for error in errors {
        match (error, saved) {
            // As with a directory without a configuration, there is nothing to look at.
            (ScanError::Nothing(_), _) => notes.push(error.to_string()),
            (ScanError::Saved(why), Some(path)) => {
                exit = Exit::Trouble;
                notes.push(format!("{}:{why}", path.display()));
            }
            (ScanError::Input { .. }, _) | (ScanError::Saved(_), None) => {
                exit = Exit::Trouble;
                notes.push(error.to_string());
            }
        }
    }
    Outcome {
        exit,
        result: Vec::new(),
        notes,
    }
}

/// The logs of a server where nobody names any: its files, else, on the running machine, the journal.
///
/// # Errors
/// Says where they were looked for.
pub(super) fn of_server(surface: &Surface) -> Result<Vec<Named>, String> {
    let running = surface.root.shown == Path::new("/");
    let LogFiles { files, missing } = impact::log_files(surface);
    let missing: Vec<String> = missing
        .iter()
        .map(|(path, setting)| format!("no {} ({setting})", path.display()))
        .collect();
    or_journal(files, running, &missing)
}

/// The logs of the running machine where it has no mail server configured.
///
/// # Errors
/// Says where they were looked for.
pub(super) fn of_machine() -> Result<Vec<Named>, String> {
    let files = impact::common_log_files(&FileTree::rooted("/"));
    or_journal(
        files,
        true,
        &["no mail server configured in /etc".to_owned()],
    )
}

fn or_journal(
    files: Vec<PathBuf>,
    running: bool,
    missing: &[String],
) -> Result<Vec<Named>, String> {
    if !files.is_empty() {
        return Ok(files.into_iter().map(Named::Path).collect());
    }
    if running && Path::new("/run/systemd/journal").is_dir() {
        return Ok(vec![Named::Journal]);
    }
    let mut places = missing.to_vec();
    let (directory, end) = if running {
        ("/var/log", ", and no journal")
    } else {
        ("var/log of the server root", "")
    };
    places.push(format!("no maillog* or mail.log* in {directory}"));
    Err(format!(
        "no mail log: there is {}{end}; name one with --log",
        places.join(", ")
    ))
}

/// A name of the IANA database, or an offset from UTC.
fn zone(text: &str) -> Result<TimeZone, String> {
    if matches!(text, "Z" | "z") {
        return Ok(TimeZone::UTC);
    }
    DateTimeParser::new()
        .parse_time_zone(text)
        .map_err(|_| "neither a name such as Europe/Berlin nor an offset such as +02:00".to_owned())
}

/// What an earlier scan left in its file; none where that is not there yet.
fn saved_state(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Ok(meta) if meta.is_file() => fs::read(path).map(Some),
        // A pipe or a device might never end, and nothing could be kept in it.
        Ok(_) => Err(io::Error::other("not a file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
