//! `plainsight diff`: what exactly do I change?

use std::collections::BTreeSet;
use std::env;
use std::path::{Component, Path, PathBuf};

use bstr::ByteVec;
use clap::Args;

use crate::fix::Change;
use crate::patch;
use crate::report;
use crate::report::screen::Screen;
use crate::surface::server::Surface;

use super::options::{ClientOptions, ServerOptions};
use super::wish::WishOptions;
use super::{Exit, Outcome};

const EXAMPLES: &str = "\
Examples:
  plainsight diff                      for the running machine
  plainsight diff mx1 | git apply
  plainsight diff --only dovecot --log /var/log/mail.log";

/// Arguments of `diff`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Server roots, postfix or dovecot directories, or repositories of many servers [default: the running machine]
    path: Vec<PathBuf>,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    wish: WishOptions,
    /// Print the way back: what turns the changed files into those that are here
    #[arg(long)]
    reverse: bool,
}

pub(super) fn run(arguments: &Arguments, screen: &Screen) -> Outcome {
    match answer(arguments, screen) {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

fn answer(arguments: &Arguments, screen: &Screen) -> Result<Outcome, Outcome> {
    let surfaces = arguments
        .server
        .surfaces(&arguments.path, &ClientOptions::default())?;
    let changes = arguments.wish.changes(&surfaces)?;
    let mut patch = Vec::new();
    let mut notes = Vec::new();
    let mut printed = BTreeSet::new();
    let base = base(&surfaces, &changes);
    for (surface, change) in surfaces.iter().zip(&changes) {
        for (file, after) in &change.files {
            let place = surface.sources.place_on_disk(*file);
            if !printed.insert(place) {
                continue;
            }
            let before = surface.sources.bytes(*file);
            let name = name_below(&base, place);
            patch.extend(match arguments.reverse {
                false => patch::unified(&name, before, after),
                true => patch::unified(&name, after, before),
            });
        }
        notes.extend(notes_of(surface, change));
    }
    if arguments.wish.refuses(&changes) {
        notes.push("something would stay open, so --strict prints no patch".to_owned());
        return Err(Outcome::trouble(notes));
    }
    if !patch.is_empty() && here() != base {
        let (base, word) = (base.display(), report::shell::path(&base));
        notes.push(format!(
            "the paths in the patch begin at {base}, so take it with `patch -d {word} -p1`"
        ));
    }
    let exit = match patch.is_empty() {
        true => Exit::Clean,
        false => Exit::Found,
    };
    let result = shown(&patch, screen)?;
    Ok(Outcome {
        exit,
        result,
        notes,
    })
}

/// The patch as it goes to the screen.
///
/// # Errors
/// Never, as long as there is memory.
pub(super) fn shown(patch: &[u8], screen: &Screen) -> Result<Vec<u8>, Outcome> {
    let mut shown = Vec::new();
    match report::patch::write(&mut shown, patch, screen) {
        Ok(()) => Ok(shown),
        Err(error) => Err(Outcome::trouble(vec![error.to_string()])),
    }
}

/// Where the paths of the patch begin: where the user stands, if all that changes lies below; at the top of the
/// repository around, if it lies there; else at `/`.
fn base(surfaces: &[Surface], changes: &[Change]) -> PathBuf {
    let here = here();
    let places = surfaces.iter().zip(changes).flat_map(|(surface, change)| {
        let files = change.files.iter();
        files.map(|(file, _)| {
            let is_relative = surface.sources.shown_path(*file).is_relative();
            (surface.sources.place_on_disk(*file), is_relative)
        })
    });
    let places: Vec<(&Path, bool)> = places.collect();
    let is_here = |(place, is_relative): &(&Path, bool)| *is_relative && place.starts_with(&here);
    if places.iter().all(is_here) {
        return here;
    }
    let repository = here.ancestors().find(|one| one.join(".git").exists());
    let repository =
        repository.filter(|top| places.iter().all(|(place, _)| place.starts_with(top)));
    repository.unwrap_or(Path::new("/")).to_path_buf()
}

fn here() -> PathBuf {
    let here = env::current_dir().and_then(|here| here.canonicalize());
    here.unwrap_or_else(|_| PathBuf::from("/"))
}

/// The path of a file in the patch, as `patch -p1` and `git apply` take it: neither follows a `..` or a link.
fn name_below(base: &Path, place: &Path) -> Vec<u8> {
    let below = place.strip_prefix(base).unwrap_or(place);
    let parts = below.components().filter_map(|part| match part {
        Component::Normal(name) => Some(Path::new(name)),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => {
            None
        }
    });
    <Vec<u8>>::from_path_lossy(&parts.collect::<PathBuf>()).into_owned()
}

/// The change to one server as a patch.
pub(super) fn patch(surface: &Surface, change: &Change) -> Vec<u8> {
    let mut text = Vec::new();
    let mut printed = BTreeSet::new();
    let base = base(std::slice::from_ref(surface), std::slice::from_ref(change));
    for (file, after) in &change.files {
        let place = surface.sources.place_on_disk(*file);
        if printed.insert(place) {
            let name = name_below(&base, place);
            text.extend(patch::unified(&name, surface.sources.bytes(*file), after));
        }
    }
    text
}

/// What the patch does not say by itself, each with the server it is about.
pub(super) fn notes_of(surface: &Surface, change: &Change) -> Vec<String> {
    let root = surface.root.shown.display();
    let links = change.files.iter().filter_map(|(file, _)| {
        let shown = surface.sources.shown_path(*file);
        let place = surface.sources.place_on_disk(*file);
        let is_link = std::fs::symlink_metadata(shown).is_ok_and(|meta| meta.is_symlink());
        is_link.then(|| {
            format!(
                "{} is a link, and {} changes",
                shown.display(),
                place.display()
            )
        })
    });
    let harm = change.unsafe_because.iter();
    let harm = harm.map(|(_, why)| format!("{root}: unsafe: {why}"));
    let open = change.left_open().chain(&change.exempt);
    let open = open.map(|what| format!("{root}: {what}"));
    harm.chain(open).chain(links).collect()
}

/// The path in the patch of a file that is no link.
pub(super) fn patch_name(shown: &Path) -> Vec<u8> {
    let place = shown.canonicalize().unwrap_or_else(|_| shown.to_path_buf());
    let here = here();
    let below = shown.is_relative() && place.starts_with(&here);
    name_below(if below { &here } else { Path::new("/") }, &place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bstr::ByteSlice;

    #[test]
    fn a_patch_names_no_parent_directory() {
        assert_eq!(patch_name(Path::new("src/../Cargo.toml")), b"Cargo.toml");
        assert_eq!(
            patch_name(Path::new("./etc/postfix/main.cf")),
            b"etc/postfix/main.cf"
        );
        let above = patch_name(Path::new(".."));
        assert!(!above.contains_str(".."), "{}", above.as_bstr());
    }
}
