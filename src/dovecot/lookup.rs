//! A lookup: which of a setting's assignments is in force for one service, protocol and client.
//!
//! The blocks of a configuration are its scopes as the daemon sees them. Up to 2.3 the most specific block wins and
//! overlaps can be refused; from 2.4 on the block opened last wins, after those with named sections.
//! Sources: src/config/config-filter.c (2.3.19.1), config_parser_filter_cmp in config-parser.c and settings_mmap_apply in
//! src/lib-settings/settings.c (2.4.1), and live on the four releases.

use std::net::IpAddr;

use bstr::{BString, ByteSlice};

use crate::source::Origin;

use super::block::Block;
use super::names;
use super::scope::{Net, Section};
use super::{Assignment, Config, Family};

/// For whom a setting is looked up. What is none does not match any block that asks for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lookup<'a> {
    /// The protocol: `imap`.
    pub protocol: Option<&'a str>,
    /// The service whose process asks: `imap-login`. Up to 2.3 no block asks for it but that of a listener.
    pub service: Option<&'a str>,
    /// The listener of that service, for the listener's own settings.
    pub listener: Option<&'a str>,
    /// Whether the TLS code asks, to which 2.4 gives what stands in `ssl_server {`.
    pub ssl_server: bool,
    /// The address of the server.
    pub local: Option<IpAddr>,
    /// The address of the client.
    pub remote: Option<IpAddr>,
    /// The name asked for by SNI.
    pub local_name: Option<&'a str>,
}

/// A value in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The setting by the name it has in this family of releases.
    pub setting: String,
    /// What it is, in that family's terms: `disable_plaintext_auth = yes` is "yes".
    /// The words of a list are separated by one space.
    pub text: BString,
    /// Where it comes from.
    pub origin: Origin,
    /// The assignment, as an index into [`Config::assignments`].
    pub assignment: Option<usize>,
    /// What it depends on that no file tells.
    pub unknown: Option<String>,
}

impl Value {
    /// The value in the terms of the newest release: `disable_plaintext_auth = yes` is `auth_allow_cleartext = no`.
    pub fn newest(&self) -> BString {
        match (self.setting.as_str(), names::boolean(&self.text)) {
            ("disable_plaintext_auth", Some(yes)) => if yes { "no" } else { "yes" }.into(),
            (_, Some(_) | None) => self.text.clone(),
        }
    }

    /// The value as a report may show it.
    pub fn shown(&self) -> BString {
        shown(&self.text)
    }

    /// Yes or no, where it is one of them.
    pub fn is_yes(&self) -> Option<bool> {
        names::boolean(&self.text)
    }
}

/// A value as a report may show it: without a certificate or a key, which a heredoc may hold.
pub fn shown(value: &[u8]) -> BString {
    if value.contains_str("-----BEGIN") {
        "(PEM)".into()
    } else {
        value.into()
    }
}

impl Config {
    /// The value of a setting (by any of its names) that is in force for a lookup.
    pub fn effective(&self, setting: &str, lookup: &Lookup<'_>) -> Value {
        let name = names::newest(setting.as_bytes(), &[]);
        self.effective_or(&name, lookup, None)
    }

