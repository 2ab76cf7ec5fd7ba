//! A scope: the sections that enclose a setting, and for which clients and services they hold.
//!
//! `read` beside this file opens them, `lookup` asks which of them match.

use std::fmt;
use std::net::IpAddr;

use bstr::{BStr, BString, ByteSlice};

use crate::source::Span;

use super::Family;

/// A scope of a [`super::Config`]; the first is the global one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub(super) u32);

impl ScopeId {
    /// Outside of every section.
    pub const GLOBAL: Self = Self(0);

    pub(super) const fn nth(index: u32) -> Self {
        Self(index)
    }

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One enclosing section, and the scope it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The scope around it; none for the global one.
    pub parent: Option<ScopeId>,
    /// What it is; none for the global one.
    pub section: Option<Section>,
    /// The line that opens it for the first time; none where the daemon implies it.
    pub opened: Option<Span>,
}

/// What a section selects.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Section {
    /// `protocol imap {`, or all but that one with `!imap`.
    Protocol {
        /// The protocol's name: `imap`, `pop3`, `submission`, `sieve`, `lmtp`…
        name: BString,
        /// It holds for every other protocol.
        negated: bool,
    },
    /// `local NET {`
    Local(Net),
    /// `remote NET {`
    Remote(Net),
    /// `local_name NAME {`: what the client asks for by SNI.
    LocalName(BString),
    /// `service NAME {`
    Service(BString),
    /// `inet_listener NAME {` inside of a service.
    Listener(BString),
    /// `ssl_server {` (2.4)
    SslServer,
    /// `group @LABEL NAME {` (2.4)
    Group {
        /// Without the `@`.
        label: BString,
        /// Which of the label's groups.
        name: BString,
    },
    /// Any other section; settings in it do not concern the login.
    Other {
        /// Its first word.
        key: BString,
        /// Its second, may be empty.
        name: BString,
    },
}

impl Section {
    /// The name of the service or listener that it is.
    pub(super) const fn service_or_listener(&self) -> Option<&BString> {
        match self {
            Self::Service(name) | Self::Listener(name) => Some(name),
            Self::Protocol { .. }
            | Self::Local(_)
            | Self::Remote(_)
            | Self::LocalName(_)
            | Self::SslServer
            | Self::Group { .. }
            | Self::Other { .. } => None,
        }
    }

    /// Whether it is a filter over clients or protocols.
    pub const fn is_filter(&self) -> bool {
        match self {
            Self::Protocol { .. } | Self::Local(_) | Self::Remote(_) | Self::LocalName(_) => true,
            Self::Service(_)
            | Self::Listener(_)
            | Self::SslServer
            | Self::Group { .. }
            | Self::Other { .. } => false,
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol { name, negated } => {
                write!(f, "protocol {}{name}", if *negated { "!" } else { "" })
            }
            Self::Local(net) => write!(f, "local {}", net.text),
            Self::Remote(net) => write!(f, "remote {}", net.text),
            Self::LocalName(name) => write!(f, "local_name {name}"),
            Self::Service(name) => write!(f, "service {name}"),
            Self::Listener(name) => write!(f, "inet_listener {name}"),
            Self::SslServer => f.write_str("ssl_server"),
            Self::Group { label, name } => write!(f, "group @{label} {name}"),
            Self::Other { key, name } if name.is_empty() => key.fmt(f),
            Self::Other { key, name } => write!(f, "{key} {name}"),
        }
    }
}

/// A network as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Net {
    /// How it is written.
    pub text: BString,
    /// Address (its host bits as written) and prefix length; none for a host name, which the daemon looks up at its
    /// start and we do not.
    pub range: Option<(IpAddr, u8)>,
}

impl Net {
    /// Reads an address with or without prefix length.
    pub fn parse(text: &BStr) -> Self {
        let range = text.to_str().ok().and_then(|text| {
            let (address, bits) = match text.split_once('/') {
                Some((address, bits)) => (address, Some(bits)),
                None => (text, None),
            };
            let address: IpAddr = address.parse().ok()?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits = match bits {
                Some(bits) if bits.bytes().all(|c| c.is_ascii_digit()) => bits.parse().ok()?,
                Some(_) => return None,
                None => most,
            };
            (bits <= most).then_some((address, bits))
        });
        Self {
            text: text.to_owned(),
            range,
        }
    }

