//! A fix: the edits that let nobody log in without TLS, and what they leave open.
//!
//! `postfix` and `dovecot` beside this file find the definitions to change; here the result is judged before anyone sees it.

mod dovecot;
mod postfix;

use std::collections::BTreeMap;

use crate::edit::{self, Edit};
use crate::source::{FileId, Sources};
use crate::surface::server::Surface;
use crate::surface::{Endpoint, Server, Verdict};

/// The change to one server, proved by the same engine that judged it.
#[derive(Debug)]
pub struct Change {
    /// The new text of each file that changes.
    pub files: Vec<(FileId, Vec<u8>)>,
    /// The server as it is after the change.
    pub after: Surface,
    /// Why the change may shut somebody out, and at which server; nothing where it is safe.
    pub unsafe_because: Vec<(Server, String)>,
    /// What stays open after it.
    pub left_open: Vec<String>,
}

/// Works out the change that enforces TLS for both servers.
/// Without `unsafe_fixes`, a server that would be cut off for everybody is left as it is, and that is said.
pub fn enforce(surface: &Surface, unsafe_fixes: bool) -> Change {
    let wanted = [
        (Server::Postfix, postfix::enforce(surface)),
        (Server::Dovecot, dovecot::enforce(surface)),
    ];
    let mut edits: Vec<Edit> = wanted.iter().flat_map(|(_, edits)| edits.clone()).collect();
    let mut after = judge(surface, &edits);
    let mut left_open = Vec::new();
    let mut unsafe_because = Vec::new();
    for (server, wanted) in &wanted {
        let harm = harm(*server, &surface.endpoints, &after.endpoints);
        if harm.is_empty() || wanted.is_empty() {
            continue;
        }
        if !unsafe_fixes {
            edits.retain(|edit| !wanted.contains(edit));
            left_open.push(format!(
                "{server} is left as it is: the change would shut people out (--unsafe-fixes makes it all the same)"
            ));
        }
        unsafe_because.extend(harm.into_iter().map(|why| (*server, why)));
    }
    if !left_open.is_empty() {
        after = judge(surface, &edits);
    }
    left_open.extend(still_open(&after.endpoints));
    Change {
        files: texts(&surface.sources, &edits),
        after,
        unsafe_because,
        left_open,
    }
}

/// The server with these edits made.
fn judge(surface: &Surface, edits: &[Edit]) -> Surface {
    let sources = &surface.sources;
    let texts = texts(sources, edits);
    surface.with_texts(
        texts
            .into_iter()
            .map(|(file, text)| (sources.daemon_path(file).to_path_buf(), text)),
    )
}

/// The new text of each file that the edits change. A file whose edits overlap is a fault of ours and is left alone.
fn texts(sources: &Sources, edits: &[Edit]) -> Vec<(FileId, Vec<u8>)> {
    let mut by_file: BTreeMap<FileId, Vec<Edit>> = BTreeMap::new();
    for edit in edits {
        by_file
            .entry(edit.span.file)
            .or_default()
            .push(edit.clone());
    }
    by_file
        .into_iter()
        .filter_map(|(file, edits)| {
            let text = edit::apply(sources.bytes(file), &edits).ok()?;
            (text != sources.bytes(file)).then_some((file, text))
        })
        .collect()
}

/// The endpoints at which people can log in today and nobody could after the change.
/// They are told by name and release: a change may join or split the ranges of releases for which a verdict holds.
fn harm(server: Server, before: &[Endpoint], after: &[Endpoint]) -> Vec<String> {
    let mut harm = Vec::new();
    for is in after.iter().filter(|is| is.server == server) {
        let why = match &is.verdict {
            Verdict::LockedOut => "nobody could log in, since TLS cannot work there",
            Verdict::NoAuth => "no login would be possible there",
            Verdict::Fails(why) => why,
            Verdict::TlsOnly | Verdict::Cleartext | Verdict::Challenge | Verdict::Unknown(_) => {
                continue;
            }
        };
        let worked = before.iter().any(|was| {
            was.id() == is.id() && was.versions.meets(is.versions) && takes_logins(&was.verdict)
        });
        if worked {
            harm.push(format!("{} on port {}: {why}", is.service, is.port));
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

/// What is not enforced after the change, in words.
fn still_open(after: &[Endpoint]) -> Vec<String> {
    after
        .iter()
        .filter_map(|endpoint| {
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
        })
        .collect()
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
