//! The surface of Dovecot: what its login processes do for a client without TLS.
//!
//! `start` beside this file knows what keeps the daemon or one of its services from running, `language` which releases can
//! read the files, `listen` which listeners cannot be opened, `policy` what follows from the `facts` that are in force for
//! one client, `tls` whether TLS can work, and `exemption` for whom something else holds.
//!
//! None of this protects Postfix, which asks Dovecot's auth service for its SASL logins: no place in src/auth refuses
//! a plaintext mechanism for want of TLS (2.0.9, 2.3.19.1, 2.4.1). [`serves_postfix`] finds where someone may think so.

mod ciphers;
mod exemption;
mod facts;
mod language;
mod listen;
mod mechanism;
mod policy;
mod start;
mod tls;

use std::net::IpAddr;

use bstr::ByteSlice;

use crate::certificate::Policy as Certificates;
use crate::dovecot::{Config, Listener, Lookup, Protocols, shown};
use crate::protocol::Protocol;
use crate::source::{Origin, Sources, Span};
use crate::version::{Range, Version};

use super::files::Files;
use super::{Because, Client, Endpoint, Question, Server, TlsMode, Verdict, over_versions};

use policy::Answer;

const OLDEST: Version = Version::new(2, 0);

/// Every endpoint of the configuration, judged for the releases in `versions`.
pub fn endpoints(
    config: &Config,
    sources: &Sources,
    versions: Range,
    question: &Question,
) -> Vec<Endpoint> {
    let protocols = config.protocols();
    let mut listeners = config.listeners(&protocols);
    if listeners.is_empty() && config.unknown_protocol().is_some() {
        // The daemon does not start ("protocols: Unknown protocol: nope", live, 2.3.19.1 and 2.4.1); without an endpoint
        // that would pass for a server that is to serve nobody.
        let names = vec!["imap".into(), "pop3".into()];
        listeners = config.listeners(&Protocols {
            names,
            ..protocols.clone()
        });
    }
    let changes = start::changes(config, &protocols);
    let files = Files::default();
    let down = start::refusal(config, sources, &listeners, question.certificates);
    over_versions(versions, &changes, OLDEST, |version| {
        let server = Instance {
            config,
            sources,
            version,
            certificates: question.certificates,
            files: &files,
            down: start::refusal_by(config, version, &protocols).or_else(|| down.clone()),
        };
        listeners
            .iter()
            .filter(|listener| start::protocol_inside(config, Some(&listener.service)).is_none())
            .flat_map(|listener| server.endpoints(listener, &protocols, question.client))
            .collect()
    })
}

/// Where Dovecot offers its auth service to another program, to whose logins none of the verdicts here applies.
pub fn serves_postfix(config: &Config) -> Option<Span> {
    config.scopes.iter().find_map(|scope| match &scope.section {
        Some(crate::dovecot::Section::Other { key, name })
            if key == "unix_listener" && name.contains_str("postfix") =>
        {
            scope.opened
        }
        Some(_) | None => None,
    })
}

/// One configuration as one release reads it.
struct Instance<'a> {
    config: &'a Config,
    sources: &'a Sources,
    version: Version,
    certificates: Certificates,
    /// The certificates that were read.
    files: &'a Files,
    /// Why nothing runs.
    down: Option<Answer>,
}

