//! The owner: the server whose mail lies in a mailbox, as far as that tells its own senders from strangers.
//!
//! It is a plain value; whoever has the configuration fills it in.

use bstr::BString;

/// What a server calls its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The names by which it goes in `Received:` fields; empty where none is known.
    pub hosts: Vec<BString>,
    /// The domains of its accounts.
    pub domains: Vec<BString>,
    /// It may have other domains than these, since tables or other programs tell.
    pub has_more_domains: bool,
}

impl Owner {
    /// Whether a domain is one of its own; none where nobody can tell.
    pub(super) fn has_domain(&self, domain: &[u8]) -> Option<bool> {
        is_among(&self.domains, domain, self.has_more_domains)
    }

    /// Whether a host is this server; none where nobody can tell.
    pub(super) fn is_host(&self, host: &[u8]) -> Option<bool> {
        is_among(&self.hosts, host, self.hosts.is_empty())
    }
}

fn is_among(names: &[BString], name: &[u8], or_others: bool) -> Option<bool> {
    let is_one = names.iter().any(|one| one.eq_ignore_ascii_case(name));
    (is_one || !or_others).then_some(is_one)
}
