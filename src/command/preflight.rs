//! `plainsight preflight`: may I enforce it now, and who breaks?

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use ipnet::IpNet;

use crate::evidence::Programs;
use crate::fix;
use crate::impact::{self, Asked, Decision};
use crate::log::{self, Named};
use crate::mailbox::{self, Owner};
use crate::parallel;
use crate::project::{Acceptance, MOST_DAYS, Network, Project, range};
use crate::report::answer::Answer;
use crate::report::invocation::Invocation;
use crate::report::screen::Screen;
use crate::report::{self, Checked};
use crate::rule::Rule;

use super::clock::today;
use super::findings::of_server;
use super::logs::{self, LogOptions};
use super::options::{ClientOptions, RedactOptions, ServerOptions, only};
use super::screen::DetailOptions;
use super::{Exit, Outcome};

const EXAMPLES: &str = "\
Examples:
  plainsight preflight                 the running machine and its logs
  plainsight preflight mx1 --log mx1/maillog --networks office=192.0.2.0/24
  plainsight preflight --accept scanner --format html > preflight.html";

/// Arguments of `preflight`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The server root, or its postfix or dovecot directory [default: the running machine]
    path: Option<PathBuf>,
    #[command(flatten)]
    logs: LogOptions,
    /// How many days the logs have to cover [default: preflight.days of plainsight.toml, else 14]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=MOST_DAYS))]
    window: Option<i64>,
    /// Names for networks, such as office=192.0.2.0/24,office=2001:db8::/48; what is in none is "outside"
    #[arg(long, value_name = "NAME=NETWORK", value_delimiter = ',', value_parser = named_network)]
    networks: Vec<(String, IpNet)>,
    /// An account, a network or the name of one that may break; plainsight.toml keeps such with a reason
    #[arg(long, value_name = "ACCOUNT|NETWORK", value_delimiter = ',')]
    accept: Vec<String>,
    /// A Maildir, a tree of them, or an mbox file, whose headers tell who uses which mail program
    #[arg(long, value_name = "PATH")]
    mailbox: Vec<PathBuf>,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    redact: RedactOptions,
    #[command(flatten)]
    detail: DetailOptions,
    /// How to print the result
    #[arg(long, value_enum, default_value = "text")]
    format: AnswerFormat,
}

/// How to print the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AnswerFormat {
    /// For people.
    Text,
    /// For programs; docs/json.md describes it.
    Json,
    /// A page to look at and to print: one file that loads nothing.
    Html,
    /// A change request, ready to paste.
    Markdown,
    /// A row for each account and client, for a spreadsheet or a mail merge.
    Csv,
}

impl Arguments {
    /// What is asked, by the options and by the project file that holds for `root`.
    ///
    /// # Errors
    /// What is wrong with the project file.
    fn asked(&self, root: &Path) -> Result<Asked, Vec<String>> {
        let project = Project::of(root)?;
        let mut networks: Vec<Network> = Vec::new();
        for (name, range) in &self.networks {
            match networks.iter_mut().find(|one| one.name == *name) {
                Some(one) => one.ranges.push(*range),
                None => networks.push(Network {
                    name: name.clone(),
                    ranges: vec![*range],
                }),
            }
        }
        networks.extend(project.networks);
        let today = today();
        let mut acceptances = project.acceptances;
        let expired = acceptances
            .extract_if(.., |one| one.is_expired(today))
            .collect();
        acceptances.extend(
            self.accept
                .iter()
                .map(|word| Acceptance::from_word(word, &networks, "on the command line")),
        );
        Ok(Asked {
            days: self.window.or(project.days).unwrap_or(14),
            networks,
            acceptances,
            expired,
            programs: Programs::default(),
            own_logs: false,
        })
    }

    /// The mail programs in logs and mailboxes, and what of these could not be read.
    ///
    /// # Errors
    /// The logs and mailboxes that cannot be read at all.
    fn programs(
        &self,
        logs: &[Named],
        owner: &Owner,
    ) -> Result<(Programs, Vec<String>), Vec<String>> {
        let mut errors = Vec::new();
        let mut unread = Vec::new();
        let mut programs = log::programs(logs, None).unwrap_or_else(|found| {
            errors.extend(found.iter().map(ToString::to_string));
            Programs::default()
        });
        for path in &self.mailbox {
            match mailbox::read(path, owner) {
                Ok(read) => {
                    programs.join(read.programs);
                    let closed = read.closed.iter();
                    unread.extend(
                        closed.map(|folder| format!("{folder}; what is in it is not counted")),
                    );
                    if read.unreadable > 0 {
                        unread.push(format!(
                            "{}: {} of its messages cannot be read",
                            path.display(),
                            read.unreadable
                        ));
                    }
                }
                Err(error) => errors.push(error.to_string()),
            }
        }
        if errors.is_empty() {
            Ok((programs, unread))
        } else {
            Err(errors)
        }
    }
}

