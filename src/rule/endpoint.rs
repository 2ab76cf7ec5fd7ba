//! An endpoint's fact: what a rule asks of one place where a client can log in.

use std::net::IpAddr;

use regex::bytes::Regex;

use crate::protocol::Protocol;
use crate::source::Origin;
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
    /// What holds for somebody who is exempted there.
    Exemption(Regex),
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
            Self::Exemption(pattern) => endpoint
                .exemptions
                .iter()
                .any(|exemption| pattern.is_match(exemption.detail.as_bytes())),
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

    /// What makes it true, where the verdict's own reasons do not tell: settings, and the rest in words.
    pub(super) fn explain(
        &self,
        endpoint: &Endpoint,
        looked_up: &mut Vec<Because>,
        told: &mut Vec<(String, Option<Origin>)>,
    ) {
        match self {
            Self::TlsFault(_) => looked_up.extend(endpoint.tls_fault.clone()),
            Self::Exemption(pattern) => {
                let mut exemptions = endpoint.exemptions.iter();
                let found = exemptions.find(|one| pattern.is_match(one.detail.as_bytes()));
                if let Some(exemption) = found {
                    let network = exemption.network.clone().unwrap_or_default();
                    let text = format!("{network}: {}", exemption.detail);
                    told.push((text, exemption.origin));
                }
            }
            Self::Assumes(pattern) => {
                let mut assumed = endpoint.assumed.iter();
                let found = assumed.find(|one| pattern.is_match(one.as_bytes()));
                told.extend(found.map(|text| (text.clone(), None)));
            }
            Self::Verdict(_)
            | Self::Why(_)
            | Self::Service(_)
            | Self::Port(_)
            | Self::Protocol(_)
            | Self::Tls(_)
            | Self::Reach(_)
            | Self::Exempts(_) => {}
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
