//! The commands: one function each, which reads what the user named, asks the modules to the left, and reports.
//!
//! A command collects its whole result before the first byte goes out, so that nothing is half printed.

mod apply;
mod changed;
mod check;
mod clock;
mod diff;
mod explain;
mod findings;
mod ignore;
mod interrupt;
mod invocation;
mod logs;
mod options;
mod pager;
mod preflight;
mod progress;
mod scan;
mod screen;
mod usage;
mod wish;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::invocation::Invocation;
use crate::report::plain::plain;

use screen::ScreenOptions;

pub use usage::arguments;

const EXIT_CODES: &str = "\
Begin with plainsight preflight on the mail server itself, or with plainsight check DIRECTORY where its files are.
The help of each command ends in examples.

Exit codes:
  0  clean, nobody, GO; diff and apply: nothing to change, or changed
  1  findings, somebody, NO-GO; diff and apply: a patch, or you said no
  2  usage, unreadable input, internal error; nothing was changed
  3  nothing to check, or no evidence to decide on";

/// Find who still logs in to the mail server in plain sight, and close it without breaking them.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = EXIT_CODES
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    screen: ScreenOptions,
    #[arg(skip)]
    invocation: Invocation,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Is TLS-only authentication enforced, endpoint by endpoint?
    Check(check::Arguments),
    /// Who authenticates without TLS?
    Scan(scan::Arguments),
    /// May I enforce it now, and who breaks?
    Preflight(preflight::Arguments),
    /// What exactly do I change? Prints a unified diff for `git apply` and `patch -p1`.
    Diff(diff::Arguments),
    /// Make that change, or undo it. It writes files and reloads nothing.
    Apply(apply::Arguments),
    /// Why does a rule matter, and how do I fix what it finds?
    Explain(explain::Arguments),
    /// Put up with a finding, by an [[ignore]] in plainsight.toml
    Ignore(ignore::Arguments),
    /// Which rules are there?
    Rules(explain::ListArguments),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Clean, nobody, GO, or nothing to change.
    Clean,
    /// Findings, somebody, NO-GO, or a patch.
    Found,
    /// Usage, unreadable input, internal error.
    Trouble,
    /// Nothing to check, or no evidence to decide on.
    Nothing,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Clean => 0,
            Exit::Found => 1,
            Exit::Trouble => 2,
            Exit::Nothing => 3,
        })
    }
}

/// What a command has to say.
#[derive(Debug)]
struct Outcome {
    exit: Exit,
    /// The result, for stdout.
    result: Vec<u8>,
    /// Everything else, a line each, for stderr.
    notes: Vec<String>,
}

impl Outcome {
    /// Nothing to decide on: no result, only why.
    fn nothing(why: String) -> Self {
        Self {
            exit: Exit::Nothing,
            result: Vec::new(),
            notes: vec![why],
        }
    }

    /// Trouble: no result, only what went wrong.
    const fn trouble(notes: Vec<String>) -> Self {
        Self {
            exit: Exit::Trouble,
            result: Vec::new(),
            notes,
        }
    }
}

/// Runs one command: the result goes to `out`, everything else to `err`.
pub fn run(arguments: &Arguments, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let options = &arguments.screen;
    let screen = &options.screen();
    let invocation = &arguments.invocation;
    let outcome = match &arguments.command {
        Command::Check(arguments) => check::run(arguments, invocation, screen),
        Command::Scan(arguments) => scan::run(arguments, invocation, screen),
        Command::Preflight(arguments) => preflight::run(arguments, invocation, screen),
        Command::Diff(arguments) => diff::run(arguments, &options.screen_for_patch()),
        Command::Apply(arguments) => apply::run(arguments, invocation, options, err),
        Command::Explain(arguments) => explain::run(arguments, screen),
        Command::Ignore(arguments) => ignore::run(arguments),
        Command::Rules(arguments) => explain::list(arguments, screen),
    };
    for note in &outcome.notes {
        // Where stderr is closed nobody can be told.
        let _ = writeln!(err, "plainsight: {}", plain(note.as_bytes()));
    }
    if options.pages() && !outcome.result.is_empty() {
        match pager::show(&outcome.result) {
            Ok(true) => return outcome.exit,
            Ok(false) => {}
            Err(why) => {
                let _ = writeln!(err, "plainsight: {}", plain(why.as_bytes()));
            }
        }
    }
    match out.write_all(&outcome.result).and_then(|()| out.flush()) {
        Ok(()) => outcome.exit,
        // Whoever closed the pipe (`| head`) has seen enough; the answer stands.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => outcome.exit,
        Err(error) => {
            let _ = writeln!(err, "plainsight: the result could not be written: {error}");
            Exit::Trouble
        }
    }
}
