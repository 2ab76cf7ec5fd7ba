//! A fix: the edits that let nobody log in without TLS, and what they leave open.
//!
//! `postfix` and `dovecot` beside this file find the definitions to change, `style` writes as the lines around do;
//! here the result is judged before anyone sees it, `harm` says whom it would shut out, and `shared` makes several
//! servers agree on the files that they have in common.

mod dovecot;
mod harm;
mod postfix;
mod shared;
mod style;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::edit::{self, Edit};
use crate::source::{FileId, Sources};
use crate::surface::server::Surface;
use crate::surface::{Endpoint, Server, Verdict};

/// What is asked of a change.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Change this server alone.
    pub only: Option<Server>,
    /// Close these endpoints alone, told by [`Endpoint::id`].
    pub endpoints: Option<BTreeSet<String>>,
    /// Make also what may shut somebody out.
    pub unsafe_fixes: bool,
    /// Put TLS on offer where it is off and a certificate is at hand.
    pub enable_tls: bool,
    /// Servers whose change would shut somebody out for a reason that no configuration tells, with the reason.
    pub harmful: Vec<(Server, String)>,
}

impl Wish {
    /// The whole change, whomever it may shut out.
    pub fn whole() -> Self {
        Self {
            unsafe_fixes: true,
            ..Self::default()
        }
    }

    fn means(&self, endpoint: &Endpoint) -> bool {
        let chosen = self.endpoints.as_ref();
        self.only.is_none_or(|only| only == endpoint.server)
            && chosen.is_none_or(|chosen| chosen.contains(&endpoint.id()))
    }
}

/// The change to one server, proved by the same engine that judged it.
#[derive(Debug)]
pub struct Change {
    /// What is replaced.
    pub edits: Vec<Edit>,
    /// The new text of each file that changes.
    pub files: Vec<(FileId, Vec<u8>)>,
    /// The server as it is after the change.
    pub after: Surface,
    /// Why the change may shut somebody out, and at which server; nothing where it is safe.
    pub unsafe_because: Vec<(Server, String)>,
    /// What it leaves alone although it is open, and why.
    pub left_as_is: Vec<String>,
    /// What stays open after it.
    pub still_open: Vec<String>,
    /// Who is exempt after it.
    pub exempt: Vec<String>,
}

impl Change {
    fn of(surface: &Surface, edits: Vec<Edit>, after: Surface, wish: &Wish) -> Self {
        let meant: Vec<Endpoint> = after
            .endpoints
            .iter()
            .filter(|endpoint| wish.means(endpoint))
            .cloned()
            .collect();
        Self {
            files: texts(&surface.sources, &edits),
            edits,
            unsafe_because: Vec::new(),
            left_as_is: Vec::new(),
            still_open: harm::still_open(&meant),
            exempt: harm::exempt(&meant),
            after,
        }
    }

    /// With the reasons of an earlier one.
    fn because(mut self, earlier: &Self) -> Self {
        self.unsafe_because.clone_from(&earlier.unsafe_because);
        self.left_as_is.clone_from(&earlier.left_as_is);
        self
    }

    /// Everything that is not closed by it.
    pub fn left_open(&self) -> impl Iterator<Item = &String> {
        self.left_as_is.iter().chain(&self.still_open)
    }
}

/// Works out the change that enforces TLS for both servers.
/// A server that would be cut off for everybody is left as it is, unless that is wished, and that is said.
pub fn enforce(surface: &Surface, wish: &Wish) -> Change {
    let proposals =
        [Server::Postfix, Server::Dovecot].map(|server| (server, propose(surface, server, wish)));
    let mut edits = Vec::new();
    for (_, proposal) in &proposals {
        edits.extend(proposal.edits.iter().cloned());
    }
    let after = judge(surface, &edits);
    let mut change = Change::of(surface, edits, after, wish);
    for (server, proposal) in proposals {
        let harm = proposal.harm.into_iter();
        change.unsafe_because.extend(harm.map(|why| (server, why)));
        change.left_as_is.extend(proposal.left_as_is);
    }
    change
}

/// Whether the whole change to one server would shut somebody out.
pub fn does_harm(surface: &Surface, server: Server) -> bool {
    !propose(surface, server, &Wish::whole()).harm.is_empty()
}

/// The changes to several servers, each with its own wish, which agree on the files that more than one of them reads.
pub fn agree(surfaces: &[Surface], changes: Vec<Change>, wish: &Wish) -> Vec<Change> {
    if surfaces.len() < 2 || changes.iter().all(|change| change.edits.is_empty()) {
        return changes;
    }
    shared::agree(surfaces, changes, wish)
}

/// What is to be done to one server.
#[derive(Default)]
struct Proposal {
    edits: Vec<Edit>,
    /// Whom it would shut out.
    harm: Vec<String>,
    /// What it leaves alone because of that, in words.
    left_as_is: Option<String>,
}

