//! Where a service listens: addresses and ports of the `inet` services of master.cf.

use std::net::IpAddr;

use bstr::{BStr, ByteSlice};

use crate::postfix::{Service, words};
use crate::surface::{Client, Endpoint};
use crate::version::Version;

use super::Instance;

/// The names that mail services go by, with their ports (services(5); 3.6+ `known_tcp_ports` has the first four).
const PORTS: &[(&str, u16)] = &[
    ("lmtp", 24),
    ("smtp", 25),
    ("smtps", 465),
    ("submissions", 465),
    ("ssmtp", 465),
    ("urd", 465),
    ("submission", 587),
    ("msa", 587),
    ("mail", 25),
    ("amavis", 10024),
    ("qmqp", 628),
    ("http-alt", 8080),
    ("imap2", 143),
    ("pop3", 110),
];

/// One socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listener {
    /// As written; `*` for all that inet_interfaces allows.
    address: String,
    port: u16,
}

impl Listener {
    pub(super) fn place(&self, endpoint: &mut Endpoint) {
        endpoint.address.clone_from(&self.address);
        endpoint.port = self.port;
    }
}

/// The services that listen: of those with one canonical name the last holds (master/master_conf.c, live 3.7.11),
/// and `master_service_disable` takes some away (2.6 and later).
pub(super) fn listening<'a>(instance: &Instance<'a>, services: &[&'a Service]) -> Vec<&'a Service> {
    let disabled = disabled_patterns(instance);
    let mut listening: Vec<&Service> = Vec::new();
    for service in services.iter().copied() {
        if service.kind.text != "inet" || is_disabled(service, &disabled) {
            continue;
        }
        let name = canonical(service.name.text.as_ref());
        listening.retain(|earlier| canonical(earlier.name.text.as_ref()) != name);
        listening.push(service);
    }
    listening
}

/// `host:port` with the port as a number where its name is known (master/master_ent.c, `smtp` and `25` are one service).
fn canonical(name: &BStr) -> (Vec<u8>, Result<u16, Vec<u8>>) {
    let (host, port) = host_and_port(name);
    (
        host.to_vec(),
        port_number(port).ok_or_else(|| port.to_vec()),
    )
}

/// Cuts `host:port`, `[v6]:port`, `:port` or `port` (util/host_port.c).
fn host_and_port(name: &BStr) -> (&[u8], &[u8]) {
    match name.rfind_byte(b':') {
        Some(colon) => {
            let host = &name[..colon];
            let inner = host
                .strip_prefix(b"[")
                .and_then(|rest| rest.strip_suffix(b"]"));
            (inner.unwrap_or(host), &name[colon + 1..])
        }
        None => (b"", name.as_bytes()),
    }
}

fn port_number(port: &[u8]) -> Option<u16> {
    let text = port.to_str().ok()?;
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().filter(|&port| port != 0);
    }
    PORTS
        .iter()
        .find(|(name, _)| *name == text)
        .map(|&(_, port)| port)
}

/// The patterns of `master_service_disable`.
fn disabled_patterns(instance: &Instance<'_>) -> Vec<String> {
    if instance.version < Version::new(2, 6) {
        return Vec::new();
    }
    let value = instance
        .config
        .view(None, instance.version)
        .value("master_service_disable");
    value
        .map(|value| value.words().map(|word| word.to_string()).collect())
        .unwrap_or_default()
}

/// Whether `master_service_disable` takes the service away: `type` or `name/type` (old: `name.type`), the first match
/// decides, `!` negates, in any case, by the name as written (util/match_service.c; live 3.7.11, 3.10.13).
fn is_disabled(service: &Service, patterns: &[String]) -> bool {
    let kind = service.kind.text.to_string();
    let name = service.name.text.to_string();
    for pattern in patterns {
        let (negated, pattern) = match pattern.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, pattern.as_str()),
        };
        let hit = pattern.eq_ignore_ascii_case(&kind)
            || pattern.eq_ignore_ascii_case(&format!("{name}/{kind}"))
            || pattern.eq_ignore_ascii_case(&format!("{name}.{kind}"));
        if hit {
            return !negated;
        }
    }
    false
}

/// The sockets of one service; several where `inet_interfaces` names several addresses.
pub(super) fn of_service(instance: &Instance<'_>, service: &Service) -> Vec<Listener> {
    let (host, port) = host_and_port(service.name.text.as_ref());
    let port = port_number(port).unwrap_or(0);
    let listener = |address: &str| Listener {
        address: address.to_owned(),
        port,
    };
    if !host.is_empty() {
        let host = host.to_str_lossy();
        return vec![listener(match host.as_ref() {
            "0.0.0.0" | "::" => "*",
            other => other,
        })];
    }
    match interfaces(instance) {
        None => vec![listener("*")],
        Some(addresses) => addresses.iter().map(|one| listener(one)).collect(),
    }
}

/// The addresses of `inet_interfaces`; none where it is all of them (postconf(5), global/own_inet_addr.c).
fn interfaces(instance: &Instance<'_>) -> Option<Vec<String>> {
    let view = instance.config.view(None, instance.version);
    let value = view.value("inet_interfaces").ok()?;
    let words: Vec<String> = words(&value.text)
        .map(|word| word.to_string().trim_matches(['[', ']']).to_owned())
        .collect();
    if words.is_empty() || words.iter().any(|word| word == "all") {
        return None;
    }
    Some(
        words
            .into_iter()
            .map(|word| match word.as_str() {
                // Both loopback addresses; the name resolves to them everywhere.
                "loopback-only" | "localhost" => "127.0.0.1".to_owned(),
                _ => word,
            })
            .collect(),
    )
}

/// The endpoints that a client can reach at the address it connects to. Of several on one port the socket bound to that
/// very address gets the connection, the general one the rest (live 3.7.11 and later).
pub(super) fn reached_by(
    instance: &Instance<'_>,
    endpoints: Vec<Endpoint>,
    client: Client,
) -> Vec<Endpoint> {
    let Some(to) = client.to else {
        return endpoints;
    };
    let loopback = loopback_only(instance);
    let fit = |endpoint: &Endpoint| -> Option<u8> {
        match endpoint.address.parse::<IpAddr>() {
            Ok(address) if address == to => Some(2),
            // `loopback-only` holds for ::1 as well.
            Ok(address) if loopback && address.is_loopback() && to.is_loopback() => Some(2),
            Ok(_) => None,
            Err(_) if endpoint.address == "*" => Some(1),
            // A host name: nobody here resolves it.
            Err(_) => Some(0),
        }
    };
    let best = |port: u16| {
        let same = endpoints.iter().filter(|one| one.port == port);
        same.filter_map(fit).max()
    };
    endpoints
        .iter()
        .filter(|endpoint| match (fit(endpoint), best(endpoint.port)) {
            (Some(0), _) => true,
            (Some(fit), Some(best)) => fit == best,
            (None, _) | (Some(_), None) => false,
        })
        .cloned()
        .collect()
}

fn loopback_only(instance: &Instance<'_>) -> bool {
    let view = instance.config.view(None, instance.version);
    view.value("inet_interfaces").is_ok_and(|value| {
        value
            .words()
            .any(|word| word == "loopback-only" || word == "localhost")
    })
}
