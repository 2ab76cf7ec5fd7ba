//! A login service and its listeners, those included that exist without being written.
//!
//! Sources: src/imap-login/imap-login-settings.c and its like for POP3 and submission (2.3.19.1, 2.4.1),
//! service_create_inet_listeners in src/master/service.c, and `doveconf -a` of the four Debian releases for ManageSieve.

use std::collections::{HashMap, HashSet};

use bstr::{BStr, BString, ByteSlice};

use crate::source::{Origin, Span};

use super::lookup::{Lookup, Value, words};
use super::scope::Section;
use super::{Assignment, Config, Family};

/// A program that logs clients in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name of its service, and of its program.
    pub service: &'static str,
    /// The protocol it speaks, by which `protocols` turns it on.
    pub protocol: &'static str,
    /// Name, port and implicit TLS of the listeners it has by itself.
    listeners: &'static [(&'static str, &'static str, bool)],
}

const IMAP: Login = Login {
    service: "imap-login",
    protocol: "imap",
    listeners: &[("imap", "143", false), ("imaps", "993", true)],
};
const POP3: Login = Login {
    service: "pop3-login",
    protocol: "pop3",
    listeners: &[("pop3", "110", false), ("pop3s", "995", true)],
};
const SIEVE: Login = Login {
    service: "managesieve-login",
    protocol: "sieve",
    listeners: &[("sieve", "4190", false)],
};
/// 2.3 has a listener for 465 in its source that it does not use.
const SUBMISSION_23: Login = Login {
    service: "submission-login",
    protocol: "submission",
    listeners: &[("submission", "587", false)],
};
const SUBMISSION_24: Login = Login {
    listeners: &[("submission", "587", false), ("submissions", "465", true)],
    ..SUBMISSION_23
};

/// The login programs of a family of releases.
pub fn logins(family: Family) -> [Login; 4] {
    match family {
        Family::V23 => [IMAP, POP3, SUBMISSION_23, SIEVE],
        Family::V24 => [IMAP, POP3, SUBMISSION_24, SIEVE],
    }
}

/// One listener of a login service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The program.
    pub login: Login,
    /// The name of the service, which differs from the program's if someone made a second one.
    pub service: String,
    /// The name of the listener.
    pub name: String,
    /// The port; 0 closes it. The usual one where no file tells it.
    pub port: Value,
    /// Whether TLS comes before the first word.
    pub ssl: Value,
    /// Whether it expects a proxy's greeting.
    pub haproxy: Value,
    /// The service is one of its own that sets no user, so that its process would run as root.
    pub runs_as_root: bool,
    /// Where it listens, if not where all do.
    pub address: Value,
}

/// The protocols that run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocols {
    /// Their names.
    pub names: Vec<BString>,
    /// The setting.
    pub value: Value,
    /// What had to be taken for granted.
    pub assumed: Option<String>,
}

impl Config {
    /// The protocols that run.
    ///
    /// Debian's packages each add theirs by a file below /usr/share/dovecot/protocols.d, which is no part of a checkout
    /// of /etc; there the files that the packages bring to conf.d tell which of them are installed.
    pub fn protocols(&self) -> Protocols {
        let value = self.effective("protocols", &Lookup::default());
        // Up to 2.3 only blanks separate them (p_strsplit_spaces in master_settings_verify).
        let mut names: Vec<BString> = match self.family {
            Family::V23 => {
                let words = value.text.split(|&c| c == b' ');
                words
                    .filter(|word| !word.is_empty())
                    .map(Into::into)
                    .collect()
            }
            Family::V24 => words(&value.text).map(Into::into).collect(),
        };
        if names == ["none"] && self.family == Family::V23 {
            names.clear();
        }
        let packaged = self
            .unread
            .iter()
            .any(|unread| unread.pattern.contains_str("protocols.d"));
        let decided = match value.origin {
            Origin::File(_) => {
                value.unknown.is_none() && (self.family == Family::V23 || self.replaces_protocols())
            }
            Origin::Default(_) | Origin::Implied(_) => false,
        };
        if decided {
            return Protocols {
                names,
                value,
                assumed: None,
            };
        }
        let assumed = if packaged || value.unknown.is_some() || self.partial {
            names.retain(|name| !name.starts_with(b"$"));
            let found = self.packages();
            let which = if found.is_empty() {
                vec!["imap", "pop3"]
            } else {
                found
            };
            for name in &which {
                if !names.contains(&BString::from(*name)) {
                    names.push((*name).into());
                }
            }
            let shown = which.join(" ");
            Some(format!(
                "protocols: no file that was read decides which packages add theirs; taken as {shown}"
            ))
        } else if value.assignment.is_none() && self.family == Family::V23 {
            Some("protocols is not set: Debian's packages then run none, other builds imap pop3 lmtp, which is taken".into())
        } else {
            None
        };
        Protocols {
            names,
            value,
            assumed,
        }
    }