/// Reads `office=192.0.2.0/24`.
fn named_network(text: &str) -> Result<(String, IpNet), String> {
    let (name, network) = text
        .split_once('=')
        .ok_or("expected NAME=NETWORK, such as office=192.0.2.0/24")?;
    Ok((name.to_owned(), range(network)?))
}

pub(super) fn run(arguments: &Arguments, invocation: &Invocation, screen: &Screen) -> Outcome {
    let paths: Vec<PathBuf> = arguments.path.iter().cloned().collect();
    let mut surfaces = match arguments.server.surfaces(&paths, &ClientOptions::default()) {
        Ok(surfaces) => surfaces,
        Err(outcome) => return outcome,
    };
    for surface in &mut surfaces {
        surface.hosts.extend(arguments.logs.hosts().iter().cloned());
    }
    let surface = match only(&surfaces, "preflight decides for") {
        Ok(surface) => surface,
        Err(outcome) => return outcome,
    };
    if surface.endpoints.is_empty() {
        return Outcome::nothing(format!(
            "{}: no endpoint at which a client could log in, so there is nothing to decide",
            surface.root.shown.display()
        ));
    }
    let mut named = arguments.logs.named(&[]);
    let own_logs = named.is_empty();
    if own_logs {
        named = match logs::of_server(surface) {
            Ok(logs) => logs,
            Err(why) => return Outcome::nothing(why),
        };
    }
    let redaction = match arguments.redact.redaction() {
        Ok(redaction) => redaction,
        Err(why) => return Outcome::trouble(vec![why]),
    };
    let mut evidence = match arguments.logs.read(&named, Some(surface)) {
        Ok(evidence) => evidence,
        Err(outcome) => return outcome,
    };
    let mut asked = match arguments.asked(&surface.root.shown) {
        Ok(asked) => asked,
        Err(mistakes) => return Outcome::trouble(mistakes),
    };
    let (programs, unread) = match arguments.programs(&named, &impact::owner(surface)) {
        Ok(programs) => programs,
        Err(errors) => return Outcome::trouble(errors),
    };
    asked.programs = programs;
    asked.own_logs = own_logs;
    let change = fix::enforce(surface, &fix::Wish::whole());
    let mut preflight = impact::preflight(surface, &change, &evidence, &asked);
    if let Some(redaction) = redaction {
        redaction.evidence(&mut evidence);
        redaction.preflight(&mut preflight);
    }
    let exit = match preflight.decision {
        Decision::Go => Exit::Clean,
        Decision::NoGo => Exit::Found,
        Decision::CannotTell => Exit::Nothing,
    };
    let patch = super::diff::patch(surface, &change);
    let answer = Answer {
        preflight: &preflight,
        evidence: &evidence,
        invocation,
        before: surface,
        patch: &patch,
    };
    let mut result = Vec::new();
    let written = match arguments.format {
        AnswerFormat::Text => {
            let detail = arguments.detail.detail();
            report::preflight::write(&mut result, &answer, &change.after, screen, detail)
        }
        AnswerFormat::Html => report::html::write(&mut result, &answer),
        AnswerFormat::Markdown => report::markdown::write(&mut result, &answer),
        AnswerFormat::Csv => report::csv::write(&mut result, &answer),
        AnswerFormat::Json => {
            let rules = Rule::built_in();
            let checked = parallel::map(surfaces, |surface| {
                let findings = of_server(&surface, &rules);
                Checked::new(surface, findings)
            });
            let after = Checked::new(change.after, Vec::new());
            let document = report::json::preflight(&preflight, &checked, &after, &evidence);
            report::json::write(&mut result, &document)
        }
    };
    let mut notes = evidence.warnings;
    notes.extend(unread);
    notes.extend(
        preflight
            .unused
            .iter()
            .map(|one| format!("{one}: may break, and nobody of that name or network would")),
    );
    notes.extend(
        preflight
            .expired
            .iter()
            .map(|one| format!("{one}: might break until then, and counts like any other now")),
    );
    match written {
        Ok(()) => Outcome {
            exit,
            result,
            notes,
        },
        Err(error) => Outcome::trouble(vec![error.to_string()]),
    }
}
