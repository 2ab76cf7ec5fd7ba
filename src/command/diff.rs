//! `plainsight diff`: what exactly do I change?

use std::path::{Component, Path, PathBuf};

use clap::Args;

use crate::fix;
use crate::patch;
use crate::surface::server::Surface;

use super::options::{ClientOptions, ServerOptions};
use super::{Exit, Outcome};

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Server roots, postfix or dovecot directories, or repositories of many servers [default: the running machine]
    path: Vec<PathBuf>,
    #[command(flatten)]
    server: ServerOptions,
    /// Print also what may shut somebody out
    #[arg(long)]
    unsafe_fixes: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let surfaces = match arguments
        .server
        .surfaces(&arguments.path, &ClientOptions::default())
    {
        Ok(surfaces) => surfaces,
        Err(outcome) => return outcome,
    };
    let mut result = Vec::new();
    let mut notes = Vec::new();
    for surface in &surfaces {
        let change = fix::enforce(surface, arguments.unsafe_fixes);
        for (file, text) in &change.files {
            let name = patch_name(surface.sources.shown_path(*file));
            result.extend(patch::unified(&name, surface.sources.bytes(*file), text));
        }
        notes.extend(notes_of(surface, &change));
    }
    Outcome {
        exit: if result.is_empty() {
            Exit::Clean
        } else {
            Exit::Found
        },
        result,
        notes,
    }
}

/// What the patch does not say by itself, each with the server it is about.
fn notes_of(surface: &Surface, change: &fix::Change) -> Vec<String> {
    let root = surface.root.shown.display();
    let harm = change
        .unsafe_because
        .iter()
        .map(|why| format!("{root}: unsafe: {why}"));
    let open = change
        .left_open
        .iter()
        .map(|what| format!("{root}: {what}"));
    harm.chain(open).collect()
}

/// The path in the patch: from where the user stands, or from `/`, as `patch -p1` there takes it.
fn patch_name(shown: &Path) -> String {
    let parts = shown.components().filter(|part| {
        !matches!(
            part,
            Component::RootDir | Component::CurDir | Component::Prefix(_)
        )
    });
    let parts: Vec<_> = parts
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}
