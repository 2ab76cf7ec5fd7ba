//! A plan: what is to be written, worked out before anything is.

use std::fs;
use std::path::Path;

use crate::fix::Change;
use crate::patch::unified;
use crate::source::ReadError;
use crate::surface::Server;
use crate::surface::server::Surface;
use crate::transaction::{Store, Target};

use super::super::options::ClientOptions;
use super::super::{Outcome, diff};
use super::site::Site;
use super::{Arguments, trouble};

/// What is to be written.
pub(super) struct Plan {
    pub(super) targets: Vec<Target>,
    /// The same as a patch, for people.
    pub(super) patch: Vec<u8>,
    /// The servers that read these files.
    pub(super) servers: Vec<Server>,
    /// The change of which this is the way back.
    pub(super) reverts: Option<u32>,
    /// What was judged; nothing for a way back.
    surface: Option<Surface>,
}

impl Plan {
    /// The change that enforces TLS, judged.
    pub(super) fn change(
        arguments: &Arguments,
        site: &Site,
        notes: &mut Vec<String>,
    ) -> Result<Self, Outcome> {
        let surface = surface(arguments, site).map_err(Outcome::trouble)?;
        let surfaces = std::slice::from_ref(&surface);
        let changes = arguments.wish.changes(surfaces)?;
        let change = changes
            .first()
            .ok_or_else(|| trouble("there is no server"))?;
        notes.extend(diff::notes_of(&surface, change));
        if arguments.wish.refuses(&changes) {
            notes.push("something would stay open, so --strict writes nothing".to_owned());
            return Err(Outcome::trouble(std::mem::take(notes)));
        }
        let targets = targets(&surface, change)?;
        Ok(Self {
            patch: diff::patch(&surface, change),
            servers: servers(&surface, &targets),
            targets,
            reverts: None,
            surface: Some(surface),
        })
    }

    /// Whether every file that the verdicts rest on is still as it was read: people may have taken their time to answer.
    ///
    /// # Errors
    /// Names the file that is not.
    pub(super) fn still_stands(&self) -> Result<(), Outcome> {
        self.surface.as_ref().map_or(Ok(()), unchanged)
    }

    /// The way back from a change that was made: the last one, or that of this number.
    pub(super) fn way_back(
        arguments: &Arguments,
        site: &Site,
        store: Option<&Store>,
        id: Option<u32>,
    ) -> Result<Self, Outcome> {
        let nothing = || trouble("there is no change to revert");
        let store = store.ok_or_else(nothing)?;
        let id = match id {
            Some(id) => id,
            None => store.last().map_err(trouble)?.ok_or_else(nothing)?,
        };
        let mut targets = store.load(id).map_err(trouble)?;
        let mut patch = Vec::new();
        for target in &mut targets {
            std::mem::swap(&mut target.old, &mut target.new);
            let now = fs::read(&target.path)
                .map_err(|why| trouble(format!("{}: {why}", target.path.display())))?;
            if now != target.old {
                return Err(trouble(format!(
                    "{}: somebody has written to it since change {id} was made, so nothing is reverted; \
                     compare it with the copies in {}",
                    site.shown(&target.path).display(),
                    site.store().join(id.to_string()).display()
                )));
            }
            let name = diff::patch_name(&site.shown(&target.path));
            patch.extend(unified(&name, &target.old, &target.new));
        }
        // A configuration that was broken in the meantime can be reverted as well; then both servers are named.
        let servers = match surface(arguments, site) {
            Ok(surface) => servers(&surface, &targets),
            Err(_) => vec![Server::Postfix, Server::Dovecot],
        };
        Ok(Self {
            targets,
            patch,
            servers,
            reverts: Some(id),
            surface: None,
        })
    }
}

fn surface(arguments: &Arguments, site: &Site) -> Result<Surface, Vec<String>> {
    let client = ClientOptions::default();
    arguments.server.surface(site.root.clone(), &client)
}

/// Whether every file that the verdicts rest on is still as it was read.
fn unchanged(surface: &Surface) -> Result<(), Outcome> {
    let sources = &surface.sources;
    for file in sources.ids() {
        let same = match sources.tree().read(sources.daemon_path(file)) {
            Ok(now) => now == sources.bytes(file),
            Err(
                ReadError::Outside
                | ReadError::Missing
                | ReadError::NotAFile
                | ReadError::TooLarge
                | ReadError::Io(_),
            ) => false,
        };
        if !same {
            return Err(trouble(format!(
                "{}: changed since it was read, so nothing is written; run it again",
                sources.shown_path(file).display()
            )));
        }
    }
    Ok(())
}

/// The files behind the names: where a name is a link, the file that it leads to is changed and the link stays.
fn targets(surface: &Surface, change: &Change) -> Result<Vec<Target>, Outcome> {
    let mut targets: Vec<Target> = Vec::new();
    for (file, text) in &change.files {
        let shown = surface.sources.shown_path(*file);
        let path = fs::canonicalize(shown)
            .map_err(|why| trouble(format!("{}: {why}", shown.display())))?;
        if targets.iter().all(|target| target.path != path) {
            targets.push(Target {
                path,
                old: surface.sources.bytes(*file).to_vec(),
                new: text.clone(),
            });
        }
    }
    Ok(targets)
}

/// The servers that read these files.
fn servers(surface: &Surface, targets: &[Target]) -> Vec<Server> {
    let is_target = |path: &Path| {
        let real = fs::canonicalize(path);
        real.is_ok_and(|real| targets.iter().any(|target| target.path == real))
    };
    let postfix = surface.postfix.as_ref();
    let main = postfix.and_then(|config| Some(config.main.as_ref()?.file));
    let master = postfix.and_then(|config| Some(config.master.as_ref()?.file));
    let mut servers: Vec<Server> = surface
        .sources
        .ids()
        .filter(|&file| is_target(surface.sources.shown_path(file)))
        .map(|file| {
            if Some(file) == main || Some(file) == master {
                Server::Postfix
            } else {
                Server::Dovecot
            }
        })
        .collect();
    servers.sort();
    servers.dedup();
    servers
}
