//! A lookup: which of a setting's assignments is in force for one service, protocol and client.
//!
//! The blocks of a configuration are its scopes as the daemon sees them. Up to 2.3 the most specific block wins and
//! overlaps can be refused; from 2.4 on the block opened last wins, after those with named sections.
//! Sources: src/config/config-filter.c (2.3.19.1), config_parser_filter_cmp in config-parser.c and settings_mmap_apply in
//! src/lib-settings/settings.c (2.4.1), and live on the four releases.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;

use bstr::{BString, ByteSlice};

use crate::source::Origin;

use super::names;
use super::scope::{Net, ScopeId, Section};
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

    /// Yes or no, where it is one of them.
    pub fn is_yes(&self) -> Option<bool> {
        names::boolean(&self.text)
    }
}

/// Two blocks that set one key and neither of which holds the other: 2.3 refuses them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The setting by the name it has there.
    pub setting: String,
    /// The block that the daemon names.
    pub scope: ScopeId,
    /// The assignment in it.
    pub assignment: usize,
    /// The assignment it conflicts with.
    pub other: usize,
}

/// A scope as the daemon sees it: what it asks for, and what it sets.
#[derive(Debug, Default)]
struct Block {
    filter: Filter,
    /// Services, listeners, groups and the like, the outermost first.
    path: Vec<Section>,
    scopes: Vec<ScopeId>,
    /// The last assignment of each setting.
    values: HashMap<BString, usize>,
    /// All assignments of each list.
    lists: HashMap<BString, Vec<usize>>,
    /// The groups that hold here, each label once, in the order of first use.
    groups: Vec<(BString, BString)>,
    /// Counts of sections with and without a name of their own, by which 2.4 sorts.
    named_list: usize,
    named: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Filter {
    local: Option<Net>,
    remote: Option<Net>,
    local_name: Option<BString>,
    /// Name and negation.
    protocol: Option<(BString, bool)>,
}

impl Filter {
    fn bits(net: Option<&Net>) -> u8 {
        net.and_then(Net::bits).unwrap_or(0)
    }
}

/// The blocks in the order in which they are asked: the first that sets a key wins.
#[derive(Debug, Default)]
pub(super) struct Index {
    blocks: Vec<Block>,
    /// Which blocks are those of a group, in the same order.
    groups: HashMap<(BString, BString), Vec<usize>>,
}

impl Index {
    pub(super) fn new(config: &Config) -> Self {
        let mut blocks: Vec<Block> = Vec::new();
        let mut known: HashMap<(Filter, Vec<Section>, Option<ScopeId>), usize> = HashMap::new();
        let mut of_scope = Vec::with_capacity(config.scopes.len());
        for at in 0..config.scopes.len() {
            let id = ScopeId(u32::try_from(at).unwrap_or(u32::MAX));
            let (filter, path) = flatten(config, id);
            if path
                .iter()
                .any(|section| matches!(section, Section::Other { .. }))
            {
                // No lookup of a login asks for it.
                of_scope.push(usize::MAX);
                continue;
            }
            // Up to 2.3 blocks are one if their filters are, however they are nested; in 2.4 nesting counts.
            let own = (config.family == Family::V24).then_some(id);
            let block = *known
                .entry((filter.clone(), path.clone(), own))
                .or_insert_with(|| {
                    let count =
                        |wanted: fn(&Section) -> bool| path.iter().filter(|s| wanted(s)).count();
                    blocks.push(Block {
                        named_list: count(|section| *section != Section::SslServer),
                        named: count(|section| *section == Section::SslServer),
                        filter,
                        path,
                        ..Block::default()
                    });
                    blocks.len() - 1
                });
            blocks[block].scopes.push(id);
            of_scope.push(block);
        }
        for (at, assignment) in config.assignments.iter().enumerate() {
            let Some(block) = of_scope
                .get(assignment.scope.index())
                .and_then(|&b| blocks.get_mut(b))
            else {
                continue;
            };
            if names::is_list(&assignment.name, config.family) {
                block
                    .lists
                    .entry(assignment.name.clone())
                    .or_default()
                    .push(at);
            } else {
                block.values.insert(assignment.name.clone(), at);
            }
        }
        for used in &config.group_uses {
            let Some(block) = of_scope
                .get(used.scope.index())
                .and_then(|&b| blocks.get_mut(b))
            else {
                continue;
            };
            match block
                .groups
                .iter_mut()
                .find(|(label, _)| *label == used.label)
            {
                Some((_, name)) => *name = used.name.clone(),
                None => block.groups.push((used.label.clone(), used.name.clone())),
            }
        }
        match config.family {
            // A stable sort keeps the order of first opening, as the daemons' does.
            Family::V23 => blocks.sort_by_key(|block| {
                let filter = &block.filter;
                (
                    filter.local_name.is_none(),
                    Reverse(Filter::bits(filter.local.as_ref())),
                    Reverse(Filter::bits(filter.remote.as_ref())),
                    filter.protocol.is_none(),
                )
            }),
            Family::V24 => {
                blocks.reverse();
                blocks.sort_by_key(|block| Reverse((block.named_list, block.named)));
            }
        }
        let mut groups: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, block) in blocks.iter().enumerate() {
            if let Some(Section::Group { label, name }) = block.path.first() {
                groups
                    .entry((label.clone(), name.clone()))
                    .or_default()
                    .push(at);
            }
        }
        Self { blocks, groups }
    }
}