impl Instance<'_> {
    fn endpoints(
        &self,
        listener: &Listener,
        protocols: &Protocols,
        client: Option<Client>,
    ) -> Vec<Endpoint> {
        let Some(port) = port(listener) else {
            return Vec::new();
        };
        let implicit = listener.ssl.is_yes() == Some(true);
        // The master closes these listeners by the global value alone (service_create_inet_listeners).
        let global = self.config.effective("ssl", &Lookup::default());
        if port == 0 || implicit && global.text == "no" && global.unknown.is_none() {
            return Vec::new();
        }
        let listen = self.config.effective("listen", &Lookup::default());
        let (addresses, default) = if listener.address.text.is_empty() {
            (&listen.text, true)
        } else {
            (&listener.address.text, false)
        };
        let mut endpoints = Vec::new();
        for address in addresses_of(addresses) {
            if client.is_some_and(|client| !address.reaches(client)) {
                continue;
            }
            let mut because_address = Vec::new();
            if !default || listen.assignment.is_some() {
                because_address.push(because(if default { &listen } else { &listener.address }));
            }
            let mut endpoint = self.endpoint(listener, port, implicit, address, client);
            if let Some(assumed) = &protocols.assumed {
                endpoint.assumed.push(assumed.clone());
            }
            endpoint.because.extend(because_address);
            if let Some(unknown) = &listener.port.unknown {
                endpoint.assumed.push(format!(
                    "the port of {} is {port}: it depends on {unknown}",
                    listener.name
                ));
            } else if listener.port.assignment.is_some() {
                endpoint.because.push(because(&listener.port));
            }
            if let Some(package) = package(listener.login.protocol) {
                endpoint.assumed.push(format!("{package} is installed"));
            }
            endpoints.push(endpoint);
        }
        endpoints
    }

    fn endpoint(
        &self,
        listener: &Listener,
        port: u16,
        implicit: bool,
        address: Address,
        client: Option<Client>,
    ) -> Endpoint {
        let at = policy::Place {
            listener,
            implicit,
            remote: client.map(|client| client.from),
            local: client.and_then(|client| client.to).or(address.one),
            same_host: client.is_some_and(|client| client.is_same_host()),
            trusted: None,
        };
        let answer = match &self.down {
            Some(down) => down.clone(),
            None => self.judge(&at),
        };
        let exemptions = if client.is_some() || self.down.is_some() {
            Vec::new()
        } else {
            exemption::all(self, &at, &answer)
        };
        let mut assumed = answer.assumed;
        if self.config.partial {
            assumed.push(
                "only parts of the configuration were given; the rest is taken as packaged".into(),
            );
        }
        Endpoint {
            server: Server::Dovecot,
            service: format!("{}/{}", listener.service, listener.name),
            protocol: match listener.login.protocol {
                "pop3" => Protocol::Pop3,
                "submission" => Protocol::Submission,
                "sieve" => Protocol::Sieve,
                _ => Protocol::Imap,
            },
            address: address.shown,
            port,
            tls: if implicit {
                TlsMode::Implicit
            } else if answer.starttls {
                TlsMode::StartTls
            } else {
                TlsMode::None
            },
            verdict: answer.verdict,
            because: answer.because,
            tls_fault: answer.tls_fault,
            exemptions,
            assumed,
            versions: Range::ANY,
            log_name: listener.service.clone(),
        }
    }
}

/// The port; none where it depends on something unknown or is none.
fn port(listener: &Listener) -> Option<u16> {
    listener.port.text.to_str().ok()?.parse().ok()
}

fn package(protocol: &str) -> Option<&'static str> {
    match protocol {
        "submission" => Some("the package with Dovecot's submission service"),
        "sieve" => Some("Pigeonhole with ManageSieve"),
        _ => None,
    }
}

/// A setting as a reason.
fn because(value: &crate::dovecot::Value) -> Because {
    Because {
        setting: value.setting.clone(),
        value: value.shown(),
        origin: value.origin,
    }
}

/// An address to listen on.
struct Address {
    /// As it is shown: `*` where both families are meant.
    shown: String,
    /// Every address of IPv4, of IPv6.
    every: (bool, bool),
    /// The one address.
    one: Option<IpAddr>,
}

impl Address {
    /// Whether both want some address.
    fn overlaps(&self, other: &Self) -> bool {
        let covers =
            |every: (bool, bool), one: IpAddr| if one.is_ipv6() { every.1 } else { every.0 };
        match (self.one, other.one) {
            (Some(a), Some(b)) => a == b,
            (Some(one), None) => covers(other.every, one),
            (None, Some(one)) => covers(self.every, one),
            (None, None) => self.every.0 && other.every.0 || self.every.1 && other.every.1,
        }
    }

    /// Whether a client gets there.
    fn reaches(&self, client: Client) -> bool {
        let (four, six) = self.every;
        let six_to = client.to.unwrap_or(client.from).is_ipv6();
        match (self.one, client.to) {
            (None, _) if four || six => {
                if six_to {
                    six
                } else {
                    four
                }
            }
            (Some(address), Some(to)) => to == address,
            (Some(address), None) => {
                address.is_ipv6() == six_to && (!address.is_loopback() || client.from.is_loopback())
            }
            // A host name: not looked up.
            (None, _) => true,
        }
    }
}

/// The addresses of a `listen`; `*` alone is IPv4 (resolve_ip in src/master/service.c).
fn addresses_of(listen: &[u8]) -> Vec<Address> {
    let mut all = (false, false);
    let mut addresses = Vec::new();
    for part in listen
        .split(|c| b" ,".contains(c))
        .filter(|part| !part.is_empty())
    {
        match part {
            b"*" | b"0.0.0.0" => all.0 = true,
            b"::" | b"[::]" => all.1 = true,
            part => {
                let shown = part.to_str_lossy().into_owned();
                addresses.push(Address {
                    every: (false, false),
                    one: shown.trim_matches(['[', ']']).parse().ok(),
                    shown,
                });
            }
        }
    }
    if all != (false, false) {
        addresses.push(Address {
            shown: if all.0 { "*" } else { "::" }.into(),
            every: all,
            one: None,
        });
    }
    addresses
}

/// A verdict of a daemon that does not run at all.
fn fails(message: String, setting: &str, value: &[u8], origin: Origin) -> Answer {
    Answer {
        verdict: Verdict::Fails(message),
        because: vec![Because {
            setting: setting.into(),
            value: shown(value),
            origin,
        }],
        starttls: false,
        tls_fault: None,
        assumed: Vec::new(),
    }
}