    /// As [`Self::effective`]; `default` is what the service itself has built in, which stands above settings that are
    /// made for all services or listeners.
    pub(super) fn effective_or(
        &self,
        name: &BString,
        lookup: &Lookup<'_>,
        default: Option<(&str, &'static str)>,
    ) -> Value {
        let newest = name.to_str_lossy();
        let shown = names::native(&newest, self.family).into_owned();
        if names::is_list(name, self.family) {
            return self.effective_list(name, shown, lookup);
        }
        let least = if default.is_some() { 2 } else { 0 };
        let found = self.find(lookup, |block| {
            (block.named_list >= least)
                .then(|| block.values.get(name).copied())
                .flatten()
        });
        if let Some(at) = found {
            return self.value_of(shown, at);
        }
        let (text, since) = default
            .or_else(|| names::built_in(&newest, self.family))
            .map_or((None, "always"), |(text, since)| (Some(text), since));
        Value {
            unknown: text.is_none().then(|| names::differs(&shown)),
            setting: shown,
            text: text.unwrap_or_default().into(),
            origin: Origin::Default(since),
            assignment: None,
        }
    }

    fn value_of(&self, setting: String, at: usize) -> Value {
        let assignment = &self.assignments[at];
        Value {
            setting,
            text: assignment.text.clone(),
            origin: Origin::File(assignment.value_span),
            assignment: Some(at),
            unknown: assignment.unknown.clone(),
        }
    }

    /// The words of a list: each block adds those that no block before it decided, until one sets the list as a whole.
    fn effective_list(&self, name: &BString, setting: String, lookup: &Lookup<'_>) -> Value {
        let mut decided: Vec<(BString, bool)> = Vec::new();
        let mut origin = None;
        let mut unknown = None;
        let mut whole = false;
        self.find(lookup, |block| {
            let assignments = block.lists.get(name)?;
            let mut here: Vec<(BString, bool)> = Vec::new();
            let mut stop = false;
            for &at in assignments {
                let assignment = &self.assignments[at];
                unknown = unknown.take().or_else(|| assignment.unknown.clone());
                match &assignment.item {
                    Some(item) => {
                        let on = names::boolean(&assignment.text).unwrap_or(true);
                        match here.iter_mut().find(|(word, _)| word == item) {
                            Some((_, was)) => *was = on,
                            None => here.push((item.clone(), on)),
                        }
                    }
                    None => {
                        stop = true;
                        here = words(&assignment.text)
                            .map(|word| (word.into(), true))
                            .collect();
                    }
                }
            }
            origin = origin.or_else(|| assignments.last().copied());
            for (word, on) in here {
                if decided.iter().all(|(known, _)| *known != word) {
                    decided.push((word, on));
                }
            }
            whole = stop;
            stop.then_some(0)
        });
        let built_in = names::built_in(&name.to_string(), self.family);
        if !whole {
            // What is built in stands below everything, unless some assignment replaced the list.
            let rest = built_in.map_or("", |(text, _)| text);
            for word in words(rest.as_bytes()) {
                if decided.iter().all(|(known, _)| known != word) {
                    decided.push((word.into(), true));
                }
            }
        }
        let on: Vec<&BString> = decided
            .iter()
            .filter(|(_, on)| *on)
            .map(|(word, _)| word)
            .collect();
        Value {
            setting,
            text: bstr::join(" ", on).into(),
            origin: match origin {
                Some(at) => Origin::File(self.assignments[at].value_span),
                None => Origin::Default(built_in.map_or("always", |(_, since)| since)),
            },
            assignment: origin,
            unknown,
        }
    }

    /// Asks the blocks that match, the strongest first, until one answers.
    fn find(
        &self,
        lookup: &Lookup<'_>,
        mut ask: impl FnMut(&Block) -> Option<usize>,
    ) -> Option<usize> {
        for block in self.index.candidates(lookup) {
            if !self.matches(block, lookup) {
                continue;
            }
            if let Some(found) = ask(block) {
                return Some(found);
            }
            // What a group sets stands just below what its user sets.
            for used in &block.groups {
                for &at in self.index.groups.get(used).into_iter().flatten() {
                    let group = &self.index.blocks[at];
                    if self.named_match(&group.path[1..], lookup)
                        && let Some(found) = ask(group)
                    {
                        return Some(found);
                    }
                }
            }
        }
        None
    }

    pub(super) fn matches(&self, block: &Block, lookup: &Lookup<'_>) -> bool {
        let filter = &block.filter;
        let net = |net: &Option<Net>, address: Option<IpAddr>| match (net, address) {
            (None, _) => true,
            // A prefix of no bits holds for every client of both families (live, all releases).
            (Some(net), _) if net.bits() == Some(0) => true,
            (Some(net), Some(address)) => net.contains(address),
            (Some(_), None) => false,
        };
        let protocol = match (&filter.protocol, lookup.protocol, self.family) {
            (None, _, _) => true,
            (Some((name, negated)), Some(protocol), _) => (name == protocol) != *negated,
            // The master asks without a protocol: 2.4 gives it what stands in `protocol !imap` (live, 2.4.1).
            (Some((_, negated)), None, Family::V24) => *negated,
            (Some(_), None, Family::V23) => false,
        };
        let name = match (&filter.local_name, lookup.local_name) {
            (None, _) => true,
            (Some(wanted), Some(name)) => name_fits(wanted, name),
            (Some(_), None) => false,
        };
        protocol
            && name
            && net(&filter.local, lookup.local)
            && net(&filter.remote, lookup.remote)
            && self.named_match(&block.path, lookup)
    }

    fn named_match(&self, path: &[Section], lookup: &Lookup<'_>) -> bool {
        let is = |wanted: Option<&str>, name: &BString| wanted.is_some_and(|wanted| name == wanted);
        path.iter().all(|section| match section {
            Section::Service(name) => is(lookup.service, name),
            Section::Listener(name) => is(lookup.listener, name),
            Section::SslServer => lookup.ssl_server && self.family == Family::V24,
            Section::Group { .. } | Section::Other { .. } => false,
            Section::Protocol { .. }
            | Section::Local(_)
            | Section::Remote(_)
            | Section::LocalName(_) => true,
        })
    }

    /// Every network that a filter over clients (`remote`) names and those over server addresses (`local`), as written.
    pub fn networks(&self) -> (Vec<&Net>, Vec<&Net>) {
        let (mut remote, mut local) = (Vec::new(), Vec::new());
        for scope in &self.scopes {
            match &scope.section {
                Some(Section::Remote(net)) => remote.push(net),
                Some(Section::Local(net)) => local.push(net),
                Some(
                    Section::Protocol { .. }
                    | Section::LocalName(_)
                    | Section::Service(_)
                    | Section::Listener(_)
                    | Section::SslServer
                    | Section::Group { .. }
                    | Section::Other { .. },
                )
                | None => {}
            }
        }
        (remote, local)
    }

    /// The assignments of a setting that hold in some block which a lookup matches, the strongest first.
    pub fn matching<'a>(&'a self, setting: &str, lookup: &Lookup<'_>) -> Vec<&'a Assignment> {
        let name = names::newest(setting.as_bytes(), &[]);
        let mut found = Vec::new();
        self.find(lookup, |block| {
            found.extend(block.values.get(&name).copied());
            found.extend(block.lists.get(&name).into_iter().flatten().copied());
            None
        });
        found
            .into_iter()
            .filter_map(|at| self.assignments.get(at))
            .collect()
    }
}

/// The words of a list, which blanks and commas separate.
pub(super) fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|c| b" ,\t".contains(c))
        .filter(|word| !word.is_empty())
}

/// Whether a name is one of those in `wanted`, of which one may start with `*.` for any one label (dns_match_wildcard).
pub(super) fn name_fits(wanted: &BString, name: &str) -> bool {
    wanted
        .split(|&c| c == b' ')
        .any(|wanted| match wanted.strip_prefix(b"*.") {
            Some(rest) => name
                .split_once('.')
                .is_some_and(|(_, name)| name.as_bytes().eq_ignore_ascii_case(rest)),
            None => name.as_bytes().eq_ignore_ascii_case(wanted),
        })
}
