//! A condition: what has to hold of an endpoint, a server or a written setting so that a rule speaks of it.
//!
//! The vocabulary is closed, and three-valued: what no file tells makes a condition unknown, never false.
//! `read` beside this file reads it; `endpoint`, `written` and `test` are what is asked of an endpoint, a written setting
//! and one value.

use std::collections::BTreeSet;

use crate::source::{FileId, Origin};
use crate::surface::server::Surface;
use crate::surface::setting::{InForce, Written};
use crate::surface::{Because, Endpoint, Server};
use crate::trap::{Trap, TrapKind};
use crate::version::Range;

use super::endpoint::EndpointFact;
use super::test::Test;
use super::truth::Truth;
use super::written::WrittenFact;

/// What a rule can be about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// Each place where a client can log in.
    #[default]
    Endpoint,
    /// Each server as a whole, Postfix and Dovecot by themselves.
    Server,
    /// Each setting that is written down, in force or not.
    Setting,
    /// Each text that reads otherwise to a person than to the daemon.
    Trap,
    /// Each exception that is not as it should be.
    Exception,
}

/// What can be wrong with an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExceptionKind {
    /// Its last day has passed.
    Expired,
    /// It covers no finding.
    Unused,
    /// It cannot be understood.
    Malformed,
}

impl About {
    /// The word for it in a rule.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint",
            Self::Server => "server",
            Self::Setting => "setting",
            Self::Trap => "trap",
            Self::Exception => "exception",
        }
    }
}

/// One of the things that a rule is about.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// An endpoint.
    Endpoint(&'a Endpoint),
    /// A server.
    Server(Server),
    /// A written setting.
    Setting(&'a Written),
    /// A trap.
    Trap(&'a Trap),
}

impl Subject<'_> {
    /// The server that it belongs to.
    pub const fn server(&self) -> Server {
        match self {
            Self::Endpoint(endpoint) => endpoint.server,
            Self::Server(server) => *server,
            Self::Setting(written) => written.server,
            Self::Trap(trap) => trap.server,
        }
    }
}

/// What has to hold.
#[derive(Clone, Debug)]
pub enum Condition {
    /// All of these; nothing in it holds always.
    All(Vec<Self>),
    /// One of these.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// It belongs to this server.
    Server(Server),
    /// The release is one of these.
    Release(Range),
    /// What is in force for a setting.
    Setting(String, Test),
    /// One of these services is missing from master.cf.
    Lacks(Vec<String>),
    /// What is true of the endpoint.
    Endpoint(EndpointFact),
    /// Another endpoint of the same server (and release) is like this.
    Beside(Box<Self>),
    /// What is true of the written setting.
    Written(WrittenFact),
    /// The kind of the trap.
    Trap(Vec<TrapKind>),
    /// What is wrong with the exception.
    Exception(Vec<ExceptionKind>),
}

/// What a condition is asked of, and what it looked at.
#[derive(Debug)]
pub struct Case<'a> {
    /// The server with all that belongs to it.
    pub surface: &'a Surface,
    /// What the rule is about.
    pub subject: Subject<'a>,
    /// The settings that were looked up, in their order.
    pub looked_up: Vec<Because>,
    /// What else makes the condition hold, in words, and where that stands.
    pub told: Vec<(String, Option<Origin>)>,
}

impl<'a> Case<'a> {
    /// Nothing looked at yet.
    pub const fn new(surface: &'a Surface, subject: Subject<'a>) -> Self {
        Self {
            surface,
            subject,
            looked_up: Vec::new(),
            told: Vec::new(),
        }
    }
}

impl Condition {
    /// Whether it holds.
    pub fn holds(&self, case: &mut Case<'_>) -> Truth {
        match self {
            Self::All(all) => {
                let mut truth = Truth::Yes;
                for one in all {
                    truth = truth.and(one.holds(case));
                    if truth == Truth::No {
                        break;
                    }
                }
                truth
            }
            Self::Any(any) => {
                let mut truth = Truth::No;
                for one in any {
                    let before = (case.looked_up.len(), case.told.len());
                    match one.holds(case) {
                        Truth::Yes => return Truth::Yes,
                        // What does not hold explains nothing.
                        Truth::No => {
                            case.looked_up.truncate(before.0);
                            case.told.truncate(before.1);
                        }
                        unknown @ Truth::Unknown(_) => truth = truth.or(unknown),
                    }
                }
                truth
            }
            Self::Not(one) => {
                let before = case.told.len();
                let truth = one.holds(case).negated();
                case.told.truncate(before);
                truth
            }
            Self::Server(server) => (case.subject.server() == *server).into(),
            Self::Release(wanted) => release(case, *wanted),
            Self::Setting(name, test) => setting(case, name, test),
            Self::Lacks(services) => lacks(case.surface, services).into(),
            Self::Endpoint(fact) => match case.subject {
                Subject::Endpoint(endpoint) => {
                    let holds = fact.holds(endpoint);
                    if holds {
                        fact.explain(endpoint, &mut case.looked_up, &mut case.told);
                    }
                    holds.into()
                }
                // `load` refuses this in rules about anything else, and so it does with those below.
                Subject::Server(_) | Subject::Setting(_) | Subject::Trap(_) => Truth::No,
            },
            Self::Beside(other) => match case.subject {
                Subject::Endpoint(endpoint) => beside(other, endpoint, case.surface),
                Subject::Server(_) | Subject::Setting(_) | Subject::Trap(_) => Truth::No,
            },
            Self::Written(fact) => match case.subject {
                Subject::Setting(written) => {
                    let file = file_name(case.surface, written.span.file);
                    fact.holds(written, file)
                }
                Subject::Endpoint(_) | Subject::Server(_) | Subject::Trap(_) => Truth::No,
            },
            Self::Trap(kinds) => match case.subject {
                Subject::Trap(trap) => kinds.contains(&trap.kind).into(),
                Subject::Endpoint(_) | Subject::Server(_) | Subject::Setting(_) => Truth::No,
            },
            // Exceptions belong to no server; see `speaks_of`.
            Self::Exception(_) => Truth::No,
        }
    }

