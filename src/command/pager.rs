//! A pager: the program in which a long result is read, where the user asks for one.

use std::env;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

use super::interrupt;

/// The pager with its arguments: `$PLAINSIGHT_PAGER`, else `$PAGER`, else less. No shell reads it, so that a word of it
/// is a word. None where it is set to nothing, which is how one says that there is to be none.
fn words() -> Vec<String> {
    let said = env::var("PLAINSIGHT_PAGER").or_else(|_| env::var("PAGER"));
    let said = said.unwrap_or_else(|_| "less -FRX".to_owned());
    said.split_whitespace().map(str::to_owned).collect()
}

/// Shows the text in the pager and waits for its end; `false` where there is none.
///
/// # Errors
/// Which pager does not start or fails, and why.
pub(super) fn show(text: &[u8]) -> Result<bool, String> {
    let words = words();
    let Some((program, arguments)) = words.split_first() else {
        return Ok(false);
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped());
    // Also a bare `PAGER=less` is to show colours, and to go away where everything has room.
    if env::var_os("LESS").is_none() {
        command.env("LESS", "FRX");
    }
    let mut child = command
        .spawn()
        .map_err(|error| format!("the pager {program} does not start: {error}"))?;
    // Ctrl-C is for the pager, which would be left behind on the terminal.
    interrupt::ends_the_program(false);
    let fed = feed(&mut child, text);
    let ended = child.wait();
    interrupt::ends_the_program(true);
    let status = ended.map_err(|error| format!("the pager {program}: {error}"))?;
    // One that a signal ended was ended by the user.
    if status.code().is_some_and(|code| code != 0) {
        return Err(format!("the pager {program} ended with {status}"));
    }
    match fed {
        Ok(()) => Ok(true),
        // Whoever leaves the pager early has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(true),
        Err(error) => Err(format!("the pager {program}: {error}")),
    }
}

/// Hands the text to the pager, and with its end the end.
fn feed(child: &mut Child, text: &[u8]) -> io::Result<()> {
    match child.stdin.take() {
        Some(mut input) => input.write_all(text),
        None => Ok(()),
    }
}
