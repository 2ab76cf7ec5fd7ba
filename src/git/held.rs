//! What a commit holds: its files and links, by the absolute paths at which they are checked out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::source::Way;

/// Links inside of what links lead to are followed this far, and no further than this many files.
const DEEPEST: usize = 8;
const MOST_FILES: usize = 65_536;

/// What stands at a path.
pub(super) enum Entry {
    /// A file, by the id of its content.
    File(Vec<u8>),
    /// A link, and what it says.
    Link(PathBuf),
}

/// What a commit holds.
pub(super) struct Held(pub(super) BTreeMap<PathBuf, Entry>);

impl Held {
    /// The files at or below a path, as the rest of their path and the id of their content, through all links.
    pub(super) fn files(&self, path: &Path) -> Vec<(PathBuf, &[u8])> {
        let mut files = Vec::new();
        self.collect(&self.follow(path), Path::new(""), 0, &mut files);
        files
    }

    fn collect<'h>(
        &'h self,
        place: &Path,
        named: &Path,
        depth: usize,
        files: &mut Vec<(PathBuf, &'h [u8])>,
    ) {
        let below = self.0.range(place.to_path_buf()..);
        for (path, entry) in below.take_while(|(path, _)| path.starts_with(place)) {
            if files.len() >= MOST_FILES {
                return;
            }
            let rest = path.strip_prefix(place).unwrap_or(path);
            let named = match rest.as_os_str().is_empty() {
                true => named.to_path_buf(),
                false => named.join(rest),
            };
            match entry {
                Entry::File(id) => files.push((named, id)),
                Entry::Link(_) => {
                    let target = self.follow(path);
                    // A link to a directory that holds it has no end.
                    if depth < DEEPEST && !path.starts_with(&target) {
                        self.collect(&target, &named, depth + 1, files);
                    }
                }
            }
        }
    }

    /// Where a path leads.
    fn follow(&self, path: &Path) -> PathBuf {
        let target = |place: &Path| match self.0.get(place)? {
            Entry::Link(target) => Some(target.clone()),
            Entry::File(_) => None,
        };
        Way::of(path, target).end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(links: &[(&str, &str)], files: &[&str]) -> Held {
        let links = links
            .iter()
            .map(|(path, target)| (Path::new("/r").join(path), Entry::Link(target.into())));
        let files = files.iter().map(|path| {
            (
                Path::new("/r").join(path),
                Entry::File(path.as_bytes().to_vec()),
            )
        });
        Held(links.chain(files).collect())
    }

    fn seen(held: &Held, path: &str) -> Vec<String> {
        let files = held.files(&Path::new("/r").join(path));
        let shown = files
            .iter()
            .map(|(name, id)| format!("{}={}", name.display(), String::from_utf8_lossy(id)));
        shown.collect()
    }

    #[test]
    fn links_lead_to_what_they_name() {
        let held = held(
            &[
                ("a/main.cf", "../shared/main.cf"),
                ("a/conf.d", "../shared/conf.d"),
                ("b", "a"),
                ("out", "../elsewhere"),
                ("root", "/etc"),
                ("whole", "/r/shared"),
            ],
            &["shared/main.cf", "shared/conf.d/x"],
        );
        let both = ["conf.d/x=shared/conf.d/x", "main.cf=shared/main.cf"];
        assert_eq!(seen(&held, "a"), both);
        assert_eq!(seen(&held, "b"), both);
        assert_eq!(seen(&held, "b/main.cf"), ["=shared/main.cf"]);
        assert!(seen(&held, "out").is_empty() && seen(&held, "root").is_empty());
        assert_eq!(seen(&held, "whole/main.cf"), ["=shared/main.cf"]);
    }

    #[test]
    fn links_in_a_circle_come_to_an_end() {
        let held = held(
            &[("a", "b"), ("b", "a"), ("c/up", ".."), ("c/self", ".")],
            &["c/x"],
        );
        assert!(seen(&held, "a").is_empty());
        assert_eq!(seen(&held, "c"), ["x=c/x"]);
    }
}