    /// Whether `address` lies in it, which is always an address of its own family. A network of mapped IPv4 addresses
    /// holds none that is written as IPv4 (live, 2.3.19.1).
    pub fn contains(&self, address: IpAddr) -> bool {
        let Some((network, bits)) = self.range else {
            return false;
        };
        match (network, address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let shift = 32 - u32::from(bits.min(32));
                (a.to_bits() ^ b.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let shift = 128 - u32::from(bits.min(128));
                (a.to_bits() ^ b.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// The prefix length; none for a host name.
    pub fn bits(&self) -> Option<u8> {
        self.range.map(|(_, bits)| bits)
    }
}

/// Why a filter may not stand inside the sections around it, in the daemon's words; none where it may.
///
/// The one order that is allowed is local, local_name, remote, protocol
/// (config_filter_add_new_filter in 2.3, config_filter_parse in 2.4).
pub(super) fn misplaced(section: &Section, around: &[Section], family: Family) -> Option<String> {
    let within = |test: fn(&Section) -> bool| around.iter().rev().find(|outer| test(outer));
    let word = match section {
        Section::Protocol { .. } => "protocol",
        Section::Local(_) => "local",
        Section::Remote(_) => "remote",
        Section::LocalName(_) => "local_name",
        Section::Group { .. } => {
            return (!around.is_empty())
                .then(|| "groups must defined at top-level, not under filters".into());
        }
        Section::Service(_) if family == Family::V24 => {
            let named = around.last().filter(|outer| !outer.is_filter());
            // A service in a client or protocol filter is refused as well (live, 2.4.1).
            return match named.or_else(|| around.last()) {
                Some(Section::Group { .. }) | None => None,
                Some(outer) => Some(format!(
                    "service {{ .. }} not allowed under {outer} {{ .. }}"
                )),
            };
        }
        Section::Service(_) | Section::Listener(_) | Section::SslServer | Section::Other { .. } => {
            return None;
        }
    };
    let named = within(|outer| !outer.is_filter());
    if let (Family::V24, Some(outer)) = (family, named) {
        return Some(format!(
            "{outer} {{ {word} {{ .. }} }} not allowed (use {word} {{ {outer} {{ .. }} }} instead)"
        ));
    }
    if within(|outer| matches!(outer, Section::Protocol { .. })).is_some() {
        return Some(if word == "protocol" {
            "nested protocol { protocol { .. } } block not allowed".into()
        } else {
            format!(
                "protocol {{ {word} {{ .. }} }} not allowed (use {word} {{ protocol {{ .. }} }} instead)"
            )
        });
    }
    let inside = |outer: Option<&Section>, name: &str| {
        outer.map(|_| {
            format!("{name} {{ {word} {{ .. }} }} not allowed (use {word} {{ {name} {{ .. }} }} instead)")
        })
    };
    let remote = within(|outer| matches!(outer, Section::Remote(net) if net.bits() != Some(0)));
    let name = within(|outer| matches!(outer, Section::LocalName(_)));
    match section {
        Section::Local(net) => inside(remote, "remote")
            .or_else(|| inside(name, "local_name"))
            .or_else(|| {
                outside(
                    net,
                    within(|outer| matches!(outer, Section::Local(_))),
                    word,
                )
            }),
        Section::LocalName(_) => inside(remote, "remote"),
        Section::Remote(net) => outside(
            net,
            within(|outer| matches!(outer, Section::Remote(_))),
            word,
        ),
        Section::Protocol { .. }
        | Section::Service(_)
        | Section::Listener(_)
        | Section::SslServer
        | Section::Group { .. }
        | Section::Other { .. } => None,
    }
}

/// A network inside another of its kind must be a part of it.
fn outside(net: &Net, outer: Option<&Section>, word: &str) -> Option<String> {
    let (Section::Local(outer) | Section::Remote(outer)) = outer? else {
        return None;
    };
    let (address, bits) = net.range?;
    if outer.bits() == Some(0) {
        return None;
    }
    let wider = outer.bits().is_some_and(|outer| outer > bits);
    (wider || !outer.contains(address))
        .then(|| format!("{word} net1 {{ {word} net2 {{ .. }} }} requires net2 to be inside net1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses() {
        for (net, address, expected) in [
            ("192.0.2.0/24", "192.0.2.7", true),
            ("192.0.2.77/24", "192.0.2.7", true),
            ("192.0.2.0/24", "198.51.100.1", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("2001:db8::/32", "2001:db8::2", true),
            ("2001:db8::/32", "192.0.2.1", false),
            ("192.0.2.0/24", "::ffff:192.0.2.9", true),
            ("::ffff:192.0.2.0/120", "192.0.2.9", false),
            ("0.0.0.0/0", "198.51.100.7", true),
            ("0.0.0.0/0", "2001:db8::2", false),
            ("mail.example.org", "192.0.2.1", false),
            ("192.0.2.0/33", "192.0.2.1", false),
            ("192.0.2.0/+8", "192.0.2.1", false),
        ] {
            let net = Net::parse(net.into());
            let address = address.parse().expect("an address in a test");
            assert_eq!(net.contains(address), expected, "{net:?} {address}");
        }
    }
}
