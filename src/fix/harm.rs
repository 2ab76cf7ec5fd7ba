//! Harm: where people can log in today and nobody could after a change; and what stays open.

use std::collections::{BTreeMap, BTreeSet};

use crate::surface::{Endpoint, ExemptionKind, Server, Verdict};

/// The endpoints of a server at which people can log in today and nobody could after the change.
/// They are told by name and release: a change may join or split the ranges of releases for which a verdict holds.
pub(super) fn harm(server: Server, before: &[Endpoint], after: &[Endpoint]) -> Vec<String> {
    let mut harm = Vec::new();
    let mut worked: BTreeMap<String, Vec<&Endpoint>> = BTreeMap::new();
    for was in before.iter().filter(|was| takes_logins(&was.verdict)) {
        worked.entry(was.id()).or_default().push(was);
    }
    for is in after.iter().filter(|is| is.server == server) {
        let why = match &is.verdict {
            Verdict::LockedOut => "nobody could log in, since TLS cannot work there",
            Verdict::NoAuth => "no login would be possible there",
            Verdict::Fails(why) => why,
            Verdict::TlsOnly | Verdict::Cleartext | Verdict::Challenge | Verdict::Unknown(_) => {
                continue;
            }
        };
        let mut here = worked.get(&is.id()).into_iter().flatten();
        if here.any(|was| was.versions.meets(is.versions)) {
            harm.push(format!("{} on port {}: {why}", is.service, is.port));
        }
    }
    // An endpoint that is not there any more takes no logins either.
    let there: BTreeSet<String> = after.iter().map(Endpoint::id).collect();
    for was in before.iter().filter(|was| was.server == server) {
        if takes_logins(&was.verdict) && !there.contains(&was.id()) {
            harm.push(format!(
                "{} on port {} would be closed",
                was.service, was.port
            ));
        }
    }
    harm
}

/// Whether somebody can log in there, as far as is known.
const fn takes_logins(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::TlsOnly | Verdict::Cleartext | Verdict::Challenge | Verdict::Unknown(_) => true,
        Verdict::LockedOut | Verdict::NoAuth | Verdict::Fails(_) => false,
    }
}

/// What is not enforced after the change, in words, each once however many releases it holds for.
pub(super) fn still_open(after: &[Endpoint]) -> Vec<String> {
    let mut said = BTreeSet::new();
    let open = after.iter().filter_map(|endpoint| {
        let place = format!(
            "{} {} on port {}",
            endpoint.server, endpoint.service, endpoint.port
        );
        match &endpoint.verdict {
            Verdict::TlsOnly | Verdict::NoAuth => None,
            Verdict::Cleartext => Some(format!("{place} still accepts a password without TLS")),
            Verdict::Challenge => Some(format!(
                "{place} still accepts a challenge login without TLS"
            )),
            Verdict::LockedOut => Some(format!("{place}: nobody can log in")),
            Verdict::Fails(why) => Some(format!("{place} is down: {why}")),
            Verdict::Unknown(why) => Some(format!("{place} cannot be judged: {why}")),
        }
    });
    open.filter(|what| said.insert(what.clone())).collect()
}

/// Who may log in without TLS all the same, in words, each once; the server's own host is not named.
pub(super) fn exempt(after: &[Endpoint]) -> Vec<String> {
    let mut exempt: Vec<String> = Vec::new();
    for endpoint in after.iter().filter(|one| one.verdict == Verdict::TlsOnly) {
        for exemption in &endpoint.exemptions {
            let who = match exemption.kind {
                ExemptionKind::SameHost => continue,
                ExemptionKind::TrustedNetwork => "trusted network",
                ExemptionKind::HaProxy => "proxy",
                ExemptionKind::Filter => "filter",
            };
            let network = exemption.network.as_deref().unwrap_or_default();
            let whom = format!("{who} {network}");
            exempt.push(format!(
                "{} has an exemption for the {}: {}",
                endpoint.server,
                whom.trim_end(),
                exemption.detail
            ));
        }
    }
    exempt.sort();
    exempt.dedup();
    exempt
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Protocol;
    use crate::surface::TlsMode;
    use crate::version::{Range, Version};

    fn endpoint(service: &str, verdict: Verdict, versions: Range) -> Endpoint {
        Endpoint {
            server: Server::Postfix,
            service: service.to_owned(),
            protocol: Protocol::Smtp,
            address: "*".to_owned(),
            port: 587,
            tls: TlsMode::None,
            verdict,
            because: Vec::new(),
            tls_fault: None,
            exemptions: Vec::new(),
            assumed: Vec::new(),
            versions,
            log_name: String::new(),
        }
    }

    #[test]
    fn harm_is_seen_where_the_change_joins_ranges_of_releases() {
        let split = Version::new(2, 6);
        let old = Range {
            from: None,
            before: Some(split),
        };
        let new = Range {
            from: Some(split),
            before: None,
        };
        let before = [
            endpoint("a", Verdict::NoAuth, old),
            endpoint("a", Verdict::Cleartext, new),
            endpoint("b", Verdict::NoAuth, Range::ANY),
        ];
        let after = [
            endpoint("a", Verdict::NoAuth, old),
            endpoint("a", Verdict::TlsOnly, new),
            endpoint("b", Verdict::NoAuth, Range::ANY),
        ];
        assert!(harm(Server::Postfix, &before, &after).is_empty());
        let joined = [
            endpoint("a", Verdict::LockedOut, Range::ANY),
            endpoint("b", Verdict::LockedOut, Range::ANY),
        ];
        let harm = harm(Server::Postfix, &before, &joined);
        assert_eq!(
            harm,
            ["a on port 587: nobody could log in, since TLS cannot work there"]
        );
    }
}
