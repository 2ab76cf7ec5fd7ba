//! Shared files: what several servers read is changed for all of them, or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::edit::Edit;
use crate::surface::Server;
use crate::surface::server::Surface;

use super::{Change, Wish, harm, judge};

/// What one edit does, without the id that its file has for one server: from, to, and the new text.
type Splice = (usize, usize, Vec<u8>);

/// The splices in each file on the disk, behind links.
type Places = BTreeMap<PathBuf, BTreeSet<Splice>>;

/// Gives every server the changes that others make in the files it reads as well, and judges it again.
/// Where one would be harmed by them, nobody gets them, unless that is wished.
pub(super) fn agree(surfaces: &[Surface], mut changes: Vec<Change>, wish: &Wish) -> Vec<Change> {
    loop {
        let mut places = Places::new();
        for (surface, change) in surfaces.iter().zip(&changes) {
            for edit in &change.edits {
                let splice = (edit.span.start, edit.span.end, edit.text.clone());
                let at = surface.sources.place_on_disk(edit.span.file);
                places.entry(at.to_path_buf()).or_default().insert(splice);
            }
        }
        let mut refused: BTreeMap<PathBuf, String> = BTreeMap::new();
        for (surface, change) in surfaces.iter().zip(&mut changes) {
            let (edits, foreign) = with_foreign(surface, &change.edits, &places);
            if foreign.is_empty() {
                continue;
            }
            let after = judge(surface, &edits);
            let harmed = harmed(surface, &after);
            if harmed.is_empty() || wish.unsafe_fixes {
                *change = Change::of(surface, edits, after, wish).because(change);
                change.unsafe_because.extend(harmed);
            } else {
                let server = surface.root.shown.display().to_string();
                refused.extend(foreign.into_iter().map(|at| (at, server.clone())));
            }
        }
        if refused.is_empty() {
            return changes;
        }
        for (surface, change) in surfaces.iter().zip(&mut changes) {
            withdraw(surface, change, &refused, wish);
        }
    }
}

/// All edits for one server, and the files that others change without it.
fn with_foreign(surface: &Surface, own: &[Edit], places: &Places) -> (Vec<Edit>, Vec<PathBuf>) {
    let (mut edits, mut foreign) = (own.to_vec(), BTreeSet::new());
    let mut seen = BTreeSet::new();
    for file in surface.sources.ids() {
        let at = surface.sources.place_on_disk(file);
        let Some(splices) = places.get(at).filter(|_| seen.insert(at)) else {
            continue;
        };
        let mine: BTreeSet<Splice> = own
            .iter()
            .filter(|edit| surface.sources.place_on_disk(edit.span.file) == at)
            .map(|edit| (edit.span.start, edit.span.end, edit.text.clone()))
            .collect();
        for (start, end, text) in splices.difference(&mine) {
            let span = crate::source::Span::new(file, *start, *end);
            edits.push(Edit::replace(span, text.clone()));
            foreign.insert(at.to_path_buf());
        }
    }
    (edits, foreign.into_iter().collect())
}

fn harmed(surface: &Surface, after: &Surface) -> Vec<(Server, String)> {
    let mut harmed = Vec::new();
    for server in [Server::Postfix, Server::Dovecot] {
        let why = harm::harm(server, &surface.endpoints, &after.endpoints);
        harmed.extend(why.into_iter().map(|why| (server, why)));
    }
    harmed
}

/// Takes back what a change does in files that may not change; all of it, where the rest alone would do harm.
fn withdraw(
    surface: &Surface,
    change: &mut Change,
    refused: &BTreeMap<PathBuf, String>,
    wish: &Wish,
) {
    let mut kept = change.edits.clone();
    let mut why = Vec::new();
    kept.retain(|edit| {
        let at = surface.sources.place_on_disk(edit.span.file);
        let Some(server) = refused.get(at) else {
            return true;
        };
        why.push(format!(
            "{} is left as it is: {server} reads it as well, and there the change would shut people out",
            surface.sources.shown_path(edit.span.file).display()
        ));
        false
    });
    if why.is_empty() {
        return;
    }
    why.dedup();
    let mut after = judge(surface, &kept);
    if !harmed(surface, &after).is_empty() {
        kept.clear();
        after = judge(surface, &kept);
    }
    *change = Change::of(surface, kept, after, wish).because(change);
    change.left_as_is.extend(why);
}
