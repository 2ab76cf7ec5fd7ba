//! The checkers: what the daemons themselves say of their configuration, where they are installed.
//!
//! They know less than the model: `postfix check` looks at no boolean of smtpd, and `doveconf` at no certificate.
//! But they are the daemons' own word, so what they object to is put back.
//! They are asked about the running machine alone: `postfix check` makes directories and mends modes where the
//! configuration points, and the absolute paths of a checkout would lead both out of it.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use bstr::ByteSlice;

use crate::surface::Server;

/// Server, program and arguments. Each prints what is wrong on stderr and fails where the daemon would
/// (postconf(1), postfix(1), doveconf(1)).
const CHECKERS: [(Server, &str, &[&str]); 3] = [
    (Server::Postfix, "postconf", &["-n"]),
    (Server::Postfix, "postfix", &["check"]),
    (Server::Dovecot, "doveconf", &["-n"]),
];

/// What one checker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// As the user would type it.
    pub(super) command: String,
    /// What it objects to; nothing where it is content.
    pub(super) objection: Option<String>,
}

/// Asks every checker of these servers that is installed.
pub(super) fn ask(servers: &[Server]) -> Vec<Answer> {
    let wanted = CHECKERS
        .into_iter()
        .filter(|(server, ..)| servers.contains(server));
    wanted
        .filter_map(|(_, program, arguments)| {
            let output = Command::new(installed(program)?)
                .args(arguments)
                .stdin(Stdio::null())
                .output();
            let objection = match output {
                Ok(output) if output.status.success() => None,
                Ok(output) => Some(first_line(&output.stderr, &output.status.to_string())),
                Err(why) => Some(why.to_string()),
            };
            Some(Answer {
                command: format!("{program} {}", arguments.join(" ")),
                objection,
            })
        })
        .collect()
}

/// The first checker that was content before and objects now. What it objected to before is none of the change's doing.
pub(super) fn new_objection<'a>(
    before: &[Answer],
    after: &'a [Answer],
) -> Option<(&'a str, &'a str)> {
    let pairs = before.iter().zip(after);
    pairs
        .filter(|(before, _)| before.objection.is_none())
        .find_map(|(_, after)| Some((after.command.as_str(), after.objection.as_deref()?)))
}

/// The first line of what a program says, or how it ended if it says nothing.
fn first_line(said: &[u8], ended: &str) -> String {
    let line = said.lines().find(|line| !line.trim_ascii().is_empty());
    line.map_or_else(|| ended.to_owned(), |line| line.to_str_lossy().into_owned())
}

/// Where a program is; also where only root's PATH leads.
fn installed(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories: Vec<PathBuf> = env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from))
        .collect();
    directories
        .into_iter()
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}
