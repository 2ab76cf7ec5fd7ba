//! A block: a scope as the daemon sees it, and the order in which blocks are asked.
//!
//! `lookup` and `conflict` beside this file ask them.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::iter;

use bstr::{BStr, BString};

use super::lookup::Lookup;
use super::names;
use super::scope::{Net, ScopeId, Section};
use super::{Config, Family};

/// A scope as the daemon sees it: what it asks for, and what it sets.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) filter: Filter,
    /// Services, listeners, groups and the like, the outermost first.
    pub(super) path: Vec<Section>,
    pub(super) scopes: Vec<ScopeId>,
    /// The last assignment of each setting.
    pub(super) values: HashMap<BString, usize>,
    /// All assignments of each list.
    pub(super) lists: HashMap<BString, Vec<usize>>,
    /// The groups that hold here, each label once, in the order of first use.
    pub(super) groups: Vec<(BString, BString)>,
    /// Counts of sections with and without a name of their own, by which 2.4 sorts.
    pub(super) named_list: usize,
    pub(super) named: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Filter {
    pub(super) local: Option<Net>,
    pub(super) remote: Option<Net>,
    pub(super) local_name: Option<BString>,
    /// Name and negation.
    pub(super) protocol: Option<(BString, bool)>,
}

impl Filter {
    pub(super) fn bits(net: Option<&Net>) -> u8 {
        net.and_then(Net::bits).unwrap_or(0)
    }
}

/// The blocks in the order in which they are asked: the first that sets a key wins.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) blocks: Vec<Block>,
    /// Which blocks are those of a group, in the same order.
    pub(super) groups: HashMap<(BString, BString), Vec<usize>>,
    /// Which others ask for a service or a listener, by the name of the innermost one.
    named: HashMap<BString, Vec<usize>>,
    /// Which others ask for neither.
    unnamed: Vec<usize>,
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
        let mut named: HashMap<BString, Vec<usize>> = HashMap::new();
        let mut unnamed = Vec::new();
        for (at, block) in blocks.iter().enumerate() {
            if let Some(Section::Group { label, name }) = block.path.first() {
                groups
                    .entry((label.clone(), name.clone()))
                    .or_default()
                    .push(at);
            } else if let Some(name) = block
                .path
                .iter()
                .rev()
                .find_map(Section::service_or_listener)
            {
                named.entry(name.clone()).or_default().push(at);
            } else {
                unnamed.push(at);
            }
        }
        Self {
            blocks,
            groups,
            named,
            unnamed,
        }
    }

    /// The blocks outside of groups that a lookup may match, in their order: those of other services and listeners, of
    /// which there may be thousands, are left out.
    pub(super) fn candidates(&self, lookup: &Lookup<'_>) -> impl Iterator<Item = &Block> {
        let named = |name: Option<&str>| self.named.get(BStr::new(name?)).map(Vec::as_slice);
        let (service, listener) = (named(lookup.service), named(lookup.listener));
        let unnamed = Some(self.unnamed.as_slice());
        let mut lists = [unnamed, service, listener].map(Option::unwrap_or_default);
        iter::from_fn(move || {
            let next = *lists.iter().filter_map(|list| list.first()).min()?;
            for list in &mut lists {
                *list = list.strip_prefix(&[next]).unwrap_or(list);
            }
            self.blocks.get(next)
        })
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
