//! `plainsight diff`: what exactly do I change?

use std::env;
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
        let change = fix::enforce(
            surface,
            &fix::Wish {
                unsafe_fixes: arguments.unsafe_fixes,
                ..fix::Wish::default()
            },
        );
        result.extend(patch(surface, &change));
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

/// The change to one server as a patch.
pub(super) fn patch(surface: &Surface, change: &fix::Change) -> Vec<u8> {
    let mut text = Vec::new();
    for (file, after) in &change.files {
        let name = patch_name(surface.sources.shown_path(*file));
        text.extend(patch::unified(&name, surface.sources.bytes(*file), after));
    }
    text
}

/// What the patch does not say by itself, each with the server it is about.
pub(super) fn notes_of(surface: &Surface, change: &fix::Change) -> Vec<String> {
    let root = surface.root.shown.display();
    let harm = change
        .unsafe_because
        .iter()
        .map(|(_, why)| format!("{root}: unsafe: {why}"));
    let open = change
        .left_open
        .iter()
        .map(|what| format!("{root}: {what}"));
    harm.chain(open).collect()
}

/// The path in the patch: from where the user stands, or from `/`, as `patch -p1` there takes it.
///
/// Neither `patch` nor `git apply` follows a `..`, so a path that has one is resolved first.
pub(super) fn patch_name(shown: &Path) -> String {
    let climbs = shown
        .components()
        .any(|part| matches!(part, Component::ParentDir));
    let resolved = if climbs { resolved(shown) } else { None };
    let shown = resolved.as_deref().unwrap_or(shown);
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

/// The path without `..`, from where the user stands if it lies below, else from `/`.
fn resolved(path: &Path) -> Option<PathBuf> {
    let full = path.canonicalize().ok()?;
    let here = env::current_dir().and_then(|here| here.canonicalize()).ok();
    let below = here.and_then(|here| full.strip_prefix(here).ok().map(Path::to_path_buf));
    Some(below.unwrap_or(full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_names_no_parent_directory() {
        assert_eq!(patch_name(Path::new("src/../Cargo.toml")), "Cargo.toml");
        assert_eq!(
            patch_name(Path::new("./etc/postfix/main.cf")),
            "etc/postfix/main.cf"
        );
        let above = patch_name(Path::new(".."));
        assert!(!above.contains(".."), "{above}");
    }
}
