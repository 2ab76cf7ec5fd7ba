//! Where a service listens: addresses and ports of the `inet` services of master.cf.
//!
//! Read in master/master_ent.c (get_master_ent) and util/host_port.c; which socket gets a connection was tried live.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use bstr::{BStr, BString, ByteSlice};

use crate::postfix::{Service, View, words};
use crate::surface::{Client, Endpoint};
use crate::template;
use crate::version::Version;

use super::start::Down;
use super::{Instance, because};

/// The names that services go by, with their ports: those of mail, and what else serves or filters it on an inet port.
/// `known_tcp_ports` has the first five since 3.6; the rest are in the services(5) of every system.
const PORTS: &[(&str, u16)] = &[
    ("lmtp", 24),
    ("smtp", 25),
    ("smtps", 465),
    ("submissions", 465),
    ("submission", 587),
    ("mail", 25),
    ("ssmtp", 465),
    ("urd", 465),
    ("pop3", 110),
    ("pop-3", 110),
    ("imap2", 143),
    ("imap", 143),
    ("qmqp", 628),
    ("imaps", 993),
    ("pop3s", 995),
    ("http-alt", 8080),
    ("webcache", 8080),
    ("amavis", 10024),
];

/// What master reads to know which services run and where they listen.
#[derive(Debug)]
pub(super) struct Master {
    /// `master_service_disable` (2.6 and later).
    disabled: BString,
    /// The addresses of `inet_interfaces`, see [`interfaces`].
    interfaces: Vec<String>,
    /// Whether IPv4 and IPv6 are in use.
    protocols: (bool, bool),
}

impl Master {
    pub(super) fn of(view: &View<'_>) -> Self {
        let disabled = view.value("master_service_disable");
        Self {
            disabled: match disabled {
                Ok(value) if view.version() >= Version::new(2, 6) => value.text,
                Ok(_) | Err(_) => BString::default(),
            },
            interfaces: interfaces(view),
            protocols: protocols(view),
        }
    }
}

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
pub(super) fn listening<'a>(instance: &Instance<'a>) -> Vec<&'a Service> {
    let mut last: HashMap<_, usize> = HashMap::new();
    let services: Vec<&Service> = instance
        .config
        .services()
        .filter(|service| service.kind.text == "inet" && !is_disabled(instance, service))
        .collect();
    let name = |service: &'a Service| canonical(instance, service.name.text.as_ref());
    for (index, service) in services.iter().enumerate() {
        last.insert(name(service), index);
    }
    let mut kept: Vec<usize> = last.into_values().collect();
    kept.sort_unstable();
    kept.into_iter().map(|index| services[index]).collect()
}

/// `host:port` with the port as a number where its name is known: `smtp` and `25` are one service (master/master_ent.c).
fn canonical<'a>(instance: &Instance<'_>, name: &'a BStr) -> (&'a [u8], Result<u16, &'a [u8]>) {
    let (host, port) = host_and_port(name);
    (host, port_number(instance, port).ok_or(port))
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

/// The number of a port: written so, known by its name, or named in the services(5) of the tree.
fn port_number(instance: &Instance<'_>, port: &[u8]) -> Option<u16> {
    let text = port.to_str().ok()?;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let known = PORTS.iter().find(|(name, _)| *name == text);
    known
        .map(|&(_, port)| port)
        .or_else(|| port_in_services(instance, text))
}

/// `NAME PORT/tcp ALIAS…` in /etc/services.
fn port_in_services(instance: &Instance<'_>, name: &str) -> Option<u16> {
    let services = Path::new("/etc/services");
    let text = instance.files.read(instance.sources, services).ok()?;
    text.lines().find_map(|line| {
        let line = line.split_str("#").next()?.to_str().ok()?;
        let mut fields = line.split_ascii_whitespace();
        let (first, port) = (fields.next()?, fields.next()?.strip_suffix("/tcp")?);
        (first == name || fields.any(|alias| alias == name))
            .then(|| port.parse().ok())
            .flatten()
    })
}

/// What keeps master from starting: a port whose name nobody knows, no address to listen on, or, before 3.6, two sockets
/// on one port of which one is bound to all addresses (util/inet_listen.c sets SO_REUSEPORT since 3.6).
pub(super) fn refused(instance: &Instance<'_>) -> Option<Down> {
    let interfaces = instance.config.view(None, instance.version);
    let interfaces = interfaces.value("inet_interfaces").ok()?;
    let mut taken: HashMap<u16, HashSet<IpAddr>> = HashMap::new();
    for service in listening(instance) {
        let (host, port) = host_and_port(service.name.text.as_ref());
        let Some(port) = port_number(instance, port) else {
            let message = format!(
                "whether /etc/services knows the port \"{}\", without which master does not start",
                port.as_bstr()
            );
            return Some(Down {
                unknown: template::placeholder(port).is_some()
                    || !instance.sources.tree().covers(Path::new("/etc/services")),
                ..Down::at(instance, &service.label(), service.name.span, message)
            });
        };
        if host.is_empty() && interfaces.words().next().is_none() {
            return Some(Down {
                message: "master does not start: a service without an address needs a non-empty inet_interfaces".into(),
                because: Some(because("inet_interfaces", &interfaces)),
                unknown: false,
            });
        }
        let sockets = of_service(instance, service);
        let literal = host
            .to_str()
            .ok()
            .and_then(|host| host.parse::<IpAddr>().ok());
        if literal.is_some()
            && sockets
                .iter()
                .all(|one| bound(instance, &one.address).is_empty())
        {
            // util/inet_addr_host.c: an address of a family that inet_protocols leaves out (live 3.7.11).
            let name = &service.name.text;
            let message = format!("master does not start: bad hostname or network address: {name}");
            return Some(Down::at(
                instance,
                &service.label(),
                service.name.span,
                message,
            ));
        }
        let addresses: Vec<IpAddr> = sockets
            .iter()
            .flat_map(|one| bound(instance, &one.address))
            .collect();
        let taken = taken.entry(port).or_default();
        if instance.version < Version::new(3, 6)
            && addresses.iter().any(|&one| is_taken(one, taken))
        {
            let message = format!("master does not start: port {port} is bound twice");
            return Some(Down::at(
                instance,
                &service.label(),
                service.name.span,
                message,
            ));
        }
        taken.extend(addresses);
    }
    None
}