    /// Whether it asks for exceptions with which this is wrong.
    pub fn speaks_of(&self, kind: ExceptionKind) -> bool {
        match self {
            Self::Exception(kinds) => kinds.contains(&kind),
            Self::All(all) => !all.is_empty() && all.iter().all(|one| one.speaks_of(kind)),
            Self::Any(any) => any.iter().any(|one| one.speaks_of(kind)),
            Self::Not(_)
            | Self::Server(_)
            | Self::Release(_)
            | Self::Setting(..)
            | Self::Lacks(_)
            | Self::Endpoint(_)
            | Self::Beside(_)
            | Self::Written(_)
            | Self::Trap(_) => false,
        }
    }
}

/// Whether every release that can be meant is among the wanted ones; unknown where only some are.
fn release(case: &Case<'_>, wanted: Range) -> Truth {
    let server = case.subject.server();
    let meant = match case.subject {
        Subject::Endpoint(endpoint) => case.surface.releases_of(endpoint),
        Subject::Server(_) | Subject::Setting(_) | Subject::Trap(_) => {
            case.surface.releases(server)
        }
    };
    if !meant.meets(wanted) {
        Truth::No
    } else if meant.lies_in(wanted) {
        Truth::Yes
    } else {
        Truth::Unknown(format!("the release of {server}, which may be {meant}"))
    }
}

fn setting(case: &mut Case<'_>, name: &str, test: &Test) -> Truth {
    let values = match case.subject {
        Subject::Endpoint(endpoint) => case.surface.setting_at(endpoint, name),
        Subject::Server(_) | Subject::Setting(_) | Subject::Trap(_) => {
            case.surface.setting_of(case.subject.server(), name)
        }
    };
    let truths: Vec<Truth> = values
        .iter()
        .map(|value| of_value(case.surface, value, test))
        .collect();
    case.looked_up
        .extend(values.into_iter().map(|value| value.because));
    let Some((first, rest)) = truths.split_first() else {
        return Truth::No;
    };
    if rest.iter().all(|truth| truth == first) {
        first.clone()
    } else {
        let server = case.subject.server();
        Truth::Unknown(format!(
            "{name}, whose default depends on the release of {server}"
        ))
    }
}

fn of_value(surface: &Surface, value: &InForce, test: &Test) -> Truth {
    let file = value.file().and_then(|file| file_name(surface, file));
    match &value.unknown {
        Some(why) => Truth::Unknown(why.clone()),
        // Rules know a setting by its newest name and value.
        None => test.of(value.newest.as_ref().unwrap_or(&value.because.value), file),
    }
}

fn file_name(surface: &Surface, file: FileId) -> Option<&[u8]> {
    let name = surface.sources.daemon_path(file).file_name();
    name.map(std::ffi::OsStr::as_encoded_bytes)
}

/// Whether another endpoint of the same server, for a release that both can mean, is like this.
fn beside(condition: &Condition, endpoint: &Endpoint, surface: &Surface) -> Truth {
    let mut truth = Truth::No;
    for other in &surface.endpoints {
        if other.server != endpoint.server
            || other.is_at(endpoint)
            || !other.versions.meets(endpoint.versions)
        {
            continue;
        }
        let mut asked = Case::new(surface, Subject::Endpoint(other));
        truth = truth.or(condition.holds(&mut asked));
        if truth == Truth::Yes {
            break;
        }
    }
    truth
}

/// Whether master.cf is here and lacks one of these services.
fn lacks(surface: &Surface, wanted: &[String]) -> bool {
    let Some(config) = surface.postfix.as_ref().filter(|one| one.master.is_some()) else {
        return false;
    };
    let here: BTreeSet<String> = config
        .services()
        .map(|service| service.name.text.to_string())
        .collect();
    wanted.iter().any(|name| !here.contains(name))
}
