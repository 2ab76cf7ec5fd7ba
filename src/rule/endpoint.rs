//! An endpoint's fact: what a rule asks of one place where a client can log in.

use std::net::IpAddr;

use regex::bytes::Regex;

use crate::protocol::Protocol;
use crate::surface::{Because, Endpoint, ExemptionKind, TlsMode, Verdict};

/// What is asked of an endpoint. The verdict `unknown` is a word like the others: a rule that asks for another is not about it.
#[derive(Clone, Debug)]
pub enum EndpointFact {
    /// The word of its verdict is one of these.
    Verdict(Vec<String>),
    /// Why it fails or is unknown.
    Why(Regex),
    /// The name of its service.
    Service(Regex),
    /// Its port.
    Port(Vec<u16>),
    /// What is spoken there.
    Protocol(Vec<Protocol>),
    /// How TLS comes about there.
    Tls(Vec<TlsMode>),
    /// From where it can be reached.
    Reach(Vec<Reach>),
    /// Somebody is exempted there for one of these reasons.
    Exempts(Vec<ExemptionKind>),
    /// One of the things that are taken for granted there.
    Assumes(Regex),
    /// TLS is on offer and cannot come about because of a setting of this name.
    TlsFault(Regex),
}

impl EndpointFact {
    /// Whether it is true of an endpoint.
    pub(super) fn holds(&self, endpoint: &Endpoint) -> bool {
        match self {
            Self::Verdict(words) => words.iter().any(|word| word == endpoint.verdict.word()),
            Self::Why(pattern) => match &endpoint.verdict {
                Verdict::Fails(why) | Verdict::Unknown(why) => pattern.is_match(why.as_bytes()),
                Verdict::TlsOnly
                | Verdict::Cleartext
                | Verdict::Challenge
                | Verdict::LockedOut
                | Verdict::NoAuth => false,
            },
            Self::Service(pattern) => pattern.is_match(endpoint.service.as_bytes()),
            Self::Port(ports) => ports.contains(&endpoint.port),
            Self::Protocol(protocols) => protocols.contains(&endpoint.protocol),
            Self::Tls(modes) => modes.contains(&endpoint.tls),
            Self::Reach(reaches) => reaches.contains(&Reach::of(endpoint)),
            Self::Exempts(kinds) => endpoint
                .exemptions
                .iter()
                .any(|exemption| kinds.contains(&exemption.kind)),
            Self::Assumes(pattern) => endpoint
                .assumed
                .iter()
                .any(|assumed| pattern.is_match(assumed.as_bytes())),
            Self::TlsFault(pattern) => endpoint
                .tls_fault
                .as_ref()
                .is_some_and(|fault| pattern.is_match(fault.setting.as_bytes())),
        }
    }

    /// The setting that makes it true, where another than those that decide the verdict does.
    pub(super) fn decider(&self, endpoint: &Endpoint) -> Option<Because> {
        match self {
            Self::TlsFault(_) => endpoint.tls_fault.clone(),
            Self::Verdict(_)
            | Self::Why(_)
            | Self::Service(_)
            | Self::Port(_)
            | Self::Protocol(_)
            | Self::Tls(_)
            | Self::Reach(_)
            | Self::Exempts(_)
            | Self::Assumes(_) => None,
        }
    }
}

/// From where an endpoint can be reached, as far as its address tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// From the network.
    Network,
    /// From the machine itself, through its loopback address.
    Loopback,
    /// Through a socket in the file system.
    Socket,
}

impl Reach {
    fn of(endpoint: &Endpoint) -> Self {
        let address = endpoint.address.trim_matches(['[', ']']);
        let loopback = address.parse::<IpAddr>().map(|one| one.is_loopback());
        if address == "localhost" || loopback.unwrap_or(false) {
            Self::Loopback
        } else if address.contains('/') {
            Self::Socket
        } else {
            Self::Network
        }
    }
}