/// Whether a socket on a port of which these addresses are bound already cannot be bound without SO_REUSEPORT.
fn is_taken(address: IpAddr, taken: &HashSet<IpAddr>) -> bool {
    let all: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let mut others = taken.iter();
    taken.contains(&address)
        || taken.contains(&all)
        || address == all && others.any(|other| other.is_ipv4() == address.is_ipv4())
}

/// Whether `master_service_disable` takes the service away: `type` or `name/type` (old: `name.type`), the first match
/// decides, `!` negates, in any case, by the name as written (global/match_service.c; live 3.7.11, 3.10.13).
pub(super) fn is_disabled(instance: &Instance<'_>, service: &Service) -> bool {
    for pattern in words(&instance.master.disabled) {
        let bare = pattern.trim_start_with(|c| c == '!');
        let negated = !(pattern.len() - bare.len()).is_multiple_of(2);
        let hit = match bare.rfind_byteset(b"/.") {
            None => bare.eq_ignore_ascii_case(&service.kind.text),
            Some(cut) => {
                bare[..cut].eq_ignore_ascii_case(&service.name.text)
                    && bare[cut + 1..].eq_ignore_ascii_case(&service.kind.text)
            }
        };
        if hit {
            return !negated;
        }
    }
    false
}

/// The sockets of one service; several where `inet_interfaces` names several addresses.
pub(super) fn of_service(instance: &Instance<'_>, service: &Service) -> Vec<Listener> {
    let (host, port) = host_and_port(service.name.text.as_ref());
    let port = port_number(instance, port).unwrap_or(0);
    let listener = |address: &str| Listener {
        address: address.to_owned(),
        port,
    };
    if !host.is_empty() {
        return vec![listener(&host.to_str_lossy())];
    }
    let interfaces = &instance.master.interfaces;
    interfaces.iter().map(|address| listener(address)).collect()
}

/// The addresses of `inet_interfaces`, `*` where it is all of them (global/own_inet_addr.c). Both loopback addresses are
/// one listener, and so are the names that resolve to them.
fn interfaces(view: &View<'_>) -> Vec<String> {
    let Ok(value) = view.value("inet_interfaces") else {
        return vec!["*".to_owned()];
    };
    let mut addresses: Vec<String> = Vec::new();
    let mut known = HashSet::new();
    for word in value.words() {
        let word = word.to_string();
        let word = word.trim_matches(['[', ']']);
        // The word "all" counts only where it stands alone, in any case.
        let address = match word.to_ascii_lowercase().as_str() {
            "all" => "*",
            "loopback-only" | "localhost" => "localhost",
            _ => word,
        };
        if known.insert(address.to_owned()) {
            addresses.push(address.to_owned());
        }
    }
    addresses
}

/// The addresses to which a listener is bound, as far as they are known, under `inet_protocols`.
fn bound(instance: &Instance<'_>, address: &str) -> Vec<IpAddr> {
    let (v4, v6) = instance.master.protocols;
    let both = |four: Ipv4Addr, six: Ipv6Addr| vec![IpAddr::V4(four), IpAddr::V6(six)];
    let mut addresses = match address {
        "*" => both(Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED),
        "localhost" => both(Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST),
        _ => address.parse().into_iter().collect(),
    };
    addresses.retain(|address| if address.is_ipv4() { v4 } else { v6 });
    addresses
}

/// Whether IPv4 and IPv6 are in use (`inet_protocols`; before 2.9 only IPv4 by default).
fn protocols(view: &View<'_>) -> (bool, bool) {
    let Ok(value) = view.value("inet_protocols") else {
        return (true, true);
    };
    let has = |name: &str| {
        let mut words = value.words();
        words.any(|word| word.eq_ignore_ascii_case(name.as_bytes()))
    };
    let all = has("all");
    (all || has("ipv4"), all || has("ipv6"))
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
    // How well a listener fits: 2 bound to that very address, 1 to all, 0 to a name that nobody here resolves.
    let fit = |address: &str| -> Option<u8> {
        let addresses = bound(instance, address);
        if addresses.contains(&to) {
            Some(2)
        } else if addresses
            .iter()
            .any(|one| one.is_unspecified() && one.is_ipv4() == to.is_ipv4())
        {
            Some(1)
        } else {
            let known =
                address == "*" || address == "localhost" || address.parse::<IpAddr>().is_ok();
            (!known && !to.is_loopback()).then_some(0)
        }
    };
    let mut best: HashMap<u16, u8> = HashMap::new();
    for endpoint in &endpoints {
        if let Some(fit) = fit(&endpoint.address) {
            let best = best.entry(endpoint.port).or_default();
            *best = fit.max(*best);
        }
    }
    endpoints
        .into_iter()
        .filter(|endpoint| match fit(&endpoint.address) {
            Some(0) => true,
            Some(fit) => best.get(&endpoint.port) == Some(&fit),
            None => false,
        })
        .collect()
}
