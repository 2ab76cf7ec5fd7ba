//! A conflict: two blocks that both match a client and set one key, which 2.3 refuses.
//!
//! Source: config_filter_parsers_get in src/config/config-filter.c and config_all_parsers_check in config-parser.c
//! (2.3.19.1); confirmed live on 2.3.13 and 2.3.19.1.

use std::collections::HashMap;

use bstr::{BString, ByteSlice};

use super::block::{Block, Filter};
use super::lookup::{Lookup, name_fits};
use super::scope::{Net, ScopeId};
use super::{Config, Family};

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

impl Config {
    /// The first conflict that a lookup meets (2.3): the connection dies with it.
    pub fn conflict(&self, lookup: &Lookup<'_>) -> Option<Conflict> {
        let matching = |block: &&Block| block.path.is_empty() && self.matches(block, lookup);
        self.conflict_among(self.index.candidates(lookup).filter(matching))
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
        // A search through all blocks for each of thousands would take too long.
        let mut known: HashMap<[bool; 4], bool> = HashMap::new();
        filters.iter().find_map(|asked| {
            let kinds = kinds(&asked.filter);
            let harmless = known.entry(kinds);
            if *harmless.or_insert_with(|| self.cannot_conflict(kinds)) {
                return None;
            }
            let matching = filters_in_order(&self.index.blocks, &asked.filter);
            self.conflict_among(matching)
        })
    }

    /// Whether each block that can match a filter with conditions of these kinds holds the one before it: then so it is
    /// between those that do match.
    fn cannot_conflict(&self, asked: [bool; 4]) -> bool {
        let blocks = self.index.blocks.iter().filter(|block| {
            let mut kinds = kinds(&block.filter).into_iter().zip(asked);
            block.path.is_empty() && kinds.all(|(wants, has)| has || !wants)
        });
        let mut before: Option<&Block> = None;
        for block in blocks {
            if before.is_some_and(|before| !is_superset(&block.filter, &before.filter)) {
                return false;
            }
            before = Some(block);
        }
        true
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
                asked
                    .range
                    .is_some_and(|(address, bits)| bits > 0 && mask.contains(address))
                    || mask == asked
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

/// Of which kinds the conditions of a filter are; a prefix of no bits is none.
fn kinds(filter: &Filter) -> [bool; 4] {
    let net = |net: &Option<Net>| net.as_ref().is_some_and(|net| net.bits() != Some(0));
    [
        net(&filter.local),
        net(&filter.remote),
        filter.local_name.is_some(),
        filter.protocol.is_some(),
    ]
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
