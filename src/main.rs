//! The program `plainsight`. It decides nothing; see `command`.

use std::env;
use std::process::ExitCode;

use plainsight::command;

fn main() -> ExitCode {
    let words: Vec<_> = env::args_os().collect();
    match command::arguments(&words) {
        Ok(arguments) => {
            command::run(&arguments, &mut std::io::stdout(), &mut std::io::stderr()).into()
        }
        // Also `--help` and `--version` end here, with 0.
        Err(error) => error.exit(),
    }
}
