//! An invocation: how the program was called, so that the command to go on with asks about the same servers and logs, read
//! in the same way.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::root::Root;

use super::shell;

/// What was given on the command line, as far as the answer depended on it.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// How the servers are found and read; what asks about servers takes it.
    pub servers: Vec<Given>,
    /// Which logs are read, how, and whether names are shown; what asks about logs takes it.
    pub logs: Vec<Given>,
    /// Where more rules are; what asks about rules takes it.
    pub rules: Vec<Given>,
}

/// An option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its name, without dashes.
    pub option: String,
    /// Its value, if it takes one.
    pub value: Option<OsString>,
}

impl Invocation {
    /// `plainsight preflight …` for a server.
    pub fn preflight(&self, root: &Root) -> String {
        self.preflight_at(self.place(root))
    }

    /// The step from logs that were read without a configuration to the question that needs one.
    pub fn step_from_logs(&self) -> String {
        if self.logs.iter().all(Given::is_of_this_machine) {
            return format!("next: {}", self.preflight_at(None));
        }
        let command = self.preflight_at(Some("SERVER-ROOT".to_owned()));
        format!("next, SERVER-ROOT being where its etc is: {command}")
    }

    fn preflight_at(&self, place: Option<String>) -> String {
        written("preflight", place, self.servers.iter().chain(&self.logs))
    }

    /// `plainsight diff …` for a server.
    pub fn diff(&self, root: &Root) -> String {
        written("diff", self.place(root), &self.servers)
    }

    /// `plainsight apply …` for a server.
    pub fn apply(&self, root: &Root) -> String {
        written("apply", self.place(root), &self.servers)
    }

    /// `plainsight check …` for a server.
    pub fn check(&self, root: &Root) -> String {
        let options = self.servers.iter().chain(&self.rules);
        written("check", self.place(root), options)
    }

    /// `plainsight explain …` for a rule.
    pub fn explain(&self, rule: &str) -> String {
        written("explain", Some(shell::word(rule.as_ref())), &self.rules)
    }

    /// The server, where it is not the one that is meant without a word.
    fn place(&self, root: &Root) -> Option<String> {
        let given = self.servers.iter().find(|given| given.option == "root");
        let usual = given.and_then(|given| given.value.as_deref());
        let usual = Path::new(usual.unwrap_or(OsStr::new("/")));
        (root.named != usual).then(|| shell::path(&root.named))
    }
}

impl Given {
    /// Whether it names no log but those of the running machine, which are in its journal and below /var/log.
    fn is_of_this_machine(&self) -> bool {
        let log = self.value.as_deref().filter(|_| self.option == "log");
        log.is_none_or(|log| Path::new(log).starts_with("/var/log"))
    }
}

fn written<'a>(
    command: &str,
    subject: Option<String>,
    options: impl IntoIterator<Item = &'a Given>,
) -> String {
    let mut words = vec!["plainsight".to_owned(), command.to_owned()];
    words.extend(subject);
    for Given { option, value } in options {
        match value.as_deref() {
            None => words.push(format!("--{option}")),
            // A value that looks like an option is one only where it stands alone.
            Some(value) if value.as_bytes().starts_with(b"-") && value != "-" => {
                words.push(format!("--{option}={}", shell::word(value)));
            }
            Some(value) => words.push(format!("--{option} {}", shell::word(value))),
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(option: &str, value: &str) -> Given {
        Given {
            option: option.to_owned(),
            value: (!value.is_empty()).then(|| value.into()),
        }
    }

    #[test]
    fn each_command_is_given_again_what_it_asks_about() {
        let invocation = Invocation {
            servers: vec![
                given("dovecot-version", "2.3.19.1"),
                given("no-gitignore", ""),
            ],
            logs: vec![
                given("log", "a b"),
                given("log", "-"),
                given("since", "-3d"),
            ],
            rules: vec![given("rules", "own")],
        };
        assert_eq!(
            invocation.step_from_logs(),
            "next, SERVER-ROOT being where its etc is: \
             plainsight preflight SERVER-ROOT --dovecot-version 2.3.19.1 --no-gitignore --log 'a b' --log - --since=-3d"
        );
        let own = Invocation {
            logs: vec![given("log", "/var/log/mail.log*"), given("since", "14d")],
            ..Invocation::default()
        };
        assert_eq!(
            own.step_from_logs(),
            "next: plainsight preflight --log '/var/log/mail.log*' --since 14d"
        );
        assert_eq!(
            invocation.explain("house-rule"),
            "plainsight explain house-rule --rules own"
        );
    }
}