/// Takes a scope apart: what it asks of the client, and the named sections. Of nested networks the inner one counts.
fn flatten(config: &Config, scope: ScopeId) -> (Filter, Vec<Section>) {
    let mut filter = Filter::default();
    let mut path = Vec::new();
    for section in config.path(scope) {
        match section {
            Section::Protocol { name, negated } => filter.protocol = Some((name, negated)),
            Section::Local(net) => filter.local = Some(nameless(net)),
            Section::Remote(net) => filter.remote = Some(nameless(net)),
            Section::LocalName(name) => filter.local_name = Some(name),
            Section::Service(_)
            | Section::Listener(_)
            | Section::SslServer
            | Section::Group { .. }
            | Section::Other { .. } => path.push(section),
        }
    }
    (filter, path)
}

/// A network without the way it is written, by which two would differ.
fn nameless(mut net: Net) -> Net {
    if net.range.is_some() {
        net.text.clear();
    }
    net
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
        let shown = names::native(&name.to_string(), self.family).into_owned();
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
            .or_else(|| names::built_in(&name.to_string(), self.family))
            .map_or((None, "always"), |(text, since)| (Some(text), since));
        Value {
            unknown: text
                .is_none()
                .then(|| format!("what is built in for {shown}")),
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
        for block in &self.index.blocks {
            let in_group = matches!(block.path.first(), Some(Section::Group { .. }));
            if in_group || !self.matches(block, lookup) {
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

    fn matches(&self, block: &Block, lookup: &Lookup<'_>) -> bool {
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

    /// The first conflict that a lookup meets (2.3): the connection dies with it.
    pub fn conflict(&self, lookup: &Lookup<'_>) -> Option<Conflict> {
        let matching = |block: &&Block| block.path.is_empty() && self.matches(block, lookup);
        self.conflict_among(self.index.blocks.iter().filter(matching))
    }

    /// The first conflict between the blocks that match the filter of some block (2.3): the daemon does not start
    /// (config_all_parsers_check).
    pub fn conflict_at_start(&self) -> Option<Conflict> {
        if self.family == Family::V24 {
            return None;
        }
        let mut filters: Vec<&Block> = self
            .index
            .blocks
            .iter()
            .filter(|block| block.path.is_empty())
            .collect();
        filters.sort_by_key(|block| block.scopes.first().copied());
        filters.iter().find_map(|asked| {
            let matching = filters_in_order(&self.index.blocks, &asked.filter);
            self.conflict_among(matching)
        })
    }

    fn conflict_among<'a>(&'a self, blocks: impl Iterator<Item = &'a Block>) -> Option<Conflict> {
        if self.family == Family::V24 {
            return None;
        }
        let mut set: HashMap<&BString, usize> = HashMap::new();
        let mut before: Option<&Block> = None;
        for block in blocks {
            let free = before.is_none_or(|before| is_superset(&block.filter, &before.filter));
            let mut clash: Option<(usize, usize)> = None;
            for (name, &at) in &block.values {
                match set.get(name) {
                    Some(&other) if !free => {
                        if clash.is_none_or(|(first, _)| at < first) {
                            clash = Some((at, other));
                        }
                    }
                    Some(_) => {}
                    None => {
                        set.insert(name, at);
                    }
                }
            }
            if let Some((at, other)) = clash {
                return Some(Conflict {
                    setting: self.assignments[at].key.to_string(),
                    scope: block.scopes.first().copied().unwrap_or(ScopeId::GLOBAL),
                    assignment: at,
                    other,
                });
            }
            before = Some(block);
        }
        None
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

/// The blocks whose filter covers `asked` (config_filter_match), which stand in the order of their strength already.
fn filters_in_order<'a>(blocks: &'a [Block], asked: &'a Filter) -> impl Iterator<Item = &'a Block> {
    blocks.iter().filter(move |block| {
        let mask = &block.filter;
        let protocol = match (&mask.protocol, &asked.protocol) {
            (None, _) => true,
            (Some(_), None) => false,
            // The daemon compares the words as they are, so that !imap is a name of its own here.
            (Some((name, true)), Some((asked, negated))) => *negated || name != asked,
            (Some((name, false)), Some((asked, negated))) => !negated && name == asked,
        };
        let net = |mask: &Option<Net>, asked: &Option<Net>| match (mask, asked) {
            (Some(mask), _) if mask.bits() == Some(0) => true,
            (Some(mask), Some(asked)) => {
                mask == asked
                    || asked
                        .range
                        .is_some_and(|(address, bits)| bits > 0 && mask.contains(address))
            }
            (Some(_), None) => false,
            (None, _) => true,
        };
        let name = match (&mask.local_name, &asked.local_name) {
            (None, _) => true,
            (Some(mask), Some(asked)) => name_fits(mask, &asked.to_str_lossy()),
            (Some(_), None) => false,
        };
        block.path.is_empty()
            && protocol
            && name
            && net(&mask.remote, &asked.remote)
            && net(&mask.local, &asked.local)
    })
}

/// config_filter_is_superset: no longer prefixes, and no protocol or name where the other has none.
fn is_superset(wide: &Filter, narrow: &Filter) -> bool {
    let bits = |filter: &Filter| {
        (
            Filter::bits(filter.local.as_ref()),
            Filter::bits(filter.remote.as_ref()),
        )
    };
    let ((wide_local, wide_remote), (local, remote)) = (bits(wide), bits(narrow));
    wide_local <= local
        && wide_remote <= remote
        && (wide.local_name.is_none() || narrow.local_name.is_some())
        && (wide.protocol.is_none() || narrow.protocol.is_some())
}

/// The words of a list, which blanks and commas separate.
pub(super) fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|c| b" ,\t".contains(c))
        .filter(|word| !word.is_empty())
}

/// Whether a name is one of those in `wanted`, of which one may start with `*.` for any one label (dns_match_wildcard).
fn name_fits(wanted: &BString, name: &str) -> bool {
    wanted
        .split(|&c| c == b' ')
        .any(|wanted| match wanted.strip_prefix(b"*.") {
            Some(rest) => name
                .split_once('.')
                .is_some_and(|(_, name)| name.as_bytes().eq_ignore_ascii_case(rest)),
            None => name.as_bytes().eq_ignore_ascii_case(wanted),
        })
}
