//! The surface of Dovecot: what its login processes do for a client without TLS.
//!
//! `start` beside this file knows what keeps the daemon or one of its services from running, `policy` what is in force
//! for one client, `tls` whether TLS can work, and `exemption` for whom something else holds.
//!
//! None of this protects Postfix, which asks Dovecot's auth service for its SASL logins: no place in src/auth refuses
//! a plaintext mechanism for want of TLS (2.0.9, 2.3.19.1, 2.4.1). [`serves_postfix`] finds where someone may think so.

mod exemption;
mod policy;
mod start;
mod tls;

use std::net::{IpAddr, Ipv4Addr};

use bstr::ByteSlice;

use crate::certificate::Policy as Certificates;
use crate::dovecot::{Config, Listener, Lookup, Protocols};
use crate::source::{Origin, Sources, Span};
use crate::version::{Range, Version};

use super::{
    Because, Client, Endpoint, Protocol, Question, Server, TlsMode, Verdict, over_versions,
};

use policy::Answer;

/// Releases at which a verdict can change within a family, and the first of 2.4.
const CHANGES: &[Version] = &[
    Version::new(2, 2),
    Version::new(2, 3),
    Version::new(2, 4),
    Version::patch(2, 4, 5),
];
const OLDEST: Version = Version::new(2, 0);

/// Every endpoint of the configuration, judged for the releases in `versions`.
pub fn endpoints(
    config: &Config,
    sources: &Sources,
    versions: Range,
    question: &Question,
) -> Vec<Endpoint> {
    let protocols = config.protocols();
    let listeners = config.listeners(&protocols);
    over_versions(versions, CHANGES, OLDEST, |version| {
        let server = Instance {
            config,
            sources,
            certificates: question.certificates,
            down: start::refusal(
                config,
                sources,
                version,
                &protocols,
                &listeners,
                question.certificates,
            ),
        };
        listeners
            .iter()
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
    certificates: Certificates,
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
            if client.is_some_and(|client| !reaches(client, &address)) {
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
            if listener.port.assignment.is_some() {
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
        address: String,
        client: Option<Client>,
    ) -> Endpoint {
        let bound: Option<IpAddr> = address.trim_matches(['[', ']']).parse().ok();
        let bound = bound.filter(|address| !address.is_unspecified());
        let at = policy::Place {
            listener,
            implicit,
            remote: client.map(|client| client.from),
            local: client.and_then(|client| client.to).or(bound),
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
            address,
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
        value: value.text.clone(),
        origin: value.origin,
    }
}

/// The addresses of a `listen`, `*` standing for both families where both are meant.
fn addresses_of(listen: &[u8]) -> Vec<String> {
    let mut addresses: Vec<String> = listen
        .split(|c| b" ,".contains(c))
        .filter(|part| !part.is_empty())
        .map(|part| part.to_str_lossy().into_owned())
        .collect();
    let every = |address: &str| matches!(address, "*" | "0.0.0.0");
    let every_six = |address: &str| matches!(address, "::" | "[::]");
    if addresses.iter().any(|a| every(a)) {
        addresses.retain(|a| !every(a) && !every_six(a));
        addresses.insert(0, "*".into());
    }
    addresses
}

/// Whether a client gets to a listener on `address`.
fn reaches(client: Client, address: &str) -> bool {
    let address = address.trim_matches(['[', ']']);
    if address == "*" {
        return true;
    }
    match (client.to, address.parse::<IpAddr>()) {
        (Some(to), Ok(address)) if address.is_unspecified() => to.is_ipv6() == address.is_ipv6(),
        (Some(to), Ok(address)) => to == address,
        (None, Ok(address)) => {
            !address.is_loopback()
                || client.from.is_loopback()
                || client.from == IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        }
        // A host name: not looked up.
        (Some(_) | None, Err(_)) => true,
    }
}

/// A verdict of a daemon that does not run at all.
fn fails(message: String, setting: &str, value: &[u8], origin: Origin) -> Answer {
    Answer {
        verdict: Verdict::Fails(message),
        because: vec![Because {
            setting: setting.into(),
            value: value.into(),
            origin,
        }],
        starttls: false,
        assumed: Vec::new(),
    }
}
