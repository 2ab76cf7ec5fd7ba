//! For whom another verdict holds than the endpoint's own: the same host, trusted networks, proxies, and filters.

use std::net::IpAddr;

use bstr::ByteSlice;

use crate::dovecot::{Family, Net, Section};
use crate::source::Origin;
use crate::surface::{Exemption, ExemptionKind, Verdict};

use super::Instance;
use super::policy::{Answer, Place};

/// Networks beyond these are not combined with each other.
const MOST: usize = 64;

/// All exemptions of an endpoint whose own answer is given.
pub(super) fn all(instance: &Instance<'_>, at: &Place<'_>, own: &Answer) -> Vec<Exemption> {
    let mut found = Vec::new();
    let exempt = |kind, network: Option<String>, answer: &Answer, origin| {
        (answer.verdict != own.verdict).then(|| Exemption {
            kind,
            network,
            detail: detail(&answer.verdict),
            origin,
        })
    };
    let same_host = instance.judge(&Place {
        same_host: true,
        ..*at
    });
    found.extend(exempt(ExemptionKind::SameHost, None, &same_host, None));
    let trusted = instance
        .config
        .effective("login_trusted_networks", &at.lookup(instance.config));
    let answer = instance.judge(&Place {
        trusted: Some(true),
        ..*at
    });
    for network in trusted
        .text
        .split(|c| b" ,".contains(c))
        .filter(|part| !part.is_empty())
    {
        let network = network.to_str_lossy().into_owned();
        found.extend(exempt(
            ExemptionKind::TrustedNetwork,
            Some(network),
            &answer,
            Some(trusted.origin),
        ));
    }
    if at.listener.haproxy.is_yes() == Some(true) {
        let since = match instance.config.family {
            Family::V23 => "a proxy that says its client uses TLS is believed",
            Family::V24 => {
                "a proxy that says its client uses TLS is believed; without ssl = required so is any other"
            }
        };
        found.push(Exemption {
            kind: ExemptionKind::HaProxy,
            network: None,
            detail: since.into(),
            origin: Some(at.listener.haproxy.origin),
        });
    }
    filters(instance, at, own, &mut found);
    found
}

/// What the clients of each `remote` and `local` block see, alone and where both meet.
fn filters<'a>(instance: &Instance<'a>, at: &Place<'_>, own: &Answer, found: &mut Vec<Exemption>) {
    let (remote, local) = instance.config.networks();
    let remote = distinct(remote);
    let local = if at.local.is_some() {
        Vec::new()
    } else {
        distinct(local)
    };
    let mut alone: Vec<(&'a Net, Verdict)> = Vec::new();
    let mut judge = |client: Option<(&'a Net, IpAddr)>, server: Option<(&'a Net, IpAddr)>| {
        let answer = instance.judge(&Place {
            remote: client.map(|(_, address)| address).or(at.remote),
            local: server.map(|(_, address)| address).or(at.local),
            ..*at
        });
        let nets: Vec<&'a Net> = client.iter().chain(&server).map(|(net, _)| *net).collect();
        let news = match &nets[..] {
            [_, _] => alone
                .iter()
                .all(|(net, verdict)| !nets.contains(net) || *verdict != answer.verdict),
            _ => true,
        };
        if let [net] = nets[..] {
            alone.push((net, answer.verdict.clone()));
        }
        if answer.verdict != own.verdict && news {
            let shown = [
                client.map(|(net, _)| net.text.to_string()),
                server.map(|(net, _)| format!("to {}", net.text)),
            ];
            found.push(Exemption {
                kind: ExemptionKind::Filter,
                network: Some(shown.into_iter().flatten().collect::<Vec<_>>().join(" ")),
                detail: detail(&answer.verdict),
                origin: nets.first().and_then(|net| opened(instance, net)),
            });
        }
    };
    for &client in &remote {
        judge(Some(client), None);
    }
    for &server in &local {
        judge(None, Some(server));
        for &client in &remote {
            judge(Some(client), Some(server));
        }
    }
    for scope in &instance.config.scopes {
        if let Some(Section::Remote(net) | Section::Local(net)) = &scope.section
            && net.range.is_none()
        {
            found.push(Exemption {
                kind: ExemptionKind::Filter,
                network: Some(net.text.to_string()),
                detail: "unknown: the daemon looks this name up when it starts".into(),
                origin: scope.opened.map(Origin::File),
            });
        }
    }
}

/// Each network once, with an address in it that lies in no narrower one, if there is such.
fn distinct(nets: Vec<&Net>) -> Vec<(&Net, IpAddr)> {
    let mut found: Vec<(&Net, IpAddr)> = Vec::new();
    for &net in &nets {
        let Some((address, bits)) = net.range else {
            continue;
        };
        if bits == 0
            || found.len() >= MOST
            || found.iter().any(|(known, _)| known.range == net.range)
        {
            continue;
        }
        let narrower: Vec<&Net> = nets
            .iter()
            .filter(|other| other.bits() > Some(bits))
            .copied()
            .collect();
        let free = candidates(address, bits)
            .into_iter()
            .find(|&address| !narrower.iter().any(|net| net.contains(address)));
        if let Some(free) = free {
            found.push((net, free));
        }
    }
    found
}

/// Some addresses of a network.
fn candidates(address: IpAddr, bits: u8) -> Vec<IpAddr> {
    match address {
        IpAddr::V4(four) => {
            let host = u32::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
            let base = four.to_bits() & !host;
            [
                1,
                host / 2 + 3,
                host.wrapping_sub(1),
                host / 3,
                host / 5,
                0,
                host,
            ]
            .map(|offset| IpAddr::V4((base | (offset & host)).into()))
            .to_vec()
        }
        IpAddr::V6(six) => {
            let host = u128::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
            let base = six.to_bits() & !host;
            [
                1,
                host / 2 + 3,
                host.wrapping_sub(1),
                host / 3,
                host / 5,
                0,
                host,
            ]
            .map(|offset| IpAddr::V6((base | (offset & host)).into()))
            .to_vec()
        }
    }
}

fn opened(instance: &Instance<'_>, net: &Net) -> Option<Origin> {
    let scopes = &instance.config.scopes;
    let scope = scopes.iter().find(|scope| match &scope.section {
        Some(Section::Remote(other) | Section::Local(other)) => other == net,
        Some(_) | None => false,
    });
    scope.and_then(|scope| scope.opened).map(Origin::File)
}

/// A verdict in words.
fn detail(verdict: &Verdict) -> String {
    match verdict {
        Verdict::TlsOnly => "tls-only: they can log in with TLS alone".into(),
        Verdict::Cleartext => "cleartext: their passwords are accepted without TLS".into(),
        Verdict::Challenge => {
            "challenge: challenge mechanisms are accepted from them without TLS".into()
        }
        Verdict::LockedOut => "locked-out: TLS is demanded of them but cannot work".into(),
        Verdict::NoAuth => "no-auth: they cannot log in".into(),
        Verdict::Fails(why) => format!("fails: {why}"),
        Verdict::Unknown(what) => format!("unknown: it depends on {what}"),
    }
}
