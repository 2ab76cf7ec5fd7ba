//! The program `plainsight`. It decides nothing; see `command`.

use std::process::ExitCode;

use clap::Parser;

use plainsight::command::{self, Arguments};

fn main() -> ExitCode {
    command::run(
        &Arguments::parse(),
        &mut std::io::stdout(),
        &mut std::io::stderr(),
    )
    .into()
}