    /// A protocol that no service serves, and where it is asked for (master_settings_verify).
    pub fn unknown_protocol(&self) -> Option<(Span, BString)> {
        let protocols = self.protocols();
        let Origin::File(span) = protocols.value.origin else {
            return None;
        };
        let served = |name: &BString| {
            matches!(
                name.as_slice(),
                b"imap" | b"pop3" | b"lmtp" | b"sieve" | b"submission" | b"doveadm"
            ) || self
                .all("service_protocol")
                .any(|assignment| assignment.text == *name)
        };
        let known = protocols.value.unknown.is_none();
        let unknown = protocols.names.into_iter().find(|name| !served(name));
        unknown.filter(|_| known).map(|name| (span, name))
    }

    /// Whether some assignment sets the list as a whole, so that what the packages add does not matter (2.4).
    fn replaces_protocols(&self) -> bool {
        self.all("protocols")
            .any(|assignment| assignment.item.is_none())
            || !self
                .unread
                .iter()
                .any(|unread| unread.pattern.contains_str("protocols.d"))
    }

    /// Whether the package with the submission service left its file in conf.d.
    pub(super) fn has_submission(&self) -> bool {
        self.packages().contains(&"submission")
    }

    /// The protocols whose packages left their file in conf.d.
    fn packages(&self) -> Vec<&'static str> {
        [
            ("20-imap.conf", "imap"),
            ("20-pop3.conf", "pop3"),
            ("20-submission.conf", "submission"),
            ("20-managesieve.conf", "sieve"),
        ]
        .into_iter()
        .filter(|(file, _)| self.read_names.iter().any(|name| name == file))
        .map(|(_, protocol)| protocol)
        .collect()
    }

    /// The listeners of all login services whose protocol runs, closed ones included.
    pub fn listeners(&self, protocols: &Protocols) -> Vec<Listener> {
        let mut found = Vec::new();
        let written = Written::of(self);
        for login in logins(self.family) {
            for service in self.services_of(&login) {
                let own = service == login.service;
                let service = service.to_string();
                let lookup = Lookup {
                    service: Some(&service),
                    ..Lookup::default()
                };
                let needs = self.effective_or(&"service_protocol".into(), &lookup, None);
                let needs = if needs.assignment.is_some() {
                    needs.text
                } else if own {
                    login.protocol.into()
                } else {
                    BString::default()
                };
                // Names that the daemon takes for one are shown as what was meant.
                let named = protocols
                    .names
                    .iter()
                    .any(|name| words(name).any(|word| word == needs));
                if needs.is_empty() || named {
                    self.listeners_of(login, &service, own, &written, &mut found);
                }
            }
        }
        found
    }

    /// The services that run the program of `login`: its own, and those of other names.
    fn services_of(&self, login: &Login) -> Vec<BString> {
        let runs = |assignment: &&Assignment| {
            let mut words = assignment.text.split(|&c| c == b' ');
            let program = words.next().unwrap_or_default();
            assignment.key == "executable"
                && program.rsplit(|&c| c == b'/').next() == Some(login.service.as_bytes())
        };
        let running = self.assignments.iter().filter(runs);
        let running: HashSet<&BString> = running
            .filter_map(|assignment| self.service_around(assignment))
            .collect();
        let mut services = vec![BString::from(login.service)];
        let mut seen = HashSet::new();
        for scope in &self.scopes {
            if let Some(Section::Service(name)) = &scope.section
                && name != login.service
                && running.contains(name)
                && seen.insert(name)
            {
                services.push(name.clone());
            }
        }
        services
    }

    /// The service right inside of which an assignment stands.
    fn service_around(&self, assignment: &Assignment) -> Option<&BString> {
        match self.scope(assignment.scope)?.section.as_ref()? {
            Section::Service(name) => Some(name),
            Section::Protocol { .. }
            | Section::Local(_)
            | Section::Remote(_)
            | Section::LocalName(_)
            | Section::Listener(_)
            | Section::SslServer
            | Section::Group { .. }
            | Section::Other { .. } => None,
        }
    }

    fn listeners_of(
        &self,
        login: Login,
        service: &str,
        own: bool,
        written: &Written<'_>,
        found: &mut Vec<Listener>,
    ) {
        let built_in = if own { login.listeners } else { &[] };
        let mut names: Vec<BString> = built_in
            .iter()
            .map(|(name, ..)| BString::from(*name))
            .collect();
        let others = written.listeners.get(BStr::new(service)).into_iter();
        let is_built_in = |name: &BString| built_in.iter().any(|(known, ..)| name == *known);
        names.extend(
            others
                .flatten()
                .copied()
                .filter(|name| !is_built_in(name))
                .cloned(),
        );
        let user = written.with_user.contains(BStr::new(service));
        for name in names {
            let name = name.to_string();
            let default = built_in.iter().find(|(known, ..)| *known == name);
            let lookup = Lookup {
                service: Some(service),
                listener: Some(&name),
                ..Lookup::default()
            };
            let since = if login.protocol == "submission" {
                "2.3"
            } else {
                "2.0"
            };
            let get = |setting: &str, default: Option<&str>| {
                self.effective_or(&setting.into(), &lookup, default.map(|text| (text, since)))
            };
            let mut port = get("inet_listener_port", default.map(|(_, port, _)| *port));
            if port.unknown.is_some() {
                // It listens somewhere, most likely where it does by itself.
                let usual = default.or(login.listeners.first());
                port.text = usual.map_or_else(BString::default, |(_, port, _)| (*port).into());
            }
            found.push(Listener {
                login,
                service: service.into(),
                runs_as_root: !own && !user,
                port,
                ssl: get(
                    "inet_listener_ssl",
                    default.filter(|(.., ssl)| *ssl).map(|_| "yes"),
                ),
                haproxy: get("inet_listener_haproxy", None),
                address: get("inet_listener_listen", None),
                name,
            });
        }
    }
}

/// What is written about services.
struct Written<'c> {
    /// The listeners of each, in the order of their first opening.
    listeners: HashMap<&'c BStr, Vec<&'c BString>>,
    /// Those that have a user.
    with_user: HashSet<&'c BStr>,
}

impl<'c> Written<'c> {
    fn of(config: &'c Config) -> Self {
        let mut listeners: HashMap<&BStr, Vec<&BString>> = HashMap::new();
        let mut seen = HashSet::new();
        for scope in &config.scopes {
            let parent = scope.parent.and_then(|parent| config.scope(parent));
            if let (Some(Section::Listener(name)), Some(Section::Service(service))) = (
                &scope.section,
                parent.and_then(|parent| parent.section.as_ref()),
            ) && seen.insert((service, name))
            {
                listeners.entry(service.as_bstr()).or_default().push(name);
            }
        }
        let users = config.assignments.iter().filter(|one| one.key == "user");
        Self {
            listeners,
            with_user: users
                .filter_map(|one| Some(config.service_around(one)?.as_bstr()))
                .collect(),
        }
    }
}