/// The edits for one server: the whole change if nobody is shut out, else what can be closed without harm.
fn propose(surface: &Surface, server: Server, wish: &Wish) -> Proposal {
    let is_open = match server {
        Server::Postfix => postfix::is_open,
        Server::Dovecot => dovecot::is_open,
    };
    let open: Vec<&Endpoint> = surface
        .endpoints
        .iter()
        .filter(|one| is_open(one))
        .collect();
    let meant: Vec<&Endpoint> = open.iter().copied().filter(|one| wish.means(one)).collect();
    if meant.is_empty() {
        return Proposal::default();
    }
    let harm_of = |edits: &[Edit]| {
        let after = endpoints_after(surface, server, edits);
        harm::harm(server, &surface.endpoints, &after)
    };
    let whole = if meant.len() == open.len() {
        everywhere(surface, server, wish, &harm_of)
    } else {
        some(surface, server, &meant, wish)
    };
    if whole.is_empty()
        || meant.iter().all(|one| is_down(one)) && !mends(surface, server, &meant, &whole)
    {
        return Proposal::default();
    }
    let mut harm = harm_of(&whole);
    if server == Server::Dovecot && dovecot::is_without_tls(surface) && !wish.enable_tls {
        harm.push(
            "TLS is off there, and the change turns it on (--enable-tls asks for that)".to_owned(),
        );
    }
    let known = wish.harmful.iter().filter(|(harmed, _)| *harmed == server);
    harm.extend(known.map(|(_, why)| why.clone()));
    if harm.is_empty() || wish.unsafe_fixes {
        return Proposal {
            edits: whole,
            harm,
            left_as_is: None,
        };
    }
    let mut part = Vec::new();
    if server == Server::Postfix && wish.harmful.iter().all(|(harmed, _)| *harmed != server) {
        for endpoint in &meant {
            let one = postfix::at(surface, endpoint, wish.enable_tls);
            let together = [part.as_slice(), one.as_slice()].concat();
            if harm_of(&together).is_empty() && closes(surface, endpoint, &one) {
                part = together;
            }
        }
    }
    let what = if part.is_empty() {
        format!("{server} is left as it is")
    } else {
        format!("a part of {server} is left as it is")
    };
    Proposal {
        edits: part,
        harm,
        left_as_is: Some(format!(
            "{what}: the change would shut people out (--unsafe-fixes makes it all the same)"
        )),
    }
}

const fn is_down(endpoint: &Endpoint) -> bool {
    matches!(endpoint.verdict, Verdict::Fails(_))
}

/// Whether one of these endpoints, all of which are down, comes up with these edits.
fn mends(surface: &Surface, server: Server, down: &[&Endpoint], edits: &[Edit]) -> bool {
    let ids: BTreeSet<String> = down.iter().map(|one| one.id()).collect();
    let after = endpoints_after(surface, server, edits);
    after
        .iter()
        .any(|one| !is_down(one) && ids.contains(&one.id()))
}

/// The whole change to a server. TLS is put on offer where that was asked for and helps.
fn everywhere(
    surface: &Surface,
    server: Server,
    wish: &Wish,
    harm_of: &dyn Fn(&[Edit]) -> Vec<String>,
) -> Vec<Edit> {
    match server {
        Server::Dovecot => dovecot::everywhere(surface),
        Server::Postfix => {
            let plain = postfix::everywhere(surface, false);
            if !wish.enable_tls {
                return plain;
            }
            let with_tls = postfix::everywhere(surface, true);
            if harm_of(&with_tls).len() < harm_of(&plain).len() {
                with_tls
            } else {
                plain
            }
        }
    }
}

/// The change to some endpoints of a server alone.
fn some(surface: &Surface, server: Server, meant: &[&Endpoint], wish: &Wish) -> Vec<Edit> {
    match server {
        Server::Dovecot => dovecot::at(surface, meant),
        Server::Postfix => {
            let each = meant.iter();
            each.flat_map(|endpoint| {
                let edits = postfix::at(surface, endpoint, wish.enable_tls);
                let helps = closes(surface, endpoint, &edits);
                edits.into_iter().filter(move |_| helps)
            })
            .collect()
        }
    }
}

/// Whether these edits close an endpoint of Postfix, at one release at least. An `-o` behind a stray word does nothing, and
/// would be added again and again.
fn closes(surface: &Surface, endpoint: &Endpoint, edits: &[Edit]) -> bool {
    let open = |endpoints: &[Endpoint]| {
        let here = endpoints.iter();
        here.filter(|one| one.is_at(endpoint) && postfix::is_open(one))
            .count()
    };
    let after = endpoints_after(surface, Server::Postfix, edits);
    open(&after) < open(&surface.endpoints)
}

/// Both servers with these edits made.
fn judge(surface: &Surface, edits: &[Edit]) -> Surface {
    surface.with_texts(texts_by_path(&surface.sources, edits))
}

/// The endpoints of one server with these edits made.
fn endpoints_after(surface: &Surface, server: Server, edits: &[Edit]) -> Vec<Endpoint> {
    surface.endpoints_with_texts(server, texts_by_path(&surface.sources, edits))
}

fn texts_by_path(sources: &Sources, edits: &[Edit]) -> impl Iterator<Item = (PathBuf, Vec<u8>)> {
    let texts = texts(sources, edits).into_iter();
    texts.map(|(file, text)| (sources.daemon_path(file).to_path_buf(), text))
}

/// The new text of each file that the edits change. A file whose edits overlap is a fault of ours and is left alone.
///
/// A file that the server reads by several names changes under all of them.
fn texts(sources: &Sources, edits: &[Edit]) -> Vec<(FileId, Vec<u8>)> {
    let mut by_place: BTreeMap<&Path, Vec<Edit>> = BTreeMap::new();
    for edit in edits {
        let place = sources.place_on_disk(edit.span.file);
        by_place.entry(place).or_default().push(edit.clone());
    }
    if by_place.is_empty() {
        return Vec::new();
    }
    sources
        .ids()
        .filter_map(|file| {
            let mut here = by_place.get(sources.place_on_disk(file))?.clone();
            for edit in &mut here {
                edit.span.file = file;
            }
            let text = edit::apply(sources.bytes(file), &here).ok()?;
            (text != sources.bytes(file)).then_some((file, text))
        })
        .collect()
}
